//! Reports that were signed, until they are done with.

use std::collections::BTreeSet;

use alloy::primitives::{Address, B256};
use sqlx::Row as _;

use super::{
    super::{BundleRow, Store, bundles::row_to_bundle, row::parse, signed},
    OpenReport, row_to_report,
};
use crate::Error;

impl Store {
    /// A report that this relayer has signed.
    ///
    /// # Errors
    /// Of the database.
    pub async fn signed_report(&self, hash: B256) -> Result<Option<OpenReport>, Error> {
        let row = sqlx::query("SELECT * FROM cosign_reports WHERE hash = $1")
            .bind(hash.to_string())
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.as_ref().map(row_to_report).transpose()?)
    }

    /// Reports that the registry has not shown yet, the oldest first. How many one member has is bounded where they are
    /// signed.
    ///
    /// # Errors
    /// Of the database.
    pub async fn open_reports(&self) -> Result<Vec<OpenReport>, Error> {
        let rows = sqlx::query(
            "SELECT * FROM cosign_reports WHERE is_open = 1 AND shown_at IS NULL ORDER BY recorded_at, hash",
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.iter().map(row_to_report).collect::<Result<_, _>>()?)
    }

    /// How many reports of a proposer's the registry has not shown yet.
    ///
    /// # Errors
    /// Of the database.
    pub async fn count_open(&self, proposer: Address) -> Result<i64, Error> {
        let row = sqlx::query(
            "SELECT COUNT(*) FROM cosign_reports WHERE is_open = 1 AND shown_at IS NULL AND proposer = $1",
        )
        .bind(proposer.to_string())
        .fetch_one(&self.pool)
        .await?;
        Ok(row.try_get(0)?)
    }

    /// The bundles that so many of these carry, or more.
    ///
    /// # Errors
    /// Of the database.
    pub async fn bundles_in_open(&self, proposer: Address, reports: i64) -> Result<BTreeSet<B256>, Error> {
        let rows = sqlx::query(
            "SELECT i.evidence FROM cosign_items i JOIN cosign_reports r ON r.hash = i.report
             WHERE r.is_open = 1 AND r.shown_at IS NULL AND r.proposer = $1
             GROUP BY i.evidence HAVING COUNT(*) >= $2",
        )
        .bind(proposer.to_string())
        .bind(reports)
        .fetch_all(&self.pool)
        .await?;
        let digests = rows.iter().map(|row| parse(row, "evidence"));
        Ok(digests.collect::<Result<_, _>>()?)
    }

    /// Notes that the registry shows a report as of this block, or no more.
    ///
    /// # Errors
    /// Of the database.
    pub async fn set_shown(&self, report: B256, block: Option<u64>) -> Result<(), Error> {
        let mut one = self.begin().await?;
        sqlx::query("UPDATE cosign_reports SET shown_at = $2 WHERE hash = $1 AND is_open = 1")
            .bind(report.to_string())
            .bind(block.map(signed))
            .execute(&mut *one)
            .await?;
        one.commit().await?;
        Ok(())
    }

    /// Reports that the registry has shown as of this block or one before, and those whose time (Unix seconds) is over: a
    /// block that was lied about never comes. The longest shown first.
    ///
    /// # Errors
    /// Of the database.
    pub async fn shown_reports(&self, block: u64, now: u64, most: u32) -> Result<Vec<OpenReport>, Error> {
        let rows = sqlx::query(
            "SELECT * FROM cosign_reports WHERE is_open = 1 AND shown_at IS NOT NULL
             AND (shown_at <= $1 OR deadline < $2) ORDER BY shown_at, hash LIMIT $3",
        )
        .bind(signed(block))
        .bind(signed(now))
        .bind(i64::from(most))
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.iter().map(row_to_report).collect::<Result<_, _>>()?)
    }

    /// The bundles that wait for this report, with what it says of them.
    ///
    /// # Errors
    /// Of the database.
    pub async fn bundles_cosigning(&self, report: B256) -> Result<Vec<BundleRow>, Error> {
        let rows = sqlx::query(
            "SELECT b.digest, b.operator, b.is_public, b.state, b.received_at, b.tries, b.claimed_until,
             b.report, b.reason,
             COALESCE(i.result, b.result) AS result, COALESCE(i.fields, b.fields) AS fields
             FROM bundles b JOIN cosign_items i ON i.evidence = b.digest
             WHERE i.report = $1 AND b.state = 'cosigning' ORDER BY b.digest",
        )
        .bind(report.to_string())
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.iter().map(row_to_bundle).collect::<Result<_, _>>()?)
    }

    /// Hands a report that has its signatures to the poster, with the bundles that wait for it.
    ///
    /// # Errors
    /// Of the database.
    pub async fn queue_report(&self, report: &OpenReport, calldata: &[u8]) -> Result<(), Error> {
        let mut all = self.begin().await?;
        sqlx::query(
            "INSERT INTO reports (hash, archive, issued_at, calldata) VALUES ($1, $2, $3, $4)
             ON CONFLICT (hash) DO NOTHING",
        )
        .bind(report.hash.to_string())
        .bind(report.manifest.to_string())
        .bind(signed(report.issued_at))
        .bind(hex::encode(calldata))
        .execute(&mut *all)
        .await?;
        sqlx::query(
            "UPDATE bundles SET state = 'queued', report = $1,
             result = COALESCE((SELECT i.result FROM cosign_items i WHERE i.report = $1 AND i.evidence = digest), result),
             fields = COALESCE((SELECT i.fields FROM cosign_items i WHERE i.report = $1 AND i.evidence = digest), fields)
             WHERE state = 'cosigning' AND digest IN (SELECT evidence FROM cosign_items WHERE report = $1)",
        )
        .bind(report.hash.to_string())
        .execute(&mut *all)
        .await?;
        sqlx::query("UPDATE cosign_reports SET is_open = 0 WHERE hash = $1")
            .bind(report.hash.to_string())
            .execute(&mut *all)
            .await?;
        all.commit().await?;
        Ok(())
    }

    /// Is done with a report that another relayer has brought on chain. The bundles that wait for it are final, with what it
    /// says of them: that is what the registry has, and this relayer's own result may be another.
    ///
    /// # Errors
    /// Of the database.
    pub async fn end_report(&self, report: B256, reason: &str) -> Result<(), Error> {
        let mut both = self.begin().await?;
        sqlx::query(
            "UPDATE bundles SET state = 'final', reason = $2, claimed_by = NULL, claimed_until = 0,
             result = COALESCE((SELECT i.result FROM cosign_items i WHERE i.report = $1 AND i.evidence = digest), result),
             fields = COALESCE((SELECT i.fields FROM cosign_items i WHERE i.report = $1 AND i.evidence = digest), fields)
             WHERE state = 'cosigning' AND digest IN (SELECT evidence FROM cosign_items WHERE report = $1)",
        )
        .bind(report.to_string())
        .bind(reason)
        .execute(&mut *both)
        .await?;
        sqlx::query("UPDATE cosign_reports SET is_open = 0 WHERE hash = $1")
            .bind(report.to_string())
            .execute(&mut *both)
            .await?;
        both.commit().await?;
        Ok(())
    }

    /// Is done with a report. Bundles that still wait for it, and for no other that holds them, are appraised anew; that is
    /// no failure of theirs and is not counted as one.
    ///
    /// # Errors
    /// Of the database.
    pub async fn close_report(&self, report: B256, reason: &str) -> Result<(), Error> {
        let mut both = self.begin().await?;
        sqlx::query("UPDATE cosign_reports SET is_open = 0 WHERE hash = $1")
            .bind(report.to_string())
            .execute(&mut *both)
            .await?;
        sqlx::query(
            "UPDATE bundles SET state = 'received', report = NULL, reason = $2 WHERE state = 'cosigning'
             AND digest IN (SELECT evidence FROM cosign_items WHERE report = $1)
             AND digest NOT IN (SELECT i.evidence FROM cosign_items i JOIN cosign_reports r ON r.hash = i.report
                                WHERE r.is_open = 1 AND i.holds = 1)",
        )
        .bind(report.to_string())
        .bind(reason)
        .execute(&mut *both)
        .await?;
        both.commit().await?;
        Ok(())
    }
}
