//! `chassis audit operator|platform|batch|relayer`: one subject's story.

mod answer;
mod show;

use std::{path::PathBuf, process::ExitCode};

use alloy::primitives::{Address, B256};
use clap::Args;

use super::{
    proof,
    reappraise::{Answer, Entry, Finding, Reappraiser},
    source::{Known, Source},
    wait_for,
};
use crate::{
    Error,
    history::{Floor, Happening, History, What},
    render::{Format, finish},
    replay::Subject,
};
use answer::Story;

/// What every question takes.
#[derive(Clone, Debug, Args)]
struct Common {
    #[command(flatten)]
    source: Source,
    /// What was true at this time: Unix seconds, or as `2026-06-30T08:47:13Z`.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    at: Option<u64>,
    /// Appraise everything again that was posted, from the archived evidence and as of then, and compare.
    #[arg(long, requires = "archive")]
    reappraise: bool,
    /// Where the evidence is: a relayer's URL, or the folder of an archive. Of several, the first that has a document.
    #[arg(long, env = "CHASSIS_ARCHIVE", value_name = "URL|FOLDER")]
    archive: Vec<String>,
    /// Write a proof of each false attestation into this folder.
    #[arg(long, value_name = "FOLDER", requires = "reappraise")]
    proofs: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Tell an operator's story: grants, renewals, gaps, freezes, moves, levels, and who signed.
///
/// Exit code 0: told, and nothing that was appraised again is false; 1: something is, or --at found it not attested;
/// 2: it cannot be said.
#[derive(Clone, Debug, Args)]
pub(super) struct OperatorQuestion {
    /// Its address.
    operator: Address,
    #[command(flatten)]
    common: Common,
}

/// Tell a platform's story: whose it was, who vouched for it, who was on it.
///
/// Exit codes as `chassis audit operator`.
#[derive(Clone, Debug, Args)]
pub(super) struct PlatformQuestion {
    /// Its id, as the registry has it (`chassis platform alias` computes it).
    platform: B256,
    #[command(flatten)]
    common: Common,
}

/// Tell what a batch did, and who signed it.
///
/// Exit codes as `chassis audit operator`.
#[derive(Clone, Debug, Args)]
pub(super) struct BatchQuestion {
    /// Its number.
    batch: u64,
    #[command(flatten)]
    common: Common,
}

/// Tell in which sets a relayer was, and what it signed.
///
/// Exit codes as `chassis audit operator`.
#[derive(Clone, Debug, Args)]
pub(super) struct RelayerQuestion {
    /// Its address.
    relayer: Address,
    #[command(flatten)]
    common: Common,
}

/// Whom it is about.
#[derive(Clone, Copy, Debug)]
pub(super) enum Topic {
    Operator(Address),
    Platform(B256),
    Batch(u64),
    Relayer(Address),
}

impl OperatorQuestion {
    pub(super) fn run(self) -> ExitCode {
        self.common.run(Topic::Operator(self.operator))
    }
}

impl PlatformQuestion {
    pub(super) fn run(self) -> ExitCode {
        self.common.run(Topic::Platform(self.platform))
    }
}

impl BatchQuestion {
    pub(super) fn run(self) -> ExitCode {
        self.common.run(Topic::Batch(self.batch))
    }
}

impl RelayerQuestion {
    pub(super) fn run(self) -> ExitCode {
        self.common.run(Topic::Relayer(self.relayer))
    }
}

impl Common {
    fn run(self, topic: Topic) -> ExitCode {
        let format = Format::from_switch(self.json);
        finish(wait_for(self.story(topic)), format)
    }

    async fn story(self, topic: Topic) -> Result<Story, Error> {
        let (mut happenings, mut entries) = (Vec::new(), Vec::new());
        let is_reappraised = self.reappraise;
        let known = self
            .source
            .known(|history, happening| {
                // Renewals are many, and a span says what they come to.
                let entry = is_reappraised.then(|| Entry::of(history, &happening)).flatten();
                entries.extend(entry.filter(|entry| topic.has_entry(history, entry)));
                if topic.has(&happening) && (matches!(topic, Topic::Batch(_)) || !happening.is_renewal()) {
                    happenings.push(happening);
                }
            })
            .await?;
        let findings = findings(&known, &self.archive, entries, topic, self.proofs.as_deref()).await?;
        let time = self.at.unwrap_or(known.time);
        Story::new(&known, topic, time, self.at.is_some(), happenings, findings)
    }
}

/// Appraises entries again. A relayer's are those of the batches it signed, which are known now.
async fn findings(
    known: &Known,
    archives: &[String],
    entries: Vec<Entry>,
    topic: Topic,
    proofs: Option<&std::path::Path>,
) -> Result<Vec<Finding>, Error> {
    let mut reappraiser = Reappraiser::new(&known.chain, archives)?;
    let mut findings = Vec::new();
    for entry in entries {
        let Some(batch) = known.history.batch(entry.batch) else {
            continue;
        };
        let signers = known.history.signers(batch);
        if matches!(topic, Topic::Relayer(relayer) if !signers.contains(&relayer)) {
            continue;
        }
        let (answer, papers) = reappraiser.answer(&entry, batch).await?;
        let evidence = papers.as_ref().map(|papers| papers.item.evidence);
        let mut written = None;
        if let (Some(folder), Answer::Judged(super::judge::Judgement::False(_)), Some(papers)) =
            (proofs, &answer, papers)
        {
            written = Some(match proof::make(&known.chain, &entry, batch, papers).await? {
                Ok(proof) => proof.write(folder)?.display().to_string(),
                Err(why) => format!("none: {why}"),
            });
        }
        findings.push(Finding {
            entry,
            signers,
            evidence,
            answer,
            proof: written,
        });
    }
    Ok(findings)
}

impl Topic {
    fn has(self, happening: &Happening) -> bool {
        match self {
            Self::Operator(operator) => happening.is_about(Subject::Operator(operator)),
            Self::Platform(id) => happening.is_about(Subject::Platform(id)),
            Self::Batch(number) => happening.batch == Some(number),
            Self::Relayer(relayer) => {
                matches!(&happening.what, What::Disabled { relayer: one, .. } if *one == relayer)
            }
        }
    }

    fn has_entry(self, _: &History, entry: &Entry) -> bool {
        match self {
            Self::Operator(operator) => entry.operator == operator,
            Self::Platform(id) => entry.standing.platform == id,
            Self::Batch(number) => entry.batch == number,
            // The batch's own event, which says who signed, comes after its grants.
            Self::Relayer(_) => true,
        }
    }
}

impl Happening {
    fn is_renewal(&self) -> bool {
        matches!(self.what, What::Renewed { .. })
    }
}

/// Unix seconds, or RFC 3339.
pub(super) fn parse_time(text: &str) -> Result<u64, String> {
    if let Ok(seconds) = text.parse() {
        return Ok(seconds);
    }
    let format = &time::format_description::well_known::Rfc3339;
    let time = time::OffsetDateTime::parse(text, format)
        .map_err(|_| format!("`{text}` is neither Unix seconds nor a time as 2026-06-30T08:47:13Z"))?;
    u64::try_from(time.unix_timestamp()).map_err(|_| format!("`{text}` is before 1970"))
}

/// The floor that `isAttested(operator)` has.
const FLOOR: Floor = Floor::DEFAULT;
