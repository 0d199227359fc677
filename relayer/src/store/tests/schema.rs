//! What the schema may hold, and what it must refuse.

use std::{fs, path::Path};

use sqlx::{Row as _, error::ErrorKind};

use super::{walk::kind_of, *};
use crate::store::{Attempt, Then, connect::Kind};

/// Two of one number, each from a branch of its own, merge without a conflict, and then no relayer starts.
#[test]
fn each_migration_has_a_number_of_its_own() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let files = fs::read_dir(folder).unwrap();
    let mut numbers: Vec<_> = files
        .map(|file| {
            let name = file.unwrap().file_name().into_string().unwrap();
            name.split('_').next().unwrap().to_owned()
        })
        .collect();
    numbers.sort();
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
}

/// `Any` reads text and integers. A `BOOLEAN` or a `BLOB` works on one database and fails on the other.
#[test]
fn migrations_declare_only_types_that_both_databases_and_any_share() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        for (number, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
            let code = line.split("--").next().unwrap().to_uppercase();
            for word in code.split(|c: char| !c.is_alphanumeric() && c != '_') {
                let bad = [
                    "BOOLEAN",
                    "BOOL",
                    "BLOB",
                    "BYTEA",
                    "INTEGER",
                    "INT",
                    "NUMERIC",
                    "REAL",
                    "AUTOINCREMENT",
                    "SERIAL",
                ];
                assert!(
                    !bad.contains(&word),
                    "{}:{}: {word}; use TEXT or BIGINT, a truth value is BIGINT CHECK (x IN (0, 1))",
                    path.display(),
                    number + 1
                );
            }
        }
    }
}

on_both! {
    async fn every_invariant_is_a_constraint(db: &TestDb) {
        let store = db.open().await;
        let report = queue(&store, 1).await;
        queue(&store, 2).await;
        let id = store.reserve(Some(report), Address::ZERO, 5, 1, 1).await.unwrap();
        let attempt = Attempt { hash: hash(8), raw: vec![1], max_fee: 1, max_tip: 1, cancels: false };
        store.add_attempt(id, &attempt).await.unwrap();
        assert!(store.fenced("post").hold().await.unwrap());
        for (what, statement) in FORBIDDEN {
            let outcome = sqlx::query(*statement).execute(&store.writer).await;
            let error = outcome.expect_err(what);
            assert_ne!(kind_of(&error), ErrorKind::Other, "{what}: {error}");
        }
        // What is dropped frees its nonce.
        store.drop_transaction(id, Then::Requeue).await.unwrap();
        store.reserve(Some(hash(3_002)), Address::ZERO, 5, 1, 1).await.unwrap();
    }

    async fn looks_at_the_queue_use_an_index(db: &TestDb) {
        let store = db.open().await;
        let query = match store.kind {
            Kind::Sqlite => FILL_SQLITE,
            Kind::Postgres => FILL_POSTGRES,
        };
        sqlx::query(query).execute(&store.writer).await.unwrap();
        sqlx::query("ANALYZE").execute(&store.writer).await.unwrap();
        for query in LOOKS {
            let plan = plan(&store, query).await;
            let scans = match store.kind {
                Kind::Sqlite => plan.contains("SCAN") || !plan.contains("INDEX"),
                Kind::Postgres => plan.contains("Seq Scan on bundles") || plan.contains("Sort"),
            };
            assert!(!scans, "{query}\n{plan}");
        }
        assert_eq!(store.count(State::Final).await.unwrap(), 99_000);
        assert_eq!(store.claim(3).await.unwrap().len(), 3);
    }
}

