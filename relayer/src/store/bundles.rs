//! Bundles on their way, and what was signed about them.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256};
use sqlx::Row as _;

use super::{
    Row, State, Store,
    row::{parse, parse_optional},
};
use crate::Error;

/// A bundle to be kept.
#[derive(Clone, Copy, Debug)]
pub struct NewBundle {
    /// Its evidence's digest.
    pub digest: B256,
    /// Whom it is about.
    pub operator: Address,
    /// Whether everybody may see it.
    pub is_public: bool,
    /// Unix seconds.
    pub received_at: i64,
}

/// A bundle as stored.
#[derive(Clone, Debug)]
pub struct BundleRow {
    /// Its evidence's digest.
    pub digest: B256,
    /// Whom it is about.
    pub operator: Address,
    /// Whether everybody may see it.
    pub is_public: bool,
    /// How far it has come.
    pub state: State,
    /// Unix seconds.
    pub received_at: i64,
    /// How often it was put back.
    pub tries: i64,
    /// Left alone until then, Unix seconds. 0: it never was.
    pub claimed_until: i64,
    /// Digest of its `AttestationResult`; the archive has the appraisal.
    pub result: Option<B256>,
    /// What a grant is made of, as JSON.
    pub fields: Option<String>,
    /// The report that carries it.
    pub report: Option<B256>,
    /// For people.
    pub reason: Option<String>,
}

impl From<&NewBundle> for BundleRow {
    /// As it is once it is kept.
    fn from(new: &NewBundle) -> Self {
        Self {
            digest: new.digest,
            operator: new.operator,
            is_public: new.is_public,
            state: State::Received,
            received_at: new.received_at,
            tries: 0,
            claimed_until: 0,
            result: None,
            fields: None,
            report: None,
            reason: None,
        }
    }
}

/// What names an appraisal, and its result. For one name never two results.
#[derive(Clone, Copy, Debug)]
pub struct Signing {
    /// The evidence's digest.
    pub evidence: B256,
    /// The policy's.
    pub policy: B256,
    /// The endorsement set's.
    pub endorsements: B256,
    /// The appraisal's time.
    pub as_of: u64,
    /// The result's digest.
    pub result: B256,
}

impl Store {
    /// A bundle by its digest.
    ///
    /// # Errors
    /// Of the database.
    pub async fn bundle(&self, digest: B256) -> Result<Option<BundleRow>, Error> {
        let row = sqlx::query("SELECT * FROM bundles WHERE digest = $1")
            .bind(digest.to_string())
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.as_ref().map(row_to_bundle).transpose()?)
    }

    /// The operator's latest bundle.
    ///
    /// # Errors
    /// Of the database.
    pub async fn latest_bundle_of(&self, operator: Address) -> Result<Option<BundleRow>, Error> {
        let row = sqlx::query(
            "SELECT * FROM bundles WHERE operator = $1 ORDER BY received_at DESC, digest DESC LIMIT 1",
        )
        .bind(operator.to_string())
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.as_ref().map(row_to_bundle).transpose()?)
    }

    /// The oldest bundles in a state.
    ///
    /// # Errors
    /// Of the database.
    pub async fn bundles_in(&self, state: State, most: u32) -> Result<Vec<BundleRow>, Error> {
        let rows =
            sqlx::query("SELECT * FROM bundles WHERE state = $1 ORDER BY received_at, digest LIMIT $2")
                .bind(state.name())
                .bind(i64::from(most))
                .fetch_all(&self.pool)
                .await?;
        Ok(rows.iter().map(row_to_bundle).collect::<Result<_, _>>()?)
    }

    /// The bundles in a report.
    ///
    /// # Errors
    /// Of the database.
    pub async fn bundles_of(&self, report: B256) -> Result<Vec<BundleRow>, Error> {
        let rows = sqlx::query("SELECT * FROM bundles WHERE report = $1 ORDER BY digest")
            .bind(report.to_string())
            .fetch_all(&self.pool)
            .await?;
        Ok(rows.iter().map(row_to_bundle).collect::<Result<_, _>>()?)
    }

    /// How many bundles are in a state.
    ///
    /// # Errors
    /// Of the database.
    pub async fn count(&self, state: State) -> Result<i64, Error> {
        let row = sqlx::query("SELECT COUNT(*) FROM bundles WHERE state = $1")
            .bind(state.name())
            .fetch_one(&self.pool)
            .await?;
        Ok(row.try_get(0)?)
    }

    /// How many bundles are in each state that is not the end.
    ///
    /// # Errors
    /// Of the database.
    pub async fn under_way(&self) -> Result<Vec<(State, i64)>, Error> {
        let rows = sqlx::query(
            "SELECT state, COUNT(*) FROM bundles
             WHERE state IN ('received', 'appraised', 'cosigning', 'queued', 'posted', 'included') GROUP BY state",
        )
        .fetch_all(&self.pool)
        .await?;
        let counts = rows.iter().map(|row| {
            let state = State::from_name(row.try_get("state")?);
            Ok((state, row.try_get(1)?))
        });
        let counts = counts.collect::<Result<BTreeMap<_, _>, sqlx::Error>>()?;
        let under_way = State::ALL.into_iter().filter(|state| state.is_under_way());
        Ok(under_way
            .map(|state| (state, counts.get(&state).copied().unwrap_or(0)))
            .collect())
    }

    /// Ends a bundle's way, unless another replica has claimed it or it is in a report.
    ///
    /// # Errors
    /// Of the database.
    pub async fn end_bundle(&self, digest: B256, state: State, reason: &str) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        sqlx::query(
            "UPDATE bundles SET state = $2, reason = $3, claimed_by = NULL, claimed_until = 0
             WHERE digest = $1 AND state IN ('received', 'appraised')
             AND (claimed_by IS NULL OR claimed_by = $4)",
        )
        .bind(digest.to_string())
        .bind(state.name())
        .bind(reason)
        .bind(&*self.holder)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Puts an appraised bundle back to be appraised anew.
    ///
    /// # Errors
    /// Of the database.
    pub async fn put_back(&self, digest: B256, reason: &str) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        sqlx::query(
            "UPDATE bundles SET state = 'received', report = NULL, tries = tries + 1, reason = $2,
             claimed_by = NULL, claimed_until = 0 WHERE digest = $1 AND state = 'appraised'",
        )
        .bind(digest.to_string())
        .bind(reason)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }
}

pub(super) fn row_to_bundle(row: &Row) -> Result<BundleRow, sqlx::Error> {
    Ok(BundleRow {
        digest: parse(row, "digest")?,
        operator: parse(row, "operator")?,
        is_public: row.try_get::<i64, _>("is_public")? != 0,
        state: State::from_name(row.try_get("state")?),
        received_at: row.try_get("received_at")?,
        tries: row.try_get("tries")?,
        claimed_until: row.try_get("claimed_until")?,
        result: parse_optional(row, "result")?,
        fields: row.try_get("fields")?,
        report: parse_optional(row, "report")?,
        reason: row.try_get("reason")?,
    })
}
