//! What newer endorsements say about bundles that are on chain.

use alloy::primitives::{Address, B256};
use sqlx::Row as _;

use super::{BundleRow, Store, Warning, bundles::row_to_bundle};
use crate::{Error, webhook::Message};

impl Store {
    /// The bundle that an operator's attestation rests on: of those whose result is in the registry's log, the last there,
    /// whatever has come since. `None` if there is none, or if a newer one has passed and is under way: that one was
    /// appraised with the newest endorsements. One that was put off may wait for ever, and is none such.
    ///
    /// # Errors
    /// Of the database.
    pub async fn bundle_on_chain(&self, operator: Address) -> Result<Option<BundleRow>, Error> {
        // A report may carry another result of a bundle than this relayer's own. The index has digests without `0x`.
        let row = sqlx::query(
            "SELECT b.digest, b.operator, b.is_public, b.state, b.received_at, b.tries, b.claimed_until,
             b.report, b.reason, r.result, COALESCE(r.fields, b.fields) AS fields FROM bundles b
             JOIN (SELECT digest AS evidence, result, fields FROM bundles WHERE operator = $1
                   UNION SELECT i.evidence, i.result, i.fields FROM cosign_items i
                   JOIN bundles c ON c.digest = i.evidence WHERE c.operator = $1
                   UNION SELECT evidence, result, fields FROM votes WHERE operator = $1) r ON r.evidence = b.digest
             JOIN index_digests d ON d.digest = substr(r.result, 3)
             ORDER BY d.block_number DESC, d.log_index DESC, b.digest LIMIT 1",
        )
        .bind(operator.to_string())
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row.as_ref().map(row_to_bundle).transpose()? else {
            return Ok(None);
        };
        let newer = sqlx::query(
            "SELECT COUNT(*) FROM bundles WHERE operator = $1 AND digest <> $2 AND received_at >= $3
             AND (state IN ('cosigning', 'queued', 'posted', 'included') OR (state = 'appraised' AND claimed_until = 0))",
        )
        .bind(operator.to_string())
        .bind(row.digest.to_string())
        .bind(row.received_at)
        .fetch_one(&self.pool)
        .await?;
        Ok((newer.try_get::<i64, _>(0)? == 0).then_some(row))
    }

    /// Whether this evidence was last appraised again with the same endorsements and policy.
    ///
    /// # Errors
    /// Of the database.
    pub async fn is_reappraised(
        &self,
        operator: Address,
        evidence: B256,
        basis: B256,
    ) -> Result<bool, Error> {
        let row = sqlx::query(
            "SELECT COUNT(*) FROM reappraisals WHERE operator = $1 AND evidence = $2 AND basis = $3",
        )
        .bind(operator.to_string())
        .bind(evidence.to_string())
        .bind(basis.to_string())
        .fetch_one(&self.pool)
        .await?;
        Ok(row.try_get::<i64, _>(0)? > 0)
    }

    /// Since when this evidence's host has not been in its provider's list, if it was not when it was last appraised again.
    ///
    /// # Errors
    /// Of the database.
    pub async fn unlisted_since(&self, operator: Address, evidence: B256) -> Result<Option<i64>, Error> {
        let since = sqlx::query_scalar::<_, Option<i64>>(
            "SELECT unlisted_since FROM reappraisals WHERE operator = $1 AND evidence = $2",
        )
        .bind(operator.to_string())
        .bind(evidence.to_string())
        .fetch_optional(&self.pool)
        .await?;
        Ok(since.flatten())
    }

    /// Keeps what an appraisal with newer endorsements has found: a warning, or that there is nothing to warn of, and since
    /// when the host is unlisted. Returns whether the warning, or its end, is news; then `message` is kept with it, to be
    /// sent to an operator who wants to be told.
    ///
    /// # Errors
    /// Of the database.
    pub async fn set_reappraised(
        &self,
        operator: Address,
        evidence: B256,
        basis: B256,
        unlisted_since: Option<i64>,
        warning: Option<&Warning>,
        message: &Message,
    ) -> Result<bool, Error> {
        let mut all = self.begin().await?;
        sqlx::query(
            "INSERT INTO reappraisals (operator, evidence, basis, unlisted_since) VALUES ($1, $2, $3, $4)
             ON CONFLICT (operator) DO UPDATE SET evidence = excluded.evidence, basis = excluded.basis,
                 unlisted_since = excluded.unlisted_since",
        )
        .bind(operator.to_string())
        .bind(evidence.to_string())
        .bind(basis.to_string())
        .bind(unlisted_since)
        .execute(&mut *all)
        .await?;
        let changed = if let Some(warning) = warning {
            // The same reasons are the same warning: it keeps its beginning.
            sqlx::query(
                "INSERT INTO warnings (operator, evidence, since, deadline, bars, reasons)
                 VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (operator) DO UPDATE SET evidence = excluded.evidence, since = excluded.since,
                     deadline = excluded.deadline, bars = excluded.bars, reasons = excluded.reasons
                 WHERE warnings.evidence <> excluded.evidence OR warnings.reasons <> excluded.reasons",
            )
            .bind(operator.to_string())
            .bind(evidence.to_string())
            .bind(warning.since)
            .bind(warning.deadline)
            .bind(i64::from(warning.bars))
            .bind(&warning.reasons)
            .execute(&mut *all)
            .await?
        } else {
            sqlx::query("DELETE FROM warnings WHERE operator = $1")
                .bind(operator.to_string())
                .execute(&mut *all)
                .await?
        };
        let is_news = changed.rows_affected() > 0;
        if is_news {
            sqlx::query(
                "INSERT INTO deliveries (id, operator, body, due)
                 SELECT $1, w.operator, $2, 0 FROM webhooks w WHERE w.operator = $3 AND w.url <> ''
                 ON CONFLICT (id) DO NOTHING",
            )
            .bind(message.id.to_string())
            .bind(&message.body)
            .bind(operator.to_string())
            .execute(&mut *all)
            .await?;
        }
        all.commit().await?;
        Ok(is_news)
    }
}
