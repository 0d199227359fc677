//! Queued → Reserved → Broadcast → Included → Final.
//!
//! Estimate before reserving a nonce; store the signed bytes; only then send. Every tick sends the same bytes again. A
//! success is any attempt's inclusion, and it is final when its block, by hash, is finalized.

use alloy::{
    consensus::{SignableTransaction, TxEip1559, TxEnvelope},
    eips::eip2718::Encodable2718,
    primitives::{B256, Bytes, TxKind, U256},
    sol_types::SolEvent,
};
use tracing::{info, warn};

use super::Poster;
use crate::{
    Error,
    chain::{Fate, Receipt},
    failpoint::failpoint,
    registry::IProofOfCloudRegistry::{BatchPosted, OperatorGranted},
    store::{Attempt, Inclusion, Transaction, TxState},
};

/// Least wei per gas for the block's proposer: some endpoints answer zero.
const MIN_TIP: u128 = 1_000_000;

impl Poster {
    /// Gives a signed report a nonce, if the registry would still take it.
    pub(super) async fn reserve(&self, report: B256, calldata: Vec<u8>) -> Result<(), Error> {
        let calldata = Bytes::from(calldata);
        let gas = match self.chain.estimate(self.signer.address(), &calldata).await {
            Ok(gas) => gas,
            Err(Error::Refused(reason)) => {
                warn!(%report, reason, "the registry would refuse the report; appraising anew");
                for row in self.store.bundles_of(report).await? {
                    self.store.put_back(row.digest, &reason).await?;
                }
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        // Nothing else is under way, so what is mined is what is used: the nonce can go down as well as up.
        let nonce = self.chain.mined_nonce(self.signer.address()).await?;
        self.store.reserve(report, nonce, gas + gas / 5).await?;
        failpoint("reserved");
        Ok(())
    }

    /// Takes a transaction one step further. Returns whether it moved.
    pub(super) async fn advance(&self, transaction: &Transaction) -> Result<bool, Error> {
        match transaction.state {
            TxState::Reserved => self.first_attempt(transaction).await.map(|()| true),
            TxState::Broadcast => self.watch(transaction).await,
            TxState::Included => self.finalize(transaction).await,
            TxState::Final | TxState::Dropped => Ok(false),
        }
    }

    async fn first_attempt(&self, transaction: &Transaction) -> Result<(), Error> {
        let mined = self.chain.mined_nonce(self.signer.address()).await?;
        if mined != transaction.nonce {
            // No bytes with this nonce were ever sent: nothing is lost.
            return self
                .store
                .drop_transaction(transaction.report, "its nonce was used elsewhere")
                .await;
        }
        let attempt = self.sign_attempt(transaction, None).await?;
        self.store.add_attempt(transaction.report, &attempt).await?;
        failpoint("signed");
        self.chain.send(&attempt.raw).await?;
        failpoint("broadcast");
        info!(report = %transaction.report, hash = %attempt.hash, nonce = transaction.nonce, "sent");
        Ok(())
    }

    async fn watch(&self, transaction: &Transaction) -> Result<bool, Error> {
        let attempts = self.store.attempts(transaction.report).await?;
        for attempt in &attempts {
            if let Fate::Mined(receipt) = self.chain.fate(attempt.hash).await? {
                let inclusion = inclusion(&receipt);
                self.store.set_included(transaction.report, &inclusion).await?;
                failpoint("included");
                info!(report = %transaction.report, block = inclusion.block_number, gas = inclusion.gas_used, "included");
                return Ok(true);
            }
        }
        if self.chain.mined_nonce(self.signer.address()).await? > transaction.nonce {
            return self.nonce_gone(transaction, &attempts).await;
        }
        let Some(dearest) = attempts.first() else {
            return Ok(false);
        };
        let best = self.bump(transaction, dearest).await?;
        self.chain
            .send(&best.unwrap_or_else(|| dearest.clone()).raw)
            .await?;
        Ok(false)
    }

    /// The nonce is mined, yet no attempt has a receipt: another program used the key, or the endpoint lags. Only once
    /// that is finalized can nothing of ours be mined any more.
    async fn nonce_gone(&self, transaction: &Transaction, attempts: &[Attempt]) -> Result<bool, Error> {
        if self.chain.finalized_nonce(self.signer.address()).await? <= transaction.nonce {
            return Ok(false);
        }
        for attempt in attempts {
            if self.chain.fate(attempt.hash).await? != Fate::Absent {
                return Ok(true);
            }
        }
        warn!(report = %transaction.report, nonce = transaction.nonce, "the nonce was used by another transaction");
        self.store
            .drop_transaction(transaction.report, "its nonce was used elsewhere")
            .await?;
        Ok(true)
    }

    /// A dearer attempt, if the market has moved and the cap allows it.
    async fn bump(&self, transaction: &Transaction, dearest: &Attempt) -> Result<Option<Attempt>, Error> {
        let base_fee = u128::from(self.chain.latest().await?.base_fee);
        if dearest.max_fee >= base_fee + dearest.max_tip {
            return Ok(None);
        }
        let attempt = self.sign_attempt(transaction, Some(dearest)).await?;
        if attempt.max_fee < raised(dearest.max_fee) {
            warn!(cap = self.max_fee, base_fee, "fees are above the cap: holding");
            return Ok(None);
        }
        self.store.add_attempt(transaction.report, &attempt).await?;
        Ok(Some(attempt))
    }

    async fn finalize(&self, transaction: &Transaction) -> Result<bool, Error> {
        let Some(inclusion) = transaction.inclusion else {
            return Ok(false);
        };
        let canonical = self.chain.canonical(inclusion.block_number).await?;
        if canonical.is_none_or(|block| block.hash != inclusion.block_hash) {
            warn!(report = %transaction.report, block = inclusion.block_number, "reorganised away");
            self.store.set_reorged(transaction.report).await?;
            return Ok(true);
        }
        if self.chain.finalized().await?.number < inclusion.block_number {
            return Ok(false);
        }
        let Fate::Mined(receipt) = self.chain.fate(inclusion.hash).await? else {
            return Ok(false);
        };
        if !receipt.succeeded {
            self.store
                .drop_transaction(transaction.report, "the transaction reverted")
                .await?;
            return Ok(true);
        }
        let applied = applied(&receipt);
        let mut skipped = Vec::new();
        for row in self.store.bundles_of(transaction.report).await? {
            let digest = row
                .fields
                .as_deref()
                .and_then(|json| serde_json::from_str(json).ok());
            if !digest.is_some_and(|fields: crate::appraiser::Fields| applied.contains(&fields.digest)) {
                skipped.push(row.digest);
            }
        }
        self.store.set_final(transaction.report, &skipped).await?;
        metrics::counter!("chassis_batches_final_total").increment(1);
        metrics::counter!("chassis_gas_used_total").increment(inclusion.gas_used);
        info!(report = %transaction.report, block = inclusion.block_number, skipped = skipped.len(), "final");
        Ok(true)
    }

    async fn sign_attempt(
        &self,
        transaction: &Transaction,
        last: Option<&Attempt>,
    ) -> Result<Attempt, Error> {
        let base_fee = u128::from(self.chain.latest().await?.base_fee);
        let floor = |last: Option<u128>| last.map_or(0, raised);
        let tip = self
            .chain
            .tip()
            .await?
            .max(MIN_TIP)
            .max(floor(last.map(|last| last.max_tip)));
        let max_fee = (2 * base_fee + tip)
            .max(floor(last.map(|last| last.max_fee)))
            .min(self.max_fee);
        let tip = tip.min(max_fee);
        let unsigned = TxEip1559 {
            chain_id: self.chain.id,
            nonce: transaction.nonce,
            gas_limit: transaction.gas_limit,
            max_fee_per_gas: max_fee,
            max_priority_fee_per_gas: tip,
            to: TxKind::Call(*self.chain.registry.address()),
            value: U256::ZERO,
            access_list: alloy::rpc::types::AccessList::default(),
            input: Bytes::from(transaction.calldata.clone()),
        };
        let signature = self.signer.sign_hash(&unsigned.signature_hash()).await?;
        let envelope = TxEnvelope::from(unsigned.into_signed(signature));
        Ok(Attempt {
            hash: *envelope.tx_hash(),
            raw: envelope.encoded_2718(),
            max_fee,
            max_tip: tip,
        })
    }
}

/// Nodes replace a transaction only for a tenth more; 12.5 % is what the field uses.
fn raised(fee: u128) -> u128 {
    fee + fee.div_ceil(8)
}

fn inclusion(receipt: &Receipt) -> Inclusion {
    Inclusion {
        hash: receipt.hash,
        block_hash: receipt.block_hash,
        block_number: receipt.block_number,
        gas_used: receipt.gas_used,
    }
}

/// The results that the registry took. It skips what a freeze or a newer report has overtaken.
fn applied(receipt: &Receipt) -> Vec<B256> {
    let logs = receipt.logs.iter();
    logs.flat_map(|log| {
        let granted = OperatorGranted::decode_log(log).map(|event| vec![event.digest]);
        granted
            .or_else(|_| BatchPosted::decode_log(log).map(|event| event.digests.clone()))
            .unwrap_or_default()
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::raised;

    #[test]
    fn a_bump_is_an_eighth_and_never_nothing() {
        assert_eq!(raised(8), 9);
        assert_eq!(raised(1), 2);
        assert_eq!(raised(1_000_000_000), 1_125_000_000);
    }
}
