//! What is appraised off line: a bundle, under a policy, with endorsements, as of a time.

use std::path::PathBuf;

use alloy::primitives::{Address, B256};
use chassis_program::unix_now;
use chassis_verifier::{
    AnchorClaim, Appraisal, ENDORSEMENTS_LIMIT, Endorsements, Policy, appraise,
    bundle::{Bundle, DEFAULT_LIMIT},
};
use clap::Args;

use crate::{
    inspect::{read, read_text},
    render::{Document, Refusal, date, parse_time},
};

/// Largest policy read, in bytes.
pub(crate) const POLICY_LIMIT: usize = 4 << 20;

/// The inputs of an appraisal.
#[derive(Clone, Debug, Args)]
pub(crate) struct Asked {
    /// The bundle; `-` for standard input.
    bundle: PathBuf,
    /// The appraisal policy: TOML, or JSON as relayers serve it.
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// The endorsement set (JSON): collateral, CRLs, the anchor as the signers saw it. Without it, whatever needs one fails.
    #[arg(long, value_name = "FILE")]
    endorsements: Option<PathBuf>,
    /// Appraise as of this time: Unix seconds, or as `2026-06-30T08:47:13Z`. Default: now. To repeat an attestation, give its
    /// result's `asOf` (`GET /v1/results/0x…`).
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    at: Option<u64>,
}

/// An appraisal, and what it was asked with.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) appraisal: Appraisal,
    /// The policy's file, as the caller named it.
    pub(crate) policy: PathBuf,
    pub(crate) policy_text: String,
    operator: Address,
    at: u64,
    at_is_now: bool,
    endorsed: bool,
}

impl Asked {
    /// Reads the files and appraises.
    pub(crate) fn answer(&self) -> Result<Answered, Refusal> {
        let bundle = Bundle::parse(&read(&self.bundle, DEFAULT_LIMIT)?, DEFAULT_LIMIT)?;
        let policy_text = read_text(&self.policy, POLICY_LIMIT)?;
        let policy = Policy::from_toml(&policy_text)?;
        let endorsements = match &self.endorsements {
            Some(path) => Endorsements::parse(&read(path, ENDORSEMENTS_LIMIT)?)?,
            None => nobody_endorses(),
        };
        let at = self.at.unwrap_or_else(unix_now);
        Ok(Answered {
            appraisal: appraise(&bundle, &endorsements, &policy, at)?,
            policy: self.policy.clone(),
            policy_text,
            operator: bundle.evidence.operator,
            at,
            at_is_now: self.at.is_none(),
            endorsed: self.endorsements.is_some(),
        })
    }
}

impl Answered {
    /// Of whom, as of when, and with what: the head of whatever is shown of it.
    pub(crate) fn head(&self) -> Document {
        let asked = if self.at_is_now {
            format!("as of now, {} (--at repeats an earlier appraisal)", date(self.at))
        } else {
            format!("as of {}", date(self.at))
        };
        let document = Document::new()
            .heading(format_args!("Appraisal of {}", self.operator))
            .line(asked);
        if self.endorsed {
            return document;
        }
        document
            .line("without endorsements: nobody confirms the block, and there is no collateral to verify the quote with")
    }
}

/// A set that confirms nothing: its anchor is no bundle's.
fn nobody_endorses() -> Endorsements {
    Endorsements {
        version: 1,
        anchor: AnchorClaim {
            chain_id: 0,
            registry: Address::ZERO,
            number: 0,
            hash: B256::ZERO,
            timestamp: 0,
        },
        tdx_collateral: None,
        provider_crls: Vec::new(),
        host_registry: Vec::new(),
    }
}
