//! How far the service has come: up, or on its way down.

use tokio::sync::watch;

/// Two steps down, so that what is signed gets out before the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Bundles are taken.
    Running,
    /// No more intake and nothing new is signed; what is signed is brought on chain.
    Draining,
    /// Every task ends after the step it is in.
    Stopped,
}

/// Tells everybody how far the service has come.
#[derive(Clone, Debug)]
pub struct Phases(watch::Sender<Phase>);

impl Default for Phases {
    fn default() -> Self {
        Self(watch::Sender::new(Phase::Running))
    }
}

impl Phases {
    /// Where the service is now.
    pub fn now(&self) -> Phase {
        *self.0.borrow()
    }

    /// Comes back once the service is at `phase` or later.
    pub async fn reached(&self, phase: Phase) {
        // The sender lives as long as `self`.
        let _ = self.0.subscribe().wait_for(|now| *now >= phase).await;
    }

    /// Moves on. There is no way back.
    pub(super) fn advance(&self, to: Phase) {
        self.0.send_if_modified(|now| {
            let moves = to > *now;
            *now = to.max(*now);
            moves
        });
    }
}
