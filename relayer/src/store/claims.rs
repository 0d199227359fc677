//! Replicas share the queue: whoever claims a bundle appraises it, and what a dead replica claimed comes back.

use alloy::primitives::B256;

use super::{BundleRow, Store, bundles::row_to_bundle, connect::Kind};
use crate::Error;

/// The oldest that wait and that nobody works on. Those that were put off come as if they had arrived when their time was over:
/// neither do many that cannot be appraised yet take all turns, nor do many that are new. `Materialized`: chosen once, whatever
/// the planner thinks.
macro_rules! claim {
    ($index:literal, $lock:literal) => {
        concat!(
            "WITH next AS MATERIALIZED (
                 SELECT digest FROM bundles ",
            $index,
            " WHERE state = 'received' AND claimed_until <= $3
                 ORDER BY CASE WHEN claimed_until > received_at THEN claimed_until ELSE received_at END, digest
                 LIMIT $4 ",
            $lock,
            ")
             UPDATE bundles SET claimed_by = $1, claimed_until = $2 WHERE digest IN (SELECT digest FROM next)
             RETURNING *"
        )
    };
}

/// Which has no statistics, and would sort all that wait by another index.
pub(super) const IN_SQLITE: &str = claim!("INDEXED BY bundles_to_appraise", "");
pub(super) const IN_POSTGRES: &str = claim!("", "FOR UPDATE SKIP LOCKED");

impl Store {
    /// Takes bundles to be appraised, whichever have been due for longest. For a while no other replica gets them.
    ///
    /// # Errors
    /// Of the database.
    pub async fn claim(&self, most: u32) -> Result<Vec<BundleRow>, Error> {
        let query = match self.kind {
            Kind::Sqlite => IN_SQLITE,
            Kind::Postgres => IN_POSTGRES,
        };
        let mut transaction = self.begin().await?;
        let now = self.now(&mut transaction).await?;
        let rows = sqlx::query(query)
            .bind(&*self.holder)
            .bind(now.saturating_add(self.terms.claim))
            .bind(now)
            .bind(i64::from(most))
            .fetch_all(&mut *transaction)
            .await?;
        transaction.commit().await?;
        let mut bundles = rows.iter().map(row_to_bundle).collect::<Result<Vec<_>, _>>()?;
        bundles.sort_by_key(|bundle| (bundle.received_at, bundle.digest));
        Ok(bundles)
    }

    /// Gives a claimed bundle back, to be claimed again after `seconds`, behind those that are there by then.
    ///
    /// # Errors
    /// Of the database.
    pub async fn postpone(&self, digest: B256, seconds: u32) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        let now = self.now(&mut transaction).await?;
        sqlx::query(
            "UPDATE bundles SET claimed_by = NULL, claimed_until = $3 WHERE digest = $1 AND claimed_by = $2",
        )
        .bind(digest.to_string())
        .bind(&*self.holder)
        .bind(now.saturating_add(i64::from(seconds)))
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Of `SQLite`, whoever held leases or claims before is dead: the file's lock says so. What was put off waits on.
    pub(super) async fn forget_the_dead(&self) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        for statement in [
            "UPDATE leases SET until = 0",
            "UPDATE bundles SET claimed_by = NULL, claimed_until = 0
             WHERE state = 'received' AND claimed_by IS NOT NULL",
        ] {
            sqlx::query(statement).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}
