//! How things stand on chain, and who is told: looked at all the time, also while a renewal takes its own.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use alloy_primitives::Address;

use super::{
    catalogue::seconds,
    clock::{ChainClock, Time},
    ready::Ready,
};
use crate::{At, Error, Registry, Standing};

/// One operator, as the registry has it.
#[derive(Debug)]
pub(super) struct Sight {
    registry: Registry,
    operator: Address,
    ready: Ready,
    clock: Mutex<ChainClock>,
}

/// For so long an endpoint may show the same block; then it stands still, whatever it answers.
const STILL: Duration = Duration::from_mins(5);

impl Sight {
    pub(super) fn new(registry: Registry, operator: Address, ready: Ready) -> Self {
        Self {
            registry,
            operator,
            ready,
            clock: Mutex::default(),
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

    /// The chain's time and what the registry says; metrics and readiness say the same from now on. Where the endpoint stands
    /// still, its time is the last one that it told and what has passed since.
    ///
    /// # Errors
    /// If the chain does not answer. Then what was seen last holds, but not beyond the attestation's end.
    pub(super) async fn look(&self) -> Result<(u64, Standing), Error> {
        let seen = self.ask().await;
        match &seen {
            Ok((time, standing)) if time.still < STILL => self.show(time.now, standing),
            Ok((time, standing)) => {
                metrics::counter!("chassis_node_chain_failures_total").increment(1);
                let still = time.still.as_secs();
                let problem =
                    format!("its latest block has been the same for {still} s; ask another endpoint");
                tracing::warn!("{}", self.registry.rpc.error(problem));
                self.show(time.now, standing);
            }
            Err(_) => {
                metrics::counter!("chassis_node_chain_failures_total").increment(1);
                if self.ready.expire() {
                    metrics::gauge!("chassis_node_attested").set(0);
                }
            }
        }
        seen.map(|(time, standing)| (time.now, standing))
    }

    async fn ask(&self) -> Result<(Time, Standing), Error> {
        let head = self.registry.rpc.block(At::Latest).await?.timestamp.to();
        let standing = self.registry.standing(self.operator, At::Latest).await?;
        // Nothing there can be left half-done by a panic.
        let mut clock = self.clock.lock().unwrap_or_else(PoisonError::into_inner);
        Ok((clock.see(head, Instant::now()), standing))
    }

    fn show(&self, now: u64, standing: &Standing) {
        self.ready.learn(now, standing);
        metrics::gauge!("chassis_node_attested").set(u8::from(self.ready.told().0));
        metrics::gauge!("chassis_node_expiry_timestamp_seconds").set(seconds(standing.expiry));
    }
}
