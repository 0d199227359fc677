//! Freezes that this relayer has signed, and what others have.

use alloy::primitives::{Address, B256};
use sqlx::Row as _;

use super::{
    Connection, Row, Store,
    row::{parse, parse_bytes, row_to_signature, unsigned},
    signed,
};
use crate::Error;

/// A freeze that this relayer has signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The EIP-712 digest that was signed.
    pub hash: B256,
    /// Whom it freezes.
    pub operator: Address,
    /// Until when the registry takes it, Unix seconds.
    pub deadline: u64,
    /// ABI-encoded.
    pub body: Vec<u8>,
    /// Why, as configured.
    pub reason: String,
    /// It is to be posted, or nobody has to any more.
    pub is_settled: bool,
}

impl Store {
    /// Writes down an order and this relayer's signature, before anybody sees them. Again, it changes nothing. Returns
    /// whether it is news.
    ///
    /// # Errors
    /// Of the database.
    pub async fn add_order(
        &self,
        order: &Order,
        signer: Address,
        signature: &[u8; 64],
    ) -> Result<bool, Error> {
        let mut both = self.begin().await?;
        let added = sqlx::query(
            "INSERT INTO orders (hash, operator, deadline, body, reason, state)
             VALUES ($1, $2, $3, $4, $5, 'open') ON CONFLICT (hash) DO NOTHING",
        )
        .bind(order.hash.to_string())
        .bind(order.operator.to_string())
        .bind(signed(order.deadline))
        .bind(hex::encode(&order.body))
        .bind(&order.reason)
        .execute(&mut *both)
        .await?;
        add_signature(&mut both, order.hash, signer, signature).await?;
        both.commit().await?;
        Ok(added.rows_affected() == 1)
    }

    /// The orders that the registry would still take at `now`, Unix seconds, or has taken.
    ///
    /// # Errors
    /// Of the database.
    pub async fn orders(&self, now: u64) -> Result<Vec<Order>, Error> {
        let rows = sqlx::query("SELECT * FROM orders WHERE deadline > $1 ORDER BY deadline, hash")
            .bind(signed(now))
            .fetch_all(&self.pool)
            .await?;
        Ok(rows.iter().map(row_to_order).collect::<Result<_, _>>()?)
    }

    /// Keeps a verified signature under an order that this relayer has signed.
    ///
    /// # Errors
    /// If there is no such order; else of the database.
    pub async fn keep_order_signature(
        &self,
        hash: B256,
        signer: Address,
        signature: &[u8; 64],
    ) -> Result<(), Error> {
        let mut one = self.begin().await?;
        add_signature(&mut one, hash, signer, signature).await?;
        one.commit().await?;
        Ok(())
    }

    /// All signatures under an order.
    ///
    /// # Errors
    /// Of the database.
    pub async fn order_signatures(&self, hash: B256) -> Result<Vec<(Address, [u8; 64])>, Error> {
        let rows = sqlx::query("SELECT signer, signature FROM order_signatures WHERE hash = $1")
            .bind(hash.to_string())
            .fetch_all(&self.pool)
            .await?;
        Ok(rows.iter().map(row_to_signature).collect::<Result<_, _>>()?)
    }

    /// Hands an order that has its signatures to the poster, before all reports.
    ///
    /// # Errors
    /// Of the database.
    pub async fn queue_order(&self, hash: B256, calldata: &[u8]) -> Result<(), Error> {
        let mut both = self.begin().await?;
        let queued = sqlx::query("UPDATE orders SET state = 'queued' WHERE hash = $1 AND state = 'open'")
            .bind(hash.to_string())
            .execute(&mut *both)
            .await?;
        if queued.rows_affected() == 1 {
            sqlx::query(
                "INSERT INTO reports (hash, archive, issued_at, calldata) VALUES ($1, $2, 0, $3)
                 ON CONFLICT (hash) DO NOTHING",
            )
            .bind(hash.to_string())
            .bind(B256::ZERO.to_string())
            .bind(hex::encode(calldata))
            .execute(&mut *both)
            .await?;
        }
        both.commit().await?;
        Ok(())
    }

    /// Nobody has to post it any more.
    ///
    /// # Errors
    /// Of the database.
    pub async fn end_order(&self, hash: B256) -> Result<(), Error> {
        let mut one = self.begin().await?;
        sqlx::query("UPDATE orders SET state = 'done' WHERE hash = $1")
            .bind(hash.to_string())
            .execute(&mut *one)
            .await?;
        one.commit().await?;
        Ok(())
    }

    /// Forgets orders that nobody can use any more at `now`, and has operators looked at again that have none with a
    /// `deadline` so late: whoever is still attested gets a new one. Unix seconds.
    ///
    /// # Errors
    /// Of the database.
    pub async fn renew_orders(&self, now: u64, deadline: u64) -> Result<(), Error> {
        let mut all = self.begin().await?;
        sqlx::query(
            "UPDATE reappraisals SET basis = '' WHERE operator IN
             (SELECT operator FROM orders GROUP BY operator HAVING MAX(deadline) < $1)",
        )
        .bind(signed(deadline))
        .execute(&mut *all)
        .await?;
        for forget in [
            "DELETE FROM order_signatures WHERE hash IN (SELECT hash FROM orders WHERE deadline <= $1)",
            "DELETE FROM orders WHERE deadline <= $1",
        ] {
            sqlx::query(forget).bind(signed(now)).execute(&mut *all).await?;
        }
        all.commit().await?;
        Ok(())
    }
}

async fn add_signature(
    connection: &mut Connection,
    hash: B256,
    signer: Address,
    signature: &[u8; 64],
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO order_signatures (hash, signer, signature) VALUES ($1, $2, $3)
         ON CONFLICT (hash, signer) DO NOTHING",
    )
    .bind(hash.to_string())
    .bind(signer.to_string())
    .bind(hex::encode(signature))
    .execute(connection)
    .await?;
    Ok(())
}

fn row_to_order(row: &Row) -> Result<Order, sqlx::Error> {
    Ok(Order {
        hash: parse(row, "hash")?,
        operator: parse(row, "operator")?,
        deadline: unsigned(row, "deadline")?,
        body: parse_bytes(row, "body")?,
        reason: row.try_get("reason")?,
        is_settled: row.try_get::<String, _>("state")? != "open",
    })
}
