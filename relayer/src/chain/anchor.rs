//! What is said of the block that evidence names.

use std::cmp::Ordering;

use chassis_program::unix_now;
use chassis_verifier::{AnchorClaim, bundle::Anchor};

use super::{Block, Chain};
use crate::Error;

/// Endpoints whose latest block is so many seconds old have not caught up with the chain.
pub(super) const BEHIND: u64 = 900;

impl Chain {
    /// What this relayer can say about the block that evidence names: the canonical block of that number if it is
    /// finalized, else the finalized one. If the two differ, the appraisal says so.
    ///
    /// # Errors
    /// If too few endpoints answer, or they disagree; also as [`Chain::not_final`] says. Below a block that is final there is
    /// one: endpoints that have none, though it is near, or lack the final one too, have not come so far, and a rejection would
    /// be for ever. Of old ones they may have none on purpose, and what names one would wait for ever.
    pub async fn anchor_claim(&self, anchor: &Anchor, finalized: Block) -> Result<AnchorClaim, Error> {
        let number = anchor.block_number;
        match number.cmp(&finalized.number) {
            Ordering::Less => match self.canonical(number).await? {
                Some(block) => Ok(self.claim(block)),
                None if number.saturating_add(self.near) < finalized.number
                    && self.canonical(finalized.number).await?.is_some() =>
                {
                    Ok(self.claim(finalized))
                }
                None => Err(Error::Rpc(format!(
                    "block {number}, which evidence names, is not there yet, and block {} is final",
                    finalized.number
                ))),
            },
            Ordering::Equal => Ok(self.claim(finalized)),
            Ordering::Greater => self.not_final(number, finalized, self.latest().await?),
        }
    }

    /// The same for a block beyond the finalized one, as of the latest.
    ///
    /// # Errors
    /// Unless it is sure that there is no such block. The node's endpoint may have been faster than these, or these are just
    /// catching up: a rejection would be for ever.
    pub fn not_final(&self, number: u64, finalized: Block, latest: Block) -> Result<AnchorClaim, Error> {
        let is_behind = latest.timestamp.saturating_add(BEHIND) < unix_now();
        if is_behind || number <= latest.number.saturating_add(self.near) {
            return Err(Error::Rpc(format!(
                "block {number}, which evidence names, is not finalized here yet: block {} is, and block {} is the latest",
                finalized.number, latest.number
            )));
        }
        Ok(self.claim(finalized))
    }

    /// What this relayer says of a block that is final.
    pub fn claim(&self, block: Block) -> AnchorClaim {
        AnchorClaim {
            chain_id: self.id,
            registry: *self.registry.address(),
            number: block.number,
            hash: block.hash,
            timestamp: block.timestamp,
        }
    }
}
