//! Several replicas on one database.

use chassis_program::unix_now;

use super::*;
use crate::Error;

/// As if the time had passed.
async fn expire(store: &Store) {
    for statement in [
        "UPDATE leases SET until = 0",
        "UPDATE bundles SET claimed_until = 0",
    ] {
        sqlx::query(statement).execute(&store.writer).await.unwrap();
    }
}

/// Two replicas: of `SQLite`, which takes one process, another name on the same handle.
async fn replicas(db: &TestDb) -> (Store, Store) {
    let a = db.open().await;
    let mut b = a.clone();
    b.holder = "b".into();
    (a, b)
}

on_both! {
    async fn one_replica_holds_a_lease_and_a_silent_one_loses_it(db: &TestDb) {
        let (a, b) = replicas(db).await;
        let (a, b) = (a.fenced("post"), b.fenced("post"));
        assert!(a.hold().await.unwrap());
        assert!(!b.hold().await.unwrap());
        assert!(a.hold().await.unwrap(), "renewed");
        expire(&a).await;
        assert!(b.hold().await.unwrap());
        assert!(!a.hold().await.unwrap());
        b.release().await.unwrap();
        assert!(a.hold().await.unwrap(), "given back, it is there at once");
        assert!(b.fenced("other").hold().await.unwrap(), "another lease is another's");
    }

    async fn nothing_is_signed_or_reserved_under_a_lost_lease(db: &TestDb) {
        let (a, b) = replicas(db).await;
        let report = queue(&a, 1).await;
        a.add_bundle(&bundle(2)).await.unwrap();
        a.set_appraisal(hash(2), hash(9), Some("{}")).await.unwrap();
        let (a, b) = (a.fenced("post"), b.fenced("post"));

        let never_held = a.reserve(Some(report), Address::ZERO, 0, 1, 1).await;
        assert!(matches!(never_held, Err(Error::LeaseLost { .. })), "{never_held:?}");
        assert!(a.hold().await.unwrap());
        expire(&a).await;
        assert!(b.hold().await.unwrap());

        // `a` was paused and does not know.
        assert!(matches!(a.reserve(Some(report), Address::ZERO, 0, 1, 1).await, Err(Error::LeaseLost { .. })));
        let signed = sign(&a, hash(8), &[signing(2)]).await;
        assert!(matches!(signed, Err(Error::LeaseLost { .. })), "{signed:?}");
        b.reserve(Some(report), Address::ZERO, 0, 1, 1).await.unwrap();
        sign(&b, hash(8), &[signing(2)]).await.unwrap();

        // It comes back after another: same holder, newer token.
        expire(&a).await;
        assert!(a.hold().await.unwrap());
        a.put_back(hash(2), "").await.unwrap();
    }

    async fn a_bundle_is_claimed_once_and_comes_back_from_the_dead(db: &TestDb) {
        let (a, b) = replicas(db).await;
        for n in 0..10 {
            a.add_bundle(&bundle(n)).await.unwrap();
        }
        let mine = a.claim(4).await.unwrap();
        let order: Vec<_> = mine.iter().map(|row| row.received_at).collect();
        assert_eq!(order, (0..4).map(|n| bundle(n).received_at).collect::<Vec<_>>(), "the oldest first");
        let theirs = b.claim(100).await.unwrap();
        assert_eq!(theirs.len(), 6);
        assert!(theirs.iter().all(|row| mine.iter().all(|other| other.digest != row.digest)));
        assert!(a.claim(100).await.unwrap().is_empty());

        // `b` dies; `a` takes over; `b` turns out to be alive and comes too late.
        expire(&a).await;
        assert_eq!(a.claim(100).await.unwrap().len(), 10);
        let late = theirs[0].digest;
        assert!(!b.set_appraisal(late, hash(49), Some("{}")).await.unwrap());
        b.end_bundle(late, State::Failed, "by b").await.unwrap();
        assert!(a.set_appraisal(late, hash(50), Some("{}")).await.unwrap());
        let row = a.bundle(late).await.unwrap().unwrap();
        assert_eq!(row.state, State::Appraised);
        assert_eq!(row.result, Some(hash(50)), "by a");
        assert!(!a.set_appraisal(late, hash(51), None).await.unwrap(), "it has moved on");
    }

    async fn one_that_cannot_be_appraised_yet_lets_others_go_first(db: &TestDb) {
        let store = db.open().await;
        store.add_bundle(&bundle(1)).await.unwrap();
        store.add_bundle(&bundle(2)).await.unwrap();
        let first = store.claim(1).await.unwrap()[0].digest;
        store.postpone(first, 60).await.unwrap();
        assert_eq!(store.claim(10).await.unwrap()[0].digest, hash(2));
        expire(&store).await;
        store.claim(10).await.unwrap();
        store.postpone(first, 0).await.unwrap();
        store.add_bundle(&bundle(3)).await.unwrap();
        for expected in [hash(3), first] {
            assert_eq!(store.claim(1).await.unwrap()[0].digest, expected, "even one that came later");
        }
    }

    async fn one_that_was_put_off_does_not_wait_for_all_that_come_later(db: &TestDb) {
        let store = db.open().await;
        store.add_bundle(&bundle(1)).await.unwrap();
        store.claim(1).await.unwrap();
        store.postpone(hash(1), 0).await.unwrap();
        let received_at = i64::try_from(unix_now()).unwrap() + 2;
        store.add_bundle(&NewBundle { received_at, ..bundle(2) }).await.unwrap();
        for expected in [hash(1), hash(2)] {
            assert_eq!(store.claim(1).await.unwrap()[0].digest, expected);
        }
    }
}

