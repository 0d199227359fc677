//! The registry, read through the operator's own RPC endpoint. Only what it says is believed.

mod interface;
mod log;
mod standing;

use alloy::sol_types::SolCall;
use alloy_primitives::Address;

use crate::{At, Error, Rpc};

pub(crate) use interface::IProofOfCloudRegistry::deregisterCall;
pub(crate) use log::Applied;
pub use standing::{OnChain, Standing};

use interface::IProofOfCloudRegistry::{attestationOfCall, isAttested_0Call};

/// A registry on the chain behind an RPC endpoint.
#[derive(Clone, Debug)]
pub struct Registry {
    pub(crate) rpc: Rpc,
    pub(crate) address: Address,
}

impl Registry {
    /// The registry at `address`.
    pub fn new(rpc: Rpc, address: Address) -> Self {
        Self { rpc, address }
    }

    /// What it says about `operator`.
    ///
    /// # Errors
    /// If the endpoint does not answer, or there is no registry at this address.
    pub async fn standing(&self, operator: Address, at: At) -> Result<Standing, Error> {
        let stored = self.ask(&attestationOfCall { operator }, at).await?;
        let is_attested = self.ask(&isAttested_0Call { operator }, at).await?;
        Ok(Standing::new(&stored, is_attested))
    }

    async fn ask<C: SolCall>(&self, call: &C, at: At) -> Result<C::Return, Error> {
        let answer = self.rpc.view(self.address, call.abi_encode().into(), at).await?;
        C::abi_decode_returns(&answer).map_err(|_| {
            let address = self.address;
            self.rpc.error(format!(
                "there is no registry at {address} on its chain; check --registry and --rpc-url"
            ))
        })
    }
}
