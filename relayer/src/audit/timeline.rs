//! `chassis audit operator|platform|batch|relayer`: one subject's story.

mod answer;
mod show;

use std::process::ExitCode;

use alloy::primitives::{Address, B256};
use clap::Args;

use super::{
    reappraise::{Claim, Reappraise},
    source::Source,
    wait_for,
};
use crate::{
    Error,
    history::{Floor, Happening, What},
    render::{Format, date, finish, parse_time},
    replay::Subject,
};
use answer::Story;

/// What every question takes.
#[derive(Clone, Debug, Args)]
struct Common {
    #[command(flatten)]
    source: Source,
    /// What was true at this time, up to the last final block's: Unix seconds, or as `2026-06-30T08:47:13Z`.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    at: Option<u64>,
    #[command(flatten)]
    reappraise: Reappraise,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Tell an operator's story: grants, renewals, gaps, freezes, moves, levels, and who signed.
///
/// Exit code 0: told, and all that was appraised again is as posted; 1: something is false, or --at found it not attested;
/// 2: no complete answer is possible.
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

/// Show a relayer's set memberships and what it signed.
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
        let is_reappraised = self.reappraise.is_asked()?;
        let mut happenings = Vec::new();
        let see = |_: &_, happening: Happening| {
            // Renewals are many, and a span says what they come to.
            if topic.has(&happening) && (matches!(topic, Topic::Batch(_)) || !happening.is_renewal()) {
                happenings.push(happening);
            }
        };
        let mut known = self.source.known(see).await?;
        let last = known.time;
        if let Some(time) = self.at.filter(|time| *time > last) {
            return Err(Error::Question(format!(
                "what is true at {} is not known yet: the last final block, {}, is of {}",
                date(time),
                known.block,
                date(last)
            )));
        }
        let mut story = Story::new(&known, topic, self.at, happenings)?;
        if is_reappraised {
            let mut findings = Vec::new();
            let is_asked_about = |claim: &Claim, signers: &[Address]| topic.has_claim(claim, signers);
            self.reappraise
                .go(&mut known, is_asked_about, |finding| findings.push(finding))
                .await?;
            story.reappraised = Some(findings);
        }
        Ok(story)
    }
}

impl Topic {
    fn has(self, happening: &Happening) -> bool {
        match self {
            // Which of them concern its provider is known at the end.
            Self::Operator(operator) => {
                happening.is_about(Subject::Operator(operator)) || matches!(happening.what, What::Switched(_))
            }
            Self::Platform(id) => happening.is_about(Subject::Platform(id)),
            Self::Batch(number) => happening.batch == Some(number),
            Self::Relayer(relayer) => {
                matches!(&happening.what, What::Disabled { relayer: one, .. } if *one == relayer)
            }
        }
    }

    fn has_claim(self, claim: &Claim, signers: &[Address]) -> bool {
        match (self, claim) {
            (Self::Operator(operator), Claim::Attested(entry)) => entry.operator == operator,
            (Self::Operator(_), Claim::Entered(_)) => false,
            (Self::Platform(id), Claim::Attested(entry)) => entry.standing.platform == id,
            (Self::Platform(id), Claim::Entered(entrance)) => entrance.platform == id,
            (Self::Batch(number), claim) => claim.batch() == number,
            (Self::Relayer(relayer), _) => signers.contains(&relayer),
        }
    }
}

impl Happening {
    fn is_renewal(&self) -> bool {
        matches!(self.what, What::Renewed { .. })
    }
}

/// The floor that `isAttested(operator)` has.
const FLOOR: Floor = Floor::DEFAULT;
