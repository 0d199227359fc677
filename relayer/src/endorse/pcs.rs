//! Intel's Provisioning Certification Service, version 4, and the PCCS that caches it: four answers make one collateral.
//!
//! Each answer is the document, its signature, and a header with the issuer's chain, URL-encoded PEM. Source: *Intel SGX
//! and TDX Provisioning Certification Service, API version 4*.

use chassis_verifier::td::CertifiedPlatform;
use dcap_qvl::QuoteCollateralV3;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::value::RawValue;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    Sources,
    cache::{Cache, Worth},
    client::Answer,
    signed,
};
use crate::Error;

/// Intel's own service, which has no `rootcacrl`.
const INTEL: &str = "https://api.trustedservices.intel.com";
const INTEL_ROOT_CRL: &str = "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der";

/// Where Intel's collateral comes from.
#[derive(Clone, Debug)]
pub(super) struct Pcs {
    base: String,
    root_crl: String,
    update: &'static str,
    /// DER.
    root: Vec<u8>,
}

impl Pcs {
    pub(super) fn new(base: &str, sources: &Sources, root: Vec<u8>) -> Self {
        let base = base.trim_end_matches('/').to_owned();
        let root_crl = sources.root_ca_crl.clone().unwrap_or_else(|| {
            if base.starts_with(INTEL) {
                INTEL_ROOT_CRL.to_owned()
            } else {
                format!("{base}/sgx/certification/v4/rootcacrl")
            }
        });
        Self {
            base,
            root_crl,
            update: sources.tcb_update.name(),
            root,
        }
    }

    /// Collateral for a platform, its parts verified and of it.
    pub(super) async fn collateral(
        &self,
        cache: &Cache,
        platform: &CertifiedPlatform,
    ) -> Result<QuoteCollateralV3, Error> {
        let (base, update, root) = (&self.base, self.update, &self.root[..]);
        let fmspc = hex::encode_upper(platform.fmspc);
        let ca = platform.ca;
        let pck_crl = format!("{base}/sgx/certification/v4/pckcrl?ca={ca}&encoding=der");
        let tcb = format!("{base}/tdx/certification/v4/tcb?fmspc={fmspc}&update={update}");
        let qe = format!("{base}/tdx/certification/v4/qe/identity?update={update}");
        let (pck_crl, root_crl, tcb, qe) = tokio::try_join!(
            cache.get("pck_crl", &pck_crl, |answer| {
                let chain = header(answer, PCK_CRL_CHAIN)?;
                signed::verify_crl(&der(answer)?, &chain, root, answer.fetched_at)
            }),
            cache.get("root_ca_crl", &self.root_crl, |answer| {
                signed::verify_root_crl(&der(answer)?, root, answer.fetched_at)
            }),
            cache.get("tcb_info", &tcb, |answer| {
                tcb_info(answer)?.check(root, answer.fetched_at, Some(&fmspc))
            }),
            cache.get("qe_identity", &qe, |answer| {
                qe_identity(answer)?.check(root, answer.fetched_at, None)
            }),
        )?;
        let whole = || {
            let (tcb, qe) = (tcb_info(&tcb)?, qe_identity(&qe)?);
            Ok(QuoteCollateralV3 {
                pck_crl_issuer_chain: header(&pck_crl, PCK_CRL_CHAIN)?,
                root_ca_crl: der(&root_crl)?,
                pck_crl: der(&pck_crl)?,
                tcb_info_issuer_chain: tcb.chain,
                tcb_info: tcb.text,
                tcb_info_signature: tcb.signature,
                qe_identity_issuer_chain: qe.chain,
                qe_identity: qe.text,
                qe_identity_signature: qe.signature,
                pck_certificate_chain: None,
            })
        };
        // What was kept has been read once.
        whole().map_err(|problem| Error::Endorsement {
            url: self.base.clone(),
            problem,
        })
    }
}

/// Checks collateral that came in one piece as if its parts had come from Intel.
pub(super) fn check_whole(answer: &Answer, root: &[u8], fmspc: &str) -> Result<Worth, String> {
    let collateral: QuoteCollateralV3 =
        serde_json::from_slice(&answer.body).map_err(|error| error.to_string())?;
    let at = answer.fetched_at;
    let tcb = Signed {
        id: "TDX",
        text: collateral.tcb_info,
        signature: collateral.tcb_info_signature,
        chain: collateral.tcb_info_issuer_chain,
    };
    let qe = Signed {
        id: "TD_QE",
        text: collateral.qe_identity,
        signature: collateral.qe_identity_signature,
        chain: collateral.qe_identity_issuer_chain,
    };
    let tcb = tcb.check(root, at, Some(fmspc))?;
    let others = [
        qe.check(root, at, None)?,
        signed::verify_crl(&collateral.pck_crl, &collateral.pck_crl_issuer_chain, root, at)?,
        signed::verify_root_crl(&collateral.root_ca_crl, root, at)?,
    ];
    let until = others.iter().map(|worth| worth.until).fold(tcb.until, u64::min);
    Ok(Worth { until, ..tcb })
}

