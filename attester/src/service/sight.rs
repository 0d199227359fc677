//! How things stand on chain, and who is told: looked at all the time, also while a renewal takes its own.

use std::time::Duration;

use alloy_primitives::Address;

use super::{catalogue::seconds, ready::Ready};
use crate::{At, Error, Registry, Standing};

/// One operator, as the registry has it.
#[derive(Debug)]
pub(super) struct Sight {
    registry: Registry,
    operator: Address,
    ready: Ready,
}

impl Sight {
    pub(super) fn new(registry: Registry, operator: Address, ready: Ready) -> Self {
        Self {
            registry,
            operator,
            ready,
        }
    }

    /// Looks each `every`, and when the attestation ends, for ever.
    pub(super) async fn keep_looking(&self, every: Duration) {
        loop {
            if let Err(problem) = self.look().await {
                tracing::warn!("{problem}");
            }
            let left = self.ready.left().unwrap_or(every);
            tokio::time::sleep(every.min(left.max(Duration::from_secs(1)))).await;
        }
    }

    /// The chain's time and what the registry says; metrics and readiness say the same from now on.
    ///
    /// # Errors
    /// If the chain does not answer. Then what was seen last holds, but not beyond the attestation's end.
    pub(super) async fn look(&self) -> Result<(u64, Standing), Error> {
        let seen = self.ask().await;
        if let Ok((now, standing)) = &seen {
            self.show(*now, standing);
        } else {
            metrics::counter!("chassis_node_chain_failures_total").increment(1);
            if self.ready.expire() {
                metrics::gauge!("chassis_node_attested").set(0);
            }
        }
        seen
    }

    async fn ask(&self) -> Result<(u64, Standing), Error> {
        let now = self.registry.rpc.block(At::Latest).await?.timestamp.to();
        let standing = self.registry.standing(self.operator, At::Latest).await?;
        Ok((now, standing))
    }

    fn show(&self, now: u64, standing: &Standing) {
        metrics::gauge!("chassis_node_attested").set(u8::from(standing.is_attested));
        metrics::gauge!("chassis_node_expiry_timestamp_seconds").set(seconds(standing.expiry));
        self.ready.learn(now, standing);
    }
}
