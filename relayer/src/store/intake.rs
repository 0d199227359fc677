//! What intake and shutdown ask.

use alloy::primitives::{Address, B256};
use sqlx::Row as _;

use super::Store;
use crate::Error;

/// What is known of a bundle and its operator before the bundle is taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether it is here already.
    pub is_known: bool,
    /// How many of its bundles came since a time.
    pub received: i64,
    /// How many bundles of anybody wait to be appraised, counted no further than was asked.
    pub waiting: i64,
    /// Whether a bundle of its has come to its end on chain.
    pub was_attested: bool,
}

impl Store {
    /// What intake asks before it takes a bundle of `operator`: what it sent at `since`, Unix seconds, or later, and how many
    /// wait, counted up to `most`. One question, for it is asked for every bundle.
    ///
    /// # Errors
    /// Of the database.
    pub async fn standing(
        &self,
        digest: B256,
        operator: Address,
        since: i64,
        most: u32,
    ) -> Result<Standing, Error> {
        let row = sqlx::query(
            "SELECT (SELECT COUNT(*) FROM bundles WHERE digest = $1),
             (SELECT COUNT(*) FROM bundles WHERE operator = $2 AND received_at >= $3),
             (SELECT COUNT(*) FROM (SELECT 1 FROM bundles WHERE state = 'received' LIMIT $4) AS w),
             (SELECT COUNT(*) FROM (SELECT 1 FROM bundles WHERE operator = $2 AND state = 'final' LIMIT 1) AS a)",
        )
        .bind(digest.to_string())
        .bind(operator.to_string())
        .bind(since)
        .bind(i64::from(most))
        .fetch_one(&self.pool)
        .await?;
        Ok(Standing {
            is_known: row.try_get::<i64, _>(0)? > 0,
            received: row.try_get(1)?,
            waiting: row.try_get(2)?,
            was_attested: row.try_get::<i64, _>(3)? > 0,
        })
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
