//! What other members' reports do to a bundle that this relayer has too.

use super::*;
use crate::store::{Attempt, Then};

const OWN: Address = Address::repeat_byte(1);
const LIAR: Address = Address::repeat_byte(2);
const OTHER: Address = Address::repeat_byte(3);

/// Signs report `n`, which carries bundle 1 with a result of its own.
async fn sign_of(store: &Store, n: u64, proposer: Address) -> B256 {
    sign_at(store, n, proposer, 1_700_000_000 + n).await
}

/// The same, at this time.
async fn sign_at(store: &Store, n: u64, proposer: Address, now: u64) -> B256 {
    let item = NewItem {
        signing: Signing {
            as_of: 1_700_000_000 + n,
            result: hash(5_000 + n),
            ..signing(1)
        },
        operator: bundle(1).operator,
        is_public: true,
        fields: format!("{{\"of\":{n}}}"),
    };
    let report = hash(6_000 + n);
    let new = NewReport {
        hash: report,
        report: vec![7],
        manifest: hash(4_000),
        proposer,
        proposers_signature: (proposer != OWN).then_some([8; 64]),
        set_id: 1,
        issued_at: 1_700_000_000 + n,
        deadline: 1_700_003_600,
        now,
        items: vec![item],
    };
    store.record_report(&new, OWN, &[9; 64]).await.unwrap();
    report
}

async fn appraise(store: &Store) {
    assert!(
        store
            .set_appraisal(hash(1), hash(2_001), Some("{\"of\":0}"))
            .await
            .unwrap()
    );
}

async fn row(store: &Store) -> (State, String) {
    let row = store.bundle(hash(1)).await.unwrap().unwrap();
    (row.state, row.fields.unwrap())
}

fn waits(n: u64) -> (State, String) {
    (State::Cosigning, format!("{{\"of\":{n}}}"))
}

