//! `chassis inspect tpm-quote` and `tpm-certify`: what a TPM signed, and whether a given key signed it.

mod signature;

use std::path::PathBuf;

use chassis_verifier::tpm::{Attest, ClockInfo};
use serde::Serialize;

use super::{Common, input};
use crate::render::{Cell, Document, Mark, Refusal, View, text_of};
use signature::SignatureView;

/// What it should be about. A signature over something else is no good news.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) enum Subject {
    /// PCRs: `TPM2_Quote`.
    #[serde(rename = "tpm-quote")]
    Pcrs,
    /// Another key of the same TPM: `TPM2_Certify`, `TPM2_CertifyCreation`.
    #[serde(rename = "tpm-certify")]
    Key,
}

/// What `chassis inspect tpm-quote` and `tpm-certify` take.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct TpmAttestArgs {
    #[command(flatten)]
    common: Common,
    /// The signature (`TPMT_SIGNATURE`): verify it with the key of --ak.
    #[arg(long, value_name = "FILE", requires = "ak")]
    signature: Option<PathBuf>,
    /// The key that signed: its certificate (DER or PEM) or its public area (`TPMT_PUBLIC`).
    #[arg(long, value_name = "FILE", requires = "signature")]
    ak: Option<PathBuf>,
}

/// A decoded `TPMS_ATTEST`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TpmAttestView {
    kind: Subject,
    size: usize,
    attest: Attest,
    /// Why it is not about what it should be.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<SignatureView>,
}

impl TpmAttestArgs {
    pub(super) fn answer(&self, subject: Subject) -> Result<TpmAttestView, Refusal> {
        let file = input::read(&self.common.file, input::LIMIT)?;
        let raw = input::spelled(&file)?;
        let attest = without_length(&raw);
        let mut view = TpmAttestView::decode(subject, attest)?;
        if let (Some(signature), Some(ak)) = (&self.signature, &self.ak) {
            let signature = input::read(signature, input::LIMIT)?;
            let ak = input::read(ak, input::LIMIT)?;
            view.signature = Some(SignatureView::of(&signature, &ak, attest)?);
        }
        Ok(view)
    }
}

impl TpmAttestView {
    pub(super) fn decode(subject: Subject, bytes: &[u8]) -> Result<Self, Refusal> {
        let attest = Attest::parse(bytes)?;
        // Of what no TPM made nothing is known: random bytes are not worth a table.
        if let Err(problem) = attest.check_magic() {
            return Err(Refusal(format!("TPMS_ATTEST: magic at offset 0: {problem}")));
        }
        Ok(Self {
            kind: subject,
            size: bytes.len(),
            problem: subject.problem(&attest),
            attest,
            signature: None,
        })
    }

    /// What it covers, in words.
    pub(super) fn summary(&self) -> String {
        let attest = &self.attest;
        if let Some(problem) = &self.problem {
            problem.clone()
        } else if let Some(quote) = attest.quote() {
            let selections: Vec<_> = quote.selections.iter().map(ToString::to_string).collect();
            format!(
                "{}, extraData {}",
                selections.join("; "),
                hex::encode(&quote.extra_data)
            )
        } else {
            format!(
                "the key named {}",
                hex::encode(attest.certified_name().unwrap_or_default())
            )
        }
    }

    fn rows(&self) -> Vec<(&'static str, Cell)> {
        let attest = &self.attest;
        let kind = match attest.kind {
            Attest::QUOTE => "quote",
            Attest::CERTIFY => "certify",
            Attest::CREATION => "creation",
            _ => "not known here",
        };
        let kind = format!("0x{:04x} ({kind})", attest.kind);
        let mut rows = vec![
            ("magic", format!("0x{:08x}", attest.magic).into()),
            (
                "type",
                match &self.problem {
                    Some(problem) => Cell::marked(format_args!("{kind}: {problem}"), Mark::Bad),
                    None => kind.into(),
                },
            ),
        ];
        if let Some(quote) = attest.quote() {
            rows.extend(common(
                &quote.qualified_signer,
                &quote.extra_data,
                quote.clock,
                quote.firmware_version,
            ));
            let covered = quote.selections.iter();
            rows.extend(covered.map(|selection| ("covers PCRs", selection.into())));
            rows.push(("digest of PCRs", hex::encode(&quote.pcr_digest).into()));
        } else if let Some(key) = attest.certification() {
            rows.extend(common(
                &key.qualified_signer,
                &key.extra_data,
                key.clock,
                key.firmware_version,
            ));
            rows.push(("name of the key", hex::encode(&key.name).into()));
            rows.push(("qualified name", hex::encode(&key.qualified_name).into()));
        } else if let Some(key) = attest.creation() {
            rows.extend(common(
                &key.qualified_signer,
                &key.extra_data,
                key.clock,
                key.firmware_version,
            ));
            rows.push(("name of the key", hex::encode(&key.object_name).into()));
            rows.push(("digest of creation data", hex::encode(&key.creation_hash).into()));
        }
        rows
    }
}

impl Subject {
    fn problem(self, attest: &Attest) -> Option<String> {
        match self {
            Self::Pcrs => attest.check_kind().err().map(|problem| problem.to_string()),
            Self::Key if attest.certified_name().is_some() => None,
            Self::Key => Some("it certifies no key".into()),
        }
    }
}

/// What every attest carries.
fn common(
    qualified_signer: &[u8],
    extra_data: &[u8],
    clock: ClockInfo,
    firmware_version: u64,
) -> [(&'static str, Cell); 4] {
    let extra = match text_of(extra_data) {
        Some(text) => format!("{} (\"{text}\")", hex::encode(extra_data)),
        None if extra_data.is_empty() => "empty".to_owned(),
        None => hex::encode(extra_data),
    };
    let safe = if clock.safe { "" } else { ", clock not safe" };
    [
        ("qualified signer", hex::encode(qualified_signer).into()),
        ("extraData", extra.into()),
        (
            "clock",
            format!(
                "{} ms, {} resets, {} restarts{safe}",
                clock.clock, clock.reset_count, clock.restart_count
            )
            .into(),
        ),
        ("firmware version", format!("0x{firmware_version:016x}").into()),
    ]
}

impl View for TpmAttestView {
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
            .is_none_or(|signature| signature.verifies() && self.problem.is_none())
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
