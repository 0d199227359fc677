//! `chassis verify BUNDLE --policy P`: appraises a bundle off line, as every relayer does, and shows every check.

use std::process::ExitCode;

use chassis_verifier::{Appraisal, Binding, Check, CustodyLevel, Outcome, Question, Verdict};
use clap::Args;
use serde::{Serialize, Serializer};

use crate::{
    asked::{Answered, Asked},
    ear::Ear,
    render::{Cell, Document, Format, Mark, Refusal, View, date, finish, finish_text},
};

/// Appraise a bundle off line, and show every check.
///
/// Exit code 0: attestable; 1: not attestable; 2: something cannot be read, and one line says what.
#[derive(Clone, Debug, Args)]
pub struct Verify {
    #[command(flatten)]
    asked: Option<Asked>,
    /// Print JSON, as `--schema` describes it.
    #[arg(long)]
    json: bool,
    /// Print the claims-set of an EAT Attestation Result (draft-ietf-rats-ear). It is not signed: the registry holds what
    /// relayers signed.
    #[arg(long, conflicts_with = "json")]
    ear: bool,
    /// Print the JSON Schema (2020-12) of what `--json` prints, and appraise nothing.
    #[arg(long, exclusive = true)]
    schema: bool,
}

/// JSON Schema (2020-12) of what `chassis verify --json` prints.
pub const SCHEMA: &str = include_str!("../schemas/appraisal.schema.json");

impl Verify {
    /// Appraises and prints.
    pub fn run(self) -> ExitCode {
        if self.schema {
            return finish_text(Ok(SCHEMA.to_owned()));
        }
        let answer = self
            .asked
            .ok_or_else(|| {
                Refusal("no bundle and no policy are given: `chassis verify BUNDLE --policy FILE`".into())
            })
            .and_then(|asked| asked.answer())
            .map(Verified);
        if self.ear {
            return finish(answer.map(Claims), Format::Json);
        }
        finish(answer, Format::from_switch(self.json))
    }
}

/// An appraisal, to be shown whole.
struct Verified(Answered);

impl Serialize for Verified {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.appraisal.serialize(serializer)
    }
}

/// The same as an attestation result.
struct Claims(Verified);

impl Serialize for Claims {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Ear::from(&self.0.0.appraisal).serialize(serializer)
    }
}

impl View for Claims {
    fn document(&self) -> Document {
        self.0.document()
    }

    fn holds(&self) -> bool {
        self.0.holds()
    }
}

impl View for Verified {
    fn document(&self) -> Document {
        let mut document = self.0.head();
        for question in Question::ALL {
            let rows: Vec<_> = self
                .0
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
        self.0.appraisal.is_attestable()
    }
}

fn row(check: &Check) -> Vec<Cell> {
    vec![
        outcome(check.outcome),
        Cell::marked(
            format_args!("{} {}", check.id as u16, check.id.name()),
            Mark::Name,
        ),
        check.id.asks().into(),
        (&check.detail).into(),
    ]
}

/// An outcome as every table of checks shows it.
pub(crate) fn outcome(outcome: Outcome) -> Cell {
    match outcome {
        Outcome::Pass => Cell::marked("pass", Mark::Good),
        Outcome::Fail => Cell::marked("FAIL", Mark::Bad),
        Outcome::NotApplicable => "n/a".into(),
    }
}

impl Verified {
    fn verdict(&self) -> Document {
        let Appraisal { verdict, result, .. } = &self.0.appraisal;
        let failed = self.0.appraisal.failed().count();
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
            ("custody until", custody_until(verdict)),
            ("platform", result.platformId.into()),
            ("instance", result.instanceId.into()),
            ("workload", result.workloadId.into()),
            ("evidence digest", result.evidenceDigest.into()),
            ("policy digest", result.policyDigest.into()),
            ("endorsements digest", result.endorsementsDigest.into()),
            ("digest", self.0.appraisal.digest().into()),
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

/// The verdict has an end even where there is no custody: the registry gives every platform's entry one.
fn custody_until(verdict: &Verdict) -> Cell {
    match verdict.custody {
        CustodyLevel::None => "-".into(),
        CustodyLevel::Witnessed | CustodyLevel::Automated => date(verdict.custody_expiry).into(),
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
