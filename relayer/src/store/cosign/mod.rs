//! Reports on their way to k signatures.

mod forget;
mod open;
mod queue;
mod record;
mod refused;
mod votes;

use alloy::primitives::{Address, B256};
use sqlx::Row as _;

pub use refused::{Lie, RefusedReport, SignedResult, TwoResults};

use super::{
    Row, Signing,
    row::{parse, unsigned},
};

/// A report that is about to be signed, with everything that must be written down first.
#[derive(Clone, Debug)]
pub struct NewReport {
    /// Its EIP-712 digest.
    pub hash: B256,
    /// ABI-encoded.
    pub report: Vec<u8>,
    /// Its manifest's hash.
    pub manifest: B256,
    /// Who proposed it.
    pub proposer: Address,
    /// That one's signature, if it is another relayer.
    pub proposers_signature: Option<[u8; 64]>,
    /// The relayer set it is for.
    pub set_id: u32,
    /// Unix seconds.
    pub issued_at: u64,
    /// Unix seconds.
    pub deadline: u64,
    /// Unix seconds.
    pub now: u64,
    /// What it carries, strictly ascending by evidence.
    pub items: Vec<NewItem>,
}

/// A bundle in such a report.
#[derive(Clone, Debug)]
pub struct NewItem {
    /// What names its appraisal, and the result.
    pub signing: Signing,
    /// Whom it is about.
    pub operator: Address,
    /// Whether everybody may see it.
    pub is_public: bool,
    /// What a grant is made of, JSON.
    pub fields: String,
}

/// A report that was signed and is not done with.
#[derive(Clone, Debug)]
pub struct OpenReport {
    /// Its EIP-712 digest.
    pub hash: B256,
    /// ABI-encoded.
    pub report: Vec<u8>,
    /// Its manifest's hash.
    pub manifest: B256,
    /// Who proposed it.
    pub proposer: Address,
    /// The relayer set it is for.
    pub set_id: u32,
    /// Unix seconds.
    pub issued_at: u64,
    /// Unix seconds.
    pub deadline: u64,
    /// Unix seconds.
    pub recorded_at: u64,
}

fn row_to_report(row: &Row) -> Result<OpenReport, sqlx::Error> {
    let report: alloy::primitives::Bytes = parse(row, "report")?;
    Ok(OpenReport {
        hash: parse(row, "hash")?,
        report: report.into(),
        manifest: parse(row, "archive")?,
        proposer: parse(row, "proposer")?,
        set_id: u32::try_from(row.try_get::<i64, _>("set_id")?).unwrap_or_default(),
        issued_at: unsigned(row, "issued_at")?,
        deadline: unsigned(row, "deadline")?,
        recorded_at: unsigned(row, "recorded_at")?,
    })
}
