//! How far the round through the operators has come, and who is next.

use alloy::primitives::Address;
use sqlx::Row as _;

use super::{Store, row::parse};
use crate::Error;

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
}
