//! Every test runs against `SQLite` and against a real `PostgreSQL`.

mod holds;
mod index;
mod leases;
mod life;
mod model;
mod orders;
mod postgres;
mod queue;
mod reappraisals;
mod replicas;
mod schema;
mod transactions;
mod walk;

use alloy::primitives::{Address, B256};
use tempfile::TempDir;

use self::postgres::Postgres;
use super::{Appraised, NewBundle, NewItem, NewReport, Signing, State, Store, StoreConfig, StoreUrl};
use crate::Error;

/// An empty database.
pub(super) struct TestDb {
    url: StoreUrl,
    /// Gone on drop.
    _folder: Option<TempDir>,
}

impl TestDb {
    pub(super) fn sqlite() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self {
            // What needs escaping in a URL is escaped.
            url: StoreUrl::sqlite(&dir.path().join("a b%20?#.db")),
            _folder: Some(dir),
        }
    }

    /// A database of its own on a server that is started.
    pub(super) async fn on(server: &Postgres, name: &str) -> Self {
        let pool = StoreUrl::parse(&server.url("postgres"))
            .unwrap()
            .pool(1)
            .await
            .unwrap();
        let statement = format!("CREATE DATABASE {name}");
        sqlx::query(sqlx::AssertSqlSafe(statement))
            .execute(&pool)
            .await
            .unwrap();
        Self {
            url: StoreUrl::parse(&server.url(name)).unwrap(),
            _folder: None,
        }
    }

    /// A replica.
    pub(super) async fn open(&self) -> Store {
        Store::connect(&self.url, &StoreConfig::default()).await.unwrap()
    }
}

/// Of several, makes a test `sqlite::name` of each, and one test `postgres` of all: a server takes a second or more to start.
/// Of one alone, makes `name::sqlite` and `name::postgres`.
macro_rules! on_both {
    ($(#[$meta:meta])* async fn $name:ident($db:ident: &TestDb) $body:block) => {
        $(#[$meta])*
        mod $name {
            use super::*;

            async fn check($db: &TestDb) $body

            #[tokio::test(flavor = "multi_thread")]
            async fn sqlite() {
                check(&TestDb::sqlite()).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn postgres() {
                let server = Postgres::start();
                check(&TestDb::on(&server, "test").await).await;
            }
        }
    };
    ($($(#[$meta:meta])* async fn $name:ident($db:ident: &TestDb) $body:block)+) => {
        $($(#[$meta])* async fn $name($db: &TestDb) $body)+

        mod sqlite {
            use super::*;

            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name(&TestDb::sqlite()).await;
            })+
        }

        #[tokio::test(flavor = "multi_thread")]
        async fn postgres() {
            let server = Postgres::start();
            let mut count = 0;
            $(
                eprintln!("{}", stringify!($name));
                count += 1;
                $name(&TestDb::on(&server, &format!("test{count}")).await).await;
            )+
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

impl Store {
    /// One appraisal.
    async fn set_appraisal(&self, digest: B256, result: B256, fields: Option<&str>) -> Result<bool, Error> {
        let one = Appraised {
            digest,
            operator: Address::ZERO,
            result,
            fields: fields.map(str::to_owned),
        };
        Ok(self.set_appraisals(&[one]).await?[0])
    }
}

/// Adds bundle `n` and brings it to Queued, in a report of its own.
pub(super) async fn queue(store: &Store, n: u64) -> B256 {
    store.add_bundle(&bundle(n)).await.unwrap();
    store
        .set_appraisal(hash(n), hash(2_000 + n), Some("{}"))
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
        fields: "{}".into(),
    };
    let new = NewReport {
        hash: report,
        report: vec![7, 0, 255],
        manifest: hash(4_000),
        proposer: Address::ZERO,
        proposers_signature: None,
        set_id: 1,
        issued_at: issued_at(report),
        deadline: 1_700_003_600,
        now: 1_700_000_001,
        items: signings.iter().map(item).collect(),
    };
    store.record_report(&new, Address::ZERO, &[9; 64]).await
}

/// When a report was issued: in another order than that of bundles, or of hashes.
pub(super) fn issued_at(report: B256) -> u64 {
    1_700_000_000 + u64::from(u8::MAX - report.0[31])
}

/// Hands a report that was signed to the poster.
pub(super) async fn queue_signed(store: &Store, report: B256, calldata: &[u8]) {
    let open = store.signed_report(report).await.unwrap().unwrap();
    store.queue_report(&open, calldata).await.unwrap();
}

async fn is_barred(store: &Store, operator: Address) -> bool {
    let others = [Address::repeat_byte(0xfe), operator];
    let barred = store.barred_among(&others).await.unwrap();
    assert!(!barred.contains(&others[0]), "nothing is known of it");
    barred.contains(&operator)
}
