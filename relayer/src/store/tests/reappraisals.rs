//! Warnings, and the round that finds them.

use super::*;
use crate::{store::Warning, webhook::Message};

/// A message that says which number it has.
pub(super) fn message(n: u64) -> Message {
    Message::new(serde_json::json!({"number": n}))
}

pub(super) async fn finish(store: &Store, n: u64, state: State) {
    store.add_bundle(&bundle(n)).await.unwrap();
    store.end_bundle(hash(n), state, "").await.unwrap();
}

pub(super) fn warning(n: u64, reasons: &str) -> Warning {
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
                    .set_reappraised(operator, hash(1), hash(basis), None, Some(&warning), &message(basis))
                    .await
                    .unwrap()
            }
        };
        assert!(!is_barred(&store, operator).await);
        assert!(found(warning(1, "[1]"), 10).await, "news");
        assert!(is_barred(&store, operator).await);
        assert!(store.is_reappraised(operator, hash(1), hash(10)).await.unwrap());
        assert!(!store.is_reappraised(operator, hash(1), hash(11)).await.unwrap());
        assert!(!store.is_reappraised(operator, hash(2), hash(10)).await.unwrap());

        let later = Warning { since: 1_700_000_999, ..warning(1, "[1]") };
        assert!(!found(later, 11).await, "the same reasons are the same warning");
        assert_eq!(store.warning_of(operator).await.unwrap(), Some(warning(1, "[1]")));
        assert!(found(warning(1, "[1,2]"), 12).await);
        assert_eq!(store.count_warnings().await.unwrap(), 1);

        assert!(store.set_reappraised(operator, hash(1), hash(13), None, None, &message(13)).await.unwrap());
        assert!(!store.set_reappraised(operator, hash(1), hash(14), None, None, &message(14)).await.unwrap());
        assert_eq!(store.warning_of(operator).await.unwrap(), None);

        found(warning(1, "[1]"), 15).await;
        store.clear_warning(operator).await.unwrap();
        assert!(!is_barred(&store, operator).await);
        assert!(!store.is_reappraised(operator, hash(1), hash(15)).await.unwrap(), "looked at again");

        // A new bundle of the same operator that passes takes back either: the warning, or that there was none.
        for (n, warning) in [(4, Some(warning(1, "[1]"))), (5, None)] {
            store.set_reappraised(operator, hash(1), hash(16 + n), None, warning.as_ref(), &message(16 + n)).await.unwrap();
            store.add_bundle(&NewBundle { operator, ..bundle(n) }).await.unwrap();
            let passed = Appraised {
                digest: hash(n),
                operator,
                result: hash(2_000 + n),
                fields: Some("{}".into()),
            };
            let failed = Appraised { fields: None, digest: hash(n + 10), ..passed.clone() };
            store.add_bundle(&NewBundle { operator, ..bundle(n + 10) }).await.unwrap();
            assert_eq!(store.set_appraisals(&[failed]).await.unwrap(), [true]);
            assert!(store.is_reappraised(operator, hash(1), hash(16 + n)).await.unwrap(), "one that fails takes nothing back");
            assert_eq!(store.set_appraisals(&[passed]).await.unwrap(), [true]);
            assert!(!is_barred(&store, operator).await);
            assert!(!store.is_reappraised(operator, hash(1), hash(16 + n)).await.unwrap(), "looked at again");
        }
    }

    async fn a_host_stays_unlisted_though_a_bundle_of_its_operator_passes(db: &TestDb) {
        let store = db.open().await;
        finish(&store, 1, State::Final).await;
        let operator = bundle(1).operator;
        let since = async |evidence| store.unlisted_since(operator, evidence).await.unwrap();
        let found = async |basis, since| {
            let warning = warning(1, "[1]");
            store.set_reappraised(operator, hash(1), hash(basis), since, Some(&warning), &message(basis)).await.unwrap();
        };
        assert_eq!(since(hash(1)).await, None);
        found(10, Some(5)).await;
        assert_eq!((since(hash(1)).await, since(hash(2)).await), (Some(5), None));

        // One from another machine, which may never come on chain: here, and at a peer that is asked about it.
        store.add_bundle(&NewBundle { operator, ..bundle(4) }).await.unwrap();
        let passed = Appraised { digest: hash(4), operator, result: hash(2_004), fields: Some("{}".into()) };
        assert_eq!(store.set_appraisals(&[passed]).await.unwrap(), [true]);
        assert!(!is_barred(&store, operator).await);
        assert_eq!(since(hash(1)).await, Some(5));
        store.clear_warning(operator).await.unwrap();
        assert_eq!(since(hash(1)).await, Some(5));
        assert!(!store.is_reappraised(operator, hash(1), hash(10)).await.unwrap(), "looked at again");

        // It is listed again; and what comes on chain has its own time.
        found(11, None).await;
        assert_eq!(since(hash(1)).await, None);
        found(12, Some(6)).await;
        store.set_reappraised(operator, hash(4), hash(13), None, None, &message(13)).await.unwrap();
        assert_eq!((since(hash(1)).await, since(hash(4)).await), (None, None));
    }

    async fn a_round_goes_through_those_on_chain_and_goes_on_where_it_stood(db: &TestDb) {
        let store = db.open().await;
        // Whatever became of their bundles here: others may have brought them on chain.
        for (n, state) in [(1, State::Final), (2, State::Rejected), (3, State::Failed), (4, State::Final)] {
            finish(&store, n, state).await;
        }
        for n in 1..=3 {
            post(&store, bundle(n).operator, hash(2_000 + n), 10 + i64::try_from(n).unwrap()).await;
        }
        // What an older version has kept, and no operator.
        store.set_round_position(&Address::ZERO.to_string()).await.unwrap();
        sqlx::query("INSERT INTO index_subjects (subject, block_number, log_index) VALUES ($1, 11, 0)")
            .bind(hex::encode(B256::with_last_byte(1)))
            .execute(&store.pool)
            .await
            .unwrap();
        let mut seen = Vec::new();
        loop {
            let position = store.round_position().await.unwrap();
            let Some(operator) = store.next_operator(&position).await.unwrap() else {
                break;
            };
            store.set_round_position(&operator.to_string()).await.unwrap();
            seen.push(operator);
        }
        assert_eq!(seen, [1, 2, 3].map(|n| bundle(n).operator));
    }

    async fn what_is_looked_at_is_what_the_registry_rests_on(db: &TestDb) {
        let store = db.open().await;
        let operator = bundle(1).operator;
        let more = |n: u64| NewBundle { operator, ..bundle(n) };
        let on_chain = || async { store.bundle_on_chain(operator).await.unwrap().map(|row| row.digest) };
        finish(&store, 1, State::Final).await;
        assert_eq!(on_chain().await, None, "its result is in no log");
        land(&store, 1, 10).await;
        assert_eq!(on_chain().await, Some(hash(1)));

        // Newer ones, of which the registry knows nothing.
        store.add_bundle(&more(2)).await.unwrap();
        store.end_bundle(hash(2), State::Final, "").await.unwrap();
        store.add_bundle(&more(3)).await.unwrap();
        assert_eq!(on_chain().await, Some(hash(1)));
        store.set_appraisal(hash(3), hash(2_003), None).await.unwrap();
        assert_eq!(on_chain().await, Some(hash(1)), "it was rejected");

        // One that has passed is looked at when it has landed.
        store.add_bundle(&more(4)).await.unwrap();
        store.set_appraisal(hash(4), hash(2_004), Some("{}")).await.unwrap();
        assert_eq!(on_chain().await, None);
        // Unless it was put off: that may be for ever.
        store.put_off(hash(4), 0, "its instance is another's").await.unwrap();
        assert_eq!(on_chain().await, Some(hash(1)));
        store.end_bundle(hash(4), State::Final, "").await.unwrap();
        land(&store, 4, 11).await;
        assert_eq!(on_chain().await, Some(hash(4)));
        // Received before that one, and posted after it.
        land(&store, 2, 12).await;
        assert_eq!(on_chain().await, Some(hash(2)));
    }

    /// Another relayer's report has a result of the same bundle that is not this one's own.
    async fn what_the_registry_rests_on_may_be_anothers_result(db: &TestDb) {
        let store = db.open().await;
        finish(&store, 1, State::Final).await;
        let mut theirs = signing(1);
        theirs.result = hash(7_001);
        sign(&store, hash(3_001), &[theirs]).await.unwrap();
        post(&store, bundle(1).operator, hash(7_001), 10).await;
        let row = store.bundle_on_chain(bundle(1).operator).await.unwrap();
        assert_eq!(row.map(|row| row.digest), Some(hash(1)));
    }

    /// What another relayer brought on chain is found for as long as it is there, whatever becomes of the report.
    async fn what_anothers_report_said_stays_with_the_bundle(db: &TestDb) {
        let store = db.open().await;
        store.add_bundle(&bundle(1)).await.unwrap();
        store.set_appraisal(hash(1), hash(2_001), Some("{}")).await.unwrap();
        // Of two that carry it, this one was posted.
        for (report, result) in [(3_001, 7_001), (3_002, 7_002)] {
            let mut theirs = signing(1);
            (theirs.result, theirs.as_of) = (hash(result), result);
            sign(&store, hash(report), &[theirs]).await.unwrap();
        }
        store.end_report(hash(3_001), "posted by another relayer").await.unwrap();
        assert_eq!(store.open_reports().await.unwrap().len(), 1, "the other one is still open");
        let row = store.bundle(hash(1)).await.unwrap().unwrap();
        assert_eq!((row.state, row.reason.as_deref()), (State::Final, Some("posted by another relayer")));
        store.close_report(hash(3_002), "nothing waits for it").await.unwrap();
        assert_eq!(store.bundle(hash(1)).await.unwrap().unwrap().state, State::Final);

        store.forget_signed(u64::MAX, u64::MAX).await.unwrap();
        assert!(store.signed_report(hash(3_001)).await.unwrap().is_none());
        post(&store, bundle(1).operator, hash(7_001), 10).await;
        let row = store.bundle_on_chain(bundle(1).operator).await.unwrap();
        assert_eq!(row.map(|row| row.digest), Some(hash(1)));
    }

    /// It was asked, and others have signed.
    async fn what_was_voted_for_is_known_when_others_bring_it_on_chain(db: &TestDb) {
        let store = db.open().await;
        let on_chain = async |n: u64| {
            let operator = bundle(n).operator;
            store.adopt_voted(operator).await.unwrap();
            let row = store.bundle_on_chain(operator).await.unwrap();
            row.map(|row| (row.digest, row.state, row.fields.unwrap()))
        };
        let fields = |result| format!("{{\"of\":{result}}}");
        // Of the first nothing else is known here; the second was rejected.
        store.add_bundle(&bundle(2)).await.unwrap();
        store.set_appraisal(hash(2), hash(2_002), None).await.unwrap();
        for n in [1, 2] {
            store.keep_votes(PROPOSER, &[voted(n, 7_000 + n)], 5).await.unwrap();
            assert_eq!(on_chain(n).await, None, "nobody has brought it on chain");
            assert_eq!(store.bundle(hash(n)).await.unwrap().is_some(), n == 2);
            post(&store, bundle(n).operator, hash(7_000 + n), 10 + i64::try_from(n).unwrap()).await;
        }
        assert_eq!(on_chain(1).await, Some((hash(1), State::Final, fields(7_001))));
        assert_eq!(on_chain(2).await, Some((hash(2), State::Rejected, fields(7_002))));
        let operator = bundle(1).operator;
        assert!(store.set_reappraised(operator, hash(1), hash(9), None, Some(&warning(1, "[1]")), &message(1)).await.unwrap());

        store.forget_signed(6, 0).await.unwrap();
        assert_eq!(on_chain(1).await, Some((hash(1), State::Final, fields(7_001))), "it is a bundle like any other");
        assert_eq!(on_chain(2).await, None, "the vote is forgotten");
    }

    async fn of_one_bundle_and_proposer_few_votes_are_kept(db: &TestDb) {
        let store = db.open().await;
        let other = Address::repeat_byte(8);
        store.keep_votes(other, &[voted(1, 7_000)], 1).await.unwrap();
        // More than one statement takes.
        let many: Vec<_> = (2..=100).map(|n| voted(n, 9_000 + n)).collect();
        store.keep_votes(PROPOSER, &many, 1).await.unwrap();
        for n in 0..20 {
            store.keep_votes(PROPOSER, &[voted(1, 7_000 + n)], n).await.unwrap();
        }
        // Asked again, it is as new as any.
        store.keep_votes(PROPOSER, &[voted(1, 7_012)], 30).await.unwrap();
        store.keep_votes(PROPOSER, &[voted(1, 7_050)], 31).await.unwrap();
        let kept = async |proposer: Address, evidence: u64| {
            let query = "SELECT result FROM votes WHERE proposer = $1 AND evidence = $2 ORDER BY voted_at";
            let rows = sqlx::query_scalar::<_, String>(query)
                .bind(proposer.to_string())
                .bind(hash(evidence).to_string());
            rows.fetch_all(&store.pool).await.unwrap()
        };
        let results = [14, 15, 16, 17, 18, 19, 12, 50].map(|n| hash(7_000 + n).to_string());
        assert_eq!(kept(PROPOSER, 1).await, results);
        assert_eq!(kept(other, 1).await, [hash(7_000).to_string()], "nobody pushes out what another one asked about");
        for n in 2..=100 {
            assert_eq!(kept(PROPOSER, n).await.len(), 1);
        }
    }
}

