//! Three replicas on one `PostgreSQL` server, and one dies in the middle.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::task::JoinHandle;

use super::*;
use crate::Error;

const BUNDLES: u64 = 60;

/// A replica's life: appraise what it claims, and post what is appraised while it holds the lease. What it wrote, it
/// notes.
async fn live(store: Store, died: Arc<AtomicBool>) -> (Vec<B256>, Vec<B256>) {
    let (mut appraised, mut reported) = (Vec::new(), Vec::new());
    let poster = store.fenced("post");
    while store.count(State::Queued).await.unwrap() < i64::try_from(BUNDLES).unwrap() {
        for row in store.claim(5).await.unwrap() {
            tokio::time::sleep(Duration::from_millis(5)).await;
            if died.load(Ordering::Relaxed) {
                return (appraised, reported);
            }
            if store
                .set_appraisal(row.digest, row.digest, Some("{}"))
                .await
                .unwrap()
            {
                appraised.push(row.digest);
            }
        }
        if !poster.hold().await.unwrap() {
            continue;
        }
        let mut rows = poster.bundles_in(State::Cosigning, 3).await.unwrap();
        rows.extend(poster.bundles_in(State::Appraised, 3).await.unwrap());
        for row in rows {
            match report(&poster, row.digest).await {
                Ok(()) => reported.push(row.digest),
                Err(Error::LeaseLost { .. }) => break,
                Err(error) => panic!("{error}"),
            }
            if died.load(Ordering::Relaxed) {
                return (appraised, reported);
            }
        }
    }
    (appraised, reported)
}

/// A report is named after its bundle: what one replica signed and did not queue, another one signs again and queues.
async fn report(poster: &Store, digest: B256) -> Result<(), Error> {
    let signing = Signing {
        evidence: digest,
        ..signing(0)
    };
    sign(poster, digest, &[signing]).await?;
    let signed = poster.signed_report(digest).await?.unwrap();
    poster.queue_report(&signed, &[]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn three_replicas_handle_everything_once_though_one_dies() {
    let server = Postgres::start();
    let db = TestDb::on(&server, "replicas").await;
    let config = StoreConfig {
        lease_seconds: 1,
        claim_seconds: 1,
        ..StoreConfig::default()
    };
    let mut replicas: Vec<JoinHandle<_>> = Vec::new();
    let victim_died = Arc::new(AtomicBool::new(false));
    let first = Store::connect(&db.url, &config).await.unwrap();
    for n in 0..BUNDLES {
        first.add_bundle(&bundle(n)).await.unwrap();
    }
    for number in 0..3 {
        let store = Store::connect(&db.url, &config).await.unwrap();
        let died = if number == 0 {
            Arc::clone(&victim_died)
        } else {
            Arc::default()
        };
        replicas.push(tokio::spawn(live(store, died)));
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    // It gives nothing back: what it holds must come back by itself.
    victim_died.store(true, Ordering::Relaxed);

    let (mut appraised, mut reported) = (BTreeMap::new(), BTreeMap::new());
    for replica in replicas {
        let (by_it, posted) = replica.await.unwrap();
        for digest in by_it {
            *appraised.entry(digest).or_insert(0) += 1;
        }
        for digest in posted {
            *reported.entry(digest).or_insert(0) += 1;
        }
    }
    let all: BTreeMap<_, _> = (0..BUNDLES).map(|n| (hash(n), 1)).collect();
    assert_eq!(appraised, all);
    assert_eq!(reported, all);
}
