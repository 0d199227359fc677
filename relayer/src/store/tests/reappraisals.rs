//! Warnings, and the round that finds them.

use super::*;
use crate::{
    store::{Order, Warning},
    webhook::Message,
};

/// A message that says which number it has.
fn message(n: u64) -> Message {
    Message::new(serde_json::json!({"number": n}))
}

async fn finish(store: &Store, n: u64, state: State) {
    store.add_bundle(&bundle(n)).await.unwrap();
    store.end_bundle(hash(n), state, "").await.unwrap();
}

fn warning(n: u64, reasons: &str) -> Warning {
    Warning {
        operator: bundle(n).operator,
        evidence: hash(n),
        since: 1_700_000_000,
        deadline: 1_700_086_400,
        bars: true,
        reasons: reasons.into(),
    }
}

on_both! {
    async fn a_warning_stays_until_a_bundle_passes(db: &TestDb) {
        let store = db.open().await;
        finish(&store, 1, State::Final).await;
        let operator = bundle(1).operator;
        let found = |warning: Warning, basis| {
            let store = store.clone();
            async move {
                store
                    .set_reappraised(operator, hash(1), hash(basis), Some(&warning), &message(basis))
                    .await
                    .unwrap()
            }
        };
        assert!(!store.is_barred(operator).await.unwrap());
        assert!(found(warning(1, "[1]"), 10).await, "news");
        assert!(store.is_barred(operator).await.unwrap());
        assert!(store.is_reappraised(operator, hash(1), hash(10)).await.unwrap());
        assert!(!store.is_reappraised(operator, hash(1), hash(11)).await.unwrap());
        assert!(!store.is_reappraised(operator, hash(2), hash(10)).await.unwrap());

        let later = Warning { since: 1_700_000_999, ..warning(1, "[1]") };
        assert!(!found(later, 11).await, "the same reasons are the same warning");
        assert_eq!(store.warning_of(operator).await.unwrap(), Some(warning(1, "[1]")));
        assert!(found(warning(1, "[1,2]"), 12).await);
        assert_eq!(store.count_warnings().await.unwrap(), 1);

        assert!(store.set_reappraised(operator, hash(1), hash(13), None, &message(13)).await.unwrap());
        assert!(!store.set_reappraised(operator, hash(1), hash(14), None, &message(14)).await.unwrap());
        assert_eq!(store.warning_of(operator).await.unwrap(), None);

        found(warning(1, "[1]"), 15).await;
        store.clear_warning(operator).await.unwrap();
        assert!(!store.is_barred(operator).await.unwrap());
        assert!(!store.is_reappraised(operator, hash(1), hash(15)).await.unwrap(), "looked at again");
    }

    async fn a_round_goes_through_those_on_chain_and_goes_on_where_it_stood(db: &TestDb) {
        let store = db.open().await;
        for n in 1..=3 {
            finish(&store, n, State::Final).await;
        }
        finish(&store, 4, State::Rejected).await;
        // Operator 2 has another under way, operator 3 a later one that is final too.
        let more = |n: u64, operator| NewBundle { operator, ..bundle(n) };
        store.add_bundle(&more(12, bundle(2).operator)).await.unwrap();
        store.add_bundle(&more(13, bundle(3).operator)).await.unwrap();
        store.end_bundle(hash(13), State::Final, "").await.unwrap();

        let mut seen = Vec::new();
        loop {
            let position = store.round_position().await.unwrap();
            let Some(row) = store.next_final_bundle(&position).await.unwrap() else {
                break;
            };
            store.set_round_position(&row.operator.to_string()).await.unwrap();
            seen.push(row.digest);
        }
        assert_eq!(seen, [hash(1), hash(13)]);
    }
}

on_both! {
    async fn a_message_is_due_until_it_is_taken(db: &TestDb) {
        let store = db.open().await;
        finish(&store, 1, State::Final).await;
        let operator = bundle(1).operator;
        let find = |n: u64, reasons: &'static str| {
            let store = store.clone();
            async move {
                let warning = warning(1, reasons);
                store
                    .set_reappraised(operator, hash(1), hash(n), Some(&warning), &message(n))
                    .await
                    .unwrap();
            }
        };
        find(1, "[1]").await;
        assert!(store.due_deliveries(i64::MAX, 9).await.unwrap().is_empty(), "nobody asked to be told");

        assert!(store.set_webhook(operator, "https://a.example/", 5).await.unwrap());
        assert!(!store.set_webhook(operator, "https://b.example/", 5).await.unwrap(), "a replay");
        assert!(!store.set_webhook(operator, "https://b.example/", 4).await.unwrap());
        find(2, "[1]").await;
        assert!(store.due_deliveries(i64::MAX, 9).await.unwrap().is_empty(), "no news");
        find(3, "[2]").await;
        find(4, "[3]").await;
        let due = store.due_deliveries(100, 9).await.unwrap();
        assert_eq!(due.len(), 2);
        assert!(due.iter().all(|delivery| delivery.url == "https://a.example/" && delivery.tries == 0));
        assert_eq!(store.due_deliveries(100, 1).await.unwrap().len(), 1);

        store.delay_delivery(message(3).id, 101).await.unwrap();
        store.end_delivery(message(4).id).await.unwrap();
        assert!(store.due_deliveries(100, 9).await.unwrap().is_empty());
        let due = store.due_deliveries(101, 9).await.unwrap();
        assert_eq!((due[0].id, due[0].tries), (message(3).id, 1));
        assert_eq!(due[0].body, message(3).body);

        assert!(store.set_webhook(operator, "", 6).await.unwrap());
        assert!(store.due_deliveries(101, 9).await.unwrap().is_empty(), "told no more");
    }
}

on_both! {
    async fn an_order_that_expired_has_its_operator_looked_at_again(db: &TestDb) {
        let store = db.open().await;
        finish(&store, 1, State::Final).await;
        let operator = bundle(1).operator;
        store
            .set_reappraised(operator, hash(1), hash(9), Some(&warning(1, "[1]")), &message(1))
            .await
            .unwrap();
        let order = Order { hash: hash(5), operator, deadline: 100, document: "{}".into() };
        store.add_order(&order).await.unwrap();
        store.add_order(&order).await.unwrap();
        assert_eq!(store.orders(99).await.unwrap(), [order]);
        assert!(store.orders(100).await.unwrap().is_empty());

        store.expire_orders(99).await.unwrap();
        assert!(store.is_reappraised(operator, hash(1), hash(9)).await.unwrap());
        store.expire_orders(100).await.unwrap();
        assert!(!store.is_reappraised(operator, hash(1), hash(9)).await.unwrap());
        assert!(store.orders(0).await.unwrap().is_empty());
        assert!(store.is_barred(operator).await.unwrap(), "what was found stays");
    }
}
