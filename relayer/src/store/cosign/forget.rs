//! What is remembered for a while only.

use alloy::primitives::{Address, B256};

use super::super::{Store, row::unsigned, signed};
use crate::Error;

impl Store {
    /// Remembers a request until `until`. `false` if it was heard before.
    ///
    /// # Errors
    /// Of the database.
    pub async fn hear(&self, sender: Address, nonce: B256, until: u64) -> Result<bool, Error> {
        let added = sqlx::query(
            "INSERT INTO cosign_nonces (sender, nonce, until) VALUES ($1, $2, $3)
             ON CONFLICT (sender, nonce) DO NOTHING",
        )
        .bind(sender.to_string())
        .bind(nonce.to_string())
        .bind(signed(until))
        .execute(&self.writer)
        .await?;
        Ok(added.rows_affected() == 1)
    }

    /// Forgets requests whose time has passed, and signatures whose report never came.
    ///
    /// # Errors
    /// Of the database.
    pub async fn forget(&self, now: u64, oldest_signature: u64) -> Result<(), Error> {
        sqlx::query("DELETE FROM cosign_nonces WHERE until < $1")
            .bind(signed(now))
            .execute(&self.writer)
            .await?;
        sqlx::query(
            "DELETE FROM cosign_signatures WHERE received_at < $1
             AND report NOT IN (SELECT hash FROM cosign_reports)",
        )
        .bind(signed(oldest_signature))
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    /// Forgets reports that were done with and recorded before `recorded` (Unix seconds), votes and refusals of before it,
    /// and what was signed under names of before `named`, the time of an appraisal (Unix seconds): nothing of so long ago is
    /// ever signed again.
    ///
    /// # Errors
    /// Of the database.
    pub async fn forget_signed(&self, recorded: u64, named: u64) -> Result<(), Error> {
        let mut all = self.begin().await?;
        for (statement, before) in [
            (
                "DELETE FROM cosign_items WHERE report IN (
                     SELECT hash FROM cosign_reports WHERE is_open = 0 AND recorded_at < $1)",
                recorded,
            ),
            (
                "DELETE FROM cosign_reports WHERE is_open = 0 AND recorded_at < $1",
                recorded,
            ),
            ("DELETE FROM votes WHERE voted_at < $1", recorded),
            ("DELETE FROM cosign_lies WHERE refused_at < $1", recorded),
            ("DELETE FROM cosign_refused WHERE refused_at < $1", recorded),
            ("DELETE FROM signatures WHERE as_of < $1", named),
        ] {
            sqlx::query(statement)
                .bind(signed(before))
                .execute(&mut *all)
                .await?;
        }
        all.commit().await?;
        Ok(())
    }

    /// Since when a source is known to have come to this number: now, if it is new.
    ///
    /// # Errors
    /// Of the database.
    pub async fn known_since(&self, source: &str, number: &str, now: u64) -> Result<u64, Error> {
        sqlx::query(
            "INSERT INTO cosign_numbers (source, number, since) VALUES ($1, $2, $3)
             ON CONFLICT (source, number) DO NOTHING",
        )
        .bind(source)
        .bind(number)
        .bind(signed(now))
        .execute(&self.writer)
        .await?;
        let row = sqlx::query("SELECT since FROM cosign_numbers WHERE source = $1 AND number = $2")
            .bind(source)
            .bind(number)
            .fetch_one(&self.pool)
            .await?;
        Ok(unsigned(&row, "since")?)
    }
}
