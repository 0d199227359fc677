//! What newer endorsements say about bundles that are on chain.

use std::collections::BTreeSet;

use alloy::primitives::{Address, B256};
use sqlx::Row as _;

use super::{
    BundleRow, Connection, Row, Store,
    bundles::row_to_bundle,
    row::parse,
    sql::{AT_ONCE, numbered, statement},
};
use crate::{Error, webhook::Message};

/// An operator's bundle on chain would not be attested so today.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Who is warned.
    pub operator: Address,
    /// The bundle that is on chain.
    pub evidence: B256,
    /// When it was found, Unix seconds.
    pub since: i64,
    /// When the attestation on chain expires, Unix seconds.
    pub deadline: i64,
    /// Whether the operator is not renewed.
    pub bars: bool,
    /// JSON: id, name and detail of each check.
    pub reasons: String,
}

impl Store {
    /// Where the round through the operators stands: empty at its beginning.
    ///
    /// # Errors
    /// Of the database.
    pub async fn round_position(&self) -> Result<String, Error> {
        let row = sqlx::query("SELECT position FROM rounds WHERE name = 'reappraise'")
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.map_or(Ok(String::new()), |row| row.try_get("position"))?)
    }

    /// Remembers it for the next start.
    ///
    /// # Errors
    /// Of the database.
    pub async fn set_round_position(&self, position: &str) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO rounds (name, position) VALUES ('reappraise', $1)
             ON CONFLICT (name) DO UPDATE SET position = excluded.position",
        )
        .bind(position)
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    /// The next operator after `position` that the registry's log tells of, whoever brought it there, in the order of their
    /// hex.
    ///
    /// # Errors
    /// Of the database.
    pub async fn next_operator(&self, position: &str) -> Result<Option<Address>, Error> {
        // Platforms' are longer. The index has neither `0x` nor capitals.
        let row = sqlx::query(
            "SELECT subject FROM index_subjects WHERE subject > $1 AND length(subject) = 40
             ORDER BY subject LIMIT 1",
        )
        .bind(position.trim_start_matches("0x").to_ascii_lowercase())
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.as_ref().map(|row| parse(row, "subject")).transpose()?)
    }

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

    /// A new bundle of the operator has passed: what was found against an older one no longer counts.
    ///
    /// # Errors
    /// Of the database.
    pub async fn clear_warning(&self, operator: Address) -> Result<(), Error> {
        let mut all = self.begin().await?;
        forget_warning(&mut all, operator).await?;
        all.commit().await?;
        Ok(())
    }

    /// What an operator is warned of.
    ///
    /// # Errors
    /// Of the database.
    pub async fn warning_of(&self, operator: Address) -> Result<Option<Warning>, Error> {
        let row = sqlx::query("SELECT * FROM warnings WHERE operator = $1")
            .bind(operator.to_string())
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.as_ref().map(row_to_warning).transpose()?)
    }

    /// Those of some operators that are not to be renewed: their bundle on chain fails today, and no new one has passed since.
    ///
    /// # Errors
    /// Of the database.
    pub async fn barred_among(&self, operators: &[Address]) -> Result<BTreeSet<Address>, Error> {
        let mut barred = BTreeSet::new();
        for some in operators.chunks(AT_ONCE) {
            let these = numbered(1, some.len());
            let query = format!("SELECT operator FROM warnings WHERE bars = 1 AND operator IN ({these})");
            let mut query = statement(query, some.len());
            for operator in some {
                query = query.bind(operator.to_string());
            }
            for row in query.fetch_all(&self.pool).await? {
                barred.insert(parse(&row, "operator")?);
            }
        }
        Ok(barred)
    }

    /// How many operators are warned.
    ///
    /// # Errors
    /// Of the database.
    pub async fn count_warnings(&self) -> Result<i64, Error> {
        let row = sqlx::query("SELECT COUNT(*) FROM warnings")
            .fetch_one(&self.pool)
            .await?;
        Ok(row.try_get(0)?)
    }
}

fn row_to_warning(row: &Row) -> Result<Warning, sqlx::Error> {
    Ok(Warning {
        operator: parse(row, "operator")?,
        evidence: parse(row, "evidence")?,
        since: row.try_get("since")?,
        deadline: row.try_get("deadline")?,
        bars: row.try_get::<i64, _>("bars")? != 0,
        reasons: row.try_get("reasons")?,
    })
}

/// Those of some operators, ascending, of whom [`forget_warning`] would forget anything: of most there is nothing.
pub(super) async fn with_warnings(
    connection: &mut Connection,
    operators: &BTreeSet<Address>,
) -> Result<BTreeSet<Address>, sqlx::Error> {
    if operators.is_empty() {
        return Ok(BTreeSet::new());
    }
    let these = numbered(1, operators.len());
    let query = format!(
        "SELECT operator FROM warnings WHERE operator IN ({these})
         UNION SELECT operator FROM reappraisals WHERE basis <> '' AND operator IN ({these})"
    );
    let mut query = statement(query, operators.len());
    for operator in operators {
        query = query.bind(operator.to_string());
    }
    let rows = query.fetch_all(connection).await?;
    rows.iter().map(|row| parse(row, "operator")).collect()
}

/// Takes back what an operator was warned of. Not since when its host is unlisted: the bundle that passed may be of another
/// machine, and never come on chain.
pub(super) async fn forget_warning(
    connection: &mut Connection,
    operator: Address,
) -> Result<(), sqlx::Error> {
    for forget in [
        "DELETE FROM warnings WHERE operator = $1",
        // If the new bundle does not come on chain after all, the old one is looked at again.
        "UPDATE reappraisals SET basis = '' WHERE operator = $1",
    ] {
        sqlx::query(forget)
            .bind(operator.to_string())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
