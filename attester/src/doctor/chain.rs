//! The chain: does the endpoint answer, is the registry there, is its finality recent, and what time is it?

use alloy_primitives::{Address, U64};
use chassis_program::unix_now;
use serde::Deserialize;
use serde_json::json;

use super::{Level, Report, Setup};
use crate::{At, Error, Registry, Rpc};

/// So many of the newest blocks are asked for their logs.
const LOGGED: u64 = 128;
/// How far the newest block may be behind this clock, seconds.
const LATEST_AGE: u64 = 600;
/// A block this far ahead of this clock, seconds, is not of the future.
const AHEAD: u64 = 60;
/// The age of an anchor that relayers take by default, seconds.
const FINALIZED_AGE: u64 = 7_200;

#[derive(Deserialize)]
struct Block {
    number: U64,
    timestamp: U64,
}

/// The chain's id, where it is known.
pub(super) async fn look(setup: &Setup, report: &mut Report) -> Option<u64> {
    let Some(url) = &setup.rpc_url else {
        let found = "no endpoint is named, so there is no block to make evidence after";
        report.missing("rpc", Level::Quote, found, "name one with --rpc-url");
        return None;
    };
    let asked = async {
        let rpc = Rpc::new(url)?;
        let id = rpc.chain_id().await?;
        Ok((rpc, id))
    };
    let (rpc, id) = match asked.await {
        Ok(answered) => answered,
        Err(error) => {
            unanswered(&error, report);
            return None;
        }
    };
    report.ok("rpc", Level::Quote, format!("chain {id}"));
    look_at_registry(&rpc, setup, report).await;
    look_at_finality(&rpc, report).await;
    look_at_clock(&rpc, report).await;
    Some(id)
}

fn unanswered(error: &Error, report: &mut Report) {
    let todo = "check --rpc-url and the network; the newest finalized block is what evidence is made after";
    report.missing("rpc", Level::Quote, error.to_string(), todo);
}

/// Asked what a node will ask: any other contract answers something else.
async fn look_at_registry(rpc: &Rpc, setup: &Setup, report: &mut Report) {
    let Some(address) = setup.registry else {
        let found = "none is named";
        return report.missing("rpc.registry", Level::Quote, found, "name it with --registry");
    };
    let registry = Registry::new(rpc.clone(), address);
    match registry.standing(Address::ZERO, At::Latest).await {
        Ok(_) => report.ok("rpc.registry", Level::Quote, address.to_string()),
        Err(error) => report.missing(
            "rpc.registry",
            Level::Quote,
            error.to_string(),
            "check --registry, and whether --rpc-url is of the registry's chain",
        ),
    }
    look_at_logs(&registry, report).await;
}

/// By them alone a node knows what has landed.
async fn look_at_logs(registry: &Registry, report: &mut Report) {
    let asked = async {
        let last = registry.rpc.block(At::Latest).await?.number.to();
        let first = u64::saturating_sub(last, LOGGED - 1);
        registry.applied(Address::ZERO, 0, first, last).await?;
        Ok::<_, Error>((first, last))
    };
    match asked.await {
        Ok((first, last)) => report.ok(
            "rpc.logs",
            Level::Quote,
            format!("of blocks {first} to {last} are given"),
        ),
        Err(error) => report.missing(
            "rpc.logs",
            Level::Quote,
            error.to_string(),
            "use an endpoint that gives logs (eth_getLogs): by them a node knows that its bundle has landed",
        ),
    }
}

async fn look_at_finality(rpc: &Rpc, report: &mut Report) {
    let todo = "ask another endpoint: evidence after so old a block is refused";
    match block(rpc, "finalized").await {
        Ok(finalized) => match block(rpc, "latest").await {
            // By the chain's own time: this machine's clock is another question.
            Ok(latest) if age(&finalized, latest.timestamp.to()) > FINALIZED_AGE => {
                let found = format!(
                    "the newest finalized block, {}, is {} s older than the newest block",
                    finalized.number,
                    age(&finalized, latest.timestamp.to())
                );
                report.missing("rpc.finality", Level::Quote, found, todo);
            }
            _ => report.ok(
                "rpc.finality",
                Level::Quote,
                format!("block {} is final", finalized.number),
            ),
        },
        Err(error) => report.missing("rpc.finality", Level::Quote, error.to_string(), todo),
    }
}

async fn look_at_clock(rpc: &Rpc, report: &mut Report) {
    let block = match block(rpc, "latest").await {
        Ok(block) => block,
        Err(error) => return unanswered(&error, report),
    };
    match Clock::judge(unix_now(), block.timestamp.to()) {
        Clock::Agrees => report.ok("clock", Level::Quote, format!("agrees with block {}", block.number)),
        Clock::Behind(seconds) => report.missing(
            "clock",
            Level::Quote,
            format!(
                "this machine's clock is {seconds} s behind: block {} has a time that is yet to come",
                block.number
            ),
            "set the clock, best by NTP (`timedatectl set-ntp true`)",
        ),
        Clock::Ahead(seconds) => report.missing(
            "clock",
            Level::Quote,
            format!(
                "the newest block, {}, is {seconds} s old by this machine's clock",
                block.number
            ),
            "either the clock is ahead (`timedatectl set-ntp true`), or the endpoint has stopped: ask another",
        ),
    }
}

/// This clock against the newest block's time; seconds apart.
#[derive(Debug, PartialEq, Eq)]
enum Clock {
    Agrees,
    Behind(u64),
    Ahead(u64),
}

impl Clock {
    fn judge(now: u64, block: u64) -> Self {
        if block > now.saturating_add(AHEAD) {
            Self::Behind(block - now)
        } else if now.saturating_sub(block) > LATEST_AGE {
            Self::Ahead(now - block)
        } else {
            Self::Agrees
        }
    }
}

async fn block(rpc: &Rpc, tag: &str) -> Result<Block, Error> {
    let block: Option<Block> = rpc.call("eth_getBlockByNumber", json!([tag, false])).await?;
    block.ok_or_else(|| rpc.error(format!("it knows no {tag} block yet")))
}

fn age(block: &Block, now: u64) -> u64 {
    now.saturating_sub(block.timestamp.to())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_may_differ_by_what_blocks_take() {
        const NOW: u64 = 1_000_000;
        for (block, wanted) in [
            (NOW, Clock::Agrees),
            (NOW + AHEAD, Clock::Agrees),
            (NOW - LATEST_AGE, Clock::Agrees),
            (NOW + AHEAD + 1, Clock::Behind(AHEAD + 1)),
            (NOW - LATEST_AGE - 1, Clock::Ahead(LATEST_AGE + 1)),
            (u64::MAX, Clock::Behind(u64::MAX - NOW)),
        ] {
            assert_eq!(Clock::judge(NOW, block), wanted, "{block}");
        }
    }
}
