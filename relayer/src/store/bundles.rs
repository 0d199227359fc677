//! Bundles on their way, and what was signed about them.

use std::fmt;

use alloy::primitives::{Address, B256};
use serde::Serialize;
use sqlx::Row as _;
use utoipa::ToSchema;

use super::{Row, Store};
use crate::Error;

/// How far a bundle has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Archived and acknowledged.
    Received,
    /// Appraised, and fit to be attested.
    Appraised,
    /// In a report that has not all its signatures, or that another relayer posts.
    Cosigning,
    /// In a signed report.
    Queued,
    /// The report's transaction has been sent.
    Posted,
    /// In a block.
    Included,
    /// In a finalized block.
    Final,
    /// The appraisal found against it.
    Rejected,
    /// Given up; the reason says why.
    Failed,
}

impl State {
    /// Every state there is.
    pub const ALL: [Self; 9] = [
        Self::Received,
        Self::Appraised,
        Self::Cosigning,
        Self::Queued,
        Self::Posted,
        Self::Included,
        Self::Final,
        Self::Rejected,
        Self::Failed,
    ];

    /// As stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Appraised => "appraised",
            Self::Cosigning => "cosigning",
            Self::Queued => "queued",
            Self::Posted => "posted",
            Self::Included => "included",
            Self::Final => "final",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
        }
    }

    fn from_name(name: &str) -> Self {
        // Only this program writes the column, and only names from here.
        Self::ALL
            .into_iter()
            .find(|state| state.name() == name)
            .unwrap_or(Self::Failed)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

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
    /// The appraisal as JSON.
    pub appraisal: Option<String>,
    /// What a grant is made of, as JSON.
    pub fields: Option<String>,
    /// The report that carries it.
    pub report: Option<B256>,
    /// For people.
    pub reason: Option<String>,
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
    /// Keeps a bundle. `false` if it was there already.
    ///
    /// # Errors
    /// Of the database.
    pub async fn add_bundle(&self, bundle: &NewBundle) -> Result<bool, Error> {
        let added = sqlx::query(
            "INSERT INTO bundles (digest, operator, is_public, state, received_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (digest) DO NOTHING",
        )
        .bind(bundle.digest.to_string())
        .bind(bundle.operator.to_string())
        .bind(i64::from(bundle.is_public))
        .bind(State::Received.name())
        .bind(bundle.received_at)
        .execute(&self.writer)
        .await?;
        Ok(added.rows_affected() == 1)
    }

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

    /// Stores an appraisal, unless another replica has claimed the bundle or moved it on. `fields` are there if the bundle
    /// is to be attested. Returns whether it was stored.
    ///
    /// # Errors
    /// Of the database.
    pub async fn set_appraisal(
        &self,
        digest: B256,
        result: B256,
        appraisal: &str,
        fields: Option<&str>,
    ) -> Result<bool, Error> {
        let state = if fields.is_some() {
            State::Appraised
        } else {
            State::Rejected
        };
        let mut transaction = self.begin().await?;
        let stored = sqlx::query(
            "UPDATE bundles SET state = $2, result = $3, appraisal = $4, fields = $5, reason = NULL,
             claimed_by = NULL, claimed_until = 0
             WHERE digest = $1 AND state = 'received' AND (claimed_by IS NULL OR claimed_by = $6)",
        )
        .bind(digest.to_string())
        .bind(state.name())
        .bind(result.to_string())
        .bind(appraisal)
        .bind(fields)
        .bind(&*self.holder)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(stored.rows_affected() == 1)
    }

    /// Ends a bundle's way, unless another replica has claimed it or it is in a report.
    ///
    /// # Errors
    /// Of the database.
    pub async fn end_bundle(&self, digest: B256, state: State, reason: &str) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        sqlx::query(
            "UPDATE bundles SET state = $2, reason = $3, claimed_by = NULL, claimed_until = 0
             WHERE digest = $1 AND state IN ('received', 'appraised', 'cosigning')
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

    /// Puts a bundle back to be appraised anew.
    ///
    /// # Errors
    /// Of the database.
    pub async fn put_back(&self, digest: B256, reason: &str) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        sqlx::query(
            "UPDATE bundles SET state = 'received', report = NULL, tries = tries + 1, reason = $2,
             claimed_by = NULL, claimed_until = 0 WHERE digest = $1",
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
        appraisal: row.try_get("appraisal")?,
        fields: row.try_get("fields")?,
        report: parse_optional(row, "report")?,
        reason: row.try_get("reason")?,
    })
}

pub(super) fn parse<T: std::str::FromStr>(row: &Row, column: &str) -> Result<T, sqlx::Error> {
    let text: &str = row.try_get(column)?;
    text.parse().map_err(|_| sqlx::Error::ColumnDecode {
        index: column.into(),
        source: format!("`{text}` is not what this column holds").into(),
    })
}

pub(super) fn parse_optional<T: std::str::FromStr>(
    row: &Row,
    column: &str,
) -> Result<Option<T>, sqlx::Error> {
    let text: Option<&str> = row.try_get(column)?;
    text.map(|_| parse(row, column)).transpose()
}

pub(super) fn parse_bytes(row: &Row, column: &str) -> Result<Vec<u8>, sqlx::Error> {
    let text: &str = row.try_get(column)?;
    hex::decode(text).map_err(|error| sqlx::Error::ColumnDecode {
        index: column.into(),
        source: error.into(),
    })
}
