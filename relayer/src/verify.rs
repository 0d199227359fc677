//! `chassis verify BUNDLE --policy P`: appraises a bundle off line, as every relayer does, and shows every check.

use std::{path::PathBuf, process::ExitCode};

use chassis_verifier::{
    AnchorClaim, Appraisal, Binding, Check, CustodyLevel, ENDORSEMENTS_LIMIT, Endorsements, Outcome, Policy,
    Question, appraise,
    bundle::{Bundle, DEFAULT_LIMIT},
};
use clap::Args;
use serde::{Serialize, Serializer};

use crate::{
    inspect::{now, read, read_text},
    render::{Cell, Document, Format, Mark, Refusal, View, date, finish},
};

const POLICY_LIMIT: usize = 4 << 20;

/// Appraise a bundle off line, and show every check.
///
/// Exit code 0: attestable; 1: not attestable; 2: something cannot be read, and one line says what.
#[derive(Clone, Debug, Args)]
pub struct Verify {
    /// The bundle; `-` for standard input.
    bundle: PathBuf,
    /// The appraisal policy (TOML).
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// The endorsement set (JSON): collateral, CRLs, the anchor as the signers saw it. Without it, whatever needs one fails.
    #[arg(long, value_name = "FILE")]
    endorsements: Option<PathBuf>,
    /// Appraise as of this time, Unix seconds. Now, if not given; to repeat an attestation, its `asOf`.
    #[arg(long, value_name = "UNIX")]
    at: Option<u64>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Verify {
    /// Appraises and prints.
    pub fn run(self) -> ExitCode {
        finish(self.answer(), Format::from_switch(self.json))
    }

    fn answer(&self) -> Result<Verified, Refusal> {
        let bundle = Bundle::parse(&read(&self.bundle, DEFAULT_LIMIT)?, DEFAULT_LIMIT)?;
        let policy = Policy::from_toml(&read_text(&self.policy, POLICY_LIMIT)?)?;
        let endorsements = match &self.endorsements {
            Some(path) => Endorsements::parse(&read(path, ENDORSEMENTS_LIMIT)?)?,
            None => nobody_endorses(),
        };
        let at = self.at.unwrap_or_else(now);
        Ok(Verified {
            appraisal: appraise(&bundle, &endorsements, &policy, at)?,
            operator: bundle.evidence.operator.to_string(),
            at,
            at_is_now: self.at.is_none(),
            endorsed: self.endorsements.is_some(),
        })
    }
}

/// A set that confirms nothing: its anchor is no bundle's.
fn nobody_endorses() -> Endorsements {
    Endorsements {
        version: 1,
        anchor: AnchorClaim {
            chain_id: 0,
            registry: alloy::primitives::Address::ZERO,
            number: 0,
            hash: alloy::primitives::B256::ZERO,
            timestamp: 0,
        },
        tdx_collateral: None,
        provider_crls: Vec::new(),
        host_registry: Vec::new(),
    }
}

/// An appraisal, and what it was asked with.
struct Verified {
    appraisal: Appraisal,
    operator: String,
    at: u64,
    at_is_now: bool,
    endorsed: bool,
}

impl Serialize for Verified {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.appraisal.serialize(serializer)
    }
}

impl View for Verified {
    fn document(&self) -> Document {
        let asked = if self.at_is_now {
            format!("as of now, {} (--at repeats an earlier appraisal)", date(self.at))
        } else {
            format!("as of {}", date(self.at))
        };
        let mut document = Document::new()
            .heading(format_args!("Appraisal of {}", self.operator))
            .line(asked);
        if !self.endorsed {
            document = document
                .line("without endorsements: nobody confirms the block, and there is no collateral to verify the quote with");
        }
        for question in Question::ALL {
            let rows: Vec<_> = self
                .appraisal
                .checks
                .iter()
                .filter(|check| check.id.question() == question)
                .map(row)
                .collect();
            document = document
                .heading(question.text())
                .table(&["", "check", "asks", "found"], rows);
        }
        document.then(self.verdict())
    }

    fn holds(&self) -> bool {
        self.appraisal.is_attestable()
    }
}

fn row(check: &Check) -> Vec<Cell> {
    let outcome = match check.outcome {
        Outcome::Pass => Cell::marked("pass", Mark::Good),
        Outcome::Fail => Cell::marked("FAIL", Mark::Bad),
        Outcome::NotApplicable => "n/a".into(),
    };
    vec![
        outcome,
        Cell::marked(
            format_args!("{} {}", check.id as u16, check.id.name()),
            Mark::Name,
        ),
        check.id.asks().into(),
        (&check.detail).into(),
    ]
}

impl Verified {
    fn verdict(&self) -> Document {
        let Appraisal { verdict, result, .. } = &self.appraisal;
        let failed = self.appraisal.failed().count();
        let attestable = match (self.holds(), failed) {
            (true, _) => Cell::marked("yes", Mark::Good),
            (false, 0) => Cell::marked("no: nothing is established", Mark::Bad),
            (false, 1) => Cell::marked("no: 1 check failed", Mark::Bad),
            (false, _) => Cell::marked(format_args!("no: {failed} checks failed"), Mark::Bad),
        };
        let operator_key = if verdict.key_in_td {
            "made and kept in the TD"
        } else {
            "anywhere"
        };
        Document::new().heading("Verdict").fields(vec![
            ("attestable", attestable),
            ("binding", binding(verdict.binding).into()),
            ("custody", custody(verdict.custody).into()),
            ("operator's key", operator_key.into()),
            ("TCB", tcb(verdict.tcb).into()),
            ("holds until", date(verdict.expiry).into()),
            ("custody until", date(verdict.custody_expiry).into()),
            ("platform", result.platformId.into()),
            ("instance", result.instanceId.into()),
            ("workload", result.workloadId.into()),
            ("evidence digest", result.evidenceDigest.into()),
            ("policy digest", result.policyDigest.into()),
            ("endorsements digest", result.endorsementsDigest.into()),
            ("digest", self.appraisal.digest().into()),
        ])
    }
}

fn binding(binding: Binding) -> &'static str {
    match binding {
        Binding::None => "None: not established",
        Binding::Quote => "Quote: a TD names the operator",
        Binding::VirtualTpm => "VirtualTpm: one virtual machine, TD and vTPM bound in both directions",
        Binding::Chassis => "Chassis: one machine, TD and discrete TPM",
    }
}

fn custody(custody: CustodyLevel) -> &'static str {
    match custody {
        CustodyLevel::None => "None: nobody says where this CPU is",
        CustodyLevel::Witnessed => "Witnessed: people checked",
        CustodyLevel::Automated => "Automated: the provider says this CPU is in its data center",
    }
}

/// The registry's numbering.
fn tcb(status: u8) -> &'static str {
    match status {
        1 => "UpToDate",
        2 => "SWHardeningNeeded",
        3 => "ConfigurationNeeded",
        4 => "ConfigurationAndSWHardeningNeeded",
        5 => "OutOfDate",
        6 => "OutOfDateConfigurationNeeded",
        _ => "no quote verified",
    }
}
