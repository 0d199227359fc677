//! What must survive a crash: `SQLite` through `sqlx`, in plain SQL.
//!
//! Every step of a bundle and of a transaction is one database transaction, synced before the next step begins.

mod bundles;
mod transactions;

use std::{path::Path, time::Duration};

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use crate::Error;

pub use bundles::{BundleRow, NewBundle, Signing, State};
pub use transactions::{Attempt, Inclusion, Transaction, TxState};

/// The database's types, named once.
type Database = sqlx::Sqlite;
type Row = <Database as sqlx::Database>::Row;
type Connection = <Database as sqlx::Database>::Connection;

/// The database.
#[derive(Clone, Debug)]
pub struct Store {
    pool: sqlx::Pool<Database>,
}

impl Store {
    /// Opens or makes the database, and brings its schema up to date.
    ///
    /// # Errors
    /// If it cannot be opened or written.
    pub async fn open(path: &Path) -> Result<Self, Error> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            // With anything less, a power cut could forget that something was signed.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(10));
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            .connect_with(options)
            .await?;
        sqlx::migrate!().run(&pool).await?;
        Ok(Self { pool })
    }
}
