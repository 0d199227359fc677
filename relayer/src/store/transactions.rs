//! Logical transactions and the bytes signed for them.

use alloy::primitives::B256;
use sqlx::Row as _;

use super::{
    Connection, Row, Store,
    bundles::{parse, parse_bytes, parse_optional},
};
use crate::Error;

/// How far a transaction has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TxState {
    /// It has a nonce.
    Reserved,
    /// Signed bytes are stored, and may have been sent.
    Broadcast,
    /// In a block.
    Included,
    /// In a finalized block.
    Final,
    /// It can no longer have an effect.
    Dropped,
}

impl TxState {
    fn name(self) -> &'static str {
        match self {
            Self::Reserved => "reserved",
            Self::Broadcast => "broadcast",
            Self::Included => "included",
            Self::Final => "final",
            Self::Dropped => "dropped",
        }
    }

    fn from_name(name: &str) -> Self {
        match name {
            "reserved" => Self::Reserved,
            "broadcast" => Self::Broadcast,
            "included" => Self::Included,
            "final" => Self::Final,
            _ => Self::Dropped,
        }
    }
}

/// A report's transaction.
#[derive(Clone, Debug)]
pub struct Transaction {
    /// The report it posts.
    pub report: B256,
    /// How far it has come.
    pub state: TxState,
    /// Its nonce.
    pub nonce: u64,
    /// Gas it may use.
    pub gas_limit: u64,
    /// `post(…)`, encoded.
    pub calldata: Vec<u8>,
    /// Where it was included.
    pub inclusion: Option<Inclusion>,
}

/// Where a transaction was included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inclusion {
    /// Which attempt it was.
    pub hash: B256,
    /// The block.
    pub block_hash: B256,
    /// Its number.
    pub block_number: u64,
    /// Gas used.
    pub gas_used: u64,
}

/// Signed bytes of a transaction. Several may exist for one, at different fees.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Transaction hash.
    pub hash: B256,
    /// What is sent.
    pub raw: Vec<u8>,
    /// Wei per gas.
    pub max_fee: u128,
    /// Wei per gas.
    pub max_tip: u128,
}

impl Store {
    /// A queued report without a transaction: its digest and calldata.
    ///
    /// # Errors
    /// Of the database.
    pub async fn report_to_post(&self) -> Result<Option<(B256, Vec<u8>)>, Error> {
        let row = sqlx::query(
            "SELECT r.hash, r.calldata FROM bundles b JOIN reports r ON r.hash = b.report
             LEFT JOIN transactions t ON t.report = r.hash
             WHERE b.state = 'queued' AND t.report IS NULL ORDER BY b.received_at, b.digest LIMIT 1",
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row
            .map(|row| Ok::<_, sqlx::Error>((parse(&row, "hash")?, parse_bytes(&row, "calldata")?)))
            .transpose()?)
    }

    /// The transaction that is under way, if there is one.
    ///
    /// # Errors
    /// Of the database.
    pub async fn live_transaction(&self) -> Result<Option<Transaction>, Error> {
        let row = sqlx::query(
            "SELECT t.*, r.calldata FROM transactions t JOIN reports r ON r.hash = t.report
             WHERE t.state IN ('reserved', 'broadcast', 'included') ORDER BY t.nonce LIMIT 1",
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.as_ref().map(row_to_transaction).transpose()?)
    }

