//! What the schema may hold, and what it must refuse.

use std::{fs, path::Path};

use sqlx::{Row as _, error::ErrorKind};

use super::{walk::kind_of, *};
use crate::store::{
    Attempt, EventFilter, Then, claims,
    connect::Kind,
    index::read::events_query,
    transactions::{EXPOSED, INCLUDED, TO_POST},
};

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

    async fn what_is_asked_again_and_again_is_answered_from_an_index(db: &TestDb) {
        let store = db.open().await;
        let queue = match store.kind {
            Kind::Sqlite => FILL_SQLITE,
            Kind::Postgres => FILL_POSTGRES,
        };
        for query in FILL.iter().chain([&queue]) {
            sqlx::query(*query).execute(&store.writer).await.unwrap();
        }
        if store.kind == Kind::Postgres {
            // It does so by itself. `SQLite` does not.
            sqlx::query("ANALYZE").execute(&store.writer).await.unwrap();
        }
        for look in looks(store.kind) {
            let plan = plan(&store, &look.query).await;
            let scans = match store.kind {
                Kind::Sqlite => plan.lines().any(|line| {
                    let is_few = |scanned: &str| ["orders", "next", "page", "asked", "("].iter().any(|few| scanned.starts_with(few));
                    line.strip_prefix("SCAN ").is_some_and(|scanned| !scanned.contains("INDEX") && !is_few(scanned))
                }),
                Kind::Postgres => FILLED.iter().any(|table| plan.contains(&format!("Seq Scan on {table}"))),
            };
            let sorts = plan.contains("TEMP B-TREE FOR ORDER BY") || plan.contains("Sort");
            assert!(!scans && (look.sorts || !sorts), "{}\n{plan}", look.query);
            let by = match store.kind {
                Kind::Sqlite => look.sqlite,
                Kind::Postgres => look.postgres,
            };
            assert!(plan.contains(by), "{}\n{plan}", look.query);
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
    (
        "a request heard twice",
        "INSERT INTO cosign_nonces (sender, nonce, until) VALUES ('a', 'n', 1), ('a', 'n', 2)",
    ),
    (
        "two signatures of one signer under one report",
        "INSERT INTO cosign_signatures (report, signer, signature, received_at)
         SELECT report, signer, '00', 2 FROM cosign_signatures",
    ),
    ("neither open nor closed", "UPDATE cosign_reports SET is_open = 2"),
    (
        "a bundle in a report that nobody signed",
        "INSERT INTO cosign_items (report, evidence) SELECT '0x00', digest FROM bundles",
    ),
    (
        "one freeze twice",
        "INSERT INTO orders (hash, operator, deadline, body, reason, state)
         VALUES ('h', 'a', 1, '', '', 'open'), ('h', 'b', 2, '', '', 'open')",
    ),
    (
        "a freeze's state that does not exist",
        "INSERT INTO orders (hash, operator, deadline, body, reason, state) VALUES ('h', 'a', 1, '', '', 'lost')",
    ),
    (
        "a signature under no freeze",
        "INSERT INTO order_signatures (hash, signer, signature) VALUES ('h', 'a', '00')",
    ),
    (
        "one vote twice",
        "INSERT INTO votes (proposer, evidence, result, operator, is_public, fields, voted_at)
         VALUES ('a', 'e', 'r', 'o', 0, '{}', 1), ('a', 'e', 'r', 'o', 1, '{}', 2)",
    ),
    (
        "a vote that is neither public nor private",
        "INSERT INTO votes (proposer, evidence, result, operator, is_public, fields, voted_at)
         VALUES ('a', 'e', 'r', 'o', 2, '{}', 1)",
    ),
    (
        "a warning about nothing",
        "INSERT INTO warnings (operator, evidence, since, deadline, bars, reasons) VALUES ('a', '0x00', 1, 1, 0, '[]')",
    ),
    (
        "two warnings of one operator",
        "INSERT INTO warnings (operator, evidence, since, deadline, bars, reasons)
         SELECT 'a', digest, 1, 1, 0, '[]' FROM bundles",
    ),
    (
        "a warning that half bars",
        "INSERT INTO warnings (operator, evidence, since, deadline, bars, reasons)
         SELECT operator, digest, 1, 1, 2, '[]' FROM bundles",
    ),
    (
        "one message twice",
        "INSERT INTO deliveries (id, operator, body, due) VALUES ('i', 'a', '{}', 1), ('i', 'b', '{}', 1)",
    ),
];

/// A hundred thousand operators, of whom a hundredth waits.
const FILL_SQLITE: &str = "INSERT INTO bundles (digest, operator, is_public, state, received_at)
     WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99999)
     SELECT printf('0x%064x', i), printf('0x%040x', i), 1, CASE WHEN i % 100 = 0 THEN 'received' ELSE 'final' END, i
     FROM n";
