//! `chassis inspect bundle`: what a node sent, part by part.

mod content;
mod part;

use std::path::Path;

use chassis_verifier::{
    bundle::{Anchor, Bundle, Disclosure},
    consent_signer,
};
use serde::Serialize;

use super::input;
use crate::render::{Cell, Document, Mark, Refusal, View};
use part::{Part, parts};

/// A decoded bundle.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BundleView {
    kind: &'static str,
    digest: String,
    operator: String,
    /// Who signed the consent; none if the signature is not one.
    consent_signer: Option<String>,
    consented: bool,
    disclosure: Disclosure,
    anchor: Anchor,
    session_key_hash: String,
    parts: Vec<Part>,
}

pub(super) fn answer(file: &Path) -> Result<BundleView, Refusal> {
    let document = input::read(file, input::LIMIT)?;
    let bundle = Bundle::parse(&document, input::LIMIT)?;
    Ok(BundleView::of(&bundle))
}

impl BundleView {
    fn of(bundle: &Bundle) -> Self {
        let evidence = &bundle.evidence;
        let signer = consent_signer(bundle);
        Self {
            kind: "bundle",
            digest: bundle.digest.to_string(),
            operator: evidence.operator.to_string(),
            consent_signer: signer.map(|signer| signer.to_string()),
            consented: signer == Some(evidence.operator),
            disclosure: evidence.disclosure,
            anchor: evidence.anchor,
            session_key_hash: evidence.session_key_hash.to_string(),
            parts: parts(evidence),
        }
    }
}

impl View for BundleView {
    fn document(&self) -> Document {
        let signer = match &self.consent_signer {
            Some(_) if self.consented => Cell::marked("the operator", Mark::Good),
            Some(other) => Cell::marked(format!("{other}, NOT the operator"), Mark::Bad),
            None => Cell::marked("nobody: not a valid signature", Mark::Bad),
        };
        let Self { anchor, .. } = self;
        let disclosure = match self.disclosure {
            Disclosure::Public => "to everybody",
            Disclosure::Auditors => "to nobody over HTTP; it stays in relayers' archives",
        };
        let mut document = Document::new()
            .heading("Bundle, version 1")
            .fields(vec![
                ("evidence digest", (&self.digest).into()),
                ("operator", (&self.operator).into()),
                ("consent signed by", signer),
                ("shown", disclosure.into()),
                ("chain", anchor.chain_id.into()),
                ("registry", anchor.registry.into()),
                (
                    "block",
                    format!("{} {}", anchor.block_number, anchor.block_hash).into(),
                ),
                ("session key", (&self.session_key_hash).into()),
            ])
            .heading("Parts")
            .table(
                &["part", "bytes", "content"],
                self.parts.iter().map(Part::row).collect(),
            );
        for part in &self.parts {
            document = document.then(part.details());
        }
        document.line("Nothing above is verified: `chassis verify` appraises the bundle.")
    }
}
