//! Appraised → Queued → Posted → Included → Final: one report at a time.
//!
//! The next report is built only when the last one is final, so that what it is built on (status nonces, generations,
//! expiries) cannot be taken back by a reorg. One transaction is under way at most, and there are no nonce gaps.

mod lanes;
mod manifest;
mod report;
mod transaction;

use alloy::primitives::B256;

pub use manifest::{Item, Manifest};

use crate::{Error, archive::Archive, chain::Chain, config::Config, key::Key, store::Store};

/// Builds, signs and posts reports.
#[derive(Clone, Debug)]
pub struct Poster {
    store: Store,
    archive: Archive,
    chain: Chain,
    signer: Key,
    policy: B256,
    max_batch: u32,
    max_fee: u128,
}

impl Poster {
    /// A poster for this configuration.
    ///
    /// # Errors
    /// If the policy has no digest.
    pub fn new(config: &Config, store: Store, archive: Archive, chain: Chain) -> Result<Self, Error> {
        Ok(Self {
            store,
            archive,
            chain,
            signer: config.signer.clone(),
            policy: config.policy.digest()?,
            max_batch: config.file.max_batch,
            max_fee: u128::from(config.file.max_fee_gwei) * 1_000_000_000,
        })
    }

    /// Takes the next step, whatever it is. Returns whether there was one.
    ///
    /// # Errors
    /// If the database or the chain does not answer: the same step is taken again later.
    pub async fn tick(&self) -> Result<bool, Error> {
        if self.finish().await? {
            return Ok(true);
        }
        if self.store.live_transaction().await?.is_some() {
            return Ok(false);
        }
        self.build_report().await
    }

    /// As [`Poster::tick`], and signs no new report.
    ///
    /// # Errors
    /// As [`Poster::tick`].
    pub async fn finish(&self) -> Result<bool, Error> {
        if let Some(transaction) = self.store.live_transaction().await? {
            return self.advance(&transaction).await;
        }
        if let Some((report, calldata)) = self.store.report_to_post().await? {
            return self.reserve(report, calldata).await.map(|()| true);
        }
        Ok(false)
    }
}
