//! Whom it is to propose next, and what is left of reports that others posted.

use super::*;
use crate::store::{Lie, RefusedReport, SignedResult, TwoResults};

const OWN: Address = Address::repeat_byte(1);
const OTHER: Address = Address::repeat_byte(2);

/// Appraised bundle `n` of an operator.
async fn ready(store: &Store, n: u64, operator: Address) {
    store
        .add_bundle(&NewBundle {
            operator,
            ..bundle(n)
        })
        .await
        .unwrap();
    assert!(
        store
            .set_appraisal(hash(n), hash(2_000 + n), Some("{}"))
            .await
            .unwrap()
    );
}

async fn to_propose(store: &Store) -> Vec<B256> {
    let rows = store.bundles_to_propose(64).await.unwrap();
    rows.into_iter().map(|row| row.digest).collect()
}

/// Signs report `n`, which carries these bundles.
async fn sign_of(store: &Store, n: u64, proposer: Address, of: &[u64]) -> Result<B256, Error> {
    let item = |evidence: &u64| NewItem {
        signing: Signing {
            as_of: n,
            ..signing(*evidence)
        },
        operator: bundle(*evidence).operator,
        is_public: true,
        fields: "{}".into(),
    };
    let report = hash(6_000 + n);
    let new = NewReport {
        hash: report,
        report: vec![7],
        manifest: hash(4_000),
        proposer,
        proposers_signature: None,
        set_id: 1,
        issued_at: 1_700_000_000 + n,
        deadline: 1_700_003_600 + n,
        now: 1_700_000_000 + n,
        items: of.iter().map(item).collect(),
    };
    store.record_report(&new, OWN, &[9; 64]).await?;
    Ok(report)
}

/// Report `n`, signed and refused.
fn refused(signer: Address, n: u64, lies: Vec<Lie>) -> RefusedReport {
    RefusedReport {
        signer,
        hash: hash(n),
        report: n.to_be_bytes().to_vec(),
        signature: [3; 64],
        lies,
    }
}

/// One of the results that are told under name `n`.
fn lie(n: u64, which: u64) -> Lie {
    Lie {
        name: hash(8_000 + n),
        result: hash(9_000 + 10 * n + which),
        evidence: hash(8_000 + n),
        own: hash(9_000 + 10 * n),
        results: vec![which.to_be_bytes()[7]],
    }
}

async fn open(store: &Store) -> Vec<B256> {
    let reports = store.open_reports().await.unwrap();
    reports.into_iter().map(|report| report.hash).collect()
}

