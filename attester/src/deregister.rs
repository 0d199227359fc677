//! An operator's own way out: its own transaction, by its own key.

use std::time::{Duration, Instant};

use alloy::{
    consensus::{SignableTransaction, TxEip1559},
    eips::eip2718::Encodable2718,
    sol_types::SolCall,
};
use alloy_primitives::{Address, B256, Bytes, TxKind, U64, U256};
use serde::Deserialize;
use serde_json::json;

use crate::{At, Error, OnChain, OperatorKey, Registry, registry::deregisterCall};

const POLL: Duration = Duration::from_secs(2);
/// Where the endpoint has no opinion of its own: 1 gwei.
const TIP: u128 = 1_000_000_000;

/// A deregistration, ready to be sent.
#[derive(Clone, Debug)]
pub struct Deregistration {
    transaction: TxEip1559,
    operator: Address,
}

impl Deregistration {
    /// Asks the chain what it takes. Nothing is sent yet.
    ///
    /// # Errors
    /// [`Error::NotActive`] if there is nothing to leave; if the RPC endpoint does not answer or says that it would revert.
    pub async fn prepare(registry: &Registry, operator: Address) -> Result<Self, Error> {
        let standing = registry.standing(operator, At::Latest).await?;
        // Frozen may also be its platform, which keeps nobody from leaving: then the registry itself says.
        if matches!(
            standing.status,
            OnChain::Unknown | OnChain::Revoked | OnChain::Deregistered
        ) {
            return Err(Error::NotActive {
                operator,
                status: standing.status,
            });
        }
        let rpc = &registry.rpc;
        let input = Bytes::from(deregisterCall {}.abi_encode());
        let call = json!({"from": operator, "to": registry.address, "data": input});
        let gas: U64 = rpc.call("eth_estimateGas", json!([call])).await?;
        let nonce: U64 = rpc
            .call("eth_getTransactionCount", json!([operator, "pending"]))
            .await?;
        let base = rpc.block(At::Latest).await?.base_fee_per_gas.unwrap_or_default();
        let tip: Result<U256, _> = rpc.call("eth_maxPriorityFeePerGas", json!([])).await;
        let tip = tip.map_or(TIP, saturate);
        let transaction = TxEip1559 {
            chain_id: rpc.chain_id().await?,
            nonce: nonce.to(),
            gas_limit: gas.to::<u64>().saturating_mul(6) / 5,
            // A base fee grows by an eighth per block at most: enough for five full ones.
            max_fee_per_gas: saturate(base).saturating_mul(2).saturating_add(tip),
            max_priority_fee_per_gas: tip,
            to: TxKind::Call(registry.address),
            input,
            ..TxEip1559::default()
        };
        Ok(Self {
            transaction,
            operator,
        })
    }

    /// What it can cost at most, in wei.
    pub fn greatest_cost(&self) -> u128 {
        u128::from(self.transaction.gas_limit).saturating_mul(self.transaction.max_fee_per_gas)
    }

    /// Signs and sends it. Gives the transaction's hash.
    ///
    /// # Errors
    /// If the key cannot be used, or the endpoint takes no transaction of it.
    pub async fn send(&self, registry: &Registry, key: &OperatorKey) -> Result<B256, Error> {
        let signature = key.sign_hash(&self.transaction.signature_hash()).await?;
        let signed = self.transaction.clone().into_signed(signature);
        let raw = Bytes::from(signed.encoded_2718());
        registry.rpc.call("eth_sendRawTransaction", json!([raw])).await
    }

    /// Waits until the registry has the operator as deregistered, at a finalized block. Calls `included` once when it is in
    /// a block that may still be undone.
    ///
    /// # Errors
    /// [`Error::Reverted`] if the registry refused, [`Error::Pending`] after `patience`.
    pub async fn follow(
        &self,
        registry: &Registry,
        hash: B256,
        patience: Duration,
        included: &mut dyn FnMut(),
    ) -> Result<(), Error> {
        let deadline = Instant::now() + patience;
        let mut was_included = false;
        while Instant::now() < deadline {
            match self.is_done(registry, At::Finalized).await {
                Ok(true) => return Ok(()),
                Ok(false) if !was_included => match fate(registry, hash).await {
                    Ok(Some(true)) => {
                        was_included = true;
                        included();
                    }
                    Ok(Some(false)) => return Err(Error::Reverted { transaction: hash }),
                    Ok(None) => {}
                    Err(error) => tracing::warn!("{error}; asking again"),
                },
                Ok(false) => {}
                Err(error) => tracing::warn!("{error}; asking again"),
            }
            tokio::time::sleep(POLL).await;
        }
        Err(Error::Pending {
            transaction: hash,
            seconds: patience.as_secs(),
        })
    }

    async fn is_done(&self, registry: &Registry, at: At) -> Result<bool, Error> {
        let standing = registry.standing(self.operator, at).await?;
        Ok(standing.status == OnChain::Deregistered)
    }
}

/// Whether it did what it should, once it is in a block.
async fn fate(registry: &Registry, hash: B256) -> Result<Option<bool>, Error> {
    let receipt: Option<Receipt> = registry
        .rpc
        .call("eth_getTransactionReceipt", json!([hash]))
        .await?;
    Ok(receipt.map(|receipt| receipt.status == U64::from(1)))
}

#[derive(Deserialize)]
struct Receipt {
    status: U64,
}

fn saturate(amount: U256) -> u128 {
    amount.try_into().unwrap_or(u128::MAX)
}
