//! What this relayer has voted for, whoever signs it then.

use alloy::primitives::Address;

use super::{
    super::{
        Store,
        sql::{AT_ONCE, insert_rows, numbered, statement},
    },
    NewItem,
};
use crate::Error;

/// Most results that are kept of one bundle, of one proposer's. An honest one has no more under way; one that would hide a
/// bundle need not ask for a vote.
const MOST_OF_ONE: i64 = 8;

impl Store {
    /// Keeps what is voted for, before the vote leaves: if others sign it and bring it on chain, this relayer knows what is
    /// there.
    ///
    /// # Errors
    /// Of the database.
    pub async fn keep_votes(&self, proposer: Address, items: &[NewItem], now: u64) -> Result<(), Error> {
        if items.is_empty() {
            return Ok(());
        }
        let mut all = self.begin().await?;
        for items in items.chunks(AT_ONCE) {
            let votes = items.iter().map(|item| {
                [
                    proposer.into(),
                    item.signing.evidence.into(),
                    item.signing.result.into(),
                    item.operator.into(),
                    item.is_public.into(),
                    item.fields.as_str().into(),
                    now.into(),
                ]
            });
            let query = insert_rows(
                "votes",
                [
                    "proposer",
                    "evidence",
                    "result",
                    "operator",
                    "is_public",
                    "fields",
                    "voted_at",
                ],
                votes,
                "ON CONFLICT (proposer, evidence, result) DO UPDATE SET voted_at = excluded.voted_at",
            );
            query.execute(&mut *all).await?;
            let query = format!(
                "DELETE FROM votes WHERE proposer = $1 AND evidence IN ({})
                 AND (SELECT COUNT(*) FROM votes o WHERE o.proposer = votes.proposer AND o.evidence = votes.evidence
                      AND (o.voted_at, o.result) > (votes.voted_at, votes.result)) >= $2",
                numbered(3, items.len())
            );
            let mut query = statement(query, items.len())
                .bind(proposer.to_string())
                .bind(MOST_OF_ONE);
            for item in items {
                query = query.bind(item.signing.evidence.to_string());
            }
            query.execute(&mut *all).await?;
        }
        all.commit().await?;
        Ok(())
    }

    /// Takes up what this relayer has voted for and others have brought on chain, of one operator's: from then on it is a
    /// bundle like any other that has come to its end.
    ///
    /// # Errors
    /// Of the database.
    pub async fn adopt_voted(&self, operator: Address) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO bundles (digest, operator, is_public, state, received_at, result, fields, reason)
             SELECT v.evidence, v.operator, v.is_public, 'final', v.voted_at, v.result, v.fields,
             'posted by another relayer' FROM votes v
             WHERE v.operator = $1 AND EXISTS (SELECT 1 FROM index_digests d WHERE d.digest = substr(v.result, 3))
             ON CONFLICT (digest) DO NOTHING",
        )
        .bind(operator.to_string())
        .execute(&self.writer)
        .await?;
        Ok(())
    }
}