on_both! {
    async fn one_operators_many_hide_nobodys_one(db: &TestDb) {
        let store = db.open().await;
        let many = Address::repeat_byte(7);
        for n in 0..70 {
            ready(&store, n, many).await;
        }
        ready(&store, 100, Address::repeat_byte(8)).await;
        assert_eq!(to_propose(&store).await, [hash(69), hash(100)], "of the many the newest");
        store.put_off(hash(69), 60, "its instance is another's").await.unwrap();
        assert_eq!(to_propose(&store).await, [hash(68), hash(100)], "then the one before");
        let row = store.bundle(hash(69)).await.unwrap().unwrap();
        assert_eq!((row.state, row.reason.as_deref()), (State::Appraised, Some("its instance is another's")));
    }

    async fn what_was_put_off_goes_behind_what_was_not(db: &TestDb) {
        let store = db.open().await;
        for n in 0..4 {
            ready(&store, n, Address::left_padding_from(&[u8::try_from(n).unwrap()])).await;
        }
        for n in [1, 0] {
            store.put_off(hash(n), 0, "refused").await.unwrap();
            tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
        }
        assert_eq!(to_propose(&store).await, [hash(2), hash(3), hash(1), hash(0)]);
        store.put_off(hash(2), 60, "refused").await.unwrap();
        store.appraise_anew(hash(2), "old").await.unwrap();
        assert_eq!(store.claim(9).await.unwrap().len(), 1, "to be appraised, it waits for nothing");
    }

    async fn a_report_that_the_registry_shows_waits_out_of_the_way(db: &TestDb) {
        let store = db.open().await;
        for n in 1..=70 {
            let report = sign_of(&store, n, OTHER, &[n]).await.unwrap();
            store.set_shown(report, Some(1_000 + n)).await.unwrap();
        }
        let own = sign_of(&store, 71, OWN, &[71]).await.unwrap();
        assert_eq!(open(&store).await, [own]);
        assert_eq!(store.count_open(OTHER).await.unwrap(), 0);

        let due = |block, now| {
            let store = store.clone();
            async move { store.shown_reports(block, now, 9).await.unwrap().len() }
        };
        assert_eq!((due(1_000, 0).await, due(1_002, 0).await, due(2_000, 0).await), (0, 2, 9));
        assert_eq!(due(0, 1_700_003_604).await, 3, "a block that never comes is waited for no longer than the report lives");
        // The block was reorganised away.
        store.set_shown(hash(6_001), None).await.unwrap();
        assert_eq!(open(&store).await, [hash(6_001), own]);
        store.close_report(hash(6_001), "late").await.unwrap();
        store.set_shown(hash(6_001), Some(1)).await.unwrap();
        assert_eq!(due(1, 0).await, 0, "what is closed stays closed");
    }

    async fn a_members_open_reports_are_counted_and_those_of_one_bundle(db: &TestDb) {
        let store = db.open().await;
        for n in 1..=4 {
            sign_of(&store, n, OTHER, &[1, 1 + n]).await.unwrap();
        }
        sign_of(&store, 5, OWN, &[1]).await.unwrap();
        assert_eq!(store.count_open(OTHER).await.unwrap(), 4);
        assert_eq!(store.bundles_in_open(OTHER, 4).await.unwrap(), [hash(1)].into());
        assert_eq!(store.bundles_in_open(OTHER, 5).await.unwrap(), [].into());
        assert_eq!(store.bundles_in_open(OWN, 1).await.unwrap(), [hash(1)].into());
    }

    async fn shutdown_waits_for_what_one_proposed_and_for_what_is_queued(db: &TestDb) {
        let store = db.open().await;
        sign_of(&store, 1, OTHER, &[1]).await.unwrap();
        assert_eq!(store.signed_and_not_included(OWN).await.unwrap(), 0, "that is another's to post");
        let own = sign_of(&store, 2, OWN, &[2]).await.unwrap();
        assert_eq!(store.signed_and_not_included(OWN).await.unwrap(), 1);
        queue_signed(&store, own, &[1]).await;
        assert_eq!(store.signed_and_not_included(OWN).await.unwrap(), 1);
        store.withdraw_report(own, 0, 0, "late").await.unwrap();
        assert_eq!(store.signed_and_not_included(OWN).await.unwrap(), 0);
        let gathering = sign_of(&store, 3, OWN, &[3]).await.unwrap();
        store.close_report(gathering, "nobody signed").await.unwrap();
        assert_eq!(store.signed_and_not_included(OWN).await.unwrap(), 0);
    }

    async fn what_was_signed_long_ago_is_forgotten_and_nothing_else(db: &TestDb) {
        let store = db.open().await;
        for n in 1..=3 {
            sign_of(&store, n, OTHER, &[1]).await.unwrap();
        }
        for n in [1, 3] {
            store.close_report(hash(6_000 + n), "late").await.unwrap();
        }
        store.forget_signed(1_700_000_003, 2).await.unwrap();
        let kept = async |n: u64| store.signed_report(hash(6_000 + n)).await.unwrap().is_some();
        assert_eq!((kept(1).await, kept(2).await, kept(3).await), (false, true, true), "open ones stay");
        // Of the names, the first is free again.
        let other = |as_of| Signing { as_of, result: hash(9), ..signing(1) };
        sign(&store, hash(7_001), &[other(1)]).await.unwrap();
        let refused = sign(&store, hash(7_002), &[other(2)]).await;
        assert!(matches!(refused, Err(Error::Equivocation { .. })), "{refused:?}");
    }

    async fn lies_are_kept_of_each_signer_so_many_and_so_long(db: &TestDb) {
        let store = db.open().await;
        for n in 0..70 {
            for _ in 0..2 {
                store.keep_refused(&refused(OTHER, n, vec![lie(n, 1)]), n).await.unwrap();
            }
        }
        assert_eq!(store.two_results(OTHER).await.unwrap(), None, "of as many names");
        // The last names found no place, so a second lie of theirs is the first.
        for n in 64..70 {
            store.keep_refused(&refused(OTHER, 100 + n, vec![lie(n, 2)]), 70).await.unwrap();
        }
        assert_eq!(store.two_results(OTHER).await.unwrap(), None);
        store.keep_refused(&refused(OTHER, 200, vec![lie(63, 2)]), 71).await.unwrap();
        let found = store.two_results(OTHER).await.unwrap().unwrap();
        let signed = |n, lie: Lie| SignedResult {
            results: lie.results,
            report: refused(OTHER, n, Vec::new()).report,
            signature: [3; 64],
        };
        let both = [signed(63, lie(63, 1)), signed(200, lie(63, 2))];
        assert_eq!(found, TwoResults { both, has_truth: false });
        assert_eq!(store.two_results(OWN).await.unwrap(), None, "it signed none of them");
        store.forget_signed(64, 0).await.unwrap();
        assert_eq!(store.two_results(OTHER).await.unwrap(), None, "one of the two is forgotten");
    }

    async fn a_lie_convicts_who_signed_the_truth_too(db: &TestDb) {
        let store = db.open().await;
        let report = sign_of(&store, 1, OTHER, &[1, 2]).await.unwrap();
        let Signing { evidence, result, .. } = signing(2);
        let third = Address::repeat_byte(3);
        store.keep_refused(&refused(third, 8, vec![Lie { evidence, own: result, ..lie(8, 1) }]), 5).await.unwrap();
        assert_eq!(store.two_results(third).await.unwrap(), None, "others signed the truth");
        // This one signed both bundles' results.
        for (n, evidence, own) in [(8, evidence, hash(9)), (9, hash(9), result)] {
            store.keep_refused(&refused(OWN, n, vec![Lie { evidence, own, ..lie(n, 1) }]), 5).await.unwrap();
            assert_eq!(store.two_results(OWN).await.unwrap(), None, "of something else");
        }
        let truth = Lie { evidence, own: result, result, ..lie(7, 0) };
        store.keep_refused(&refused(OWN, 7, vec![truth]), 5).await.unwrap();
        assert_eq!(store.two_results(OWN).await.unwrap(), None, "the truth twice");
        for n in 10..80 {
            store.keep_refused(&refused(OTHER, n, vec![lie(n, 1)]), n).await.unwrap();
        }
        let about = |evidence, own| refused(OTHER, 200, vec![Lie { evidence, own, ..lie(200, 1) }]);
        store.keep_refused(&about(evidence, result), 5).await.unwrap();
        assert_eq!(store.two_results(OTHER).await.unwrap(), None, "it has not signed the truth");
        store.keep_signature(report, OTHER, &[9; 64], 5).await.unwrap();
        for other in [about(evidence, hash(9)), about(hash(9), result)] {
            store.keep_refused(&other, 5).await.unwrap();
            assert_eq!(store.two_results(OTHER).await.unwrap(), None, "of something else");
        }
        // All places are taken: what convicts has one.
        store.keep_refused(&about(evidence, result), 5).await.unwrap();
        let found = store.two_results(OTHER).await.unwrap().unwrap();
        let recorded = store.signed_report(report).await.unwrap().unwrap();
        assert!(found.has_truth);
        assert_eq!(found.both[0].report, recorded.report);
        assert_eq!((found.both[0].signature, found.both[1].signature), ([9; 64], [3; 64]));
    }

    async fn a_lie_and_the_truth_in_one_report_convict(db: &TestDb) {
        let store = db.open().await;
        for n in 0..64 {
            store.keep_refused(&refused(OTHER, n, vec![lie(n, 1)]), n).await.unwrap();
        }
        store.keep_refused(&refused(OTHER, 200, vec![lie(63, 1), lie(63, 0)]), 70).await.unwrap();
        let found = store.two_results(OTHER).await.unwrap().unwrap();
        assert_eq!((found.has_truth, found.both.map(|one| one.results)), (false, [vec![1], vec![0]]));
    }

    async fn what_went_on_is_not_put_back(db: &TestDb) {
        let store = db.open().await;
        let report = queue(&store, 1).await;
        store.put_back(hash(1), "its appraisal was not kept").await.unwrap();
        let row = store.bundle(hash(1)).await.unwrap().unwrap();
        assert_eq!((row.state, row.report, row.tries), (State::Queued, Some(report), 0));
        ready(&store, 2, OTHER).await;
        store.put_back(hash(2), "its appraisal was not kept").await.unwrap();
        assert_eq!(store.bundle(hash(2)).await.unwrap().unwrap().state, State::Received);
        sign_of(&store, 3, OTHER, &[3]).await.unwrap();
        store.end_bundle(hash(3), State::Final, "already attested for as long").await.unwrap();
        assert_eq!(store.bundle(hash(3)).await.unwrap().unwrap().state, State::Cosigning);
    }
}

