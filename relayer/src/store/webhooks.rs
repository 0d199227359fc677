//! Whom operators have told to be told, and what is still to be told.

use alloy::primitives::{Address, B256};
use sqlx::Row as _;

use super::{Store, row::parse};
use crate::{Error, webhook::Message};

/// A message that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The message's id, the same for each try.
    pub id: B256,
    /// Where to.
    pub url: String,
    /// JSON.
    pub body: String,
    /// How often it was tried in vain.
    pub tries: i64,
}

impl Store {
    /// Sets where an operator is told. `false` if a signature as new is known already.
    ///
    /// # Errors
    /// Of the database.
    pub async fn set_webhook(&self, operator: Address, url: &str, issued_at: i64) -> Result<bool, Error> {
        let set = sqlx::query(
            "INSERT INTO webhooks (operator, url, issued_at) VALUES ($1, $2, $3)
             ON CONFLICT (operator) DO UPDATE SET url = excluded.url, issued_at = excluded.issued_at
             WHERE webhooks.issued_at < excluded.issued_at",
        )
        .bind(operator.to_string())
        .bind(url)
        .bind(issued_at)
        .execute(&self.writer)
        .await?;
        Ok(set.rows_affected() == 1)
    }

    /// The messages that are due, the oldest first. Those of operators who want none any more are not among them.
    ///
    /// # Errors
    /// Of the database.
    pub async fn due_deliveries(&self, now: i64, most: i64) -> Result<Vec<Delivery>, Error> {
        let rows = sqlx::query(
            "SELECT d.id, w.url, d.body, d.tries FROM deliveries d JOIN webhooks w ON w.operator = d.operator
             WHERE d.due <= $1 AND w.url <> '' ORDER BY d.due, d.id LIMIT $2",
        )
        .bind(now)
        .bind(most)
        .fetch_all(&self.pool)
        .await?;
        let rows = rows.iter().map(|row| {
            Ok(Delivery {
                id: parse(row, "id")?,
                url: row.try_get("url")?,
                body: row.try_get("body")?,
                tries: row.try_get("tries")?,
            })
        });
        Ok(rows.collect::<Result<_, sqlx::Error>>()?)
    }

    /// The message was taken, or is given up.
    ///
    /// # Errors
    /// Of the database.
    pub async fn end_delivery(&self, id: B256) -> Result<(), Error> {
        sqlx::query("DELETE FROM deliveries WHERE id = $1")
            .bind(id.to_string())
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    /// The message was not taken: again at `due`, Unix seconds.
    ///
    /// # Errors
    /// Of the database.
    pub async fn delay_delivery(&self, id: B256, due: i64) -> Result<(), Error> {
        sqlx::query("UPDATE deliveries SET tries = tries + 1, due = $2 WHERE id = $1")
            .bind(id.to_string())
            .bind(due)
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    /// Who wants to be told.
    ///
    /// # Errors
    /// Of the database.
    pub async fn webhook_operators(&self) -> Result<Vec<Address>, Error> {
        let rows = sqlx::query("SELECT operator FROM webhooks WHERE url <> ''")
            .fetch_all(&self.pool)
            .await?;
        let operators = rows.iter().map(|row| parse(row, "operator"));
        Ok(operators.collect::<Result<_, _>>()?)
    }

    /// The last change of a status that operators were told of.
    ///
    /// # Errors
    /// Of the database.
    pub async fn last_told(&self) -> Result<Option<String>, Error> {
        let row = sqlx::query("SELECT change FROM told")
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.map(|row| row.try_get("change")).transpose()?)
    }

    /// Keeps messages for sending, and that all up to `new` is told. `false` if another replica was faster.
    ///
    /// # Errors
    /// Of the database.
    pub async fn tell(
        &self,
        old: Option<&str>,
        new: &str,
        messages: &[(Address, Message)],
    ) -> Result<bool, Error> {
        let mut all = self.begin().await?;
        let moved = match old {
            Some(old) => sqlx::query("UPDATE told SET change = $1 WHERE change = $2")
                .bind(new)
                .bind(old),
            None => sqlx::query("INSERT INTO told (id, change) VALUES (1, $1) ON CONFLICT (id) DO NOTHING")
                .bind(new),
        };
        if moved.execute(&mut *all).await?.rows_affected() != 1 {
            return Ok(false);
        }
        for (operator, message) in messages {
            sqlx::query(
                "INSERT INTO deliveries (id, operator, body, due) VALUES ($1, $2, $3, 0)
                 ON CONFLICT (id) DO NOTHING",
            )
            .bind(message.id.to_string())
            .bind(operator.to_string())
            .bind(&message.body)
            .execute(&mut *all)
            .await?;
        }
        all.commit().await?;
        Ok(true)
    }
}
