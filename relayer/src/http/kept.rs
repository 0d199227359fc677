//! Answers that many want at once and that cost questions: one asks, the others get the same.

use std::{
    future::pending,
    panic::resume_unwind,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::Mutex;

use crate::{chain::Block, cosign::Proof};

/// How long an answer is good for. Less than a block, and than anybody's watch looks again.
const TIME: Duration = Duration::from_secs(1);

/// What is kept for anybody who asks.
#[derive(Clone, Debug, Default)]
pub struct Keeping {
    /// Why bundles would not get signed.
    pub(super) obstacles: Kept<Vec<String>>,
    /// The metrics' text.
    pub(super) metrics: Kept<String>,
    /// The latest finalized block.
    pub(super) finalized: Kept<Result<Block, String>>,
    /// What convicts other relayers.
    pub(super) proofs: Kept<Result<Vec<Proof>, String>>,
}

/// The last answer. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Kept<T>(Arc<Mutex<Option<(Instant, T)>>>);

impl<T: Clone + Send + 'static> Kept<T> {
    /// The answer, if it is fresh, or was asked for since this caller came; else `ask` is asked, by one caller at a time. The
    /// others wait for what it says.
    pub(super) async fn get(&self, ask: impl Future<Output = T> + Send + 'static) -> T {
        let came = Instant::now();
        let mut last = Arc::clone(&self.0).lock_owned().await;
        if let Some((at, answer)) = &*last
            && (*at >= came || at.elapsed() < TIME)
        {
            return answer.clone();
        }
        // Who asked may go away: what has been asked is answered to the others all the same.
        let asking = tokio::spawn(async move {
            let asked = Instant::now();
            let answer = ask.await;
            *last = Some((asked, answer.clone()));
            answer
        });
        match asking.await.map_err(tokio::task::JoinError::try_into_panic) {
            Ok(answer) => answer,
            Err(Ok(panic)) => resume_unwind(panic),
            // The program ends.
            Err(Err(_)) => pending().await,
        }
    }
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use futures::{FutureExt, future::join_all};
    use tokio::time::sleep;

    use super::*;

    /// Each time it is asked it says another number.
    #[derive(Clone, Default)]
    struct Source(Arc<AtomicU32>, Duration);

    impl Source {
        async fn ask(self) -> u32 {
            sleep(Duration::from_millis(50) + self.1).await;
            self.0.fetch_add(1, Ordering::Relaxed)
        }
    }

    #[tokio::test]
    async fn many_ask_once_and_later_anew() {
        let (kept, source) = (Kept::default(), Source::default());
        let all = join_all((0..100).map(|_| kept.get(source.clone().ask()))).await;
        assert_eq!(all, [0; 100]);
        sleep(TIME).await;
        assert_eq!(kept.get(source.clone().ask()).await, 1);
    }

    #[tokio::test]
    async fn an_answer_that_is_long_in_coming_is_everybodys_too() {
        let (kept, source) = (Kept::default(), Source(Arc::default(), TIME));
        let first = kept.get(source.clone().ask());
        let later = async {
            sleep(TIME / 2).await;
            join_all((0..100).map(|_| kept.get(source.clone().ask()))).await
        };
        let (first, later) = tokio::join!(first, later);
        assert_eq!((first, later), (0, vec![1; 100]));
    }

    #[tokio::test]
    async fn who_asks_and_goes_away_has_asked_for_the_others() {
        let (kept, source) = (Kept::default(), Source::default());
        for _ in 0..10 {
            assert!(kept.get(source.clone().ask()).now_or_never().is_none());
        }
        assert_eq!(kept.get(source.clone().ask()).await, 0);
        assert_eq!(source.0.load(Ordering::Relaxed), 1);
    }
}
