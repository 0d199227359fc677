//! `--reappraise`: what was posted, appraised again from the archive.

mod claim;
mod entrance;
mod papers;
mod show;
mod times;

use std::path::PathBuf;

use alloy::primitives::{Address, B256};
use clap::Args;
use serde::Serialize;

use super::{
    judge::{Evidence, Judgement, Posted, Search},
    progress::Progress,
    proof,
    source::Known,
};
use crate::{Error, chain::Chain, history::Batch};

pub(super) use claim::{Claim, Entry};
pub(super) use papers::{Archives, Papers, evidence, item};
pub(super) use show::reappraised;

use entrance::Shown;
use times::times;

/// What is appraised again, and with what.
#[derive(Clone, Debug, Args)]
pub(super) struct Reappraise {
    /// Appraise again what was posted, from the archived evidence and as of then, and compare. Takes --archive.
    #[arg(long = "reappraise")]
    is_asked: bool,
    /// Where the evidence is: a relayer's URL, which serves public bundles only, or an archive's folder. They are asked in this
    /// order.
    #[arg(
        long,
        env = "CHASSIS_ARCHIVE",
        value_name = "URL|FOLDER",
        hide_env_values = true
    )]
    archive: Vec<String>,
    /// Write a proof of each false attestation into this folder.
    #[arg(long, value_name = "FOLDER", requires = "is_asked")]
    proofs: Option<PathBuf>,
}

/// What became of a claim.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Finding {
    pub(super) entry: Claim,
    /// Who signed it.
    pub(super) signers: Vec<Address>,
    /// The evidence's digest, by the manifest.
    pub(super) evidence: Option<B256>,
    /// The answer.
    #[serde(flatten)]
    pub(super) answer: Answer,
    /// The proof's file, if one was written.
    pub(super) proof: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Answer {
    Judged(Judgement),
    /// Something is not to be had.
    Missing {
        missing: String,
    },
}

impl Reappraise {
    /// Whether it is asked for.
    ///
    /// # Errors
    /// If it is, and no archive is named.
    pub(super) fn is_asked(&self) -> Result<bool, Error> {
        if self.is_asked && self.archive.is_empty() {
            return Err(Error::Question(
                "--reappraise needs evidence: give --archive URL or FOLDER, or CHASSIS_ARCHIVE, or a file with `archives` \
                 as CHASSIS_DEPLOYMENT"
                    .into(),
            ));
        }
        Ok(self.is_asked)
    }

    /// Goes through the log once more and appraises what is asked about. In memory are the evidence of one claim, what
    /// happened in one range of the log, and the history, twice: it grows with batches and changes.
    pub(super) async fn go(
        &self,
        known: &mut Known,
        is_asked_about: impl Fn(&Claim, &[Address]) -> bool,
        mut see: impl FnMut(Finding),
    ) -> Result<(), Error> {
        let Known {
            chain,
            history,
            log,
            block,
            ..
        } = known;
        let mut judge = Reappraiser {
            chain,
            last: *block,
            archives: Archives::open(&self.archive)?,
            shown: Shown::default(),
        };
        let (mut progress, mut judged) = (Progress::default(), 0_u64);
        let mut again = log.again()?;
        while let Some(happenings) = again.next()? {
            let claims = happenings
                .iter()
                .filter_map(|happening| Claim::of(history, happening));
            for claim in claims {
                let Some(batch) = history.batch(claim.batch()) else {
                    continue;
                };
                let signers = history.signers(batch);
                if !is_asked_about(&claim, &signers) {
                    continue;
                }
                progress.say(format_args!(
                    "batch {} of {}, {judged} appraised again",
                    batch.number,
                    history.batches().len()
                ));
                see(judge
                    .finding(claim, batch, signers, self.proofs.as_deref())
                    .await?);
                judged += 1;
            }
        }
        Ok(())
    }
}

/// Appraises again.
struct Reappraiser<'a> {
    chain: &'a Chain,
    /// The last block that was read.
    last: u64,
    archives: Archives,
    /// What the evidence of the batch under way shows of platforms.
    shown: Shown,
}

