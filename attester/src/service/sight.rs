//! How things stand on chain, and who is told: looked at all the time, also while a renewal takes its own.

use std::{
    pin::pin,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use alloy_primitives::Address;
use tokio::time::timeout;

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
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    clock: ChainClock,
    /// At the newest block.
    standing: Option<Standing>,
}

/// For so long an endpoint may show the same block; then it stands still, whatever it answers.
const STILL: Duration = Duration::from_mins(5);

impl Sight {
    pub(super) fn new(registry: Registry, operator: Address, ready: Ready) -> Self {
        Self {
            registry,
            operator,
            ready,
            seen: Mutex::default(),
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
        let mut asking = pin!(self.ask());
        let left = self.ready.left().unwrap_or(Duration::MAX);
        let answer = if let Ok(answer) = timeout(left, &mut asking).await {
            answer
        } else {
            self.expire();
            asking.await
        };
        self.take(answer, Instant::now())
    }

    /// What was said last does not hold beyond the attestation's end, however long the chain takes to answer.
    fn expire(&self) {
        if self.ready.expire() {
            metrics::gauge!("chassis_node_attested").set(0);
        }
    }

    /// The latest block's time, and what the registry says there.
    async fn ask(&self) -> Result<(u64, Standing), Error> {
        let (time, at) = self.latest().await?;
        if let Ok(standing) = self.registry.standing(self.operator, at).await {
            return Ok((time, standing));
        }
        // Behind one URL may be several machines: of the block that one has just shown, the next may not have heard.
        let (time, at) = self.latest().await?;
        Ok((time, self.registry.standing(self.operator, at).await?))
    }

    /// The latest block's time, and how it is named.
    async fn latest(&self) -> Result<(u64, At), Error> {
        let block = self.registry.rpc.block(At::Latest).await?;
        Ok((block.timestamp.to(), At::Block(block.number.to())))
    }

    fn take(&self, answer: Result<(u64, Standing), Error>, at: Instant) -> Result<(u64, Standing), Error> {
        let (head, standing) = answer.inspect_err(|_| {
            count_failure();
            self.expire();
        })?;
        let (time, standing) = self.newest(head, standing, at);
        if time.still >= STILL {
            count_failure();
            let still = time.still.as_secs();
            let problem = format!("it has shown no newer block for {still} s; ask another endpoint");
            tracing::warn!("{}", self.registry.rpc.error(problem));
        }
        self.show(time.now, &standing);
        Ok((time.now, standing))
    }

    /// What an older block says is no news, unless there has been no other for long: a chain may have been started anew.
    fn newest(&self, head: u64, standing: Standing, at: Instant) -> (Time, Standing) {
        // Nothing there can be left half-done by a panic.
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let time = seen.clock.see(head, at);
        if time.is_old && time.still < STILL {
            return (time, seen.standing.unwrap_or(standing));
        }
        seen.standing = Some(standing);
        (time, standing)
    }

    fn show(&self, now: u64, standing: &Standing) {
        self.ready.learn(now, standing);
        metrics::gauge!("chassis_node_attested").set(u8::from(self.ready.told().0));
        metrics::gauge!("chassis_node_expiry_timestamp_seconds").set(seconds(standing.expiry));
    }
}

fn count_failure() {
    metrics::counter!("chassis_node_chain_failures_total").increment(1);
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use axum::{Json, Router, routing::post};
    use metrics_exporter_prometheus::PrometheusBuilder;
    use serde_json::{Value, json};

    use super::*;
    use crate::Rpc;

    fn sight(url: &str) -> Sight {
        let registry = Registry::new(Rpc::new(url).unwrap(), Address::ZERO);
        Sight::new(registry, Address::ZERO, Ready::new(Address::ZERO, None))
    }

    #[test]
    fn an_endpoint_that_stands_still_is_counted_after_five_minutes() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, || {
            let (sight, start) = (sight("http://127.0.0.1:9"), Instant::now());
            for (after, failures) in [(0, 0), (60, 0), (299, 0), (300, 1), (360, 2)] {
                let at = start + Duration::from_secs(after);
                let (now, _) = sight.take(Ok((1000, Standing::until(9000))), at).unwrap();
                assert_eq!(now, 1000 + after);
                let said = handle.render();
                let counted = said.contains(&format!("chassis_node_chain_failures_total {failures}\n"));
                assert!(
                    counted || failures == 0 && !said.contains("failures"),
                    "{after}: {said}"
                );
            }
            assert!(sight.ready.told().0, "it counts, and does not judge");
        });
    }

    #[test]
    fn an_older_block_says_nothing_new_for_five_minutes() {
        let (sight, start) = (sight("http://127.0.0.1:9"), Instant::now());
        let take = |head, expiry, after| {
            let at = start + Duration::from_secs(after);
            sight
                .take(Ok((head, Standing::until(expiry))), at)
                .unwrap()
                .1
                .expiry
        };
        assert_eq!(take(2000, 9000, 0), 9000);
        assert_eq!(take(1988, 0, 1), 9000, "before the grant");
        assert!(sight.ready.told().0);
        assert_eq!(take(2012, 9500, 12), 9500);
        assert_eq!(take(1988, 0, 311), 9500);
        assert_eq!(take(1988, 0, 312), 0, "a chain that was started anew");
        assert!(!sight.ready.told().0);
    }

    /// Serves a chain that knows its block 16 once it has been asked about it so many times.
    async fn serve(deaf: u64) -> String {
        let calls = std::sync::Arc::new(AtomicU64::new(0));
        let answer = move |Json(request): Json<Value>| {
            let calls = std::sync::Arc::clone(&calls);
            async move {
                let result = match (request["method"].as_str(), request["params"][1].as_str()) {
                    (Some("eth_getBlockByNumber"), _) => {
                        json!({"number": "0x10", "hash": format!("0x{:064x}", 1), "timestamp": "0x3e8"})
                    }
                    (Some("eth_call"), Some("0x10")) if calls.fetch_add(1, Ordering::Relaxed) >= deaf => {
                        json!(format!("0x{}", "00".repeat(32 * 32)))
                    }
                    _ => Value::Null,
                };
                Json(json!({"jsonrpc": "2.0", "id": 1, "result": result}))
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/", post(answer))).await });
        url
    }

    #[tokio::test]
    async fn the_registry_is_asked_at_the_block_that_was_read() {
        let (now, standing) = sight(&serve(0).await).look().await.unwrap();
        assert_eq!((now, standing.is_attested), (1000, false));
    }

    #[tokio::test]
    async fn the_end_is_told_while_the_chain_is_asked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ready");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut sight = sight(&format!("http://{}", listener.local_addr().unwrap()));
        sight.ready = Ready::new(Address::ZERO, Some(path.clone()));
        sight.ready.learn(1000, &Standing::until(1001));
        assert!(path.exists());
        let looking = timeout(Duration::from_secs(3), sight.look());
        assert!(looking.await.is_err(), "it does not answer");
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_machine_that_has_not_heard_of_the_block_is_asked_once_more() {
        // What is asked there are two questions.
        sight(&serve(1).await).look().await.unwrap();
        sight(&serve(9).await).look().await.unwrap_err();
    }
}
