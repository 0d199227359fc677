//! The parts of a bundle's evidence, each decoded as what it claims to be.

use chassis_verifier::bundle::{Evidence, Tee, Tpm};
use serde::Serialize;

use super::super::{
    ak_cert::AkCertView,
    ak_public::AkPublic,
    certificate::Certificate,
    log::{Decoded, LogKind},
    quote::QuoteView,
    tpm_quote::TpmQuoteView,
};
use crate::render::{Cell, Document, Mark, Refusal};

/// One part of the evidence.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Part {
    name: String,
    size: usize,
    /// Missing where the part is not taken apart here.
    #[serde(flatten)]
    content: Option<Content>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
enum Content {
    /// It cannot be read: why.
    Problem(String),
    Quote(Box<QuoteView>),
    Log(Box<Decoded>),
    AkPublic(Box<AkPublic>),
    TpmQuote(Box<TpmQuoteView>),
    AkCertificate(Box<AkCertView>),
    Certificate(Box<Certificate>),
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
        parts.push(Part::opaque("HCL report", report));
    }
    if let Some(tpm) = &evidence.tpm {
        tpm_parts(tpm, &mut parts);
    }
    if let Some(poe) = &evidence.custody.poe {
        parts.push(Part::opaque("platform ownership endorsement", poe));
    }
    if let Some(token) = &evidence.custody.alliance_token {
        parts.push(Part::opaque("alliance token", token.as_bytes()));
    }
    for further in &evidence.logs {
        parts.push(Part::opaque(
            &format!("further log ({:?})", further.kind),
            &further.data,
        ));
    }
    parts
}

fn tpm_parts(tpm: &Tpm, parts: &mut Vec<Part>) {
    parts.push(Part::new("AK public area", &tpm.ak_public, |raw| {
        AkPublic::decode(raw).map(|ak| Content::AkPublic(Box::new(ak)))
    }));
    parts.push(Part::new("TPM quote", &tpm.attest, |raw| {
        TpmQuoteView::decode(raw).map(|quote| Content::TpmQuote(Box::new(quote)))
    }));
    parts.push(Part::opaque("TPM signature", &tpm.signature));
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
    if let Some(statement) = &tpm.registrar_statement {
        parts.push(Part::opaque("registrar statement", statement));
    }
    if let Some(log) = &tpm.drtm_log {
        parts.push(Part::opaque("DRTM log", log));
    }
}

fn log(kind: LogKind) -> impl Fn(&[u8]) -> Result<Content, Refusal> {
    move |bytes| Decoded::decode(kind, bytes).map(|log| Content::Log(Box::new(log)))
}

impl Part {
    fn new(name: &str, bytes: &[u8], decode: impl Fn(&[u8]) -> Result<Content, Refusal>) -> Self {
        Self {
            name: name.to_owned(),
            size: bytes.len(),
            content: Some(decode(bytes).unwrap_or_else(|Refusal(problem)| Content::Problem(problem))),
        }
    }

    fn opaque(name: &str, bytes: &[u8]) -> Self {
        Self {
            name: name.to_owned(),
            size: bytes.len(),
            content: None,
        }
    }

    /// What the table of parts does not hold.
    pub(super) fn details(&self) -> Document {
        match &self.content {
            Some(Content::Quote(quote)) => Document::new().heading(&self.name).fields(quote.summary()),
            _ => Document::new(),
        }
    }

    /// Name, size and gist.
    pub(super) fn row(&self) -> Vec<Cell> {
        let content = match &self.content {
            None => "".into(),
            Some(Content::Problem(problem)) => Cell::marked(problem, Mark::Bad),
            Some(Content::Quote(_)) => "below".into(),
            Some(Content::Log(log)) => log.summary().into(),
            Some(Content::AkPublic(ak)) => ak.summary().into(),
            Some(Content::TpmQuote(quote)) => quote.summary().into(),
            Some(Content::AkCertificate(certificate)) => certificate.summary().into(),
            Some(Content::Certificate(certificate)) => format!(
                "{}, {}, {}",
                certificate.subject(),
                certificate.key(),
                certificate.validity()
            )
            .into(),
        };
        vec![Cell::marked(&self.name, Mark::Name), self.size.into(), content]
    }
}
