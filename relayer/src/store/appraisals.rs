//! What came of bundles' appraisals.

use std::collections::BTreeSet;

use alloy::primitives::{Address, B256};

use super::{
    Connection, State, Store,
    warnings::{forget_warning, with_warnings},
};
use crate::Error;

/// A bundle's appraisal, to be stored.
#[derive(Clone, Debug)]
pub struct Appraised {
    /// The bundle.
    pub digest: B256,
    /// Whom it is about.
    pub operator: Address,
    /// Digest of the `AttestationResult`.
    pub result: B256,
    /// What a grant is made of, JSON. `None`: it is not to be attested.
    pub fields: Option<String>,
}

impl Store {
    /// Stores appraisals, all in one transaction: each unless another replica has claimed its bundle or moved it on. What
    /// an operator was warned of is forgotten when a bundle of its passes. Returns which were stored, in their order.
    ///
    /// # Errors
    /// Of the database: then none is stored.
    pub async fn set_appraisals(&self, appraised: &[Appraised]) -> Result<Vec<bool>, Error> {
        let mut all = self.begin().await?;
        let mut stored = vec![false; appraised.len()];
        let mut passed = BTreeSet::new();
        // Rows are locked as they come: everybody takes them in one order, or two replicas wait for each other.
        let mut ascending: Vec<_> = appraised.iter().zip(&mut stored).collect();
        ascending.sort_unstable_by_key(|(one, _)| one.digest);
        for (one, is_stored) in ascending {
            *is_stored = set_appraisal(&mut all, one, &self.holder).await?;
            if *is_stored && one.fields.is_some() {
                passed.insert(one.operator);
            }
        }
        for operator in with_warnings(&mut all, &passed).await? {
            forget_warning(&mut all, operator).await?;
        }
        all.commit().await?;
        Ok(stored)
    }
}

async fn set_appraisal(
    connection: &mut Connection,
    one: &Appraised,
    holder: &str,
) -> Result<bool, sqlx::Error> {
    let state = if one.fields.is_some() {
        State::Appraised
    } else {
        State::Rejected
    };
    let stored = sqlx::query(
        "UPDATE bundles SET state = $2, result = $3, fields = $4, reason = NULL,
         claimed_by = NULL, claimed_until = 0
         WHERE digest = $1 AND state = 'received' AND (claimed_by IS NULL OR claimed_by = $5)",
    )
    .bind(one.digest.to_string())
    .bind(state.name())
    .bind(one.result.to_string())
    .bind(one.fields.as_deref())
    .bind(holder)
    .execute(connection)
    .await?;
    Ok(stored.rows_affected() == 1)
}
