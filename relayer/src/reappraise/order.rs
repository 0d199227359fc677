//! A freeze, signed: what the registry takes from `freezeThreshold` relayers to stop an operator at once.

use alloy::{
    primitives::{Address, B256, Bytes, aliases::U40},
    sol_types::{SolCall, SolStruct},
};
use serde_json::json;
use tracing::warn;

use super::{Reappraiser, Trigger};
use crate::{
    Error,
    registry::{
        IProofOfCloudRegistry::{Attestation, Freeze},
        domain,
    },
    store::Order,
};

/// How long an order may be used, seconds. The registry takes none with a deadline more than an hour ahead.
const WINDOW: u64 = 3000;

/// `Freeze.action`: an operator.
const OPERATOR: u8 = 0;

mod call {
    #![allow(missing_docs, clippy::pedantic, reason = "generated from Solidity")]

    alloy::sol! {
        /// As `IProofOfCloudGovernance` has it, its first argument spelled out.
        function freezeBySignatures((uint32, uint8, bytes32, uint32, uint16, bytes32, uint40) order, uint32 signerMask, bytes signatures) external;
    }
}

impl Reappraiser {
    /// Signs a freeze of `operator` and keeps it for everybody to see. Nothing, if this relayer has no seat.
    ///
    /// The signature is good for as long as the operator's status has not changed, and for less than an hour. Where one
    /// signature is enough, `calldata` is the whole call; else it has this relayer's part.
    pub(super) async fn propose_freeze(
        &self,
        operator: Address,
        stored: &Attestation,
        trigger: Trigger,
        evidence: B256,
    ) -> Result<(), Error> {
        let registry = &self.chain.registry;
        let set_id = registry.control().call().await?.relayerSetId;
        let set = registry.relayerSet(set_id).call().await?;
        let signer = self.key.address();
        let index = set.members.iter().position(|member| *member == signer);
        let Some(index) = index.and_then(|index| u32::try_from(index).ok()) else {
            return Ok(());
        };
        let deadline = self.chain.latest().await?.timestamp + WINDOW;
        let order = Freeze {
            relayerSetId: set_id,
            action: OPERATOR,
            subject: operator.into_word(),
            statusNonce: stored.statusNonce,
            reason: trigger.check() as u16,
            evidenceHash: evidence,
            deadline: U40::from(deadline),
        };
        let hash = order.eip712_signing_hash(&domain(self.chain.id, *registry.address()));
        let signature = Bytes::from(self.key.sign_hash(&hash).await?.as_erc2098());
        let signer_mask = 1 << index;
        let call = call::freezeBySignaturesCall {
            order: (
                order.relayerSetId,
                order.action,
                order.subject,
                order.statusNonce,
                order.reason,
                order.evidenceHash,
                order.deadline,
            ),
            signerMask: signer_mask,
            signatures: signature.clone(),
        };
        let document = json!({
            "hash": hash,
            "order": {
                "relayerSetId": order.relayerSetId,
                "action": order.action,
                "subject": order.subject,
                "statusNonce": order.statusNonce,
                "reason": order.reason,
                "evidenceHash": order.evidenceHash,
                "deadline": deadline,
            },
            "operator": operator,
            "trigger": trigger,
            "signer": signer,
            "signerMask": signer_mask,
            "signature": signature,
            "threshold": set.freezeThreshold,
            "isComplete": set.freezeThreshold <= 1,
            "to": registry.address(),
            "calldata": Bytes::from(call.abi_encode()),
        });
        let order = Order {
            hash,
            operator,
            deadline: i64::try_from(deadline).unwrap_or(i64::MAX),
            document: document.to_string(),
        };
        self.store.add_order(&order).await?;
        metrics::counter!("chassis_freezes_proposed_total").increment(1);
        warn!(%operator, ?trigger, order = %hash, "proposing a freeze");
        Ok(())
    }
}
