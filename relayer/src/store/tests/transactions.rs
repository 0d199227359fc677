//! A transaction's way.

use super::*;
use crate::store::{Attempt, Inclusion, Then, TxId, TxState};

const AT: Inclusion = Inclusion {
    hash: B256::repeat_byte(1),
    block_hash: B256::repeat_byte(2),
    block_number: 7,
    gas_used: 21_000,
};
/// As the proposer of what `sign` signs.
const ACCOUNT: Address = Address::ZERO;

fn attempt(n: u8, max_fee: u128) -> Attempt {
    Attempt {
        hash: B256::repeat_byte(n),
        raw: vec![n, 0, 255],
        max_fee,
        max_tip: 1,
        cancels: false,
    }
}

async fn reserve(store: &Store, report: Option<B256>, nonce: u64) -> Result<TxId, crate::Error> {
    store.reserve(report, ACCOUNT, nonce, 100_000, 50).await
}

async fn state(store: &Store, n: u64) -> State {
    store.bundle(hash(n)).await.unwrap().unwrap().state
}

on_both! {
    async fn a_report_goes_from_signed_to_final_and_survives_a_reorg(db: &TestDb) {
        let store = db.open().await;
        let report = queue(&store, 1).await;
        assert_eq!(store.reports_to_post().await.unwrap(), [report]);
        assert_eq!(store.calldata_of(report).await.unwrap(), [1, 2, 255]);
        let id = reserve(&store, Some(report), 5).await.unwrap();
        assert!(store.reports_to_post().await.unwrap().is_empty());
        assert_eq!(state(&store, 1).await, State::Queued, "nothing is signed yet");

        store.add_attempt(id, &attempt(1, u128::MAX)).await.unwrap();
        store.add_attempt(id, &attempt(3, 5)).await.unwrap();
        assert_eq!(store.attempts(id).await.unwrap(), [attempt(1, u128::MAX), attempt(3, 5)], "the dearest first");
        assert_eq!(state(&store, 1).await, State::Posted);
        store.set_broadcast(id).await.unwrap();

        assert!(store.set_included(id, &AT, 42, 60).await.unwrap());
        assert!(!store.set_included(id, &AT, 42, 60).await.unwrap(), "a second time is no news");
        assert_eq!(store.inclusion_of(report).await.unwrap(), Some(AT));
        assert_eq!(store.paid_since(60).await.unwrap(), 42);
        assert_eq!(store.paid_since(61).await.unwrap(), 0);
        assert!(store.set_reorged(id).await.unwrap());
        assert_eq!(store.paid_since(0).await.unwrap(), 0);
        let live = store.live_transactions().await.unwrap();
        assert_eq!((live[0].state, live[0].nonce, live[0].inclusion), (TxState::Broadcast, Some(5), None));
        assert_eq!(state(&store, 1).await, State::Posted);

        store.set_included(id, &AT, 42, 60).await.unwrap();
        assert!(store.set_final(id, &[]).await.unwrap());
        assert!(!store.set_reorged(id).await.unwrap(), "final is final");
        assert!(!store.drop_transaction(id, Then::Requeue).await.unwrap());
        assert!(store.live_transactions().await.unwrap().is_empty());
        assert_eq!(state(&store, 1).await, State::Final);
    }

    async fn neither_a_nonce_nor_a_report_has_two_live_transactions(db: &TestDb) {
        let store = db.open().await;
        let (first, second) = (queue(&store, 1).await, queue(&store, 2).await);
        let id = reserve(&store, Some(first), 5).await.unwrap();
        reserve(&store, Some(second), 5).await.unwrap_err();
        reserve(&store, Some(first), 6).await.unwrap_err();
        reserve(&store, None, 5).await.unwrap_err();
        reserve(&store, Some(second), 6).await.unwrap();
        store.drop_transaction(id, Then::Requeue).await.unwrap();
        reserve(&store, Some(first), 5).await.unwrap();
    }

    async fn a_nonce_may_be_used_again_on_a_chain_that_lost_blocks(db: &TestDb) {
        let store = db.open().await;
        let id = reserve(&store, None, 5).await.unwrap();
        store.add_attempt(id, &attempt(1, 1)).await.unwrap();
        store.set_included(id, &AT, 42, 60).await.unwrap();
        assert_eq!(store.final_nonces(ACCOUNT).await.unwrap(), 0);
        store.set_final(id, &[]).await.unwrap();
        assert_eq!(store.final_nonces(ACCOUNT).await.unwrap(), 6);
        assert_eq!(store.final_nonces(Address::repeat_byte(9)).await.unwrap(), 0, "another account's");
        reserve(&store, None, 5).await.unwrap();
    }

    async fn a_dropped_transaction_leaves_its_report_as_it_should(db: &TestDb) {
        let store = db.open().await;
        let reports = [queue(&store, 1).await, queue(&store, 2).await, queue(&store, 3).await, queue(&store, 4).await];
        let thens = [Then::Requeue, Then::Reappraise("reverted"), Then::Refresh("late"), Then::PostedBy(&AT)];
        for ((n, report), then) in (0..).zip(reports).zip(thens) {
            let id = reserve(&store, Some(report), n).await.unwrap();
            store.add_attempt(id, &attempt(u8::try_from(n).unwrap() + 10, 1)).await.unwrap();
            assert!(store.drop_transaction(id, then).await.unwrap());
            assert!(!store.drop_transaction(id, then).await.unwrap(), "once");
        }
        let row = |n| { let store = store.clone(); async move { store.bundle(hash(n)).await.unwrap().unwrap() } };
        assert_eq!((row(1).await.state, row(1).await.report), (State::Queued, Some(reports[0])));
        assert_eq!((row(2).await.state, row(2).await.tries, row(2).await.report), (State::Received, 1, None));
        assert_eq!((row(3).await.state, row(3).await.tries), (State::Received, 0), "being late is no fault");
        assert_eq!(row(4).await.state, State::Included);
        assert_eq!(store.paid_since(0).await.unwrap(), 0, "the other one paid");

        let foreign = store.live_transactions().await.unwrap().remove(0);
        assert_eq!((foreign.report, foreign.nonce, foreign.inclusion), (Some(reports[3]), None, Some(AT)));
        assert!(store.set_reorged(foreign.id).await.unwrap());
        assert_eq!(row(4).await.state, State::Queued, "then it is this relayer's to post");
        let queued = store.reports_to_post().await.unwrap();
        assert_eq!(queued.len(), 2);
    }

    async fn reports_are_posted_in_the_order_of_their_issue(db: &TestDb) {
        let store = db.open().await;
        let mut issued = Vec::new();
        for n in 1..=6 {
            issued.push(queue(&store, n).await);
        }
        let received = issued.clone();
        issued.sort_by_key(|report| issued_at(*report));
        assert_ne!(issued, received);
        let queued = store.reports_to_post().await.unwrap();
        assert_eq!(queued, issued);
    }

    async fn what_the_registry_skipped_goes_back(db: &TestDb) {
        let store = db.open().await;
        let report = queue(&store, 1).await;
        store.set_posted(report, &AT).await.unwrap();
        let id = store.live_transactions().await.unwrap()[0].id;
        store.set_final(id, &[hash(1)]).await.unwrap();
        let row = store.bundle(hash(1)).await.unwrap().unwrap();
        assert_eq!((row.state, row.tries, row.report), (State::Received, 1, None));
    }

    async fn exposure_is_the_dearest_of_each(db: &TestDb) {
        let store = db.open().await;
        let id = reserve(&store, None, 1).await.unwrap();
        assert_eq!(store.exposure().await.unwrap(), 0);
        store.add_attempt(id, &attempt(1, 10)).await.unwrap();
        store.add_attempt(id, &attempt(2, 20)).await.unwrap();
        let other = reserve(&store, None, 2).await.unwrap();
        store.add_attempt(other, &attempt(3, 1)).await.unwrap();
        assert_eq!(store.exposure().await.unwrap(), 2_100_000);
    }

    async fn a_withdrawn_report_gives_its_bundles_back_unless_it_has_a_transaction(db: &TestDb) {
        let store = db.open().await;
        let report = queue(&store, 1).await;
        let id = reserve(&store, Some(report), 0).await.unwrap();
        store.withdraw_report(report, 1, 0, "refused").await.unwrap();
        assert_eq!(state(&store, 1).await, State::Queued);
        store.drop_transaction(id, Then::Requeue).await.unwrap();
        store.withdraw_report(report, 1, 0, "refused").await.unwrap();
        assert_eq!(state(&store, 1).await, State::Received);
    }

    async fn what_would_be_refused_again_is_left_alone_for_a_while(db: &TestDb) {
        let store = db.open().await;
        for (n, seconds, is_due) in [(1, 1_000, false), (2, 0, true)] {
            let report = queue(&store, n).await;
            store.withdraw_report(report, 1, seconds, "refused").await.unwrap();
            let row = store.bundle(hash(n)).await.unwrap().unwrap();
            assert_eq!((row.state, row.tries, row.claimed_until > 0), (State::Received, 1, !is_due));
            let claimed = store.claim(9).await.unwrap();
            assert_eq!(claimed.iter().any(|row| row.digest == hash(n)), is_due);
        }
        // Another relayer's report takes it along all the same.
        sign(&store, hash(9), &[signing(1)]).await.unwrap();
        let row = store.bundle(hash(1)).await.unwrap().unwrap();
        assert_eq!((row.state, row.claimed_until), (State::Cosigning, 0));
    }
}
