//! `chassis inspect registrar-statement`: which key a registrar says is in a host's TPM.

use std::path::Path;

use chassis_verifier::claims::RegistrarStatement;
use serde::Serialize;

use super::input;
use crate::render::{Cell, Document, Refusal, View, date};

/// A decoded statement.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RegistrarView {
    kind: &'static str,
    size: usize,
    /// The name to revoke it by.
    id: String,
    ak_name: String,
    ek_cert_hash: String,
    platform_id: String,
    provider: u16,
    zone: String,
    /// Unix seconds.
    not_after: u64,
}

pub(super) fn answer(file: &Path) -> Result<RegistrarView, Refusal> {
    RegistrarView::decode(&input::spelled(&input::read(file, input::LIMIT)?)?)
}

impl RegistrarView {
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Refusal> {
        let statement = RegistrarStatement::parse(bytes)?;
        let claims = statement.claims();
        Ok(Self {
            kind: "registrar-statement",
            size: bytes.len(),
            id: statement.id().to_string(),
            ak_name: hex::encode(claims.ak_name.0),
            ek_cert_hash: hex::encode(claims.ek_cert_hash),
            platform_id: claims.platform_id.to_string(),
            provider: claims.provider,
            zone: claims.zone.clone(),
            not_after: claims.not_after,
        })
    }

    /// Which key, and until when, in words.
    pub(super) fn summary(&self) -> String {
        format!(
            "provider {} has the key named {}, until {}",
            self.provider,
            self.ak_name,
            date(self.not_after)
        )
    }

    fn rows(&self) -> Vec<(&'static str, Cell)> {
        let zone = if self.zone.is_empty() {
            "not said"
        } else {
            &self.zone
        };
        vec![
            ("name of the AK", (&self.ak_name).into()),
            (
                "EK certificate",
                format!("{} (its SHA-256)", self.ek_cert_hash).into(),
            ),
            (
                "platform id",
                format!("{} (its name on chain)", self.platform_id).into(),
            ),
            ("provider", self.provider.into()),
            ("zone", zone.into()),
            ("valid until", date(self.not_after).into()),
            ("id", format!("{} (to revoke it by)", self.id).into()),
        ]
    }
}

impl View for RegistrarView {
    fn document(&self) -> Document {
        Document::new()
            .heading(format_args!("Registrar statement, {} bytes", self.size))
            .fields(self.rows())
            .line(
                "Not verified: who is a registrar is asked only against a policy's keys (`chassis verify`).",
            )
    }
}