impl Reappraiser<'_> {
    async fn finding(
        &mut self,
        claim: Claim,
        batch: &Batch,
        signers: Vec<Address>,
        proofs: Option<&std::path::Path>,
    ) -> Result<Finding, Error> {
        let (answer, papers) = match &claim {
            Claim::Attested(entry) => self.attested(entry, batch).await?,
            Claim::Entered(entrance) => (self.entered(entrance, batch).await?, None),
        };
        let evidence = papers.as_ref().map(|papers| papers.item.evidence);
        let mut written = None;
        if let (Some(folder), Answer::Judged(Judgement::False(found))) = (proofs, &answer) {
            written = Some(match (&claim, papers) {
                (Claim::Attested(entry), Some(papers)) => {
                    let found = found.clone();
                    match proof::make(self.chain, entry, batch, &signers, papers, found).await {
                        Ok(proof) => proof.write(folder)?.display().to_string(),
                        Err(Error::Rpc(problem)) => format!("none: RPC: {problem}"),
                        Err(error) => return Err(error),
                    }
                }
                _ => "none: it takes all evidence of the batch; let others run this audit themselves".into(),
            });
        }
        Ok(Finding {
            entry: claim,
            signers,
            evidence,
            answer,
            proof: written,
        })
    }

    /// What the evidence behind an entry says, and the documents if they could be had.
    async fn attested(&mut self, entry: &Entry, batch: &Batch) -> Result<(Answer, Option<Papers>), Error> {
        let missing = |missing| Answer::Missing { missing };
        let items = match self.archives.items(batch).await {
            Ok(items) => items,
            Err(why) => return Ok((missing(why), None)),
        };
        let Some(item) = items.into_iter().find(|item| item.result == entry.digest) else {
            let why = format!("manifest {} does not name {}", batch.manifest, entry.digest);
            return Ok((missing(why), None));
        };
        let papers = match self.archives.papers(batch, item).await {
            Ok(papers) => papers,
            Err(why) => return Ok((missing(why), None)),
        };
        let answer = async {
            match evidence(&papers, self.chain, self.last).await? {
                Ok(evidence) => judged(self.chain, &entry.posted(batch), batch, &evidence).await,
                Err(why) => Ok(Err(why)),
            }
        };
        let answer = of_one_claim(answer.await)?.map_or_else(missing, Answer::Judged);
        Ok((answer, Some(papers)))
    }
}

/// What endpoints do not answer about one claim is missing there alone: the next one may be answered, and those who chose
/// what was asked must not end the scan.
fn of_one_claim<T>(answer: Result<Result<T, String>, Error>) -> Result<Result<T, String>, Error> {
    match answer {
        Err(error @ Error::Rpc(_)) => Ok(Err(error.to_string())),
        other => other,
    }
}

/// Judges. The inner error is why that cannot be done.
pub(super) async fn judged(
    chain: &Chain,
    posted: &Posted,
    batch: &Batch,
    evidence: &Evidence,
) -> Result<Result<Judgement, String>, Error> {
    let unreadable =
        |error: chassis_verifier::Error| Ok(Err(format!("the evidence cannot be read: {error}")));
    let mut search = match Search::new(posted, evidence) {
        Ok(search) => search,
        Err(error) => return unreadable(error),
    };
    // Relayers appraise as of a finalized block, though none asks another whether it did. So these come first, and the
    // other seconds only if none of them gives the digest.
    match search.among(evidence.as_of) {
        Ok(None) => {}
        Ok(Some(judgement)) => return Ok(Ok(judgement)),
        Err(error) => return unreadable(error),
    }
    let times = match times(chain, batch.at.block, search.window()).await? {
        Ok(times) => times,
        Err(why) => return Ok(Err(why)),
    };
    match search.among(times) {
        Ok(None) => {}
        Ok(Some(judgement)) => return Ok(Ok(judgement)),
        Err(error) => return unreadable(error),
    }
    search
        .exhaust()
        .map_or_else(unreadable, |judgement| Ok(Ok(judgement)))
}
