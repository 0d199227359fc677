//! What operators are warned of.

use std::collections::BTreeSet;

use alloy::primitives::{Address, B256};
use sqlx::Row as _;

use super::{
    Connection, Row, Store,
    row::parse,
    sql::{AT_ONCE, numbered, statement},
};
use crate::Error;

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
    // In the order of `set_reappraised`, or of two replicas each waits for the other.
    for forget in [
        // If the new bundle does not come on chain after all, the old one is looked at again.
        "UPDATE reappraisals SET basis = '' WHERE operator = $1",
        "DELETE FROM warnings WHERE operator = $1",
    ] {
        sqlx::query(forget)
            .bind(operator.to_string())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
