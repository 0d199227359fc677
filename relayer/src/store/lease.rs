//! What one replica at a time may do: a row names who holds the right, and until when.
//!
//! A holder that stalls does not know that its time is over. So its handle, [`Store::fenced`], asks in every transaction
//! whether the row still names it, and locks the row until the transaction ends: nothing is written under a lost lease.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use sqlx::Row as _;

use super::{Connection, Store, connect::Kind};
use crate::Error;

/// A lease as its holder knows it.
#[derive(Debug)]
pub(super) struct Fence {
    name: String,
    /// Counts the lease's holders. 0: not held.
    token: AtomicI64,
}

impl Store {
    /// A handle whose transactions fail with [`Error::LeaseLost`] unless this replica holds the lease `name`. Clones
    /// share it.
    #[must_use]
    pub fn fenced(&self, name: &str) -> Self {
        let fence = Fence {
            name: name.to_owned(),
            token: AtomicI64::new(0),
        };
        Self {
            fence: Some(Arc::new(fence)),
            ..self.clone()
        }
    }

    /// Takes the lease, or renews it. Returns whether this replica holds it now; a handle without one always does.
    ///
    /// # Errors
    /// Of the database.
    pub async fn hold(&self) -> Result<bool, Error> {
        let Some(fence) = &self.fence else { return Ok(true) };
        let mut transaction = self.begin_unfenced().await?;
        let now = self.now(&mut transaction).await?;
        let row = sqlx::query(
            "INSERT INTO leases (name, holder, token, until) VALUES ($1, $2, 1, $3)
             ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until,
             token = CASE WHEN leases.holder = excluded.holder THEN leases.token ELSE leases.token + 1 END
             WHERE leases.holder = excluded.holder OR leases.until <= $4
             RETURNING token",
        )
        .bind(&fence.name)
        .bind(&*self.holder)
        .bind(now.saturating_add(self.terms.lease))
        .bind(now)
        .fetch_optional(&mut *transaction)
        .await?;
        let token = row.map_or(Ok(0), |row| row.try_get(0))?;
        // While the row is locked: the token of who asked before must not come over that of who asked after.
        fence.token.store(token, Ordering::Relaxed);
        transaction.commit().await?;
        Ok(token != 0)
    }

    /// Gives the lease back, so that another replica need not wait.
    ///
    /// # Errors
    /// Of the database.
    pub async fn release(&self) -> Result<(), Error> {
        let Some(fence) = &self.fence else { return Ok(()) };
        fence.token.store(0, Ordering::Relaxed);
        // The row stays: its token must not start anew.
        sqlx::query("UPDATE leases SET until = 0 WHERE name = $1 AND holder = $2")
            .bind(&fence.name)
            .bind(&*self.holder)
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    /// Fails if the lease is another's. If not, it cannot become another's before the transaction ends.
    pub(super) async fn check_fence(&self, transaction: &mut Connection) -> Result<(), Error> {
        let Some(fence) = &self.fence else { return Ok(()) };
        let mine =
            sqlx::query("UPDATE leases SET holder = holder WHERE name = $1 AND holder = $2 AND token = $3")
                .bind(&fence.name)
                .bind(&*self.holder)
                .bind(fence.token.load(Ordering::Relaxed))
                .execute(transaction)
                .await?;
        if mine.rows_affected() == 1 {
            Ok(())
        } else {
            Err(Error::LeaseLost {
                name: fence.name.clone(),
            })
        }
    }

    /// The database's clock, Unix seconds: replicas' own may differ.
    pub(super) async fn now(&self, connection: &mut Connection) -> Result<i64, Error> {
        let query = match self.kind {
            Kind::Sqlite => "SELECT unixepoch()",
            Kind::Postgres => "SELECT CAST(extract(epoch FROM clock_timestamp()) AS BIGINT)",
        };
        Ok(sqlx::query(query).fetch_one(connection).await?.try_get(0)?)
    }
}