const FILL_POSTGRES: &str = "INSERT INTO bundles (digest, operator, is_public, state, received_at)
     SELECT '0x' || lpad(to_hex(i), 64, '0'), '0x' || lpad(to_hex(i), 40, '0'), 1,
     CASE WHEN i % 100 = 0 THEN 'received' ELSE 'final' END, i FROM generate_series(0, 99999) i";

/// And what has come of others, long ago; one bundle is in a report.
const FILL: &[&str] = &[
    "INSERT INTO reports (hash, archive, issued_at, calldata)
     WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 19999) SELECT 'r' || i, '', i, '' FROM n",
    "INSERT INTO transactions (id, report, state, account, nonce, gas_limit, since, hash, block_hash, block_number, gas_used)
     WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 19999)
     SELECT i, 'r' || i, 'final', 'a', i, 1, 1, 'h' || i, 'b', 1, 1 FROM n",
    "INSERT INTO transactions (id, state, account, nonce, gas_limit, since) VALUES (20000, 'signed', 'a', 20000, 1, 1)",
    "INSERT INTO attempts (hash, transaction_id, raw, max_fee, max_tip, cancels)
     WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT 'h' || i, i, '', '1', '1', 0 FROM n",
    "INSERT INTO bundles (digest, operator, is_public, state, received_at, report, fields)
     VALUES ('q', 'q', 1, 'queued', 1, 'r0', '{}')",
    "INSERT INTO index_events
     (block_number, log_index, block_hash, block_time, transaction_hash, kind, topics, data)
     WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99999)
     SELECT i / 10, i % 10, 'b', 1, 'h', CASE i % 1000 WHEN 0 THEN 'rare' ELSE 'often' END, '', '00' FROM n",
];
const FILLED: [&str; 5] = ["bundles", "reports", "transactions", "attempts", "index_events"];

/// A question that is asked again and again, and what is to be in its plan.
struct Look {
    query: String,
    sqlite: &'static str,
    postgres: &'static str,
    /// Whether the few that it finds are sorted.
    sorts: bool,
}

fn looks(kind: Kind) -> Vec<Look> {
    let events = |kind: Option<&str>| {
        events_query(&EventFilter {
            kind: kind.map(str::to_owned),
            ..EventFilter::default()
        })
    };
    let claim = match kind {
        Kind::Sqlite => claims::IN_SQLITE,
        Kind::Postgres => claims::IN_POSTGRES,
    };
    let look = |query: &str, [sqlite, postgres]: [&'static str; 2], sorts| Look {
        query: query.to_owned(),
        sqlite,
        postgres,
        sorts,
    };
    vec![
        look(
            "SELECT COUNT(*) FROM bundles WHERE state = 'received'",
            ["bundles_"; 2],
            false,
        ),
        look(
            claim,
            [
                "SCAN bundles USING INDEX bundles_to_appraise",
                "bundles_to_appraise",
            ],
            false,
        ),
        look(
            "SELECT * FROM bundles WHERE operator = '0x01' ORDER BY received_at DESC, digest DESC LIMIT 1",
            ["bundles_by_operator"; 2],
            false,
        ),
        look(
            "SELECT * FROM bundles WHERE report = '0x01'",
            ["bundles_by_report"; 2],
            false,
        ),
        look(TO_POST, ["one_transaction_per_report"; 2], true),
        look(EXPOSED, ["one_live_transaction_per_nonce"; 2], false),
        look(INCLUDED, ["one_transaction_per_report"; 2], false),
        look(
            // No kind.
            &events(None).replace("$5", "''"),
            ["(block_number>? AND block_number<?)", "(block_number >= "],
            true,
        ),
        look(
            &events(Some("")),
            [
                "(kind=? AND block_number>? AND block_number<?)",
                "index_events_by_kind",
            ],
            true,
        ),
    ]
}

async fn plan(store: &Store, query: &str) -> String {
    let (explain, column) = match store.kind {
        Kind::Sqlite => ("EXPLAIN QUERY PLAN", 3),
        Kind::Postgres => ("EXPLAIN", 0),
    };
    // To explain one with parameters takes others for each database.
    let values = ["9000", "5", "9999", "100", "rare", "1000000"];
    let query = (1..)
        .zip(values)
        .fold(query.to_owned(), |query, (number, value)| {
            query.replace(&format!("${number}"), &format!("'{value}'"))
        });
    let query = sqlx::AssertSqlSafe(format!("{explain} {query}"));
    let rows = sqlx::query(query).fetch_all(&store.pool).await.unwrap();
    let lines = rows.iter().map(|row| row.get::<String, _>(column) + "\n");
    lines.collect()
}