    /// Where a report was included, if it was.
    ///
    /// # Errors
    /// Of the database.
    pub async fn inclusion_of(&self, report: B256) -> Result<Option<Inclusion>, Error> {
        let row = sqlx::query("SELECT * FROM transactions WHERE report = $1")
            .bind(report.to_string())
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.as_ref().map(row_to_inclusion).transpose()?.flatten())
    }

    /// Gives a report a nonce.
    ///
    /// # Errors
    /// If another live transaction has it; else of the database.
    pub async fn reserve(&self, report: B256, nonce: u64, gas_limit: u64) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO transactions (report, state, nonce, gas_limit) VALUES ($1, 'reserved', $2, $3)",
        )
        .bind(report.to_string())
        .bind(signed(nonce))
        .bind(signed(gas_limit))
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    /// Stores signed bytes, before they are sent.
    ///
    /// # Errors
    /// Of the database.
    pub async fn add_attempt(&self, report: B256, attempt: &Attempt) -> Result<(), Error> {
        let mut both = self.begin().await?;
        sqlx::query("INSERT INTO attempts (hash, report, raw, max_fee, max_tip) VALUES ($1, $2, $3, $4, $5)")
            .bind(attempt.hash.to_string())
            .bind(report.to_string())
            .bind(hex::encode(&attempt.raw))
            .bind(attempt.max_fee.to_string())
            .bind(attempt.max_tip.to_string())
            .execute(&mut *both)
            .await?;
        set_states(&mut both, report, TxState::Broadcast, "posted").await?;
        both.commit().await?;
        Ok(())
    }

    /// All signed bytes of a transaction, the dearest first.
    ///
    /// # Errors
    /// Of the database.
    pub async fn attempts(&self, report: B256) -> Result<Vec<Attempt>, Error> {
        let rows = sqlx::query("SELECT * FROM attempts WHERE report = $1")
            .bind(report.to_string())
            .fetch_all(&self.pool)
            .await?;
        let mut attempts = rows.iter().map(row_to_attempt).collect::<Result<Vec<_>, _>>()?;
        attempts.sort_by_key(|attempt| std::cmp::Reverse(attempt.max_fee));
        Ok(attempts)
    }

    /// Notes that an attempt is in a block.
    ///
    /// # Errors
    /// Of the database.
    pub async fn set_included(&self, report: B256, at: &Inclusion) -> Result<(), Error> {
        let mut both = self.begin().await?;
        sqlx::query(
            "UPDATE transactions SET hash = $2, block_hash = $3, block_number = $4, gas_used = $5 WHERE report = $1",
        )
        .bind(report.to_string())
        .bind(at.hash.to_string())
        .bind(at.block_hash.to_string())
        .bind(signed(at.block_number))
        .bind(signed(at.gas_used))
        .execute(&mut *both)
        .await?;
        set_states(&mut both, report, TxState::Included, "included").await?;
        both.commit().await?;
        Ok(())
    }

    /// A reorg took the block away: the transaction is on its way again.
    ///
    /// # Errors
    /// Of the database.
    pub async fn set_reorged(&self, report: B256) -> Result<(), Error> {
        let mut both = self.begin().await?;
        set_states(&mut both, report, TxState::Broadcast, "posted").await?;
        sqlx::query(
            "UPDATE transactions SET hash = NULL, block_hash = NULL, block_number = NULL, gas_used = NULL
             WHERE report = $1",
        )
        .bind(report.to_string())
        .execute(&mut *both)
        .await?;
        both.commit().await?;
        Ok(())
    }

    /// The block is finalized. Bundles whose result the registry did not apply go back.
    ///
    /// # Errors
    /// Of the database.
    pub async fn set_final(&self, report: B256, skipped: &[B256]) -> Result<(), Error> {
        let mut all = self.begin().await?;
        for digest in skipped {
            sqlx::query(
                "UPDATE bundles SET state = 'received', report = NULL, tries = tries + 1,
                 reason = 'the registry skipped it' WHERE digest = $1",
            )
            .bind(digest.to_string())
            .execute(&mut *all)
            .await?;
        }
        set_states(&mut all, report, TxState::Final, "final").await?;
        all.commit().await?;
        Ok(())
    }

    /// The transaction can have no effect any more: its bundles go back.
    ///
    /// # Errors
    /// Of the database.
    pub async fn drop_transaction(&self, report: B256, reason: &str) -> Result<(), Error> {
        let mut both = self.begin().await?;
        sqlx::query("UPDATE transactions SET state = 'dropped' WHERE report = $1")
            .bind(report.to_string())
            .execute(&mut *both)
            .await?;
        sqlx::query(
            "UPDATE bundles SET state = 'received', report = NULL, tries = tries + 1, reason = $2 WHERE report = $1",
        )
        .bind(report.to_string())
        .bind(reason)
        .execute(&mut *both)
        .await?;
        both.commit().await?;
        Ok(())
    }
}

async fn set_states(
    connection: &mut Connection,
    report: B256,
    state: TxState,
    bundles: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE transactions SET state = $2 WHERE report = $1")
        .bind(report.to_string())
        .bind(state.name())
        .execute(&mut *connection)
        .await?;
    sqlx::query("UPDATE bundles SET state = $2 WHERE report = $1")
        .bind(report.to_string())
        .bind(bundles)
        .execute(connection)
        .await?;
    Ok(())
}

fn row_to_transaction(row: &Row) -> Result<Transaction, sqlx::Error> {
    Ok(Transaction {
        report: parse(row, "report")?,
        state: TxState::from_name(row.try_get("state")?),
        nonce: unsigned(row, "nonce")?,
        gas_limit: unsigned(row, "gas_limit")?,
        calldata: parse_bytes(row, "calldata")?,
        inclusion: row_to_inclusion(row)?,
    })
}

fn row_to_inclusion(row: &Row) -> Result<Option<Inclusion>, sqlx::Error> {
    let Some(hash) = parse_optional(row, "hash")? else {
        return Ok(None);
    };
    Ok(Some(Inclusion {
        hash,
        block_hash: parse(row, "block_hash")?,
        block_number: unsigned(row, "block_number")?,
        gas_used: unsigned(row, "gas_used")?,
    }))
}

fn row_to_attempt(row: &Row) -> Result<Attempt, sqlx::Error> {
    Ok(Attempt {
        hash: parse(row, "hash")?,
        raw: parse_bytes(row, "raw")?,
        max_fee: parse(row, "max_fee")?,
        max_tip: parse(row, "max_tip")?,
    })
}

/// SQL has no unsigned integers. Nonces, gas and block numbers stay far below the limit.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(row: &Row, column: &str) -> Result<u64, sqlx::Error> {
    row.try_get::<i64, _>(column)
        .map(|number| u64::try_from(number).unwrap_or(0))
}
