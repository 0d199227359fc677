//! A bundle's way, and a transaction's.

use super::{super::Standing, *};

on_both! {
    async fn a_bundle_comes_back_as_it_was_kept(db: &TestDb) {
        let store = db.open().await;
        for n in [1, 2] {
            assert!(store.add_bundle(&bundle(n)).await.unwrap());
            assert!(!store.add_bundle(&bundle(n)).await.unwrap(), "twice is once");
            let row = store.bundle(hash(n)).await.unwrap().unwrap();
            assert_eq!((row.digest, row.operator), (hash(n), bundle(n).operator));
            assert_eq!((row.is_public, row.state, row.tries), (n == 2, State::Received, 0));
            assert_eq!((row.result, row.fields, row.report, row.reason), (None, None, None, None));
            let latest = store.latest_bundle_of(bundle(n).operator).await.unwrap().unwrap();
            assert_eq!(latest.digest, hash(n));
        }
        assert_eq!(store.count(State::Received).await.unwrap(), 2);
        assert_eq!(store.bundles_in(State::Received, 1).await.unwrap()[0].digest, hash(1), "the oldest first");
        assert!(store.bundle(hash(3)).await.unwrap().is_none());
    }

    async fn intake_learns_how_a_bundle_and_its_operator_stand(db: &TestDb) {
        let store = db.open().await;
        let standing = async |n, since, most| {
            store.standing(hash(n), bundle(n).operator, since, most).await.unwrap()
        };
        let nothing = Standing { is_known: false, received: 0, waiting: 0, was_attested: false };
        assert_eq!(standing(1, 0, 10).await, nothing);
        for n in [1, 2, 3] {
            store.add_bundle(&bundle(n)).await.unwrap();
        }
        let now = bundle(1).received_at;
        assert_eq!(standing(1, now, 10).await, Standing { is_known: true, received: 1, waiting: 3, ..nothing });
        assert_eq!(standing(4, now, 2).await, Standing { waiting: 2, ..nothing }, "counted no further");
        assert_eq!(standing(1, now + 1, 10).await.received, 0, "it came earlier");
        sqlx::query("UPDATE bundles SET state = 'final' WHERE digest = $1")
            .bind(hash(1).to_string())
            .execute(&store.pool)
            .await
            .unwrap();
        assert_eq!(standing(1, now, 10).await, Standing { is_known: true, received: 1, waiting: 2, was_attested: true });
        assert!(!standing(2, now, 10).await.was_attested, "another operator was");
    }

    async fn two_results_are_never_signed_under_one_name(db: &TestDb) {
        let store = db.open().await;
        let report = queue(&store, 1).await;
        store.withdraw_report(report, 1, 0, "again").await.unwrap();
        store.set_appraisal(hash(1), hash(2), Some("{}")).await.unwrap();
        let other = Signing { result: hash(9), ..signing(1) };
        let refused = sign(&store, hash(5), &[other]).await;
        assert!(matches!(refused, Err(Error::Equivocation { .. })), "{refused:?}");
        assert_eq!(store.bundle(hash(1)).await.unwrap().unwrap().state, State::Appraised);
        assert!(store.signed_report(hash(5)).await.unwrap().is_none(), "nothing of it was kept");
        sign(&store, hash(5), &[signing(1)]).await.unwrap();
    }

    async fn what_was_kept_is_there_after_opening_again(db: &TestDb) {
        let report = queue(&db.open().await, 1).await;
        let store = db.open().await;
        assert_eq!(store.bundles_of(report).await.unwrap()[0].digest, hash(1));
    }
}
