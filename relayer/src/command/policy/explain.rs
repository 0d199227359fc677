//! `chassis policy explain BUNDLE --policy P`: which line of the policy decided.

use std::{path::Path, process::ExitCode};

use chassis_verifier::{Check, Outcome, Place, Places};
use clap::Args;
use serde::Serialize;

use crate::{
    asked::{Answered, Asked},
    render::{Cell, Document, Format, Mark, Refusal, View, finish},
    verify::outcome,
};

/// `chassis policy explain`.
#[derive(Clone, Debug, Args)]
pub struct Explain {
    #[command(flatten)]
    asked: Asked,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Explain {
    pub(super) fn run(self) -> ExitCode {
        finish(self.answer(), Format::from_switch(self.json))
    }

    fn answer(&self) -> Result<Explained, Refusal> {
        let answered = self.asked.answer()?;
        let places = Places::of(&answered.policy_text);
        let checks = &answered.appraisal.checks;
        Ok(Explained {
            checks: checks.iter().map(|check| Row::new(check, &places)).collect(),
            answered,
        })
    }
}

/// The checks of an appraisal, each with what decided it.
#[derive(Debug, Serialize)]
struct Explained {
    #[serde(skip)]
    answered: Answered,
    checks: Vec<Row>,
}

/// One check, without what it found.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    id: u16,
    name: &'static str,
    outcome: Outcome,
    #[serde(skip)]
    detail: String,
    decided_by: Decider,
}

/// What decided a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Decider {
    /// The program: no policy can decide otherwise.
    BuiltIn,
    /// An entry of the policy.
    Entry { path: String, line: usize },
    /// What holds where the policy says nothing of it.
    Default { path: String },
}

impl Row {
    fn new(check: &Check, places: &Places<'_>) -> Self {
        Self {
            id: check.id as u16,
            name: check.id.name(),
            outcome: check.outcome,
            detail: check.detail.clone(),
            decided_by: Decider::of(check, places),
        }
    }
}

impl Decider {
    fn of(check: &Check, places: &Places<'_>) -> Self {
        let Some(path) = check.rule.clone() else {
            return Self::BuiltIn;
        };
        match places.place(&path) {
            Place::Line(line) => Self::Entry { path, line },
            Place::Within(_) | Place::Nowhere => Self::Default { path },
        }
    }

    /// `policy.toml:41 tcb.accepted`.
    fn shown(&self, file: &Path) -> Cell {
        let file = file.display();
        match self {
            Self::BuiltIn => "built in".into(),
            Self::Entry { path, line } => Cell::marked(format_args!("{file}:{line} {path}"), Mark::Name),
            Self::Default { path } => format!("default (not in the file) {path}").into(),
        }
    }
}

impl View for Explained {
    fn document(&self) -> Document {
        let file = &self.answered.policy;
        let rows = self.checks.iter().map(|row| {
            vec![
                outcome(row.outcome),
                Cell::marked(format_args!("{} {}", row.id, row.name), Mark::Name),
                row.decided_by.shown(file),
                (&row.detail).into(),
            ]
        });
        self.answered
            .head()
            .table(&["", "check", "decided by", "found"], rows.collect())
    }

    fn holds(&self) -> bool {
        self.answered.appraisal.is_attestable()
    }
}

#[cfg(test)]
mod tests {
    use chassis_verifier::CheckId;

    use super::*;

    const POLICY: &str = "version = 1\nname = \"n\"\n\n[tcb]\naccepted = [\"UpToDate\"]\n";

    fn decider(rule: Option<&str>) -> Decider {
        let mut check = Check::pass(CheckId::TdTcb, "fine");
        check.rule = rule.map(str::to_owned);
        Decider::of(&check, &Places::of(POLICY))
    }

    fn shown(rule: Option<&str>) -> String {
        let cell = decider(rule).shown(Path::new("policy.toml"));
        Document::new().fields(vec![("by", cell)]).to_string()
    }

    #[test]
    fn an_entry_is_named_with_its_line() {
        let path = "tcb.accepted".to_owned();
        assert_eq!(decider(Some(&path)), Decider::Entry { path, line: 5 });
        assert!(shown(Some("tcb.accepted")).contains("policy.toml:5 tcb.accepted"));
    }

    #[test]
    fn what_the_file_does_not_say_is_a_default() {
        for path in ["tcb.min_evaluation_data_number", "max_evidence_age"] {
            assert_eq!(decider(Some(path)), Decider::Default { path: path.into() });
            assert!(shown(Some(path)).contains(&format!("default (not in the file) {path}")));
        }
    }

    #[test]
    fn what_no_policy_decides_is_built_in() {
        assert_eq!(decider(None), Decider::BuiltIn);
        assert!(shown(None).contains("built in"));
    }

    #[test]
    fn the_rule_of_a_check_is_what_by_names() {
        let check = Check::fail(CheckId::TdTcb, "old").by("tcb.accepted");
        let row = serde_json::to_value(Row::new(&check, &Places::of(POLICY))).unwrap();
        assert_eq!(
            row,
            serde_json::json!({
                "id": 102, "name": "td.tcb", "outcome": "fail",
                "decidedBy": {"kind": "entry", "path": "tcb.accepted", "line": 5},
            })
        );
    }
}
