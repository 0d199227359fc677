//! Evidence, collected on a thread of its own: what blocks in a device can be left behind, and not be stopped.

use std::{sync::Arc, thread, time::Duration};

use chassis_verifier::bundle::Evidence;
use tokio::{
    sync::oneshot::{self, error::TryRecvError},
    time::timeout,
};

use super::Collector;
use crate::{Error, Request};

type Collected = Result<Evidence, Error>;

/// Asks this machine, once at a time.
pub(super) struct Collecting {
    collector: Arc<Collector>,
    /// How long the machine has.
    patience: Duration,
    /// What was left behind.
    left_behind: Option<oneshot::Receiver<Collected>>,
}

impl Collecting {
    pub(super) fn new(collector: Arc<Collector>, patience: Duration) -> Self {
        Self {
            collector,
            patience,
            left_behind: None,
        }
    }

    /// # Errors
    /// The collector's own, and [`Error::Hangs`] after `patience`; at once while an older call still hangs.
    pub(super) async fn collect(&mut self, request: Request) -> Collected {
        let hangs = Error::Hangs {
            seconds: self.patience.as_secs(),
        };
        if let Some(older) = &mut self.left_behind
            && matches!(older.try_recv(), Err(TryRecvError::Empty))
        {
            return Err(hangs);
        }
        let (done, mut collected) = oneshot::channel();
        let collector = Arc::clone(&self.collector);
        thread::Builder::new()
            .name("evidence".to_owned())
            // Nobody listens any more to one that was left behind.
            .spawn(move || drop(done.send(collector(&request))))
            .map_err(|problem| Error::unusable("a thread to collect evidence on", problem))?;
        match timeout(self.patience, &mut collected).await {
            Ok(Ok(collected)) => collected,
            Ok(Err(_)) => Err(Error::unusable(
                "this machine's evidence",
                "collecting it panicked",
            )),
            Err(_) => {
                self.left_behind = Some(collected);
                Err(hangs)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use alloy_primitives::{Address, B256};
    use chassis_verifier::bundle::{Anchor, Disclosure};

    use super::*;

    #[tokio::test]
    async fn one_call_that_hangs_is_left_behind_and_no_second_one_is_made_beside_it() {
        let (hanging, anchor) = (
            Arc::new(Barrier::new(2)),
            Anchor {
                chain_id: 1,
                registry: Address::ZERO,
                block_number: 1,
                block_hash: B256::ZERO,
            },
        );
        let request = Request {
            anchor,
            operator: Address::ZERO,
            session_key_hash: B256::ZERO,
            disclosure: Disclosure::Public,
        };
        let waiting = Arc::clone(&hanging);
        let collector = move |_: &Request| {
            waiting.wait();
            Err(Error::NoRelayer)
        };
        let mut collecting = Collecting::new(Arc::new(collector), Duration::from_millis(50));
        for _ in 0..2 {
            let error = collecting.collect(request).await.unwrap_err();
            assert!(matches!(error, Error::Hangs { .. }), "{error}");
        }
        hanging.wait();
        // Were there a second one, it would have gone through the barrier with this.
        let released = tokio::task::spawn_blocking(move || hanging.wait());
        collecting.patience = Duration::from_secs(30);
        loop {
            match collecting.collect(request).await.unwrap_err() {
                Error::Hangs { .. } => tokio::time::sleep(Duration::from_millis(5)).await,
                error => break assert!(matches!(error, Error::NoRelayer), "{error}"),
            }
        }
        released.await.unwrap();
    }
}
