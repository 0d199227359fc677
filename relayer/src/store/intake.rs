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

    /// How many bundles are in a signed report that no block has yet.
    ///
    /// # Errors
    /// Of the database.
    pub async fn signed_and_not_included(&self) -> Result<i64, Error> {
        let row = sqlx::query("SELECT COUNT(*) FROM bundles WHERE state IN ('queued', 'posted')")
            .fetch_one(&self.pool)
            .await?;
        Ok(row.try_get(0)?)
    }
}
