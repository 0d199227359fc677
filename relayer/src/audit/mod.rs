//! `chassis audit`: is the registry what its log says?
//!
//! All logs are fetched, the whole state is rebuilt from them ([`crate::replay`]), and head and every slot are compared
//! with the registry's at the same finalized block. Nobody but the RPC endpoints is trusted, and of two neither alone.
//! Memory grows with what the registry stores, not with its log. All that looks into the history holds that, too: it grows
//! with batches and changes, not with renewals. A cache makes the next run read only what is new.

mod cache;
mod compare;
mod documents;
mod export;
mod judge;
mod progress;
mod proof;
mod reappraise;
mod report;
mod scan;
mod source;
mod timeline;
mod walk;
mod words;

use std::process::ExitCode;

use alloy::primitives::{Address, B256};
use clap::{Args, Subcommand};
use serde::Serialize;

use reappraise::Reappraise;
use scan::Scan;
use source::Source;

use crate::{
    Error,
    render::{Cell, Document, Format, Mark, Refusal, View, finish},
    replay::State,
    store::BlockRef,
};

pub use compare::Method;

/// Rebuild the registry from its log, and compare every slot with the registry. Or look into its history.
///
/// With --reappraise, everything ever posted is appraised again, too: it finds what is false without naming an operator.
///
/// Exit code 0: they are the same, and all is as posted; 1: they are not, or something is false; 2: no complete answer is
/// possible.
#[derive(Clone, Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Audit {
    #[command(subcommand)]
    part: Option<Part>,
    #[command(flatten)]
    source: Option<Source>,
    #[command(flatten)]
    reappraise: Reappraise,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What to look into.
#[derive(Clone, Debug, Subcommand)]
enum Part {
    Operator(timeline::OperatorQuestion),
    Platform(timeline::PlatformQuestion),
    Batch(timeline::BatchQuestion),
    Relayer(timeline::RelayerQuestion),
    Report(report::ReportQuestion),
    Export(export::ExportQuestion),
    Proof(proof::ProofQuestion),
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// The registry.
    pub registry: Address,
    /// Its chain.
    pub chain_id: u64,
    /// The last block that was compared.
    pub block: u64,
    /// Its hash.
    pub block_hash: B256,
    /// Whether head and every slot are the registry's.
    pub is_same: bool,
    /// How the slots were compared.
    pub compared: Option<Method>,
    /// What is different, the first first.
    pub differences: Vec<Difference>,
    /// The head that follows from the log.
    pub head: B256,
    /// Events in the log.
    pub events: u64,
    /// Batches posted.
    pub batches: u64,
    /// Operators ever granted, frozen or revoked.
    pub operators: usize,
    /// Platforms.
    pub platforms: usize,
    /// Slots that are not zero.
    pub slots: usize,
    /// What came of all that was ever posted, if that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    reappraised: Option<Scan>,
}

/// Something that is not as the log has it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// The last block after which all was the same, as far as that can be said.
    pub after: Option<u64>,
    /// The first block after which it was not.
    pub block: u64,
    /// The event, or the slot, and what is wrong with it.
    pub what: String,
}

impl Audit {
    /// Reads, compares and prints.
    pub fn run(self) -> ExitCode {
        match (self.part, self.source) {
            (Some(Part::Operator(question)), _) => question.run(),
            (Some(Part::Platform(question)), _) => question.run(),
            (Some(Part::Batch(question)), _) => question.run(),
            (Some(Part::Relayer(question)), _) => question.run(),
            (Some(Part::Report(question)), _) => question.run(),
            (Some(Part::Export(question)), _) => question.run(),
            (Some(Part::Proof(question)), _) => question.run(),
            (None, Some(source)) => finish(
                wait_for(audit(source, self.reappraise)),
                Format::from_switch(self.json),
            ),
            (None, None) => finish::<Verdict>(
                Err(Refusal("no registry and no RPC endpoint are given".into())),
                Format::from_switch(self.json),
            ),
        }
    }
}

async fn audit(source: Source, reappraise: Reappraise) -> Result<Verdict, Error> {
    if !reappraise.is_asked()? {
        return source.verdict().await;
    }
    let read = source.read().await?;
    let mut verdict = read.verdict.clone();
    // What the log does not tell truly need not be appraised.
    if verdict.is_same {
        let mut known = read.known(|_, _| {}).await?;
        verdict.reappraised = Some(Scan::of(&reappraise, &mut known).await?);
    }
    Ok(verdict)
}

/// Runs to the end, on this thread.
fn wait_for<T>(answer: impl Future<Output = Result<T, Error>>) -> Result<T, Refusal> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Refusal(format!("no runtime: {error}")))?;
    runtime
        .block_on(answer)
        .map_err(|error| Refusal(error.to_string()))
}

impl walk::Walk {
    fn verdict(&self, end: BlockRef, compared: Option<Method>, differences: Vec<Difference>) -> Verdict {
        let state: &State = self.state();
        Verdict {
            registry: self.registry(),
            chain_id: self.chain_id(),
            block: end.number,
            block_hash: end.hash,
            is_same: differences.is_empty(),
            compared,
            differences,
            head: state.head(),
            events: self.events(),
            batches: state.batches(),
            operators: state.operators().count(),
            platforms: state.platforms().count(),
            slots: state.slots().count(),
            reappraised: None,
        }
    }
}

impl View for Verdict {
    fn document(&self) -> Document {
        let verdict = if self.is_same {
            Cell::marked("the registry is what its log says", Mark::Good)
        } else {
            Cell::marked("the registry is NOT what its log says", Mark::Bad)
        };
        let compared = match self.compared {
            Some(Method::StorageRoot) => "all slots at once, by the storage root",
            Some(Method::SlotBySlot) => "every slot that the log tells of, one by one",
            None => "the head",
        };
        let document = Document::new().heading(self.registry).fields(vec![
            ("verdict", verdict),
            (
                "as of block",
                format!("{} ({})", self.block, self.block_hash).into(),
            ),
            ("compared", compared.into()),
            ("head", self.head.to_string().into()),
            ("events", self.events.to_string().into()),
            ("batches", self.batches.to_string().into()),
            ("operators", self.operators.to_string().into()),
            ("platforms", self.platforms.to_string().into()),
            ("slots", self.slots.to_string().into()),
        ]);
        let document = self.differences.iter().fold(document, |document, difference| {
            let since = difference
                .after
                .map_or(String::new(), |after| format!(" (the same up to {after})"));
            document.line(format!("block {}{since}: {}", difference.block, difference.what))
        });
        match &self.reappraised {
            Some(scan) => document.then(scan.document()),
            None => document,
        }
    }

    fn holds(&self) -> bool {
        self.is_same && self.reappraised.as_ref().is_none_or(Scan::is_clean)
    }

    fn is_said(&self) -> bool {
        self.reappraised.as_ref().is_none_or(Scan::is_said)
    }
}
