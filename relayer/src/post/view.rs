//! What the chain says at the start of a tick.

use alloy::primitives::Address;
use tokio::sync::OnceCell;

use super::fees::Market;
use crate::{Error, chain::Chain};

/// A look at the chain. What could not be had is an error only to the step that needs it: bytes are sent again even
/// while nothing can be decided.
#[derive(Debug)]
pub(super) struct View {
    mined: Result<u64, String>,
    base_fee: Result<u128, String>,
    time: Result<u64, String>,
    tip: Result<u128, String>,
    /// Asked for once somebody needs it.
    finalized: OnceCell<u64>,
}

impl View {
    /// `used`: nonces below were used by transactions that were final here.
    pub(super) async fn look(chain: &Chain, account: Address, used: u64) -> Self {
        let (mined, base_fee, time, tip) = tokio::join!(
            chain.mined_nonce(account, used),
            chain.base_fee(),
            chain.time(),
            chain.tip()
        );
        Self {
            mined: mined.map_err(|error| error.to_string()),
            base_fee: base_fee.map_err(|error| error.to_string()),
            time: time.map_err(|error| error.to_string()),
            tip: tip.map_err(|error| error.to_string()),
            finalized: OnceCell::new(),
        }
    }

    /// The finalized block's number: a decision.
    pub(super) async fn finalized(&self, chain: &Chain) -> Result<u64, Error> {
        let look = async || Ok(chain.finalized().await?.number);
        self.finalized.get_or_try_init(look).await.copied()
    }

    /// The account's next nonce.
    pub(super) fn mined(&self) -> Result<u64, Error> {
        self.mined.clone().map_err(Error::Rpc)
    }

    pub(super) fn market(&self) -> Result<Market, Error> {
        let (base_fee, tip) = (self.base_fee.clone(), self.tip.clone());
        Ok(Market {
            base_fee: base_fee.map_err(Error::Rpc)?,
            tip: tip.map_err(Error::Rpc)?,
        })
    }

    /// The chain's time, Unix seconds, by two endpoints.
    pub(super) fn time(&self) -> Result<u64, Error> {
        self.time.clone().map_err(Error::Rpc)
    }
}
