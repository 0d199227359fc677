//! What must survive a crash: `SQLite` or `PostgreSQL` through `sqlx`'s `Any`, in plain SQL that both take.
//!
//! Every step of a bundle and of a transaction is one database transaction, synced before the next step begins.
//!
//! `Any` carries text and integers. It cannot read a column that `SQLite` declares `BOOLEAN`, nor `PostgreSQL`'s `NUMERIC`
//! (what `SUM` of a `BIGINT` is there): truth values are 0 and 1 in a `BIGINT`, bytes are hex, sums are cast.

mod bundles;
mod connect;
mod cosign;
mod intake;
mod reappraisals;
mod steps;
#[cfg(test)]
mod tests;
mod transactions;

use std::path::Path;

use crate::Error;

pub use bundles::{BundleRow, NewBundle, Signing, State};
pub use connect::{StoreConfig, StoreUrl};
pub use cosign::{NewItem, NewReport, OpenReport};
pub use reappraisals::Warning;
pub use steps::Then;
pub use transactions::{Attempt, Inclusion, Transaction, TxId, TxState};

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
}

impl Store {
    /// Opens or makes a `SQLite` database, and brings its schema up to date.
    ///
    /// # Errors
    /// If it cannot be opened or written.
    pub async fn open(path: &Path) -> Result<Self, Error> {
        Self::connect(&StoreUrl::sqlite(path), StoreConfig::default().connections).await
    }

    /// Opens the database and brings its schema up to date. A `SQLite` database is made if there is none.
    ///
    /// # Errors
    /// If it cannot be opened or written.
    pub async fn connect(url: &StoreUrl, connections: u32) -> Result<Self, Error> {
        let pool = url.pool(connections).await?;
        let writer = match url.kind() {
            connect::Kind::Sqlite => url.pool(1).await?,
            connect::Kind::Postgres => pool.clone(),
        };
        sqlx::migrate!().run(&writer).await?;
        Ok(Self {
            kind: url.kind(),
            pool,
            writer,
        })
    }

    /// Begins a transaction that writes. While it lives, do not write through anything else: of `SQLite`, that would wait
    /// for itself.
    async fn begin(&self) -> Result<sqlx::Transaction<'static, Database>, Error> {
        Ok(match self.kind {
            // The write lock from the start: one that is asked for later is refused if others wrote meanwhile.
            connect::Kind::Sqlite => self.writer.begin_with("BEGIN IMMEDIATE").await?,
            connect::Kind::Postgres => self.writer.begin().await?,
        })
    }
}
