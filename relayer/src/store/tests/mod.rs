//! Every test runs against `SQLite` and against a real `PostgreSQL`.

mod life;
mod postgres;
mod reappraisals;
mod schema;
mod transactions;

use alloy::primitives::{Address, B256};
use tempfile::TempDir;

use self::postgres::Postgres;
use super::{NewBundle, NewItem, NewReport, Signing, State, Store, StoreUrl};
use crate::Error;

/// An empty database, gone on drop.
pub(super) struct TestDb {
    url: StoreUrl,
    _home: Home,
}

#[expect(dead_code, reason = "kept for their drop")]
enum Home {
    Folder(TempDir),
    Server(Postgres),
}

impl TestDb {
    pub(super) fn sqlite() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self {
            // What needs escaping in a URL is escaped.
            url: StoreUrl::sqlite(&dir.path().join("a b%20?#.db")),
            _home: Home::Folder(dir),
        }
    }

    pub(super) fn postgres() -> Self {
        let server = Postgres::start();
        Self {
            url: StoreUrl::parse(&server.url()).unwrap(),
            _home: Home::Server(server),
        }
    }

    /// A replica.
    pub(super) async fn open(&self) -> Store {
        Store::connect(&self.url, 4).await.unwrap()
    }
}

/// Makes two tests, `name::sqlite` and `name::postgres`.
macro_rules! on_both {
    ($(#[$meta:meta])* async fn $name:ident($db:ident: &TestDb) $body:block) => {
        $(#[$meta])*
        mod $name {
            use super::*;

            async fn check($db: &TestDb) $body

            #[tokio::test]
            async fn sqlite() {
                check(&TestDb::sqlite()).await;
            }

            #[tokio::test]
            async fn postgres() {
                check(&TestDb::postgres()).await;
            }
        }
    };
}
use on_both;

pub(super) fn hash(n: u64) -> B256 {
    alloy::primitives::keccak256(n.to_be_bytes())
}

pub(super) fn bundle(n: u64) -> NewBundle {
    NewBundle {
        digest: hash(n),
        operator: Address::left_padding_from(&n.to_be_bytes()),
        is_public: n.is_multiple_of(2),
        received_at: 1_700_000_000 + i64::try_from(n).unwrap(),
    }
}

pub(super) fn signing(n: u64) -> Signing {
    Signing {
        evidence: hash(n),
        policy: hash(1_001),
        endorsements: hash(1_002),
        as_of: 1_700_000_000,
        result: hash(2_000 + n),
    }
}

/// Adds bundle `n` and brings it to Queued, in a report of its own.
pub(super) async fn queue(store: &Store, n: u64) -> B256 {
    store.add_bundle(&bundle(n)).await.unwrap();
    store
        .set_appraisal(hash(n), hash(2_000 + n), "{}", Some("{}"))
        .await
        .unwrap();
    let report = hash(3_000 + n);
    sign(store, report, &[signing(n)]).await.unwrap();
    queue_signed(store, report, &[1, 2, 255]).await;
    report
}

/// Writes down a signature under a report of these.
pub(super) async fn sign(store: &Store, report: B256, signings: &[Signing]) -> Result<(), Error> {
    let item = |signing: &Signing| NewItem {
        signing: *signing,
        operator: Address::ZERO,
        is_public: true,
        appraisal: None,
        fields: "{}".into(),
    };
    let new = NewReport {
        hash: report,
        report: vec![7, 0, 255],
        archive: hash(4_000),
        proposer: Address::ZERO,
        set_id: 1,
        issued_at: 1_700_000_000,
        deadline: 1_700_003_600,
        now: 1_700_000_001,
        items: signings.iter().map(item).collect(),
    };
    store.record_report(&new, Address::ZERO, &[9; 64]).await
}

/// Hands a report that was signed to the poster.
pub(super) async fn queue_signed(store: &Store, report: B256, calldata: &[u8]) {
    let open = store.signed_report(report).await.unwrap().unwrap();
    store.queue_report(&open, calldata).await.unwrap();
}