/// Rows are locked one after another. Whoever takes them in an order of its own waits for one that waits for it.
#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_write_about_the_same_bundles_do_not_wait_for_each_other() {
    let server = Postgres::start();
    let db = TestDb::on(&server, "locks").await;
    let [taker, worker, other] = [db.open().await, db.open().await, db.open().await];
    for round in 0..10 {
        let mut all: Vec<_> = (round * 100..round * 100 + 100).collect();
        all.sort_by_key(|n| hash(*n));
        let (known, new): (Vec<u64>, Vec<u64>) = all.iter().partition(|n| *n % 2 == 0);
        for n in &known {
            taker.add_bundle(&bundle(*n)).await.unwrap();
        }
        let appraised: Vec<_> = known
            .iter()
            .rev()
            .map(|n| Appraised {
                digest: hash(*n),
                operator: bundle(*n).operator,
                result: hash(2_000 + n),
                fields: Some("{}".into()),
            })
            .collect();
        let arriving = new.iter().rev().map(|n| {
            let (store, bundle) = (taker.clone(), bundle(*n));
            tokio::spawn(async move { store.add_bundle(&bundle).await })
        });
        let arriving: Vec<_> = arriving.collect();
        let (recorded, stored) = tokio::join!(
            sign_of(&other, round, OTHER, &all),
            worker.set_appraisals(&appraised)
        );
        recorded.unwrap();
        stored.unwrap();
        for arrived in arriving {
            arrived.await.unwrap().unwrap();
        }
    }
}

