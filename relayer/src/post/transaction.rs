//! Reserved → Signed → Broadcast → Included: one logical transaction, however many attempts.
//!
//! The signed bytes are stored before they are sent, and every tick sends them again. Only a moved market makes a dearer
//! attempt. A success is any attempt's inclusion.

use alloy::{
    consensus::{SignableTransaction, TxEip1559, TxEnvelope},
    eips::eip2718::Encodable2718,
    primitives::{Bytes, TxKind, U256},
    rpc::types::AccessList,
};
use chassis_program::unix_now;
use tracing::{info, warn};

use super::{
    Poster,
    admission::{inclusion, parse},
    alarms::Alarm,
    fees::{Bump, Fee},
    view::View,
};
use crate::{
    Error,
    chain::{Fate, Receipt, Sent},
    failpoint::failpoint,
    store::{Attempt, Then, Transaction, TxState},
};

impl Poster {
    /// Takes a transaction one step further. Returns whether it moved.
    pub(super) async fn advance(&self, transaction: &Transaction, view: &View) -> Result<bool, Error> {
        match transaction.state {
            TxState::Reserved => self.first_attempt(transaction, view).await,
            TxState::Signed | TxState::Broadcast => self.watch(transaction, view).await,
            TxState::Included => self.settle(transaction, view).await,
            TxState::Final | TxState::Dropped => Ok(false),
        }
    }

    async fn first_attempt(&self, transaction: &Transaction, view: &View) -> Result<bool, Error> {
        if transaction
            .nonce
            .is_none_or(|nonce| nonce < view.mined().unwrap_or(0))
        {
            // No bytes with this nonce were ever signed: nothing is lost.
            return self.store.drop_transaction(transaction.id, Then::Requeue).await;
        }
        let Some(fee) = self.first_fee(view)? else {
            return Ok(false);
        };
        let attempt = match transaction.report {
            Some(report) => {
                let calldata = self.store.calldata_of(report).await?;
                self.sign_post(transaction, fee, calldata).await?
            }
            None => self.sign_nothing(transaction, fee).await?,
        };
        self.store.add_attempt(transaction.id, &attempt).await?;
        failpoint("signed");
        info!(hash = %attempt.hash, nonce = transaction.nonce, "signed a transaction");
        self.broadcast(transaction, std::slice::from_ref(&attempt))
            .await?;
        Ok(true)
    }

    async fn watch(&self, transaction: &Transaction, view: &View) -> Result<bool, Error> {
        let mut attempts = self.store.attempts(transaction.id).await?;
        let is_used = view
            .mined()
            .is_ok_and(|mined| transaction.nonce.is_some_and(|nonce| nonce < mined));
        if is_used {
            return self.find(transaction, &attempts).await;
        }
        let dearer = match attempts.first() {
            Some(dearest) => self.replacement(transaction, dearest, view).await,
            None => Ok(None),
        };
        match dearer {
            Ok(Some(dearer)) => {
                self.store.add_attempt(transaction.id, &dearer).await?;
                failpoint("bumped");
                info!(hash = %dearer.hash, max_fee = dearer.max_fee, cancels = dearer.cancels, "offering more");
                attempts.insert(0, dearer);
            }
            Ok(None) => {}
            // The same bytes are sent even while nothing can be decided.
            Err(error) => warn!(%error, "no dearer attempt"),
        }
        self.broadcast(transaction, &attempts).await?;
        Ok(false)
    }

    /// Something is mined with this nonce: one of the attempts, or something else by the same key.
    async fn find(&self, transaction: &Transaction, attempts: &[Attempt]) -> Result<bool, Error> {
        if let Some(receipt) = self.mined_attempt(attempts).await? {
            return self.include(transaction, &receipt).await;
        }
        // Only once that something is finalized can nothing of ours be mined any more.
        let finalized = self.chain.finalized_nonce(self.signer.address()).await?;
        if transaction.nonce.is_none_or(|nonce| finalized <= nonce) {
            return Ok(false);
        }
        for attempt in attempts {
            if self.chain.fate(attempt.hash).await? != Fate::Absent {
                return Ok(false);
            }
        }
        metrics::counter!("chassis_nonces_lost_total").increment(1);
        warn!(nonce = transaction.nonce, report = ?transaction.report, "the nonce was used by another transaction");
        let is_news = self.store.drop_transaction(transaction.id, Then::Requeue).await?;
        failpoint("requeued");
        Ok(is_news)
    }

    async fn mined_attempt(&self, attempts: &[Attempt]) -> Result<Option<Receipt>, Error> {
        for attempt in attempts {
            if let Fate::Mined(receipt) = self.chain.fate(attempt.hash).await? {
                return Ok(Some(receipt));
            }
        }
        Ok(None)
    }

