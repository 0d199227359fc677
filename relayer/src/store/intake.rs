//! What intake and shutdown ask.

use alloy::primitives::Address;
use sqlx::Row as _;

use super::Store;
use crate::Error;

impl Store {
    /// How many bundles of `operator` came at `since`, Unix seconds, or later.
    ///
    /// # Errors
    /// Of the database.
    pub async fn received_since(&self, operator: Address, since: i64) -> Result<i64, Error> {
        let row = sqlx::query("SELECT COUNT(*) FROM bundles WHERE operator = $1 AND received_at >= $2")
            .bind(operator.to_string())
            .bind(since)
            .fetch_one(&self.pool)
            .await?;
        Ok(row.try_get(0)?)
    }

    /// Whether a bundle of `operator` has come to its end on chain.
    ///
    /// # Errors
    /// Of the database.
    pub async fn was_attested(&self, operator: Address) -> Result<bool, Error> {
        let row = sqlx::query("SELECT 1 FROM bundles WHERE operator = $1 AND state = 'final' LIMIT 1")
            .bind(operator.to_string())
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.is_some())
    }

    /// How many bundles are in a report that no block has yet and that is `own`'s to post: it is queued, or `own` proposed it
    /// and collects signatures. And how many freezes are queued that no block has.
    ///
    /// # Errors
    /// Of the database.
    pub async fn signed_and_not_included(&self, own: Address) -> Result<i64, Error> {
        let row = sqlx::query(
            "SELECT (SELECT COUNT(*) FROM bundles WHERE state IN ('queued', 'posted') OR (state = 'cosigning' AND digest IN (
                SELECT i.evidence FROM cosign_items i JOIN cosign_reports r ON r.hash = i.report
                WHERE r.is_open = 1 AND r.proposer = $1)))
             + (SELECT COUNT(*) FROM orders o WHERE o.state = 'queued' AND NOT EXISTS (
                SELECT 1 FROM transactions t WHERE t.report = o.hash AND t.state IN ('included', 'final')))",
        )
        .bind(own.to_string())
        .fetch_one(&self.pool)
        .await?;
        Ok(row.try_get(0)?)
    }
}