/// The poster takes several rows in one statement, in whatever order the database finds them.
#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_was_ended_for_others_sake_is_taken_again() {
    let server = Postgres::start();
    let db = TestDb::on(&server, "deadlock").await;
    let store = db.open().await;
    let [first, last] = if hash(1) < hash(2) { [1, 2] } else { [2, 1] };
    for n in [first, last] {
        store.add_bundle(&bundle(n)).await.unwrap();
    }
    let mut other = store.begin().await.unwrap();
    let touch = async |other: &mut super::super::Connection, n: u64| {
        sqlx::query("UPDATE bundles SET reason = 'touched' WHERE digest = $1")
            .bind(hash(n).to_string())
            .execute(other)
            .await
            .unwrap();
    };
    // Whoever looks first is ended: so the record is.
    sqlx::query("SET LOCAL deadlock_timeout = '1h'")
        .execute(&mut *other)
        .await
        .unwrap();
    touch(&mut other, last).await;
    let recording = tokio::spawn({
        let store = store.clone();
        async move { sign_of(&store, 1, OTHER, &[first, last]).await }
    });
    // When it waits for the last, it has the first.
    let waiting = "SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
    while sqlx::query_scalar::<_, i64>(waiting)
        .fetch_one(&store.pool)
        .await
        .unwrap()
        == 0
    {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    touch(&mut other, first).await;
    other.commit().await.unwrap();
    recording.await.unwrap().unwrap();
    assert_eq!(
        store.bundle(hash(last)).await.unwrap().unwrap().state,
        State::Cosigning
    );
}

/// Another replica is in the middle of an operator's findings: whoever takes them back waits, and holds nothing that it needs.
#[tokio::test(flavor = "multi_thread")]
async fn who_forgets_a_warning_and_who_writes_one_do_not_wait_for_each_other() {
    let server = Postgres::start();
    let db = TestDb::on(&server, "warnings").await;
    let [store, other] = [db.open().await, db.open().await];
    let operator = bundle(1).operator;
    reappraisals::finish(&store, 1, State::Final).await;
    let (warning, message) = (reappraisals::warning(1, "[1]"), reappraisals::message(1));
    let found = store.set_reappraised(operator, hash(1), hash(10), None, Some(&warning), &message);
    assert!(found.await.unwrap());
    let mut writes = other.begin().await.unwrap();
    let touch = async |writes: &mut super::super::Connection, table: &str, column: &str| {
        let query = format!("UPDATE {table} SET {column} = {column} WHERE operator = $1");
        let query = sqlx::query(sqlx::AssertSqlSafe(query)).bind(operator.to_string());
        query.execute(&mut *writes).await
    };
    touch(&mut writes, "reappraisals", "basis").await.unwrap();
    let forgets = {
        let store = store.clone();
        tokio::spawn(async move { store.clear_warning(operator).await })
    };
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    touch(&mut writes, "warnings", "reasons").await.unwrap();
    writes.commit().await.unwrap();
    forgets.await.unwrap().unwrap();
    assert_eq!(store.warning_of(operator).await.unwrap(), None);
}

/// While one replica claims, the next takes what comes behind, and does not wait for it.
#[tokio::test(flavor = "multi_thread")]
async fn what_another_replica_is_claiming_is_passed_over() {
    let server = Postgres::start();
    let db = TestDb::on(&server, "skips").await;
    let [store, other] = [db.open().await, db.open().await];
    for n in 1..=4 {
        store.add_bundle(&bundle(n)).await.unwrap();
    }
    let mut claims = other.begin().await.unwrap();
    sqlx::query("SELECT digest FROM bundles ORDER BY received_at LIMIT 2 FOR UPDATE")
        .fetch_all(&mut *claims)
        .await
        .unwrap();
    let second = std::time::Duration::from_secs(1);
    let rows = tokio::time::timeout(second, store.claim(2)).await;
    let rows = rows.expect("it waits for the other").unwrap();
    let digests: Vec<_> = rows.into_iter().map(|row| row.digest).collect();
    assert_eq!(digests, [hash(3), hash(4)]);
}
