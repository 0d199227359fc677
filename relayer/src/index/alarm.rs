//! The registry is not what its log says, or what an endpoint says is its log.

use std::sync::{Arc, PoisonError, RwLock};

use tracing::{error, info};

/// Where and how the two differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// The last block after which they were the same.
    pub after: u64,
    /// The first block after which they were not, as far as that can be said.
    pub block: u64,
    /// The event, or what else is wrong.
    pub problem: String,
}

/// Whether there is a divergence now. Clones are one.
#[derive(Clone, Debug, Default)]
pub struct Alarm {
    current: Arc<RwLock<Option<Divergence>>>,
    is_ignored: bool,
}

impl Alarm {
    /// No alarm yet. `is_ignored`: it does not stop signing.
    pub fn new(is_ignored: bool) -> Self {
        Self {
            is_ignored,
            ..Self::default()
        }
    }

    /// Whether nothing may be signed. Reports rest on what the registry says: an endpoint that is wrong about its log, or a
    /// relayer that is wrong about its rules, must not attest anybody.
    pub fn stops_signing(&self) -> bool {
        !self.is_ignored && self.divergence().is_some()
    }

    /// The divergence, while there is one.
    pub fn divergence(&self) -> Option<Divergence> {
        self.current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn raise(&self, divergence: Divergence) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if current.as_ref() == Some(&divergence) {
            return;
        }
        if current.is_none() {
            metrics::counter!("chassis_index_divergences_total").increment(1);
        }
        metrics::gauge!("chassis_index_diverged").set(1);
        let Divergence {
            after,
            block,
            problem,
        } = &divergence;
        error!(after, block, problem, "the registry is not what its log says");
        *current = Some(divergence);
    }

    pub(super) fn clear(&self) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        metrics::gauge!("chassis_index_diverged").set(0);
        if let Some(was) = current.take() {
            info!(block = was.block, "the registry is what its log says again");
        }
    }
}

impl std::fmt::Display for Divergence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "the registry is not what its log says, in block {} (the same up to {}): {}",
            self.block, self.after, self.problem
        )
    }
}
