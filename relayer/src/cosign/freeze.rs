//! Freezes that several relayers have found reason for, each by itself.
//!
//! A relayer signs an order only for what its own re-appraisal found ([`crate::freeze`]), and writes it down first. Then it
//! asks its peers, by the order's digest, for their signatures, and hands over its own. A peer that has signed the same
//! bytes, for what it found itself, answers with its signature; one that has not refuses, whoever asks. So nothing is
//! believed, and an order of one liar stays alone. With `freezeThreshold` signatures it is posted, by one after the other in
//! the order of the set until the registry has it; with fewer, by nobody.

use std::time::Instant;

use alloy::{
    primitives::{Address, B256, Bytes},
    sol_types::SolValue,
};
use futures::future::join_all;
use serde_json::{Value, json};
use tracing::{debug, info};

use super::{
    Cosigner, Inner,
    message::{FreezeRequest, Message, Signature},
    seat::Set,
    server::Fault,
    sign::verified,
};
use crate::{
    Error, failpoint::failpoint, freeze, post::Steps, registry::IProofOfCloudRegistry::Freeze, store::Order,
};

/// Most orders that peers are asked about at a time.
const AT_ONCE: usize = 8;

impl Cosigner {
    /// Brings on the freezes that this relayer has signed. Always returns `false`: there is no hurry to do it again.
    ///
    /// # Errors
    /// The first of them, if the database or the chain does not answer.
    pub async fn freeze(&self) -> Result<bool, Error> {
        let inner = &self.0;
        let open: Vec<_> = inner.store.orders(0).await?;
        let open: Vec<_> = open.into_iter().filter(|order| !order.is_settled).collect();
        inner
            .memory()
            .complete_orders
            .retain(|hash, _| open.iter().any(|order| order.hash == *hash));
        let turns = inner.asked.order(open.iter().map(|order| order.hash).collect());
        let chosen = turns.iter().take(AT_ONCE);
        let chosen = chosen.filter_map(|hash| open.iter().find(|order| order.hash == *hash));
        let chosen: Vec<_> = chosen.inspect(|order| inner.asked.asked(order.hash)).collect();
        let mut steps = Steps::default();
        for done in join_all(chosen.into_iter().map(|order| inner.bring_on(order))).await {
            steps.add(done.map(|()| false));
        }
        steps.result()
    }

    /// The freezes that this relayer has signed and that the registry would still take.
    ///
    /// # Errors
    /// If the database or the chain does not answer.
    pub async fn orders(&self) -> Result<Vec<Value>, Error> {
        let inner = &self.0;
        let mut shown = Vec::new();
        for order in inner.store.orders(inner.chain.time().await?).await? {
            shown.push(inner.show(&order).await?);
        }
        Ok(shown)
    }
}

impl Inner {
    /// Answers a peer that has signed an order: with this relayer's signature, if it has found the same.
    pub(super) async fn compare_order(
        &self,
        sender: Address,
        request: &FreezeRequest,
    ) -> Result<Signature, Fault> {
        let own = self.own_order_signature(request.order).await?.ok_or_else(|| {
            Fault::refused(format!(
                "this relayer has not found what order {} says",
                request.order
            ))
        })?;
        let theirs = verified(sender, request.order, &request.signature)
            .ok_or_else(|| Fault::refused(format!("not {sender}'s signature")))?;
        self.store
            .keep_order_signature(request.order, sender, &theirs)
            .await?;
        Ok(own)
    }

    async fn own_order_signature(&self, hash: B256) -> Result<Option<Signature>, Error> {
        let own = self.signer.address();
        let stored = self.store.order_signatures(hash).await?;
        let mine = stored.into_iter().find(|(signer, _)| *signer == own);
        Ok(mine.map(|(_, signature)| Signature {
            signature: Bytes::from(signature),
        }))
    }

    async fn bring_on(&self, order: &Order) -> Result<(), Error> {
        let (body, set) = self.read_order(order).await?;
        let mut signatures = self.store.order_signatures(order.hash).await?;
        if set.assemble(&signatures).is_none() {
            self.ask_about(order.hash, &signatures).await?;
            signatures = self.store.order_signatures(order.hash).await?;
        }
        let Some((mask, bytes)) = set.assemble(&signatures) else {
            return Ok(());
        };
        let since = *self
            .memory()
            .complete_orders
            .entry(order.hash)
            .or_insert_with(Instant::now);
        if since.elapsed() >= self.config.stage() * self.rank_in(&set, mask) {
            self.store
                .queue_order(order.hash, &freeze::calldata(&body, mask, bytes))
                .await?;
            failpoint("order queued");
            info!(order = %order.hash, operator = %order.operator, "a freeze has its signatures: to be posted");
        }
        Ok(())
    }

    /// Asks the peers that have not signed. What they answer is verified and kept.
    async fn ask_about(&self, hash: B256, signatures: &[(Address, [u8; 64])]) -> Result<(), Error> {
        let Some(own) = self.own_order_signature(hash).await? else {
            return Ok(());
        };
        let message = Message::Freeze(FreezeRequest {
            order: hash,
            signature: own.signature,
        });
        let has_signed = |peer: Address| signatures.iter().any(|(signer, _)| *signer == peer);
        let others = self.config.peers.iter().filter(|peer| !has_signed(peer.address));
        let asked = others.map(async |peer| {
            let answer: Result<Signature, _> = self.ask(peer, &message).await;
            (peer.address, answer)
        });
        for (peer, answer) in join_all(asked).await {
            match answer.map(|answer| verified(peer, hash, &answer.signature)) {
                Ok(Some(signature)) => self.store.keep_order_signature(hash, peer, &signature).await?,
                Ok(None) => debug!(%peer, order = %hash, "what it answers is not its signature"),
                Err(error) => debug!(%error, order = %hash, "does not sign the freeze"),
            }
        }
        Ok(())
    }

    /// How many signers post before this relayer does.
    fn rank_in(&self, set: &Set, mask: u32) -> u32 {
        let own = set.index(self.signer.address()).unwrap_or(31);
        (mask & ((1 << own) - 1)).count_ones()
    }

    /// An order, and the set that signs it, with the threshold for freezes.
    async fn read_order(&self, order: &Order) -> Result<(Freeze, Set), Error> {
        let body = Freeze::abi_decode(&order.body).map_err(|error| {
            Error::Refused(format!("the stored order {} is unreadable: {error}", order.hash))
        })?;
        let set = self.set(body.relayerSetId).await?;
        Ok((body, set.for_freezes()))
    }

    async fn show(&self, order: &Order) -> Result<Value, Error> {
        let (body, set) = self.read_order(order).await?;
        let signatures = self.store.order_signatures(order.hash).await?;
        let call = set
            .assemble(&signatures)
            .map(|(mask, bytes)| Bytes::from(freeze::calldata(&body, mask, bytes)));
        let mut signers: Vec<_> = signatures.iter().map(|(signer, _)| *signer).collect();
        signers.sort_unstable();
        Ok(json!({
            "hash": order.hash,
            "order": {
                "relayerSetId": body.relayerSetId,
                "action": body.action,
                "subject": body.subject,
                "statusNonce": body.statusNonce,
                "reason": body.reason,
                "evidenceHash": body.evidenceHash,
                "deadline": order.deadline,
            },
            "operator": order.operator,
            "trigger": order.reason,
            "signers": signers,
            "threshold": set.threshold,
            "isComplete": call.is_some(),
            "to": self.chain.registry.address(),
            "calldata": call,
        }))
    }
}
