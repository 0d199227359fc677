//! Queued → Posted → Included → Final, several reports at a time. How a report comes about is
//! [`cosign`](crate::cosign)'s.
//!
//! A report's operators are kept out of new reports until it is final, so that what the next one is built on (status
//! nonces, generations, expiries) cannot be taken back by a reorg. Each report has one logical transaction; see
//! `transaction`.

mod admission;
mod alarms;
mod config;
mod fees;
mod nonces;
mod settle;
pub(crate) mod stages;
mod transaction;
mod turns;
mod view;

use std::collections::BTreeSet;

pub use config::PostFile;

use chassis_program::{Key, unix_now};

use crate::{
    Error,
    chain::Chain,
    config::Config,
    failpoint::failpoint,
    store::{Store, Transaction, TxState},
};
use alarms::{Alarm, Alarms};
use fees::Caps;
use turns::Turns;
use view::View;

const GWEI: u128 = 1_000_000_000;
/// Gas of a transaction that does nothing.
const PLAIN_GAS: u64 = 21_000;
/// Gaps closed at a time.
const MOST_GAPS: usize = 16;
/// How many times as many may be under way as may be in no block.
const WITH_INCLUDED: usize = 8;
const DAY: u64 = 86_400;

/// Posts reports.
#[derive(Clone, Debug)]
pub struct Poster {
    store: Store,
    chain: Chain,
    signer: Key,
    caps: Caps,
    spend_per_day: u128,
    rules: PostFile,
    alarms: Alarms,
    turns: Turns,
}

impl Poster {
    /// A poster for this configuration.
    pub fn new(config: &Config, store: Store, chain: Chain) -> Self {
        let rules = config.file.post.clone();
        Self {
            store,
            chain,
            signer: config.signer.clone(),
            caps: Caps {
                max_fee: u128::from(config.file.max_fee_gwei) * GWEI,
                max_tip: u128::from(rules.max_tip_gwei) * GWEI,
            },
            spend_per_day: rules.spend_per_day().unwrap_or(0),
            rules,
            alarms: Alarms::default(),
            turns: Turns::default(),
        }
    }

    /// Takes every transaction a step further, and gives queued reports one. Returns whether anything moved. One that fails
    /// holds up no other.
    ///
    /// # Errors
    /// The first of them, if the database or the chain does not answer: the same step is taken again later.
    pub async fn tick(&self) -> Result<bool, Error> {
        let steps = self.post().await?;
        // A step that failed might have had a reason.
        if steps.error.is_none() {
            self.alarms.settle(&Alarm::POSTING);
        }
        steps.result()
    }

    async fn post(&self) -> Result<Steps, Error> {
        let live = self.store.live_transactions().await?;
        let room = self.room(&live);
        let queued = self.turns.order(self.store.reports_to_post().await?);
        let mut steps = Steps::default();
        if live.is_empty() && queued.is_empty() {
            return Ok(steps);
        }
        let account = self.signer.address();
        let used = self.store.final_nonces(account).await?;
        let view = View::look(&self.chain, account, used).await;
        for transaction in &live {
            steps.add(self.advance(transaction, &view).await);
        }
        for report in queued.into_iter().take(room) {
            let step = self.turns.take(report, self.admit(report, &view)).await;
            // The market holds all of them. What the account cannot pay, a smaller one may cost less than.
            let is_held = matches!(step, Ok(false)) && self.first_fee(&view).is_ok_and(|fee| fee.is_none());
            steps.add(step);
            if is_held {
                break;
            }
        }
        steps.add(self.close_gaps(&view).await);
        Ok(steps)
    }

    /// How many more transactions may be under way. One in a block only waits to be final, which takes a quarter of an hour;
    /// but each costs a look at the chain in each tick.
    fn room(&self, live: &[Transaction]) -> usize {
        let most = self.rules.max_in_flight as usize;
        let in_all = most.saturating_mul(WITH_INCLUDED).saturating_sub(live.len());
        most.saturating_sub(waiting(live).count()).min(in_all)
    }

    /// What keeps transactions from being posted now.
    pub fn holds(&self) -> Vec<String> {
        self.alarms.reasons()
    }

    /// Publishes what only a look can tell. Never a step.
    ///
    /// # Errors
    /// If the database or the chain does not answer.
    pub async fn measure(&self) -> Result<bool, Error> {
        let live = self.store.live_transactions().await?;
        for state in TxState::LIVE {
            let count = live
                .iter()
                .filter(|transaction| transaction.state == state)
                .count();
            metrics::gauge!("chassis_transactions", "state" => state.name()).set(as_f64(count as u128));
        }
        let oldest = waiting(&live)
            .map(|since| unix_now().saturating_sub(since))
            .max()
            .unwrap_or(0);
        metrics::gauge!("chassis_oldest_pending_seconds").set(as_f64(oldest.into()));
        if oldest > self.rules.stuck_after {
            let why = format!("a transaction is in no block after {oldest} s");
            self.alarms.raise(Alarm::Stuck, &why);
        }
        self.alarms.settle(&[Alarm::Stuck]);
        let spent = self.store.paid_since(unix_now().saturating_sub(DAY)).await?;
        metrics::gauge!("chassis_spent_today_wei").set(as_f64(spent));
        self.alarms.publish();
        let balance = self.chain.balance(self.signer.address()).await?;
        metrics::gauge!("chassis_account_balance_wei").set(as_f64(balance));
        Ok(false)
    }

    /// Sends nothing to oneself with each nonce that is missing below a held one.
    async fn close_gaps(&self, view: &View) -> Result<bool, Error> {
        let held = held(&self.store.live_transactions().await?);
        let gaps = nonces::gaps(view.mined()?, &held, MOST_GAPS);
        for nonce in &gaps {
            tracing::warn!(nonce, "closing a nonce gap with a self-send");
            let account = self.signer.address();
            self.store
                .reserve(None, account, *nonce, PLAIN_GAS, unix_now())
                .await?;
            failpoint("gap");
        }
        Ok(!gaps.is_empty())
    }
}

/// The nonces that transactions under way hold.
fn held(live: &[Transaction]) -> BTreeSet<u64> {
    live.iter().filter_map(|transaction| transaction.nonce).collect()
}

/// Since when each of those is waiting that are in no block.
fn waiting(live: &[Transaction]) -> impl Iterator<Item = u64> {
    let pending = live
        .iter()
        .filter(|transaction| transaction.state != TxState::Included);
    pending.map(|transaction| transaction.since)
}

/// Gauges are floating: wei beyond 2^53 lose their last digits, which nobody reads.
#[expect(clippy::cast_precision_loss, reason = "for a gauge")]
fn as_f64(number: u128) -> f64 {
    number as f64
}

/// What came of several steps.
#[derive(Default)]
pub(crate) struct Steps {
    moved: bool,
    error: Option<Error>,
}

impl Steps {
    pub(crate) fn add(&mut self, step: Result<bool, Error>) {
        match step {
            Ok(moved) => self.moved |= moved,
            Err(error) => {
                tracing::debug!(%error, "a step failed");
                self.error.get_or_insert(error);
            }
        }
    }

    /// An error is a reason to wait, even if something moved.
    pub(crate) fn result(self) -> Result<bool, Error> {
        self.error.map_or(Ok(self.moved), Err)
    }
}
