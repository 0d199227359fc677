//! Evidence, collected on a thread of its own: what blocks in a device can be left behind, and not be stopped.

use std::{
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use chassis_verifier::bundle::Evidence;
use tokio::{
    sync::oneshot,
    time::{sleep, timeout},
};

use super::Collector;
use crate::{Error, Request};

/// How long an end waits for what is under way, so that nothing is left half done in a device that works.
const GRACE: Duration = Duration::from_secs(10);
const STEP: Duration = Duration::from_millis(50);

/// Asks this machine, once at a time.
pub(super) struct Collecting {
    collector: Arc<Collector>,
    /// How long the machine has.
    patience: Duration,
    under_way: Option<JoinHandle<()>>,
}

impl Collecting {
    pub(super) fn new(collector: Arc<Collector>, patience: Duration) -> Self {
        Self {
            collector,
            patience,
            under_way: None,
        }
    }

    /// # Errors
    /// The collector's own, and [`Error::Hangs`] after `patience`; at once while an older call still hangs.
    pub(super) async fn collect(&mut self, request: Request) -> Result<Evidence, Error> {
        let hangs = Error::Hangs {
            seconds: self.patience.as_secs(),
        };
        if self.is_under_way() {
            return Err(hangs);
        }
        let (done, collected) = oneshot::channel();
        let collector = Arc::clone(&self.collector);
        let thread = thread::Builder::new()
            .name("evidence".to_owned())
            // Nobody listens any more to one that was left behind.
            .spawn(move || drop(done.send(collector(&request))))
            .map_err(|problem| Error::unusable("a thread to collect evidence on", problem))?;
        self.under_way = Some(thread);
        let Ok(collected) = timeout(self.patience, collected).await else {
            return Err(hangs);
        };
        // It has nothing more to do. Whether it panicked, the channel tells.
        drop(self.under_way.take().map(JoinHandle::join));
        collected.unwrap_or_else(|_| {
            Err(Error::unusable(
                "this machine's evidence",
                "collecting it panicked",
            ))
        })
    }

    /// Waits a moment for what is under way.
    pub(super) async fn finish(&self) {
        let until = tokio::time::Instant::now() + GRACE;
        while self.is_under_way() && tokio::time::Instant::now() < until {
            sleep(STEP).await;
        }
    }

    fn is_under_way(&self) -> bool {
        self.under_way
            .as_ref()
            .is_some_and(|thread| !thread.is_finished())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Barrier,
        atomic::{AtomicU32, Ordering::SeqCst},
    };

    use alloy_primitives::{Address, B256};
    use chassis_verifier::bundle::{Anchor, Disclosure};

    use super::*;

    fn request() -> Request {
        Request {
            anchor: Anchor {
                chain_id: 1,
                registry: Address::ZERO,
                block_number: 1,
                block_hash: B256::ZERO,
            },
            operator: Address::ZERO,
            session_key_hash: B256::ZERO,
            disclosure: Disclosure::Public,
        }
    }

    #[tokio::test]
    async fn one_call_that_hangs_is_left_behind_and_no_second_one_is_made_beside_it() {
        let hanging = Arc::new(Barrier::new(2));
        let calls = Arc::new(AtomicU32::new(0));
        let (waiting, counted) = (Arc::clone(&hanging), Arc::clone(&calls));
        let collector = move |_: &Request| {
            if counted.fetch_add(1, SeqCst) == 0 {
                waiting.wait();
            }
            Err(Error::NoRelayer)
        };
        let mut collecting = Collecting::new(Arc::new(collector), Duration::from_millis(50));
        for _ in 0..2 {
            let error = collecting.collect(request()).await.unwrap_err();
            assert!(matches!(error, Error::Hangs { .. }), "{error}");
        }
        assert_eq!(calls.load(SeqCst), 1);
        hanging.wait();
        collecting.finish().await;
        collecting.patience = GRACE;
        let error = collecting.collect(request()).await.unwrap_err();
        assert!(matches!(error, Error::NoRelayer), "{error}");
        assert_eq!(calls.load(SeqCst), 2);
    }

    #[tokio::test]
    async fn an_end_waits_for_what_is_under_way() {
        let has_ended = Arc::new(AtomicU32::new(0));
        let ended = Arc::clone(&has_ended);
        let collector = move |_: &Request| {
            thread::sleep(Duration::from_millis(300));
            ended.store(1, SeqCst);
            Err(Error::NoRelayer)
        };
        let mut collecting = Collecting::new(Arc::new(collector), GRACE);
        let dropped = timeout(Duration::from_millis(20), collecting.collect(request())).await;
        assert!(dropped.is_err());
        collecting.finish().await;
        assert_eq!(has_ended.load(SeqCst), 1);
    }

    #[tokio::test]
    async fn a_panic_is_an_error() {
        let collector = |_: &Request| -> Result<Evidence, Error> { panic!("a test's") };
        let mut collecting = Collecting::new(Arc::new(collector), GRACE);
        let error = collecting.collect(request()).await.unwrap_err();
        assert!(error.to_string().contains("panicked"), "{error}");
    }
}
