//! Making the host's key known to the provider's registrar, which is done again whenever the host's stack changes and
//! before each statement ends.

use std::path::PathBuf;

use chassis_verifier::{
    Base64,
    challenge::AkName,
    claims::RegistrarStatement,
    host::{check_dynamic_pcrs, policy_digest},
    tpm::HashAlg,
};
use reqwest::{Client, Url};
use serde::{Serialize, de::DeserializeOwned};
use x509_parser::{certificate::X509Certificate, prelude::FromDer as _};

use super::{EnrolledKey, ak};
use crate::{
    CertificatePool, Error, http,
    registrar::protocol::{Challenge, ChallengeRequest, Problem, Statement, StatementRequest},
    tpm::Tpm,
};

/// Where TPM makers leave the certificate of the endorsement key on P-256 (TCG EK Credential Profile 2.5, §2.2.1.4).
const EK_CERTIFICATE: u32 = 0x01c0_000a;

/// How to enroll.
#[derive(Clone, Debug)]
pub struct Enroller {
    /// The host's TPM.
    pub tcti: String,
    /// The bank to seal the key to: the policy's choice.
    pub bank: HashAlg,
    /// The registrar's URL.
    pub registrar: String,
    /// The endorsement key's certificate, where the TPM has none in NV.
    pub ek_certificate: Option<PathBuf>,
    /// Certificates between the endorsement key's and its maker's root.
    pub ek_intermediates: CertificatePool,
}

/// Makes the key that is sealed to this host's launch as it is now, shows the registrar that it is in this TPM, and gives the
/// registrar's statement about it.
///
/// # Errors
/// If the host was not launched, its TPM has no certified endorsement key, or the registrar refuses.
pub async fn enrol(enroller: &Enroller) -> Result<EnrolledKey, Error> {
    let registrar = Registrar::new(&enroller.registrar)?;
    let ek_certificates = enroller.ek_certificates()?;
    let (template, ak_public) = enroller.key()?;
    let challenge: Challenge = registrar
        .ask(
            "challenges",
            &ChallengeRequest {
                ek_certificates,
                ak_public: ak_public.clone().into(),
            },
        )
        .await?;
    let secret = {
        let mut tpm = Tpm::open(&enroller.tcti)?;
        let key = tpm.create_endorsement_primary(&template)?;
        tpm.activate(&key, &challenge.credential_blob, &challenge.encrypted_secret)?
    };
    let answer: Statement = registrar
        .ask(
            "statements",
            &StatementRequest {
                challenge: challenge.id,
                secret: secret.into(),
            },
        )
        .await?;
    let stated = RegistrarStatement::parse(&answer.statement)?;
    if stated.claims().ak_name != AkName::of(&ak_public) {
        return Err(registrar.error("its statement is about another key"));
    }
    Ok(EnrolledKey {
        bank: enroller.bank,
        ak_public: ak_public.into(),
        statement: answer.statement,
    })
}

impl Enroller {
    /// Template and public area of the key for this launch.
    fn key(&self) -> Result<(Vec<u8>, Vec<u8>), Error> {
        let mut tpm = Tpm::open(&self.tcti)?;
        let pcrs = tpm.launch_pcrs(self.bank)?;
        let [pcr17, pcr18] = &pcrs[..] else {
            return Err(Error::unusable("PCR 17 and 18", "the TPM does not give both"));
        };
        check_dynamic_pcrs(self.bank, &pcr17.value, &pcr18.value)
            .map_err(|fault| Error::unusable("this host's launch", fault))?;
        let template = ak::template(&policy_digest(self.bank, &pcr17.value, &pcr18.value));
        let public = tpm.create_endorsement_primary(&template)?.public_bytes;
        Ok((template, public))
    }

    /// The endorsement key's certificate, and its issuers as far as they are known.
    fn ek_certificates(&self) -> Result<Vec<Base64>, Error> {
        let (mut der, what) = if let Some(path) = &self.ek_certificate {
            let der = std::fs::read(path).map_err(|source| Error::File {
                doing: "read the endorsement key's certificate",
                path: path.clone(),
                source,
                hint: "",
            })?;
            (der, path.display().to_string())
        } else {
            let what = format!("the endorsement key's certificate at NV 0x{EK_CERTIFICATE:08x}");
            let none = "there is none; get it from the TPM's maker and name it with --ek-certificate";
            let der = Tpm::open(&self.tcti)?.read_nv(EK_CERTIFICATE)?;
            (der.ok_or_else(|| Error::unusable(&what, none))?, what)
        };
        let padding = X509Certificate::from_der(&der)
            .map_err(|error| Error::unusable(what, error))?
            .0
            .len();
        der.truncate(der.len() - padding);
        Ok(self
            .ek_intermediates
            .chain(der)
            .into_iter()
            .map(Into::into)
            .collect())
    }
}

/// The registrar's HTTP interface.
struct Registrar {
    base: Url,
    client: Client,
}

impl Registrar {
    fn new(url: &str) -> Result<Self, Error> {
        let error = |problem| Error::Registrar {
            registrar: "of --registrar".to_owned(),
            problem,
            retryable: false,
        };
        Ok(Self {
            base: http::parse_url(&format!("{}/v1/", url.trim_end_matches('/'))).map_err(error)?,
            client: http::client().map_err(error)?,
        })
    }

    async fn ask<T: DeserializeOwned>(&self, path: &str, question: &impl Serialize) -> Result<T, Error> {
        let url = self
            .base
            .join(path)
            .map_err(|error| self.error(error.to_string()))?;
        let away = |problem| Error::Registrar {
            registrar: http::origin(&self.base),
            problem,
            retryable: true,
        };
        let answer = self.client.post(url).json(question).send().await;
        let answer = answer.map_err(|error| away(http::problem(error)))?;
        let status = answer.status();
        let body = http::body(answer).await.map_err(away)?;
        if !status.is_success() {
            let problem: Option<Problem> = serde_json::from_slice(&body).ok();
            let reason = problem.map_or_else(String::new, |problem| {
                format!(": {}", http::printable(&problem.error))
            });
            return Err(Error::Registrar {
                registrar: http::origin(&self.base),
                problem: format!("it answers HTTP {status}{reason}"),
                retryable: status.is_server_error() || status.as_u16() == 429,
            });
        }
        serde_json::from_slice(&body)
            .map_err(|error| self.error(format!("it answers something else: {error}")))
    }

    /// What is in an answer is the registrar's to choose, and comes to an operator's terminal.
    fn error(&self, problem: impl Into<String>) -> Error {
        Error::Registrar {
            registrar: http::origin(&self.base),
            problem: http::printable(&problem.into()),
            retryable: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::{Router, http::StatusCode};
    use serde_json::{Value, json};

    use super::*;

    #[tokio::test]
    async fn a_registrar_cannot_write_to_the_terminal() {
        let answer = json!({"error": "a\u{1b}[2J\u{202e}b"});
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(|| async { (StatusCode::FORBIDDEN, axum::Json(answer)) });
        tokio::spawn(async { axum::serve(listener, router).await });
        let registrar = Registrar::new(&url).unwrap();
        let asked = registrar.ask::<Statement>("statements", &Value::Null).await;
        let error = asked.map(|_| ()).unwrap_err().to_string();
        assert!(error.ends_with("403 Forbidden: a [2J b"), "{error:?}");
    }
}
