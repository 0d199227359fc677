//! Queued → Reserved: a report gets a transaction, if it is still needed and can be paid.

use alloy::{primitives::B256, sol_types::SolCall};
use chassis_program::unix_now;
use tracing::{info, warn};

use super::{DAY, Poster, alarms::Alarm, fees::Fee, held, nonces, settle::applied, view::View};
use crate::{
    Error,
    chain::{Block, Fate, Receipt},
    failpoint::failpoint,
    freeze,
    registry::IProofOfCloudRegistry::{Report, postCall},
    store::Inclusion,
};

impl Poster {
    /// Reserves a nonce for a report. Estimates first: only the registry knows whether the post is still needed.
    pub(super) async fn admit(&self, report: B256, view: &View) -> Result<bool, Error> {
        let calldata = self.store.calldata_of(report).await?.into();
        let account = self.signer.address();
        let gas = match self.chain.estimate(account, &calldata).await {
            Ok(gas) => (gas + gas / 5).min(self.rules.max_gas),
            Err(Error::Refused(reason)) => return self.refused(report, &calldata, &reason, view).await,
            Err(error) => return Err(error),
        };
        let Some(fee) = self.first_fee(view)? else {
            return Ok(false);
        };
        if !self.can_pay(gas, fee.max_fee, account).await? {
            return Ok(false);
        }
        // Constraints are the lock: another replica that takes the same nonce or report first makes this fail.
        let nonce = nonces::next(view.mined()?, &held(&self.store.live_transactions().await?));
        let id = self
            .store
            .reserve(Some(report), account, nonce, gas, unix_now())
            .await?;
        failpoint("reserved");
        info!(%report, nonce, gas, "reserved a nonce");
        let live = self.store.live_transactions().await?;
        match live.iter().find(|transaction| transaction.id == id) {
            Some(transaction) => self.advance(transaction, view).await.map(|_| true),
            None => Ok(true),
        }
    }

    /// The registry would revert: another relayer has posted the report, or it came too late, or it never fitted.
    async fn refused(&self, report: B256, calldata: &[u8], reason: &str, view: &View) -> Result<bool, Error> {
        let call = parse(calldata)?;
        let is_late = call.deadline() < view.time()?;
        let Call::Post(parsed) = call else {
            info!(order = %report, reason, is_late, "the registry takes the freeze no more");
            self.store.end_order(report).await?;
            return Ok(true);
        };
        if let Some(at) = self.posted_by_another(report, &parsed, is_late).await? {
            info!(%report, transaction = %at.hash, "another relayer posted the report");
            self.store.set_posted(report, &at).await?;
            failpoint("posted by another");
            return Ok(true);
        }
        let wait = if is_late {
            0
        } else {
            let in_force = self.chain.decided.control().call().await?.relayerSetId;
            until_another(&parsed, in_force, self.chain.finalized().await?, view.time()?)
        };
        warn!(%report, reason, is_late, wait, "the registry would refuse the report; appraising anew");
        // What somebody else proposed is not the bundles' fault.
        let signed = self.store.signed_report(report).await?;
        let is_own = signed.is_none_or(|signed| signed.proposer == self.signer.address());
        self.store
            .withdraw_report(report, u8::from(is_own && !is_late), wait, reason)
            .await?;
        failpoint("withdrawn");
        Ok(true)
    }

    /// Where somebody else has posted a report, if so. Once it is too late to be posted, endpoints that cannot tell, or
    /// disagree, are not waited for: at worst, its operators are attested anew a little early.
    pub(super) async fn posted_by_another(
        &self,
        report: B256,
        parsed: &Report,
        is_late: bool,
    ) -> Result<Option<Inclusion>, Error> {
        match self.find_posted(report, parsed.issuedAt.to()).await {
            Err(error) if is_late => {
                warn!(%report, %error, "whether another relayer posted the report cannot be found out");
                Ok(None)
            }
            found => found,
        }
    }

    async fn find_posted(&self, report: B256, issued_at: u64) -> Result<Option<Inclusion>, Error> {
        let Some(hash) = self.chain.posted(report, issued_at).await? else {
            return Ok(None);
        };
        match self.chain.fate(hash).await? {
            Fate::Mined(receipt) => {
                let applied = applied(&receipt, report, *self.chain.registry.address());
                Ok(applied.map(|_| inclusion(&receipt)))
            }
            Fate::Absent | Fate::Undecided => Err(Error::Rpc(format!(
                "the endpoints disagree whether {hash} posted report {report}"
            ))),
        }
    }

