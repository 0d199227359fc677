//! `chassis audit --reappraise`: everything that was ever posted, appraised again.

use serde::Serialize;

use super::{
    judge::VERIFIER,
    reappraise::{Finding, Reappraise, reappraised},
    source::Known,
};
use crate::{Error, render::Document};

/// Findings that are told one by one. There may be millions.
const MOST: usize = 100;

/// What came of it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Scan {
    /// Which version of the verifier appraised again.
    verifier: &'static str,
    as_posted: u64,
    #[serde(rename = "false")]
    lies: u64,
    cannot_be_said: u64,
    /// The first that are false, then the first of which it cannot be said.
    findings: Vec<Finding>,
}

impl Scan {
    pub(super) async fn of(reappraise: &Reappraise, known: &mut Known) -> Result<Self, Error> {
        let (mut as_posted, mut lies, mut cannot_be_said) = (0, 0, 0);
        let (mut findings, mut unsaid) = (Vec::new(), Vec::new());
        let see = |finding: Finding| {
            let (count, list) = if finding.answer.is_false() {
                (&mut lies, &mut findings)
            } else if finding.answer.is_said() {
                as_posted += 1;
                return;
            } else {
                (&mut cannot_be_said, &mut unsaid)
            };
            *count += 1;
            if list.len() < MOST {
                list.push(finding);
            }
        };
        reappraise.go(known, |_, _| true, see).await?;
        findings.append(&mut unsaid);
        Ok(Self {
            verifier: VERIFIER,
            as_posted,
            lies,
            cannot_be_said,
            findings,
        })
    }

    pub(super) fn is_clean(&self) -> bool {
        self.lies == 0
    }

    pub(super) fn is_said(&self) -> bool {
        self.cannot_be_said == 0
    }

    pub(super) fn document(&self) -> Document {
        let document = Document::new().heading("All that was posted").fields(vec![
            ("as posted", self.as_posted.into()),
            ("false", self.lies.into()),
            ("cannot be said", self.cannot_be_said.into()),
        ]);
        if self.findings.is_empty() {
            return document;
        }
        let document = document.then(reappraised(&self.findings, self.verifier));
        let told = self.findings.len() as u64;
        match (self.lies + self.cannot_be_said).saturating_sub(told) {
            0 => document,
            more => document.line(format_args!("and {more} more")),
        }
    }
}
