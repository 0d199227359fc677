//! What a message leads to, and who is there.

use std::time::{Duration, Instant};

use alloy::primitives::{Address, B256, Bytes};
use axum::http::StatusCode;
use chassis_program::unix_now;
use futures::future::join_all;
use tracing::{debug, warn};

use super::{
    Cosigner, Inner,
    message::{Delivery, Hello, Message},
    seat::Set,
    server::{Fault, to_body},
};
use crate::Error;

/// A peer that has not answered for this long is not there.
const PRESENT: Duration = Duration::from_mins(1);

/// How long the names under which something was signed are remembered, seconds. What a report may carry is of the last half
/// hour, and it may be posted for one hour.
const KEPT: u64 = 86_400;

/// How long reports are remembered, seconds. What the registry rests on is found through them, and an attestation lives for
/// seven days at most.
const REPORTS_KEPT: u64 = 8 * 86_400;

/// How long a signature may wait for its report, seconds.
const PATIENCE: u64 = 3600;

impl Inner {
    /// Answers one message of a member.
    pub(super) async fn act(
        self: &std::sync::Arc<Self>,
        sender: Address,
        message: Message,
    ) -> Result<Vec<u8>, Fault> {
        let peer = self.peer(sender).ok_or_else(|| {
            Fault(
                StatusCode::FORBIDDEN,
                format!("{sender} is not among this relayer's peers"),
            )
        })?;
        match message {
            Message::Hello => Ok(to_body(&self.hello().await?)),
            Message::Propose(proposal) => Ok(to_body(&self.vote(peer, &proposal).await?)),
            Message::Fetch(fetch) => self.hand_out(fetch).await,
            Message::Sign(request) => {
                let signed = self.sign_for(peer, &request).await?;
                // Once: else one member's repetitions would be messages of this one to all.
                if signed.is_new {
                    self.tell_all(signed.report, sender, signed.signature.signature.clone());
                }
                Ok(to_body(&signed.signature))
            }
            Message::Freeze(request) => Ok(to_body(&self.compare_order(sender, &request).await?)),
            Message::Signed(delivery) => {
                self.take_delivery(&delivery).await?;
                Ok(b"{}".to_vec())
            }
        }
    }

    async fn hello(&self) -> Result<Hello, Error> {
        Ok(Hello {
            policy: self.policy_digest,
            relayer_set_id: self.known_set().await?.id,
            finalized: self.finalized().await?.number,
        })
    }

    /// Hands this relayer's signature to all members but the one who has it in the answer. In the background: the answer
    /// does not wait for those who are slow, and a member that is missed gets it from the next one who signs, or not at all.
    fn tell_all(self: &std::sync::Arc<Self>, report: B256, but: Address, signature: Bytes) {
        let inner = std::sync::Arc::clone(self);
        tokio::spawn(async move {
            let delivery = Message::Signed(Delivery {
                report,
                signer: inner.signer.address(),
                signature,
            });
            let peers = inner.config.peers.iter().filter(|peer| peer.address != but);
            let told = peers.map(async |peer| {
                if let Err(error) = inner.ask_bytes(peer, &delivery, 1024).await {
                    debug!(%error, "not told of a signature");
                }
            });
            join_all(told).await;
        });
    }

    /// Why there are too few members for a report, if there are.
    pub(super) fn lonely(&self, set: &Set) -> Option<String> {
        if set.threshold <= 1 {
            return None;
        }
        let present = 1 + set
            .members
            .iter()
            .filter(|member| set.counts(**member) && self.is_present(**member))
            .count();
        (present < set.threshold).then(|| {
            format!(
                "{} signatures are needed, and {present} relayers of set {} are there, this one among them",
                set.threshold, set.id
            )
        })
    }

    fn is_present(&self, member: Address) -> bool {
        let memory = self.memory();
        memory
            .heard
            .get(&member)
            .is_some_and(|(at, hello)| at.elapsed() < PRESENT && hello.policy == self.policy_digest)
    }
}

impl Cosigner {
    /// Sees which peers are there, and forgets what has had its time. Always returns `false`: there is no hurry to do it
    /// again.
    ///
    /// # Errors
    /// If the database or the chain does not answer.
    pub async fn greet(&self) -> Result<bool, Error> {
        let inner = &self.0;
        inner
            .store
            .forget(unix_now(), unix_now().saturating_sub(PATIENCE))
            .await?;
        let greeted = inner.config.peers.iter().map(async |peer| {
            let answer: Result<Hello, _> = inner.ask(peer, &Message::Hello).await;
            match answer {
                Ok(hello) => {
                    if hello.policy != inner.policy_digest {
                        warn!(peer = %peer.address, theirs = %hello.policy, "works by another policy");
                    }
                    let mut memory = inner.memory();
                    memory.heard.insert(peer.address, (Instant::now(), hello));
                }
                Err(error) => debug!(%error, "does not answer"),
            }
        });
        join_all(greeted).await;
        let present = inner
            .config
            .peers
            .iter()
            .filter(|peer| inner.is_present(peer.address));
        let present = u32::try_from(present.count()).unwrap_or(u32::MAX);
        metrics::gauge!("chassis_cosign_peers_up").set(present);
        let threshold = inner.known_set().await?.threshold;
        let needed = u32::try_from(threshold.saturating_sub(1)).unwrap_or(u32::MAX);
        metrics::gauge!("chassis_cosign_peers_needed").set(needed);
        // By the chain's time too: while nothing is finalized, what was named long ago may still be signed.
        let oldest = unix_now().saturating_sub(KEPT);
        let finalized = inner.finalized().await?.timestamp.saturating_sub(KEPT);
        let reports = unix_now().saturating_sub(REPORTS_KEPT);
        inner.store.forget_signed(reports, oldest.min(finalized)).await?;
        Ok(false)
    }
}
