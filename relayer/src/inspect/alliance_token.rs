//! `chassis inspect alliance-token`: which machine an alliance says it has seen.

use std::path::Path;

use chassis_verifier::{claims::AllianceToken, platform_id};
use serde::Serialize;

use super::input;
use crate::render::{Cell, Document, Refusal, View, date};

/// A decoded token.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AllianceTokenView {
    kind: &'static str,
    size: usize,
    label: String,
    machine_id: String,
    /// The machine's name on chain, where the alliance names it by its PPID.
    platform_id: Option<String>,
    quote_hash: String,
    /// The key that it says signed it.
    key: String,
    /// Unix seconds.
    timestamp: u64,
}

pub(super) fn answer(file: &Path) -> Result<AllianceTokenView, Refusal> {
    AllianceTokenView::decode(input::read_text(file, input::LIMIT)?.trim_ascii())
}

impl AllianceTokenView {
    pub(super) fn decode(text: &str) -> Result<Self, Refusal> {
        let token = AllianceToken::parse(text)?;
        let machine = token.machine_id();
        Ok(Self {
            kind: "alliance-token",
            size: text.len(),
            label: token.label().to_owned(),
            machine_id: hex::encode(machine),
            platform_id: <[u8; 16]>::try_from(machine)
                .ok()
                .map(|ppid| platform_id(&ppid).to_string()),
            quote_hash: hex::encode(token.quote_hash()),
            key: hex::encode(token.key()),
            timestamp: token.timestamp(),
        })
    }

    /// Which machine, and when, in words.
    pub(super) fn summary(&self) -> String {
        format!(
            "machine {} (\"{}\"), {}",
            self.machine_id,
            self.label,
            date(self.timestamp)
        )
    }

    fn rows(&self) -> Vec<(&'static str, Cell)> {
        let (named_by, platform) = match &self.platform_id {
            Some(id) => ("the PPID", format!("{id} (its name on chain)")),
            None => ("SHA-256 of the SGX extension", "not said".to_owned()),
        };
        vec![
            ("machine id", format!("{} ({named_by})", self.machine_id).into()),
            ("platform id", platform.into()),
            ("label", (&self.label).into()),
            ("TD quote", format!("{} (its SHA-256)", self.quote_hash).into()),
            ("asked for", date(self.timestamp).into()),
            ("key", (&self.key).into()),
        ]
    }
}

impl View for AllianceTokenView {
    fn document(&self) -> Document {
        Document::new()
            .heading(format_args!("Alliance token, {} bytes", self.size))
            .fields(self.rows())
            .line("Not verified: whose keys count is asked only against a policy's alliances (`chassis verify`).")
    }
}
