//! `chassis platform alias`.

use std::{path::PathBuf, process::ExitCode};

use alloy::primitives::B256;
use chassis_verifier::{
    bundle::{Bundle, DEFAULT_LIMIT, Tee},
    platform_id, sha256,
};
use clap::Args;
use dcap_qvl::{
    intel::{extract_cert_chain, parse_pck_extension},
    quote::Quote,
};
use serde::Serialize;
use x509_parser::{asn1_rs::oid, prelude::*};

use crate::{
    inspect::{certificates, read, spelled},
    render::{Document, Format, Refusal, View, finish},
};

#[derive(Clone, Debug, Args)]
pub struct Alias {
    /// A bundle, a TD quote (raw, hex or base64) or a PCK certificate (PEM or DER); `-` for standard input.
    file: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// The names. They are what the certificate says: nothing is verified here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Names {
    /// The registry's.
    platform_id: B256,
    /// The alliance's second generation: the PPID itself, hex.
    alliance: String,
    /// The alliance's first generation: SHA-256 of the SGX extension.
    alliance_first: String,
    /// dstack's: SHA-256 of the PPID.
    dstack: String,
    /// What a platform ownership endorsement names; machines of one package have none.
    platform_instance_id: Option<String>,
}

impl Alias {
    pub(super) fn run(self) -> ExitCode {
        let names = read(&self.file, DEFAULT_LIMIT).and_then(|bytes| Names::of(&pck(&bytes)?));
        finish(names, Format::from_switch(self.json))
    }
}

/// The PCK certificate in a file.
fn pck(bytes: &[u8]) -> Result<Vec<u8>, Refusal> {
    if bytes.trim_ascii_start().starts_with(b"{") {
        let bundle = Bundle::parse(bytes, DEFAULT_LIMIT)?;
        let Tee::Tdx { quote, .. } = bundle.evidence.tee;
        return leaf(&quote.0);
    }
    let bytes = spelled(bytes)?;
    // A quote begins with its version, 3 to 5; a certificate with a sequence or with `-----BEGIN`.
    if matches!(bytes.as_ref(), [3..=5, 0, ..]) {
        return leaf(&bytes);
    }
    Ok(certificates(&bytes)?.swap_remove(0)) // never empty
}

fn leaf(quote: &[u8]) -> Result<Vec<u8>, Refusal> {
    let refuse = |cause: anyhow::Error| Refusal(format!("the quote: {cause:#}"));
    let quote = Quote::parse(quote).map_err(refuse)?;
    let chain = extract_cert_chain(&quote).map_err(refuse)?;
    chain
        .into_iter()
        .next()
        .ok_or_else(|| Refusal("the quote carries no PCK certificate".into()))
}

impl Names {
    fn of(der: &[u8]) -> Result<Self, Refusal> {
        let refuse = |cause: String| Refusal(format!("the PCK certificate: {cause}"));
        let extension = parse_pck_extension(der).map_err(|cause| refuse(format!("{cause:#}")))?;
        let (_, certificate) = X509Certificate::from_der(der).map_err(|cause| refuse(cause.to_string()))?;
        let sgx = certificate
            .get_extension_unique(&oid!(1.2.840.113741.1.13.1))
            .map_err(|cause| refuse(cause.to_string()))?
            .ok_or_else(|| refuse("it has no SGX extension".into()))?;
        Ok(Self {
            platform_id: platform_id(&extension.ppid),
            alliance: hex::encode(&extension.ppid),
            alliance_first: hex::encode(sha256(sgx.value)),
            dstack: hex::encode(sha256(&extension.ppid)),
            platform_instance_id: extension.platform_instance_id.map(hex::encode),
        })
    }
}

impl View for Names {
    fn document(&self) -> Document {
        let instance = self.platform_instance_id.as_deref().unwrap_or("none");
        Document::new()
            .heading("One machine, by its names")
            .fields(vec![
                ("platform id (on chain)", self.platform_id.into()),
                ("alliance, PPID", (&self.alliance).into()),
                ("alliance, first generation", (&self.alliance_first).into()),
                ("dstack", (&self.dstack).into()),
                ("platform instance id (POE)", instance.into()),
            ])
            .line("as the certificate says; `chassis verify` says whether it is Intel's")
    }
}
