//! `chassis audit export`: the registry's platforms in the terms of the Proof of Cloud alliance's charter.

use std::process::ExitCode;

use alloy::primitives::{Address, B256};
use clap::Args;
use serde::Serialize;

use super::{source::Source, wait_for};
use crate::{
    history::{Floor, History},
    render::{Document, Format, View, date, finish},
};

const DAY: u64 = 86_400;

/// Print every platform in the terms of the Proof of Cloud alliance's charter: uid, method, level, time, endorsements.
///
/// Level 1 is witnessed, 2 automated, 3 automated while an operator on it has been attested as automated, and as what it is now,
/// without a gap, for `--continuity` days. Platforms whose custody has run out, or that are stopped, have no level.
#[derive(Clone, Debug, Args)]
pub(super) struct ExportQuestion {
    #[command(flatten)]
    source: Source,
    /// Days without a gap that make level 3.
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    continuity: u64,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Exported(Vec<Entry>);

/// As the charter has it.
#[derive(Debug, Serialize)]
struct Entry {
    /// The registry's platform id: the PPID's hash, for the PPID itself is not on chain.
    platform_uid: B256,
    /// `witnessed` or `automated`.
    method: &'static str,
    level: u8,
    /// When it was last entered, Unix seconds.
    timestamp: u64,
    /// The relayers who signed that entry.
    endorsements: Vec<Address>,
}

impl ExportQuestion {
    pub(super) fn run(self) -> ExitCode {
        let format = Format::from_switch(self.json);
        let answer = wait_for(async {
            let known = self.source.known(|_, _| {}).await?;
            let continuity = self.continuity.saturating_mul(DAY);
            Ok(Exported(entries(&known.history, known.time, continuity)))
        });
        finish(answer, format)
    }
}

fn entries(history: &History, now: u64, continuity: u64) -> Vec<Entry> {
    let live = history.platforms().filter_map(|(id, platform)| {
        let tenure = platform.tenure_at(now)?;
        let is_live = platform.stopped_at(now).is_none() && tenure.custody_expiry > now;
        let method = match tenure.custody {
            1 => "witnessed",
            2 => "automated",
            _ => return None,
        };
        let is_continuous = platform.operators.iter().any(|operator| {
            let moment = history.at(*operator, now, Floor::DEFAULT);
            let span = moment
                .span
                .filter(|span| span.standing.platform == id && span.standing.custody == 2);
            moment.is_attested() && span.is_some_and(|span| span.since.saturating_add(continuity) <= now)
        });
        let batch = history.batch(tenure.last_batch)?;
        is_live.then(|| Entry {
            platform_uid: id,
            method,
            level: if tenure.custody == 2 && is_continuous {
                3
            } else {
                tenure.custody
            },
            timestamp: batch.at.time,
            endorsements: history.signers(batch),
        })
    });
    live.collect()
}

impl View for Exported {
    fn document(&self) -> Document {
        let rows = self.0.iter().map(|entry| {
            vec![
                entry.platform_uid.into(),
                entry.method.into(),
                entry.level.into(),
                date(entry.timestamp).into(),
                super::words::list(&entry.endorsements).into(),
            ]
        });
        Document::new().heading("Platforms").table(
            &["platform_uid", "method", "level", "timestamp", "endorsements"],
            rows.collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        history::tests::scribe::{HOUR, Scribe},
        replay::{Event, OperatorWord},
    };

    fn level(scribe: &Scribe) -> u8 {
        let [entry] = &entries(&scribe.history, scribe.time, 10 * DAY)[..] else {
            panic!("not one platform");
        };
        assert_eq!(entry.method, "automated");
        entry.level
    }

    fn keep_up(scribe: &mut Scribe, days: u64) {
        for _ in 0..=days * 2 {
            scribe.wait(12 * HOUR - 64);
            scribe.post(vec![], &[(1, 23 * HOUR)], 0b011);
        }
    }

    /// On a platform of custody 2, an operator that is attested as witnessed, then as automated.
    #[test]
    fn only_time_attested_as_automated_counts_for_level_3() {
        let mut scribe = Scribe::new();
        scribe.enrol(&[1], 0xa1);
        keep_up(&mut scribe, 10);
        assert_eq!(level(&scribe), 2);
        let mut grant = scribe.grant(1, 0xa1, None, 1, 12 * HOUR);
        let Event::OperatorGranted(e) = &mut grant else {
            panic!("{grant:?}")
        };
        e.operatorWord = OperatorWord(e.operatorWord)
            .with_custody(2)
            .with_since(scribe.time)
            .0;
        scribe.post(vec![grant], &[], 0b011);
        assert_eq!(level(&scribe), 2);
        keep_up(&mut scribe, 10);
        assert_eq!(level(&scribe), 3);
    }
}