/// A document of Intel's, its signature, and its issuer's chain in PEM.
#[derive(Debug)]
struct Signed {
    id: &'static str,
    /// The very bytes that are signed.
    text: String,
    signature: Vec<u8>,
    chain: String,
}

/// The header is `TCB-Info-Issuer-Chain`; version 3 said `SGX-TCB-Info-Issuer-Chain`.
fn tcb_info(answer: &Answer) -> Result<Signed, String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Document<'a> {
        #[serde(borrow)]
        tcb_info: &'a RawValue,
        signature: &'a str,
    }
    let document: Document<'_> = json(answer)?;
    let chain = header(answer, "tcb-info-issuer-chain")
        .or_else(|absent| header(answer, "sgx-tcb-info-issuer-chain").map_err(|_| absent))?;
    Signed::new("TDX", document.tcb_info, document.signature, chain)
}

fn qe_identity(answer: &Answer) -> Result<Signed, String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Document<'a> {
        #[serde(borrow)]
        enclave_identity: &'a RawValue,
        signature: &'a str,
    }
    let document: Document<'_> = json(answer)?;
    let chain = header(answer, "sgx-enclave-identity-issuer-chain")?;
    Signed::new("TD_QE", document.enclave_identity, document.signature, chain)
}

impl Signed {
    fn new(id: &'static str, text: &RawValue, signature: &str, chain: String) -> Result<Self, String> {
        Ok(Self {
            id,
            text: text.get().to_owned(),
            signature: hex::decode(signature).map_err(|error| format!("signature: {error}"))?,
            chain,
        })
    }

    /// Its signature, its kind, its platforms, its dates.
    fn check(&self, root: &[u8], at: u64, fmspc: Option<&str>) -> Result<Worth, String> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Head {
            id: String,
            fmspc: Option<String>,
            next_update: String,
            tcb_evaluation_data_number: u64,
        }
        signed::verify_message(&self.chain, root, at, self.text.as_bytes(), &self.signature)?;
        let head: Head = serde_json::from_str(&self.text).map_err(|error| error.to_string())?;
        if head.id != self.id {
            return Err(format!("it is about {}, not {}", head.id, self.id));
        }
        let about = head.fmspc.unwrap_or_default();
        if fmspc.is_some_and(|wanted| !about.eq_ignore_ascii_case(wanted)) {
            return Err(format!("it is about FMSPC {about}, another platform's"));
        }
        let until = OffsetDateTime::parse(&head.next_update, &Rfc3339)
            .map_err(|error| format!("nextUpdate: {error}"))?
            .unix_timestamp();
        let until = u64::try_from(until).unwrap_or(0);
        signed::in_date(until, at)?;
        Ok(Worth {
            until,
            number: head.tcb_evaluation_data_number,
        })
    }
}

fn json<'a, T: Deserialize<'a>>(answer: &'a Answer) -> Result<T, String> {
    present(answer)?;
    serde_json::from_slice(&answer.body).map_err(|error| format!("no JSON of Intel's: {error}"))
}

/// A CRL in DER. A PCCS hands out hex.
fn der(answer: &Answer) -> Result<Vec<u8>, String> {
    present(answer)?;
    match answer.body.first() {
        Some(0x30) if answer.body.get(1).is_some_and(|byte| *byte >= 0x80) => Ok(answer.body.to_vec()),
        _ => hex::decode(answer.body.trim_ascii()).map_err(|_| "neither DER nor hex".into()),
    }
}

fn present(answer: &Answer) -> Result<(), String> {
    if answer.is_absent() {
        return Err("status 404: Intel knows no such platform, or the URL is wrong".into());
    }
    Ok(())
}

fn header(answer: &Answer, name: &str) -> Result<String, String> {
    let value = answer
        .headers
        .get(name)
        .ok_or_else(|| format!("the header {name} is missing"))?;
    let text = percent_decode_str(value).decode_utf8();
    text.map(Into::into)
        .map_err(|_| format!("the header {name} is no text"))
}

const PCK_CRL_CHAIN: &str = "sgx-pck-crl-issuer-chain";