    /// What to offer first; `None`, with an alarm, while blocks cost more than the cap.
    pub(super) fn first_fee(&self, view: &View) -> Result<Option<Fee>, Error> {
        let market = view.market()?;
        let fee = self.caps.first(market);
        if fee.is_none() {
            self.hold_at_cap(market.base_fee);
        }
        Ok(fee)
    }

    pub(super) fn hold_at_cap(&self, base_fee: u128) {
        let (base, cap) = (base_fee / super::GWEI, self.caps.max_fee / super::GWEI);
        let why = format!(
            "a block costs {base} gwei per gas and max_fee_gwei is {cap}: waiting for the market to fall"
        );
        self.alarms.raise(Alarm::FeeCap, &why);
    }

    /// Whether the account and the day's budget bear one more transaction at its worst.
    async fn can_pay(&self, gas: u64, fee: u128, account: alloy::primitives::Address) -> Result<bool, Error> {
        let cost = fee.saturating_mul(u128::from(gas));
        if !self.has_budget(cost).await? {
            return Ok(false);
        }
        let needed = cost.saturating_add(self.store.exposure().await?);
        let balance = self.chain.balance(account).await?;
        if balance < needed {
            let why = format!("{account} has {balance} wei and transactions may cost {needed}: send it more");
            self.alarms.raise(Alarm::Funds, &why);
            return Ok(false);
        }
        Ok(true)
    }

    /// Whether so much more wei may be spent today, with all that is under way at its worst.
    pub(super) async fn has_budget(&self, more: u128) -> Result<bool, Error> {
        let paid = self.store.paid_since(unix_now().saturating_sub(DAY)).await?;
        let committed = paid.saturating_add(self.store.exposure().await?);
        if committed.saturating_add(more) > self.spend_per_day {
            let why = format!(
                "{paid} wei paid in 24 h, {committed} with what is under way: post.max_spend_per_day bears no more"
            );
            self.alarms.raise(Alarm::SpendCap, &why);
            return Ok(false);
        }
        Ok(true)
    }
}

/// In how many seconds what the registry refuses now is final, as finality is behind now. Before that, what is appraised
/// anew comes to the same report, of the same block, and is refused again. 0 if a block after the report's is final, or
/// another relayer set is in force: the next report is another one.
fn until_another(report: &Report, set_in_force: u32, finalized: Block, time: u64) -> u64 {
    let issued_at = report.issuedAt.to();
    if finalized.timestamp > issued_at || report.relayerSetId != set_in_force {
        0
    } else {
        time.saturating_sub(issued_at)
    }
}

/// What is brought on chain.
pub(super) enum Call {
    /// A report.
    Post(Box<Report>),
    /// A freeze, until this time (Unix seconds).
    Freeze(u64),
}

impl Call {
    /// Until when the registry takes it, Unix seconds.
    pub(super) fn deadline(&self) -> u64 {
        match self {
            Self::Post(report) => report.deadline.to(),
            Self::Freeze(deadline) => *deadline,
        }
    }
}

/// Reads stored calldata.
pub(super) fn parse(calldata: &[u8]) -> Result<Call, Error> {
    if let Some(deadline) = freeze::deadline_in(calldata) {
        return Ok(Call::Freeze(deadline));
    }
    let call = postCall::abi_decode(calldata);
    call.map(|call| Call::Post(Box::new(call.report)))
        .map_err(|error| Error::Refused(format!("stored calldata is neither a post nor a freeze: {error}")))
}

pub(super) fn inclusion(receipt: &Receipt) -> Inclusion {
    Inclusion {
        hash: receipt.hash,
        block_hash: receipt.block_hash,
        block_number: receipt.block_number,
        gas_used: receipt.gas_used,
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::aliases::U40;

    use super::*;

    #[test]
    fn what_is_refused_is_not_made_again_before_that_is_final() {
        let wait = |set_in_force, finalized, time| {
            let report = Report {
                relayerSetId: 3,
                issuedAt: U40::from(1_000),
                ..Report::default()
            };
            let finalized = Block {
                number: 1,
                hash: B256::ZERO,
                timestamp: finalized,
                base_fee: 1,
            };
            until_another(&report, set_in_force, finalized, time)
        };
        assert_eq!(wait(3, 1_000, 1_800), 800);
        assert_eq!(wait(3, 900, 1_800), 800, "an endpoint fell back");
        assert_eq!(wait(3, 1_012, 1_800), 0, "the next report is of another block");
        assert_eq!(wait(4, 1_000, 1_800), 0, "or of another set");
        assert_eq!(wait(3, 1_000, 999), 0);
    }
}
