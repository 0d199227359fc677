//! `chassis inspect tpm-quote`: what a TPM signed, and whether a given key signed it.

use std::path::PathBuf;

use chassis_verifier::tpm::{Attest, Signature};
use serde::Serialize;

use super::{Common, ak_public::signing_key, input};
use crate::render::{Cell, Document, Mark, Refusal, View, text_of};

/// What `chassis inspect tpm-quote` takes.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct TpmQuoteArgs {
    #[command(flatten)]
    common: Common,
    /// The signature (`TPMT_SIGNATURE`): verify it with the key of --ak.
    #[arg(long, value_name = "FILE", requires = "ak")]
    signature: Option<PathBuf>,
    /// The attestation key: its certificate (DER or PEM) or its public area (`TPMT_PUBLIC`).
    #[arg(long, value_name = "FILE", requires = "signature")]
    ak: Option<PathBuf>,
}

/// A decoded `TPMS_ATTEST`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TpmQuoteView {
    kind: &'static str,
    size: usize,
    attest: Attest,
    /// Why it is not a quote by a TPM.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<SignatureView>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SignatureView {
    scheme: String,
    key: String,
    verifies: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl TpmQuoteArgs {
    pub(super) fn answer(&self) -> Result<TpmQuoteView, Refusal> {
        let file = input::read(&self.common.file, input::LIMIT)?;
        let raw = input::spelled(&file)?;
        let attest = without_length(&raw);
        let mut view = TpmQuoteView::decode(attest)?;
        if let (Some(signature), Some(ak)) = (&self.signature, &self.ak) {
            let signature = input::read(signature, input::LIMIT)?;
            let ak = input::read(ak, input::LIMIT)?;
            view.signature = Some(SignatureView::of(&signature, &ak, attest)?);
        }
        Ok(view)
    }
}

impl TpmQuoteView {
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Refusal> {
        let attest = Attest::parse(bytes)?;
        // Of what no TPM made nothing is known: random bytes are not worth a table.
        if let Err(problem) = attest.check_magic() {
            return Err(Refusal(format!("TPMS_ATTEST: magic at offset 0: {problem}")));
        }
        Ok(Self {
            kind: "tpm-quote",
            size: bytes.len(),
            problem: attest.check_kind().err().map(|problem| problem.to_string()),
            attest,
            signature: None,
        })
    }

    /// What it covers, in words.
    pub(super) fn summary(&self) -> String {
        match (self.attest.quote(), &self.problem) {
            (Some(quote), _) => {
                let selections: Vec<_> = quote.selections.iter().map(ToString::to_string).collect();
                format!(
                    "{}, extraData {}",
                    selections.join("; "),
                    hex::encode(&quote.extra_data)
                )
            }
            (None, Some(problem)) => problem.clone(),
            (None, None) => "not a quote".to_owned(),
        }
    }

    fn rows(&self) -> Vec<(&'static str, Cell)> {
        let mut rows = vec![("magic", format!("0x{:08x}", self.attest.magic).into())];
        match &self.problem {
            Some(problem) => rows.push(("type", Cell::marked(problem, Mark::Bad))),
            None => rows.push(("type", format!("0x{:04x} (quote)", self.attest.kind).into())),
        }
        let Some(quote) = self.attest.quote() else {
            return rows;
        };
        let extra = match text_of(&quote.extra_data) {
            Some(text) => format!("{} (\"{text}\")", hex::encode(&quote.extra_data)),
            None if quote.extra_data.is_empty() => "empty".to_owned(),
            None => hex::encode(&quote.extra_data),
        };
        let clock = &quote.clock;
        let safe = if clock.safe { "" } else { ", clock not safe" };
        rows.extend([
            ("qualified signer", hex::encode(&quote.qualified_signer).into()),
            ("extraData", extra.into()),
            (
                "clock",
                format!(
                    "{} ms, {} resets, {} restarts{safe}",
                    clock.clock, clock.reset_count, clock.restart_count
                )
                .into(),
            ),
            (
                "firmware version",
                format!("0x{:016x}", quote.firmware_version).into(),
            ),
        ]);
        rows.extend(
            quote
                .selections
                .iter()
                .map(|selection| ("covers PCRs", selection.into())),
        );
        rows.push(("digest of PCRs", hex::encode(&quote.pcr_digest).into()));
        rows
    }
}

impl SignatureView {
    fn of(signature: &[u8], ak: &[u8], attest: &[u8]) -> Result<Self, Refusal> {
        let signature = Signature::parse(signature)?;
        let ak = signing_key(ak)?;
        let verified = signature.verify(&ak, attest);
        Ok(Self {
            scheme: signature.scheme().to_string(),
            key: ak.key.to_string(),
            verifies: verified.is_ok(),
            reason: verified.err().map(|fault| fault.to_string()),
        })
    }

    fn rows(&self) -> Vec<(&'static str, Cell)> {
        let verdict = match &self.reason {
            None => Cell::marked("yes", Mark::Good),
            Some(reason) => Cell::marked(format_args!("no: {reason}"), Mark::Bad),
        };
        vec![
            ("scheme", (&self.scheme).into()),
            ("key", (&self.key).into()),
            ("verifies", verdict),
        ]
    }
}

impl View for TpmQuoteView {
    fn document(&self) -> Document {
        let document = Document::new()
            .heading(format_args!("TPM attest, {} bytes", self.size))
            .fields(self.rows())
            .heading("Signature");
        match &self.signature {
            Some(signature) => document.fields(signature.rows()),
            None => document.line(
                "not verified: nothing above is authenticated (--signature FILE --ak FILE verifies it)",
            ),
        }
    }

    fn holds(&self) -> bool {
        self.signature
            .as_ref()
            .is_none_or(|signature| signature.verifies && self.problem.is_none())
    }
}

/// Some tools write a `TPM2B_ATTEST`: the same bytes after their length. The magic tells both apart.
fn without_length(bytes: &[u8]) -> &[u8] {
    match bytes.split_first_chunk::<2>() {
        Some((length, rest))
            if usize::from(u16::from_be_bytes(*length)) == rest.len()
                && rest.starts_with(&Attest::MAGIC.to_be_bytes()) =>
        {
            rest
        }
        _ => bytes,
    }
}
