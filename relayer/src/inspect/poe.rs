//! `chassis inspect poe`: who says that somebody owns a platform.

use std::path::Path;

use chassis_verifier::claims::Poe;
use serde::Serialize;

use super::{certificate::Certificate, input};
use crate::render::{Cell, Document, Refusal, View, date};

/// A decoded endorsement.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PoeView {
    kind: &'static str,
    size: usize,
    /// The name to revoke it by.
    id: String,
    owner: String,
    platform_instance_id: String,
    issuer: String,
    /// Unix seconds.
    not_before: u64,
    not_after: u64,
    #[serde(flatten)]
    certificate: Signer,
}

/// The issuer's certificate; or why it cannot be read.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
enum Signer {
    Certificate(Box<Certificate>),
    CertificateProblem(String),
}

pub(super) fn answer(file: &Path) -> Result<PoeView, Refusal> {
    PoeView::decode(&input::spelled(&input::read(file, input::LIMIT)?)?)
}

impl PoeView {
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Refusal> {
        let poe = Poe::parse(bytes)?;
        let (not_before, not_after) = poe.validity();
        Ok(Self {
            kind: "poe",
            size: bytes.len(),
            id: poe.id().to_string(),
            owner: poe.owner().to_owned(),
            platform_instance_id: hex::encode(poe.piid()),
            issuer: poe.issuer().to_owned(),
            not_before,
            not_after,
            certificate: match Certificate::parse(poe.certificate()) {
                Ok(certificate) => Signer::Certificate(Box::new(certificate)),
                Err(Refusal(problem)) => Signer::CertificateProblem(problem),
            },
        })
    }

    /// Whose platform, and until when, in words.
    pub(super) fn summary(&self) -> String {
        format!(
            "{} says that {} owns {}, until {}",
            self.issuer,
            self.owner,
            self.platform_instance_id,
            date(self.not_after)
        )
    }

    fn rows(&self) -> Vec<(&'static str, Cell)> {
        vec![
            ("owner", (&self.owner).into()),
            ("platform instance id", (&self.platform_instance_id).into()),
            ("valid from", date(self.not_before).into()),
            ("valid until", date(self.not_after).into()),
            ("issuer", (&self.issuer).into()),
            ("id", format!("{} (to revoke it by)", self.id).into()),
        ]
    }
}

impl Signer {
    fn rows(&self) -> Vec<(&'static str, Cell)> {
        match self {
            Self::Certificate(certificate) => vec![
                ("subject", certificate.subject().into()),
                ("key", certificate.key().into()),
                ("valid", certificate.validity().into()),
                ("SHA-256", certificate.fingerprint().into()),
            ],
            Self::CertificateProblem(problem) => vec![("not readable", problem.into())],
        }
    }
}

impl View for PoeView {
    fn document(&self) -> Document {
        Document::new()
            .heading(format_args!(
                "Platform ownership endorsement, {} bytes",
                self.size
            ))
            .fields(self.rows())
            .heading("Signing certificate")
            .fields(self.certificate.rows())
            .line(
                "Not verified: who may endorse is asked only against a policy's issuers (`chassis verify`).",
            )
    }
}