/// What must not be, and a statement that would make it so.
const FORBIDDEN: &[(&str, &str)] = &[
    (
        "a bundle twice",
        "INSERT INTO bundles (digest, operator, is_public, state, received_at)
         SELECT digest, operator, 0, 'received', 1 FROM bundles",
    ),
    ("a state that does not exist", "UPDATE bundles SET state = 'lost'"),
    ("a truth value that is none", "UPDATE bundles SET is_public = 2"),
    ("fewer than no tries", "UPDATE bundles SET tries = -1"),
    ("queued without an appraisal", "UPDATE bundles SET fields = NULL"),
    ("queued without a report", "UPDATE bundles SET report = NULL"),
    (
        "in a report that does not exist",
        "UPDATE bundles SET report = '0x00'",
    ),
    (
        "two results under one name",
        "INSERT INTO signatures (evidence, policy, endorsements, as_of, result)
         SELECT evidence, policy, endorsements, as_of, '0x00' FROM signatures",
    ),
    ("an appraisal before 1970", "UPDATE signatures SET as_of = -1"),
    (
        "two transactions for one report",
        "INSERT INTO transactions (id, report, state, account, nonce, gas_limit, since)
         SELECT 99, report, 'reserved', account, 9, 1, 1 FROM transactions",
    ),
    (
        "two live transactions with one nonce",
        "INSERT INTO transactions (id, state, account, nonce, gas_limit, since)
         SELECT 99, 'reserved', account, nonce, 1, 1 FROM transactions",
    ),
    (
        "a transaction for no report",
        "INSERT INTO transactions (id, report, state, account, nonce, gas_limit, since)
         VALUES (99, '0x00', 'reserved', '0x00', 9, 1, 1)",
    ),
    (
        "a transaction for nothing, of nobody",
        "INSERT INTO transactions (id, state, gas_limit, since) VALUES (99, 'broadcast', 1, 1)",
    ),
    ("a nonce below 0", "UPDATE transactions SET nonce = -1"),
    ("a nonce of nobody", "UPDATE transactions SET account = NULL"),
    ("included nowhere", "UPDATE transactions SET state = 'included'"),
    (
        "a transaction's state that does not exist",
        "UPDATE transactions SET state = 'lost'",
    ),
    (
        "bytes for no transaction",
        "INSERT INTO attempts (hash, transaction_id, raw, max_fee, max_tip, cancels)
         VALUES ('0x00', 99, '00', '1', '1', 0)",
    ),
    (
        "one hash for two attempts",
        "INSERT INTO attempts (hash, transaction_id, raw, max_fee, max_tip, cancels)
         SELECT hash, transaction_id, raw, max_fee, max_tip, 0 FROM attempts",
    ),
    ("a report forgotten", "DELETE FROM reports"),
    ("a transaction forgotten", "DELETE FROM transactions"),
    (
        "two holders of one lease",
        "INSERT INTO leases (name, holder, token, until) SELECT name, 'other', 9, 0 FROM leases",
    ),
    ("a lease that nobody ever held", "UPDATE leases SET token = 0"),
];

/// A hundred thousand operators, of whom a hundredth waits.
const FILL_SQLITE: &str = "INSERT INTO bundles (digest, operator, is_public, state, received_at)
     WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99999)
     SELECT printf('0x%064x', i), printf('0x%040x', i), 1, CASE WHEN i % 100 = 0 THEN 'received' ELSE 'final' END, i
     FROM n";
const FILL_POSTGRES: &str = "INSERT INTO bundles (digest, operator, is_public, state, received_at)
     SELECT '0x' || lpad(to_hex(i), 64, '0'), '0x' || lpad(to_hex(i), 40, '0'), 1,
     CASE WHEN i % 100 = 0 THEN 'received' ELSE 'final' END, i FROM generate_series(0, 99999) i";

/// What the relayer asks again and again.
const LOOKS: [&str; 4] = [
    "SELECT COUNT(*) FROM bundles WHERE state = 'received'",
    "SELECT digest FROM bundles WHERE state = 'received' AND claimed_until <= 1
     ORDER BY CASE WHEN claimed_until > received_at THEN claimed_until ELSE received_at END, digest LIMIT 16",
    "SELECT * FROM bundles WHERE operator = '0x01' ORDER BY received_at DESC, digest DESC LIMIT 1",
    "SELECT * FROM bundles WHERE report = '0x01'",
];

async fn plan(store: &Store, query: &str) -> String {
    let (explain, column) = match store.kind {
        Kind::Sqlite => ("EXPLAIN QUERY PLAN", 3),
        Kind::Postgres => ("EXPLAIN", 0),
    };
    let query = sqlx::AssertSqlSafe(format!("{explain} {query}"));
    let rows = sqlx::query(query).fetch_all(&store.pool).await.unwrap();
    let lines = rows.iter().map(|row| row.get::<String, _>(column) + "\n");
    lines.collect()
}
