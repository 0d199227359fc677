//! Warnings, and the round that finds them.

use super::*;
use crate::store::Warning;

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
                    .set_reappraised(operator, hash(1), hash(basis), Some(&warning))
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

        assert!(store.set_reappraised(operator, hash(1), hash(13), None).await.unwrap());
        assert!(!store.set_reappraised(operator, hash(1), hash(14), None).await.unwrap());
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
