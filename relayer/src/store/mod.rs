//! What must survive a crash: `SQLite` or `PostgreSQL` through `sqlx`'s `Any`, in plain SQL that both take.
//!
//! Every step of a bundle and of a transaction is one database transaction, synced before the next step begins.
//!
//! `Any` carries text and integers. It cannot read a column that `SQLite` declares `BOOLEAN`, nor `PostgreSQL`'s `NUMERIC`
//! (what `SUM` of a `BIGINT` is there): truth values are 0 and 1 in a `BIGINT`, bytes are hex, sums are cast.

mod appraisals;
mod arrivals;
mod bundles;
mod claims;
mod connect;
mod cosign;
mod index;
mod intake;
mod lease;
mod orders;
mod reappraisals;
mod rounds;
mod row;
mod sql;
mod state;
mod steps;
#[cfg(test)]
mod tests;
mod transactions;
mod warnings;
mod webhooks;

use std::{fs::File, path::Path, sync::Arc};

use sqlx::Row as _;

use crate::Error;

pub use appraisals::Appraised;
pub use bundles::{BundleRow, NewBundle, Signing};
pub(crate) use connect::URL_VARIABLE;
pub use connect::{StoreConfig, StoreUrl};
pub use cosign::{Lie, NewItem, NewReport, OpenReport, RefusedReport, SignedResult, TwoResults};
pub use index::{BlockRef, EventFilter, EventRow, IndexChange, IndexState};
pub use intake::Standing;
pub use orders::Order;
pub use state::State;
pub use steps::Then;
pub use transactions::{Attempt, Inclusion, Transaction, TxId, TxState};
pub use warnings::Warning;
pub use webhooks::Delivery;

/// The database's types, named once.
type Database = sqlx::Any;
type Row = <Database as sqlx::Database>::Row;
type Connection = <Database as sqlx::Database>::Connection;
type Pool = sqlx::Pool<Database>;

/// The database.
#[derive(Clone, Debug)]
pub struct Store {
    kind: connect::Kind,
    /// For reading. Of `SQLite`, writing through it works too, but waits by polling.
    pool: Pool,
    /// For writing. Of `SQLite`, one connection: writers queue here, in order, not at the database's lock.
    writer: Pool,
    /// Names this replica, for leases and claims.
    holder: Arc<str>,
    /// The lease without which this handle does not write.
    fence: Option<Arc<lease::Fence>>,
    terms: connect::Terms,
    arrivals: Arc<arrivals::Arrivals>,
    /// Of `SQLite`: locked as long as any handle lives.
    _lock: Option<Arc<File>>,
}

impl Store {
    /// Opens or makes a `SQLite` database, and brings its schema up to date.
    ///
    /// # Errors
    /// As [`Store::connect`].
    pub async fn open(path: &Path) -> Result<Self, Error> {
        Self::connect(&StoreUrl::sqlite(path), &StoreConfig::default()).await
    }

    /// Opens the database and brings its schema up to date. A `SQLite` database is made if there is none.
    ///
    /// # Errors
    /// [`Error::StoreInUse`] if another process has the `SQLite` database; else if it cannot be opened or written.
    pub async fn connect(url: &StoreUrl, config: &StoreConfig) -> Result<Self, Error> {
        let lock = url.lock()?;
        let pool = url.pool(config.connections).await?;
        let writer = match url.kind() {
            connect::Kind::Sqlite => url.pool(1).await?,
            connect::Kind::Postgres => pool.clone(),
        };
        sqlx::migrate!().run(&writer).await?;
        let store = Self {
            holder: new_name(&writer, url.kind()).await?.into(),
            kind: url.kind(),
            pool,
            writer,
            fence: None,
            terms: config.terms(),
            arrivals: Arc::default(),
            _lock: lock,
        };
        if store.kind == connect::Kind::Sqlite {
            store.forget_the_dead().await?;
        }
        Ok(store)
    }

    /// Begins a transaction that writes. While it lives, do not write through anything else: of `SQLite`, that would wait
    /// for itself.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] if this handle is [`Store::fenced`] and another replica has the lease; else of the database.
    async fn begin(&self) -> Result<sqlx::Transaction<'static, Database>, Error> {
        let mut transaction = self.begin_unfenced().await?;
        self.check_fence(&mut transaction).await?;
        Ok(transaction)
    }

    async fn begin_unfenced(&self) -> Result<sqlx::Transaction<'static, Database>, Error> {
        Ok(match self.kind {
            // The write lock from the start: one that is asked for later is refused if others wrote meanwhile.
            connect::Kind::Sqlite => self.writer.begin_with("BEGIN IMMEDIATE").await?,
            connect::Kind::Postgres => self.writer.begin().await?,
        })
    }
}

/// SQL has no unsigned integers. Times, block numbers, nonces and gas stay far below the limit.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A name that no other replica has, nor this one had before.
async fn new_name(pool: &Pool, kind: connect::Kind) -> Result<String, Error> {
    let query = match kind {
        connect::Kind::Sqlite => "SELECT lower(hex(randomblob(16)))",
        connect::Kind::Postgres => "SELECT CAST(gen_random_uuid() AS TEXT)",
    };
    Ok(sqlx::query(query).fetch_one(pool).await?.try_get(0)?)
}
