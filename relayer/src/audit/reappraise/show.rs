//! Findings, as tables.

use super::{
    super::{judge::Judgement, words::list},
    Answer, Finding,
};
use crate::render::{Cell, Document, Mark, date};

impl Answer {
    pub(in crate::audit) fn is_false(&self) -> bool {
        matches!(self, Self::Judged(Judgement::False(_)))
    }

    /// Whether it is an answer.
    pub(in crate::audit) fn is_said(&self) -> bool {
        matches!(self, Self::Judged(Judgement::False(_) | Judgement::True { .. }))
    }

    fn cell(&self) -> Cell {
        match self {
            Self::Judged(Judgement::True { .. }) => Cell::marked("as posted", Mark::Good),
            Self::Judged(Judgement::False(_)) => Cell::marked("FALSE", Mark::Bad),
            Self::Judged(Judgement::Unconsented { .. }) => "as posted, but this copy has no consent".into(),
            Self::Judged(Judgement::Unlike { .. }) => "another digest, no fault".into(),
            Self::Missing { missing } => missing.into(),
        }
    }
}

/// A line for each, and what is false at length.
pub(in crate::audit) fn reappraised(findings: &[Finding], verifier: &str) -> Document {
    let rows = findings.iter().map(|finding| {
        let (subject, digest) = finding.entry.subject();
        vec![
            finding.entry.batch().into(),
            date(finding.entry.time()).into(),
            subject.into(),
            digest.into(),
            finding.answer.cell(),
        ]
    });
    let document = Document::new()
        .heading(format_args!("Appraised again, by verifier {verifier}"))
        .table(&["batch", "time", "of", "posted", "answer"], rows.collect());
    findings.iter().fold(document, |document, finding| {
        let Answer::Judged(Judgement::False(found)) = &finding.answer else {
            return document;
        };
        let (subject, digest) = finding.entry.subject();
        let mut fields = vec![
            ("of", subject.into()),
            ("posted", digest.into()),
            ("signed by", Cell::marked(list(&finding.signers), Mark::Bad)),
        ];
        if let Some(evidence) = finding.evidence {
            fields.push(("evidence", evidence.into()));
        }
        if let Some(proof) = &finding.proof {
            fields.push(("proof", proof.into()));
        }
        document
            .heading(format_args!("False: batch {}", finding.entry.batch()))
            .fields(fields)
            .then(found.document())
    })
}
