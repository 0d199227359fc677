//! Freezes on their way to enough signatures.

use super::{
    reappraisals::{finish, message, warning},
    *,
};
use crate::store::{Attempt, Inclusion, Order};

fn order(n: u64, deadline: u64) -> Order {
    Order {
        hash: hash(n),
        operator: bundle(1).operator,
        deadline,
        body: vec![7, 0, 255],
        reason: "pck_revoked".into(),
        is_settled: false,
    }
}

on_both! {
    async fn an_order_is_signed_anew_in_each_step_of_deadlines(db: &TestDb) {
        let store = db.open().await;
        finish(&store, 1, State::Final).await;
        let operator = bundle(1).operator;
        let look = || async {
            let found = warning(1, "[1]");
            store.set_reappraised(operator, hash(1), hash(9), Some(5), Some(&found), &message(1)).await.unwrap();
        };
        let is_looked_at = || async { store.is_reappraised(operator, hash(1), hash(9)).await.unwrap() };
        let signer = Address::repeat_byte(1);
        look().await;
        assert!(store.add_order(&order(5, 100), signer, &[1; 64]).await.unwrap());
        assert!(!store.add_order(&order(5, 100), signer, &[2; 64]).await.unwrap());
        assert_eq!(store.order_signatures(hash(5)).await.unwrap(), [(signer, [1; 64])], "what was signed stays");
        assert_eq!(store.orders(99).await.unwrap(), [order(5, 100)]);
        assert!(store.orders(100).await.unwrap().is_empty());

        store.renew_orders(50, 100).await.unwrap();
        assert!(is_looked_at().await);
        store.renew_orders(60, 200).await.unwrap();
        assert!(!is_looked_at().await, "the next step has begun");
        look().await;
        store.add_order(&order(6, 200), signer, &[1; 64]).await.unwrap();
        store.renew_orders(99, 200).await.unwrap();
        assert!(is_looked_at().await);
        assert_eq!(store.orders(0).await.unwrap().len(), 2, "the old one is good until its own end");
        store.renew_orders(100, 200).await.unwrap();
        assert_eq!(store.orders(0).await.unwrap(), [order(6, 200)]);
        assert!(is_barred(&store, operator).await, "what was found stays");
        store.renew_orders(100, 300).await.unwrap();
        assert_eq!(store.unlisted_since(operator, hash(1)).await.unwrap(), Some(5), "and since when");
    }

    async fn an_order_gathers_signatures_and_is_posted_before_reports(db: &TestDb) {
        let store = db.open().await;
        let report = queue(&store, 1).await;
        let [own, peer] = [1, 2].map(Address::repeat_byte);
        store.keep_order_signature(hash(5), peer, &[2; 64]).await.unwrap_err();
        store.add_order(&order(5, 100), own, &[1; 64]).await.unwrap();
        store.keep_order_signature(hash(5), peer, &[2; 64]).await.unwrap();
        store.keep_order_signature(hash(5), peer, &[3; 64]).await.unwrap();
        let mut signatures = store.order_signatures(hash(5)).await.unwrap();
        signatures.sort_unstable();
        assert_eq!(signatures, [(own, [1; 64]), (peer, [2; 64])]);

        assert_eq!(store.reports_to_post().await.unwrap(), [report]);
        store.queue_order(hash(5), &[8, 9]).await.unwrap();
        store.queue_order(hash(5), &[8, 8]).await.unwrap();
        assert_eq!(store.calldata_of(hash(5)).await.unwrap(), [8, 9]);
        assert_eq!(store.reports_to_post().await.unwrap(), [hash(5), report]);
        assert!(store.orders(0).await.unwrap()[0].is_settled);
        store.end_order(hash(5)).await.unwrap();
        assert_eq!(store.reports_to_post().await.unwrap(), [report]);
        store.queue_order(hash(5), &[8, 9]).await.unwrap();
        assert_eq!(store.reports_to_post().await.unwrap(), [report], "done is done");
    }

    async fn shutdown_waits_for_a_freeze_until_a_block_has_it(db: &TestDb) {
        let store = db.open().await;
        let own = Address::repeat_byte(1);
        let left = || async { store.signed_and_not_included(own).await.unwrap() };
        store.add_order(&order(5, 100), own, &[1; 64]).await.unwrap();
        store.add_order(&order(6, 100), own, &[1; 64]).await.unwrap();
        assert_eq!(left().await, 0, "others have to sign them");
        store.queue_order(hash(5), &[8, 9]).await.unwrap();
        store.queue_order(hash(6), &[8, 9]).await.unwrap();
        assert_eq!(left().await, 2);
        let id = store.reserve(Some(hash(5)), own, 5, 100_000, 50).await.unwrap();
        let attempt = Attempt { hash: hash(1), raw: vec![1], max_fee: 1, max_tip: 1, cancels: false };
        store.add_attempt(id, &attempt).await.unwrap();
        store.set_broadcast(id).await.unwrap();
        assert_eq!(left().await, 2, "it is sent, and in no block");
        let at = Inclusion { hash: hash(1), block_hash: hash(2), block_number: 7, gas_used: 21_000 };
        store.set_included(id, &at, 42, 60).await.unwrap();
        assert_eq!(left().await, 1);
        store.set_reorged(id).await.unwrap();
        assert_eq!(left().await, 2);
        store.set_included(id, &at, 42, 60).await.unwrap();
        store.set_final(id, &[]).await.unwrap();
        store.end_order(hash(6)).await.unwrap();
        assert_eq!(left().await, 0);
    }
}
