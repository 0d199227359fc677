//! Signs freezes of operators whose evidence has turned out bad.

use alloy::{
    primitives::Address,
    sol_types::{SolStruct, SolValue},
};
use tracing::warn;

use super::Reappraiser;
use crate::{Error, failpoint::failpoint, freeze::Finding, registry::domain, store::Order};

impl Reappraiser {
    /// Signs a freeze for what was found as of a finalized block of this time (Unix seconds), and keeps it. Nothing, if this
    /// relayer has no seat. All that is signed rests on two endpoints.
    ///
    /// The signature is good for as long as the operator's status has not changed, and for less than an hour.
    pub(super) async fn propose_freeze(&self, finding: &Finding, now: u64) -> Result<(), Error> {
        let registry = &self.chain.decided;
        let set_id = registry.control().call().await?.relayerSetId;
        let set = registry.relayerSet(set_id).call().await?;
        let signer: Address = self.key.address();
        if !set.members.contains(&signer) {
            return Ok(());
        }
        let order = finding.order(set_id, now);
        let hash = order.eip712_signing_hash(&domain(self.chain.id, *registry.address()));
        let signature = self.key.sign_hash(&hash).await?.as_erc2098();
        let stored = Order {
            hash,
            operator: finding.operator,
            deadline: order.deadline.to(),
            body: order.abi_encode(),
            reason: finding.trigger.name().to_owned(),
            is_settled: false,
        };
        let is_news = self.store.add_order(&stored, signer, &signature).await?;
        failpoint("ordered");
        if is_news {
            metrics::counter!("chassis_freezes_proposed_total").increment(1);
            warn!(operator = %finding.operator, trigger = finding.trigger.name(), order = %hash, "signed a freeze");
        }
        Ok(())
    }
}
