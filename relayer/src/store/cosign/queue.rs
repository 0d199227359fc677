//! Bundles that wait to be in a report.

use alloy::primitives::B256;

use super::super::{BundleRow, Store, bundles, signed};
use crate::Error;

impl Store {
    /// Bundles fit to be attested and not put off, the newest of each operator's, so that nobody's many hide another's one.
    /// Those that were never put off come first, then those that were longest ago; of these the oldest. None whose operator
    /// has another under way: that one's effect has to be seen first.
    ///
    /// # Errors
    /// Of the database.
    pub async fn bundles_to_propose(&self, most: u32) -> Result<Vec<BundleRow>, Error> {
        let mut connection = self.pool.acquire().await?;
        let now = self.now(&mut connection).await?;
        let rows = sqlx::query(
            "SELECT * FROM bundles b WHERE b.state = 'appraised' AND b.claimed_until <= $1
             AND NOT EXISTS (
                SELECT 1 FROM bundles o WHERE o.operator = b.operator AND o.digest <> b.digest
                AND o.state IN ('cosigning', 'queued', 'posted', 'included'))
             AND NOT EXISTS (
                SELECT 1 FROM bundles o WHERE o.operator = b.operator AND o.state = 'appraised'
                AND o.claimed_until <= $1 AND (o.received_at, o.digest) > (b.received_at, b.digest))
             ORDER BY b.claimed_until, b.received_at, b.digest LIMIT $2",
        )
        .bind(now)
        .bind(i64::from(most))
        .fetch_all(&mut *connection)
        .await?;
        Ok(rows
            .iter()
            .map(bundles::row_to_bundle)
            .collect::<Result<_, _>>()?)
    }

    /// Has a bundle appraised anew. That is no failure of its and is not counted as one.
    ///
    /// # Errors
    /// Of the database.
    pub async fn appraise_anew(&self, digest: B256, reason: &str) -> Result<(), Error> {
        sqlx::query(
            "UPDATE bundles SET state = 'received', report = NULL, reason = $2, claimed_until = 0
             WHERE digest = $1 AND state = 'appraised'",
        )
        .bind(digest.to_string())
        .bind(reason)
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    /// Leaves an appraised bundle alone for some seconds, and says on it why it is not cosigned yet.
    ///
    /// # Errors
    /// Of the database.
    pub async fn put_off(&self, digest: B256, seconds: u64, reason: &str) -> Result<(), Error> {
        let mut one = self.begin().await?;
        let now = self.now(&mut one).await?;
        sqlx::query(
            "UPDATE bundles SET reason = $2, claimed_until = $3 WHERE digest = $1 AND state = 'appraised'",
        )
        .bind(digest.to_string())
        .bind(reason)
        .bind(now.saturating_add(signed(seconds)))
        .execute(&mut *one)
        .await?;
        one.commit().await?;
        Ok(())
    }
}