    async fn include(&self, transaction: &Transaction, receipt: &Receipt) -> Result<bool, Error> {
        let cost = receipt.gas_price.saturating_mul(u128::from(receipt.gas_used));
        let at = inclusion(receipt);
        let is_news = self
            .store
            .set_included(transaction.id, &at, cost, unix_now())
            .await?;
        failpoint("included");
        info!(report = ?transaction.report, block = at.block_number, gas = at.gas_used, "included");
        if is_news {
            self.tell("include", transaction).await;
        }
        Ok(is_news)
    }

    /// A dearer attempt, if the market has moved, or if the report is too late and its place must be taken.
    async fn replacement(
        &self,
        transaction: &Transaction,
        dearest: &Attempt,
        view: &View,
    ) -> Result<Option<Attempt>, Error> {
        let market = view.market()?;
        let last = Fee {
            max_fee: dearest.max_fee,
            max_tip: dearest.max_tip,
        };
        let post = match transaction.report {
            Some(report) if !dearest.cancels => Some(self.store.calldata_of(report).await?),
            _ => None,
        };
        let is_late = match &post {
            Some(calldata) => parse(calldata)?.deadline() < view.time()?,
            None => false,
        };
        let fee = match self.caps.bump(last, market) {
            Bump::Raise(fee) => Some(fee),
            Bump::Keep if is_late => self.caps.replace(last, market),
            Bump::Keep => None,
            Bump::Hold => {
                self.hold_at_cap(market.base_fee);
                return Ok(None);
            }
        };
        let Some(fee) = fee else { return Ok(None) };
        let more = (fee.max_fee - last.max_fee).saturating_mul(u128::from(transaction.gas_limit));
        if !self.has_budget(more).await? {
            return Ok(None);
        }
        let attempt = match post.filter(|_| !is_late) {
            Some(calldata) => self.sign_post(transaction, fee, calldata).await?,
            None => self.sign_nothing(transaction, fee).await?,
        };
        Ok(Some(attempt))
    }

    /// Sends the dearest attempt to all endpoints; the cheaper ones too if the account cannot pay for it.
    async fn broadcast(&self, transaction: &Transaction, attempts: &[Attempt]) -> Result<(), Error> {
        for attempt in attempts {
            match self.chain.send(&attempt.raw).await? {
                Sent::Taken => {
                    failpoint("sent");
                    if transaction.state != TxState::Broadcast {
                        self.store.set_broadcast(transaction.id).await?;
                        failpoint("broadcast");
                        info!(hash = %attempt.hash, nonce = transaction.nonce, "sent");
                        self.tell("post", transaction).await;
                    }
                    return Ok(());
                }
                Sent::Poor => {
                    let account = self.signer.address();
                    let why = format!(
                        "{account} cannot pay for transaction {}: send it more",
                        attempt.hash
                    );
                    self.alarms.raise(Alarm::Funds, &why);
                }
                // Receipts will show what used it.
                Sent::NonceUsed | Sent::Underpriced => return Ok(()),
                Sent::Refused(reason) => {
                    metrics::counter!("chassis_transactions_refused_total").increment(1);
                    warn!(hash = %attempt.hash, reason, "no endpoint takes the transaction; sending it again");
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    async fn sign_post(
        &self,
        transaction: &Transaction,
        fee: Fee,
        calldata: Vec<u8>,
    ) -> Result<Attempt, Error> {
        let to = *self.chain.registry.address();
        self.sign_attempt(transaction, fee, to, transaction.gas_limit, calldata.into())
            .await
    }

    /// Uses the nonce up.
    async fn sign_nothing(&self, transaction: &Transaction, fee: Fee) -> Result<Attempt, Error> {
        let to = self.signer.address();
        let attempt = self
            .sign_attempt(transaction, fee, to, super::PLAIN_GAS, Bytes::new())
            .await?;
        Ok(Attempt {
            cancels: transaction.report.is_some(),
            ..attempt
        })
    }

    async fn sign_attempt(
        &self,
        transaction: &Transaction,
        fee: Fee,
        to: alloy::primitives::Address,
        gas_limit: u64,
        input: Bytes,
    ) -> Result<Attempt, Error> {
        let Some(nonce) = transaction.nonce else {
            return Err(Error::Refused(
                "another relayer's transaction is not this one's to sign".into(),
            ));
        };
        let unsigned = TxEip1559 {
            chain_id: self.chain.id,
            nonce,
            gas_limit,
            max_fee_per_gas: fee.max_fee,
            max_priority_fee_per_gas: fee.max_tip,
            to: TxKind::Call(to),
            value: U256::ZERO,
            access_list: AccessList::default(),
            input,
        };
        let signature = self.signer.sign_hash(&unsigned.signature_hash()).await?;
        let envelope = TxEnvelope::from(unsigned.into_signed(signature));
        Ok(Attempt {
            hash: *envelope.tx_hash(),
            raw: envelope.encoded_2718(),
            max_fee: fee.max_fee,
            max_tip: fee.max_tip,
            cancels: false,
        })
    }
}