on_both! {
    async fn a_member_holds_a_bundle_once_and_not_again_and_again(db: &TestDb) {
        let store = db.open().await;
        store.add_bundle(&bundle(1)).await.unwrap();
        appraise(&store).await;
        let first = sign_of(&store, 1, LIAR).await;
        assert_eq!(row(&store).await, waits(1));
        let mut signatures = store.signatures_under(first).await.unwrap();
        signatures.sort_unstable();
        assert_eq!(signatures, [(OWN, [9; 64]), (LIAR, [8; 64])], "with its own the one of who asked");
        // It asks anew before the first has been given up, and after: neither keeps the bundle from others.
        sign_of(&store, 2, LIAR).await;
        assert_eq!(row(&store).await, waits(1));
        store.close_report(first, "late").await.unwrap();
        assert_eq!(row(&store).await.0, State::Received);
        appraise(&store).await;
        sign_of(&store, 3, LIAR).await;
        assert_eq!(row(&store).await, (State::Appraised, "{\"of\":0}".into()));
        assert_eq!(store.bundles_to_propose(9).await.unwrap().len(), 1);
        // Another member has its own time, and an hour later so has the first.
        let other = sign_of(&store, 4, OTHER).await;
        assert_eq!(row(&store).await, waits(4));
        store.close_report(other, "late").await.unwrap();
        appraise(&store).await;
        sign_of(&store, 4_000, LIAR).await;
        assert_eq!(row(&store).await, waits(4_000));
    }

    async fn a_report_takes_its_own_result_along_whatever_others_said_meanwhile(db: &TestDb) {
        let store = db.open().await;
        store.add_bundle(&bundle(1)).await.unwrap();
        appraise(&store).await;
        let own = sign_of(&store, 1, OWN).await;
        sign_of(&store, 2, LIAR).await;
        assert_eq!(row(&store).await, waits(1), "another's report changes nothing of what waits");
        let of = store.bundles_cosigning(hash(6_002)).await.unwrap();
        assert_eq!(of[0].fields.as_deref(), Some("{\"of\":2}"), "each report says its own of it");
        queue_signed(&store, own, &[1]).await;
        assert_eq!(row(&store).await, (State::Queued, "{\"of\":1}".into()));
        let result: String = sqlx::query_scalar("SELECT result FROM bundles WHERE digest = $1")
            .bind(hash(1).to_string())
            .fetch_one(&store.pool)
            .await
            .unwrap();
        assert_eq!(result, hash(5_001).to_string());
    }

    /// Until the next block is final, an appraisal comes to the same, and so does the report.
    async fn a_report_that_was_done_with_and_is_made_again_is_open_again(db: &TestDb) {
        let store = db.open().await;
        store.add_bundle(&bundle(1)).await.unwrap();
        let open = async || {
            let open = store.open_reports().await.unwrap();
            open.into_iter().map(|report| (report.hash, report.recorded_at)).collect::<Vec<_>>()
        };
        appraise(&store).await;
        let report = sign_of(&store, 1, OWN).await;
        store.close_report(report, "not enough relayers signed in time").await.unwrap();
        assert_eq!((row(&store).await.0, open().await), (State::Received, vec![]));

        appraise(&store).await;
        assert_eq!(sign_at(&store, 1, OWN, 1_700_000_100).await, report);
        assert_eq!((row(&store).await, open().await), (waits(1), vec![(report, 1_700_000_100)]));
        store.close_report(report, "again not").await.unwrap();
        assert_eq!(row(&store).await.0, State::Received, "given up again, it lets its bundle go");

        // The registry would have refused it.
        appraise(&store).await;
        sign_of(&store, 1, OWN).await;
        queue_signed(&store, report, &[1]).await;
        sign_of(&store, 1, OWN).await;
        assert_eq!((row(&store).await.0, open().await), (State::Queued, vec![]), "what went on stays there");
        store.withdraw_report(report, 1, 0, "refused").await.unwrap();
        appraise(&store).await;
        sign_of(&store, 1, OWN).await;
        assert_eq!(open().await.len(), 1);
        queue_signed(&store, report, &[1]).await;
        assert_eq!(store.reports_to_post().await.unwrap(), [report]);
    }

    async fn a_try_counts_only_for_a_report_of_ones_own(db: &TestDb) {
        let store = db.open().await;
        store.add_bundle(&bundle(1)).await.unwrap();
        for (n, proposer, tries) in [(1, LIAR, 0), (2, OWN, 1)] {
            appraise(&store).await;
            let report = sign_of(&store, n, proposer).await;
            queue_signed(&store, report, &[1]).await;
            let id = store.reserve(Some(report), OWN, n, 1, 1).await.unwrap();
            let attempt = Attempt { hash: hash(n), raw: vec![1], max_fee: 1, max_tip: 1, cancels: false };
            store.add_attempt(id, &attempt).await.unwrap();
            assert!(store.drop_transaction(id, Then::Reappraise("it reverted")).await.unwrap());
            assert_eq!(store.bundle(hash(1)).await.unwrap().unwrap().tries, tries);
        }
    }

    async fn many_that_arrive_at_once_are_each_kept_and_told_so(db: &TestDb) {
        let store = db.open().await;
        // Each twice: one of the two is told that it is new. More than one statement keeps.
        let arrivals = (0..200).map(|n| {
            let store = store.clone();
            tokio::spawn(async move { store.add_bundle(&bundle(n % 100)).await.unwrap() })
        });
        let told = futures::future::join_all(arrivals.collect::<Vec<_>>()).await;
        assert_eq!(told.into_iter().filter(|told| *told.as_ref().unwrap()).count(), 100);
        assert_eq!(store.count(State::Received).await.unwrap(), 100);
    }

    async fn one_that_gives_up_while_it_writes_for_others_leaves_none_of_them_behind(db: &TestDb) {
        let store = db.open().await;
        for n in 0..20 {
            let (quitter, stayer) = (bundle(2 * n), bundle(2 * n + 1));
            let quitting = { let store = store.clone(); tokio::spawn(async move { store.add_bundle(&quitter).await }) };
            let staying = { let store = store.clone(); tokio::spawn(async move { store.add_bundle(&stayer).await }) };
            tokio::time::sleep(std::time::Duration::from_micros(50 * n)).await;
            quitting.abort();
            staying.await.unwrap().unwrap();
            assert!(store.bundle(stayer.digest).await.unwrap().is_some());
        }
    }
}
