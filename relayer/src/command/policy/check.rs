//! `chassis policy check FILE`.

use std::path::{Path, PathBuf};

use chassis_verifier::{Mistake, Policy};
use serde::Serialize;

use crate::{
    asked::POLICY_LIMIT,
    inspect::read_text,
    render::{Cell, Document, Mark, Refusal, View},
};

pub(super) fn answer(file: &Path) -> Result<Checked, Refusal> {
    let text = read_text(file, POLICY_LIMIT)?;
    let (policy, mistakes) = match Policy::read(&text) {
        Ok(policy) => (Some(policy), Vec::new()),
        Err(mistakes) => (None, mistakes),
    };
    Ok(Checked {
        file: file.to_owned(),
        summary: policy.map(|policy| summary(&policy)),
        mistakes: mistakes.into_iter().map(Listed::from).collect(),
    })
}

/// What is wrong with a policy.
#[derive(Debug, Serialize)]
pub(super) struct Checked {
    #[serde(skip)]
    file: PathBuf,
    #[serde(skip)]
    summary: Option<String>,
    mistakes: Vec<Listed>,
}

#[derive(Debug, Serialize)]
struct Listed {
    line: Option<usize>,
    path: String,
    problem: String,
}

impl From<Mistake> for Listed {
    fn from(mistake: Mistake) -> Self {
        Self {
            line: mistake.line,
            path: mistake.path,
            problem: mistake.problem,
        }
    }
}

impl View for Checked {
    fn document(&self) -> Document {
        let file = self.file.display();
        if let Some(summary) = &self.summary {
            return Document::new().heading(format_args!("{file}: {summary}"));
        }
        let rows = self.mistakes.iter().map(|mistake| {
            let place = match mistake.line {
                Some(line) => format!("{file}:{line}"),
                None => file.to_string(),
            };
            vec![
                Cell::from(place),
                Cell::marked(&mistake.path, Mark::Name),
                Cell::from(&mistake.problem),
            ]
        });
        let mistakes = match self.mistakes.len() {
            1 => "1 mistake".to_owned(),
            number => format!("{number} mistakes"),
        };
        Document::new()
            .heading(format_args!("{file}: {mistakes}"))
            .table(&["where", "what", "problem"], rows.collect())
    }

    fn holds(&self) -> bool {
        self.mistakes.is_empty()
    }
}

fn summary(policy: &Policy) -> String {
    format!(
        "`{}`: {} provider(s), {} workload(s), {} host stack(s)",
        policy.name,
        policy.providers.len(),
        policy.workloads.len(),
        policy.hosts.len()
    )
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn checked(text: &str) -> Checked {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        answer(file.path()).unwrap()
    }

    #[test]
    fn all_mistakes_are_shown_with_their_lines() {
        let checked = checked("version = 2\nname = \"n\"\n\n[tcb]\nacepted = []\n");
        assert!(!checked.holds());
        let shown = checked.document().to_string();
        for part in ["2 mistakes", ":1", "version", ":5", "tcb.acepted"] {
            assert!(shown.contains(part), "{part} in {shown}");
        }
        let json = serde_json::to_value(&checked).unwrap();
        assert_eq!(json["mistakes"][1]["line"], 5);
        assert_eq!(json["mistakes"][1]["path"], "tcb.acepted");
    }

    #[test]
    fn a_good_policy_is_summed_up() {
        let checked = checked("version = 1\nname = \"n\"\n");
        assert!(checked.holds());
        assert!(checked.document().to_string().contains("`n`: 0 provider(s)"));
    }

    #[test]
    fn what_a_policy_says_reaches_no_terminal_unescaped() {
        let shown = checked("version = 1\nname = \"n\"\n\"a\\u001b[2Jb\" = 1\n")
            .document()
            .to_string();
        assert!(!shown.contains('\u{1b}') && shown.contains("\\u{1b}"), "{shown}");
    }
}
