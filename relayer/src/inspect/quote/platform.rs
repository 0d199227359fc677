//! The machine, as the PCK certificate names it.

use chassis_verifier::platform_id;
use dcap_qvl::{
    intel::{PckExtension, extract_cert_chain, parse_pck_extension},
    quote::Quote,
};
use serde::Serialize;

use super::super::{certificate::Certificate, input};
use crate::render::Cell;

/// What the PCK certificate says; or why there is none to read.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Platform {
    /// Its Intel SGX extension.
    Known(Box<Pck>),
    /// The reason.
    Unknown {
        #[serde(rename = "pckProblem")]
        problem: String,
    },
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Pck {
    ppid: String,
    fmspc: String,
    pce_id: String,
    platform_instance_id: Option<String>,
    /// The platform's name on chain.
    platform_id: String,
    cpu_svn: String,
    pce_svn: u16,
    sgx_type: u64,
    dynamic_platform: Option<bool>,
    cached_keys: Option<bool>,
    smt_enabled: Option<bool>,
    #[serde(rename = "pckCertificate")]
    certificate: Option<Certificate>,
}

impl Platform {
    /// From the quote's own chain; from the collateral's (PEM) where the quote carries only an encrypted PPID.
    pub(super) fn of(quote: &Quote, collateral_chain: Option<&str>) -> Self {
        let chain = extract_cert_chain(quote).map_err(|cause| format!("{cause:#}"));
        let leaf = match (chain, collateral_chain) {
            (Ok(chain), _) => chain
                .into_iter()
                .next()
                .ok_or_else(|| "the quote's certificate chain is empty".to_owned()),
            (Err(_), Some(pem)) => input::certificates(pem.as_bytes())
                .map(|mut chain| chain.swap_remove(0))
                .map_err(|refusal| refusal.0),
            (Err(reason), None) => Err(reason),
        };
        match leaf.and_then(|leaf| Pck::of(&leaf)) {
            Ok(pck) => Self::Known(Box::new(pck)),
            Err(problem) => Self::Unknown { problem },
        }
    }

    pub(super) fn rows(&self) -> Vec<(&'static str, Cell)> {
        match self {
            Self::Known(pck) => pck.rows(),
            Self::Unknown { problem } => vec![("not readable", problem.into())],
        }
    }
}

impl Pck {
    fn of(der: &[u8]) -> Result<Self, String> {
        let PckExtension {
            ppid,
            cpu_svn,
            pce_svn,
            pce_id,
            fmspc,
            sgx_type,
            platform_instance_id,
            dynamic_platform,
            cached_keys,
            smt_enabled,
            ..
        } = parse_pck_extension(der).map_err(|cause| format!("{cause:#}"))?;
        Ok(Self {
            platform_id: platform_id(&ppid).to_string(),
            ppid: hex::encode(ppid),
            fmspc: hex::encode(fmspc),
            pce_id: hex::encode(pce_id),
            platform_instance_id: platform_instance_id.map(hex::encode),
            cpu_svn: hex::encode(cpu_svn),
            pce_svn,
            sgx_type,
            dynamic_platform,
            cached_keys,
            smt_enabled,
            certificate: Certificate::parse(der).ok(),
        })
    }

    fn rows(&self) -> Vec<(&'static str, Cell)> {
        let flag = |flag: Option<bool>| flag.map_or("not said", |set| if set { "yes" } else { "no" });
        let sgx_type = match self.sgx_type {
            0 => "0 (standard)".to_owned(),
            1 => "1 (scalable)".to_owned(),
            2 => "2 (scalable with integrity)".to_owned(),
            other => other.to_string(),
        };
        let instance = self.platform_instance_id.as_deref().unwrap_or("none");
        let mut rows = vec![
            ("PPID", (&self.ppid).into()),
            ("FMSPC", (&self.fmspc).into()),
            ("PCEID", (&self.pce_id).into()),
            ("platform instance id", instance.into()),
            (
                "platform id",
                format!("{} (its name on chain)", self.platform_id).into(),
            ),
            ("CPU SVN", (&self.cpu_svn).into()),
            ("PCE SVN", self.pce_svn.into()),
            ("SGX type", sgx_type.into()),
            ("dynamic platform", flag(self.dynamic_platform).into()),
            ("cached keys", flag(self.cached_keys).into()),
            ("SMT", flag(self.smt_enabled).into()),
        ];
        if let Some(certificate) = &self.certificate {
            rows.push(("certificate", certificate.subject().into()));
            rows.push(("valid", certificate.validity().into()));
        }
        rows
    }
}