#[tokio::test]
async fn a_second_relayer_on_one_sqlite_file_does_not_start() {
    let db = TestDb::sqlite();
    let first = db.open().await;
    first.add_bundle(&bundle(1)).await.unwrap();
    assert_eq!(first.claim(1).await.unwrap().len(), 1);
    assert!(first.fenced("post").hold().await.unwrap());
    let second = Store::connect(&db.url, &StoreConfig::default()).await;
    assert!(matches!(second, Err(Error::StoreInUse { .. })), "{second:?}");
    drop(first);
    let again = db.open().await;
    assert_eq!(
        again.claim(1).await.unwrap().len(),
        1,
        "the dead one's claim is over"
    );
    assert!(again.fenced("post").hold().await.unwrap(), "and so is its lease");
}

/// Else a relayer that is started often asks the registry about what it refused, again and again.
#[tokio::test]
async fn what_was_put_off_waits_on_after_a_restart() {
    let db = TestDb::sqlite();
    let first = db.open().await;
    let refused = queue(&first, 1).await;
    first.withdraw_report(refused, 1, 60, "refused").await.unwrap();
    for n in [2, 3] {
        first.add_bundle(&bundle(n)).await.unwrap();
        assert_eq!(first.claim(1).await.unwrap().len(), 1);
    }
    first.postpone(hash(2), 60).await.unwrap();
    drop(first);
    let again = db.open().await.claim(9).await.unwrap();
    let again: Vec<_> = again.into_iter().map(|row| row.digest).collect();
    assert_eq!(again, [hash(3)], "the one that somebody had claimed");
}

/// A power cut forgets nothing that was committed. How each connection is set is all that shows it without one.
#[tokio::test]
async fn every_connection_waits_for_the_disk() {
    const FULL: i64 = 2;
    let db = TestDb::sqlite();
    let store = db.open().await;
    let mut looked_at = 0;
    for pool in [&store.pool, &store.writer] {
        // Held, each of them: else one might be looked at again and again.
        let mut held = Vec::new();
        for _ in 0..pool.options().get_max_connections() {
            held.push(pool.acquire().await.unwrap());
        }
        for connection in &mut held {
            for (setting, expected) in [("synchronous", FULL), ("foreign_keys", 1)] {
                let query = sqlx::AssertSqlSafe(format!("PRAGMA {setting}"));
                let found: i64 = sqlx::query_scalar(query)
                    .fetch_one(&mut **connection)
                    .await
                    .unwrap();
                assert_eq!(found, expected, "{setting}");
            }
            looked_at += 1;
        }
    }
    assert_eq!(looked_at, StoreConfig::default().connections + 1);
}
