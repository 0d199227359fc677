//! The parts of a bundle's evidence, each decoded as what it claims to be.

use chassis_verifier::{
    bundle::{Evidence, FurtherLogKind, IakCertification, Tee, Tpm},
    eventlog::ImaLog,
    tpm::Signature,
};
use serde::Serialize;

use super::{
    super::{
        ak_cert::AkCertView,
        ak_public::AkPublic,
        alliance_token::AllianceTokenView,
        certificate::Certificate,
        hcl_report::HclReportView,
        log::{Decoded, LogKind},
        poe::PoeView,
        quote::QuoteView,
        registrar::RegistrarView,
        tpm_attest::{Subject, TpmAttestView},
    },
    content::{Content, Ima, TpmSignature},
};
use crate::render::{Cell, Document, Mark, Refusal};

/// One part of the evidence.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Part {
    name: String,
    size: usize,
    #[serde(flatten)]
    content: Content,
}

/// All of them, in the bundle's order.
pub(super) fn parts(evidence: &Evidence) -> Vec<Part> {
    let Tee::Tdx {
        quote,
        ccel,
        hcl_report,
    } = &evidence.tee;
    let mut parts = vec![Part::new("TD quote", quote, |raw| {
        QuoteView::decode(raw, None).map(|view| Content::Quote(Box::new(view)))
    })];
    if let Some(ccel) = ccel {
        parts.push(Part::new("CCEL", ccel, log(LogKind::Ccel)));
    }
    if let Some(report) = hcl_report {
        parts.push(Part::new("HCL report", report, |raw| {
            HclReportView::decode(raw).map(|report| Content::HclReport(Box::new(report)))
        }));
    }
    if let Some(tpm) = &evidence.tpm {
        tpm_parts(tpm, &mut parts);
    }
    if let Some(poe) = &evidence.custody.poe {
        parts.push(Part::new("platform ownership endorsement", poe, |raw| {
            PoeView::decode(raw).map(|poe| Content::Poe(Box::new(poe)))
        }));
    }
    if let Some(token) = &evidence.custody.alliance_token {
        parts.push(Part::new("alliance token", token.as_bytes(), |_| {
            AllianceTokenView::decode(token).map(|token| Content::AllianceToken(Box::new(token)))
        }));
    }
    for further in &evidence.logs {
        let name = format!("further log ({:?})", further.kind);
        parts.push(match further.kind {
            FurtherLogKind::Tcg2 => Part::new(&name, &further.data, log(LogKind::Tpm)),
            FurtherLogKind::Ima => Part::new(&name, &further.data, |raw| {
                let records = ImaLog::parse(raw)?.records().len();
                Ok(Content::Ima(Ima { records }))
            }),
        });
    }
    parts
}

fn tpm_parts(tpm: &Tpm, parts: &mut Vec<Part>) {
    parts.push(Part::new("AK public area", &tpm.ak_public, |raw| {
        AkPublic::decode(raw).map(|ak| Content::AkPublic(Box::new(ak)))
    }));
    parts.push(Part::new("TPM quote", &tpm.attest, |raw| {
        TpmAttestView::decode(Subject::Pcrs, raw).map(|quote| Content::TpmQuote(Box::new(quote)))
    }));
    parts.push(Part::new("TPM signature", &tpm.signature, signature));
    if let Some(event_log) = &tpm.event_log {
        parts.push(Part::new("TPM event log", event_log, log(LogKind::Tpm)));
    }
    if let Some((leaf, intermediates)) = tpm.ak_certificates.split_first() {
        parts.push(Part::new("AK certificate", leaf, |der| {
            AkCertView::decode(der, 1).map(|certificate| Content::AkCertificate(Box::new(certificate)))
        }));
        for (index, intermediate) in intermediates.iter().enumerate() {
            parts.push(Part::new(
                &format!("intermediate {}", index + 1),
                intermediate,
                |der| Certificate::parse(der).map(|certificate| Content::Certificate(Box::new(certificate))),
            ));
        }
    }
    if let Some(certification) = &tpm.iak_certification {
        iak_parts(certification, parts);
    }
    if let Some(statement) = &tpm.registrar_statement {
        parts.push(Part::new("registrar statement", statement, |raw| {
            RegistrarView::decode(raw).map(|statement| Content::RegistrarStatement(Box::new(statement)))
        }));
    }
    if let Some(drtm_log) = &tpm.drtm_log {
        parts.push(Part::new("DRTM log", drtm_log, log(LogKind::Drtm)));
    }
}

fn iak_parts(certification: &IakCertification, parts: &mut Vec<Part>) {
    parts.push(Part::new("IAK public area", &certification.iak_public, |raw| {
        AkPublic::decode(raw).map(|iak| Content::AkPublic(Box::new(iak)))
    }));
    parts.push(Part::new("IAK's certification", &certification.attest, |raw| {
        TpmAttestView::decode(Subject::Key, raw).map(|attest| Content::TpmCertification(Box::new(attest)))
    }));
    parts.push(Part::new("IAK's signature", &certification.signature, signature));
}

fn signature(raw: &[u8]) -> Result<Content, Refusal> {
    let scheme = Signature::parse(raw)?.scheme().to_string();
    Ok(Content::TpmSignature(TpmSignature { scheme }))
}

fn log(kind: LogKind) -> impl Fn(&[u8]) -> Result<Content, Refusal> {
    move |bytes| Decoded::decode(kind, bytes).map(|log| Content::Log(Box::new(log)))
}

impl Part {
    fn new(name: &str, bytes: &[u8], decode: impl Fn(&[u8]) -> Result<Content, Refusal>) -> Self {
        Self {
            name: name.to_owned(),
            size: bytes.len(),
            content: decode(bytes).unwrap_or_else(|Refusal(problem)| Content::Problem(problem)),
        }
    }

    /// What the table of parts does not hold.
    pub(super) fn details(&self) -> Document {
        match &self.content {
            Content::Quote(quote) => Document::new().heading(&self.name).fields(quote.summary()),
            _ => Document::new(),
        }
    }

    /// Name, size and gist.
    pub(super) fn row(&self) -> Vec<Cell> {
        vec![
            Cell::marked(&self.name, Mark::Name),
            self.size.into(),
            self.content.gist(),
        ]
    }
}