const PROPOSER: Address = Address::repeat_byte(7);

/// Bundle `n` with this result, as it is voted for.
fn voted(n: u64, result: u64) -> NewItem {
    NewItem {
        signing: Signing {
            result: hash(result),
            ..signing(n)
        },
        operator: bundle(n).operator,
        is_public: true,
        fields: format!("{{\"of\":{result}}}"),
    }
}

/// The registry's log has bundle `n`'s result, in this block.
async fn land(store: &Store, n: u64, block: i64) {
    sqlx::query("UPDATE bundles SET result = $2 WHERE digest = $1")
        .bind(hash(n).to_string())
        .bind(hash(2_000 + n).to_string())
        .execute(&store.pool)
        .await
        .unwrap();
    let operator = store.bundle(hash(n)).await.unwrap().unwrap().operator;
    post(store, operator, hash(2_000 + n), block).await;
}

async fn post(store: &Store, operator: Address, result: B256, block: i64) {
    sqlx::query(
        "INSERT INTO index_events (block_number, log_index, block_hash, block_time, transaction_hash, kind, topics, data)
         VALUES ($1, 0, '', 0, '', 'BatchPosted', '', '')",
    )
    .bind(block)
    .execute(&store.pool)
    .await
    .unwrap();
    for (statement, value) in [
        (
            "INSERT INTO index_digests (digest, block_number, log_index) VALUES ($1, $2, 0)",
            hex::encode(result),
        ),
        (
            "INSERT INTO index_subjects (subject, block_number, log_index) VALUES ($1, $2, 0)",
            hex::encode(operator),
        ),
    ] {
        sqlx::query(statement)
            .bind(value)
            .bind(block)
            .execute(&store.pool)
            .await
            .unwrap();
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
                    .set_reappraised(operator, hash(1), hash(n), None, Some(&warning), &message(n))
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
