//! Logical transactions and the bytes signed for them. How they change is in [`super::steps`].

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256};
use sqlx::Row as _;

use super::{
    Row, Store,
    row::{parse, parse_bytes, parse_optional, unsigned},
    signed,
};
use crate::Error;

/// How far a transaction has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TxState {
    /// It has a nonce.
    Reserved,
    /// Signed bytes are stored, and may have been sent.
    Signed,
    /// An endpoint took them.
    Broadcast,
    /// In a block.
    Included,
    /// In a finalized block.
    Final,
    /// It can no longer have an effect.
    Dropped,
}

impl TxState {
    /// Those that are under way.
    pub const LIVE: [Self; 4] = [Self::Reserved, Self::Signed, Self::Broadcast, Self::Included];

    /// As stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reserved => "reserved",
            Self::Signed => "signed",
            Self::Broadcast => "broadcast",
            Self::Included => "included",
            Self::Final => "final",
            Self::Dropped => "dropped",
        }
    }

    fn from_name(name: &str) -> Self {
        let all = Self::LIVE.into_iter().chain([Self::Final]);
        // Only this program writes the column, and only names from here.
        all.into_iter()
            .find(|state| state.name() == name)
            .unwrap_or(Self::Dropped)
    }
}

/// A logical transaction's number in this database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TxId(pub(super) i64);

/// A logical transaction: one effect, whichever of its attempts has it.
#[derive(Clone, Debug)]
pub struct Transaction {
    /// Its number.
    pub id: TxId,
    /// The report it posts. None: a self-send that closes a nonce gap.
    pub report: Option<B256>,
    /// How far it has come.
    pub state: TxState,
    /// Its nonce. None: another relayer sent it.
    pub nonce: Option<u64>,
    /// Gas it may use.
    pub gas_limit: u64,
    /// Since when it is under way, Unix seconds.
    pub since: u64,
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Transaction hash.
    pub hash: B256,
    /// What is sent.
    pub raw: Vec<u8>,
    /// Wei per gas.
    pub max_fee: u128,
    /// Wei per gas.
    pub max_tip: u128,
    /// It does nothing, in the place of a report that came too late.
    pub cancels: bool,
}

/// From what is queued to its report, which is little to much: the other way round, all reports there ever were are read.
pub(super) const TO_POST: &str = "SELECT r.hash FROM reports r
     WHERE r.hash IN (SELECT report FROM bundles WHERE state = 'queued'
                      UNION SELECT hash FROM orders WHERE state = 'queued')
     AND NOT EXISTS (SELECT 1 FROM transactions t WHERE t.report = r.hash AND t.state <> 'dropped')
     ORDER BY r.issued_at, r.hash";

/// All states that are under way: without them, `SQLite` does not see that the index of these has the two. `CROSS JOIN`: it
/// keeps to this order, whatever it thinks of the tables.
pub(super) const EXPOSED: &str =
    "SELECT t.id, t.gas_limit, a.max_fee FROM transactions t CROSS JOIN attempts a
     WHERE a.transaction_id = t.id AND t.state IN ('reserved', 'signed', 'broadcast', 'included')
     AND t.state IN ('signed', 'broadcast')";

/// What is not dropped has an index by report.
pub(super) const INCLUDED: &str = "SELECT * FROM transactions
     WHERE report = $1 AND state IN ('included', 'final') AND state <> 'dropped'";

impl Store {
    /// Queued reports and freezes without a transaction, freezes first, reports in the order of their issue. The registry
    /// refuses grants on a platform that a later report has spoken of, so one that overtakes another makes it revert.
    ///
    /// # Errors
    /// Of the database.
    pub async fn reports_to_post(&self) -> Result<Vec<B256>, Error> {
        let rows = sqlx::query(TO_POST).fetch_all(&self.pool).await?;
        Ok(rows
            .iter()
            .map(|row| parse(row, "hash"))
            .collect::<Result<_, _>>()?)
    }

    /// So many nonces of `account`, from 0 on, were used when the last transaction was that is final here.
    ///
    /// # Errors
    /// Of the database.
    pub async fn final_nonces(&self, account: Address) -> Result<u64, Error> {
        let highest = sqlx::query_scalar::<_, Option<i64>>(
            "SELECT MAX(nonce) FROM transactions WHERE account = $1 AND state = 'final'",
        )
        .bind(account.to_string())
        .fetch_one(&self.pool)
        .await?;
        Ok(highest.map_or(0, |nonce| u64::try_from(nonce).unwrap_or(0) + 1))
    }

    /// A report's calldata: `post(…)`, encoded.
    ///
    /// # Errors
    /// Of the database; also if there is no such report.
    pub async fn calldata_of(&self, report: B256) -> Result<Vec<u8>, Error> {
        let row = sqlx::query("SELECT calldata FROM reports WHERE hash = $1")
            .bind(report.to_string())
            .fetch_one(&self.pool)
            .await?;
        Ok(parse_bytes(&row, "calldata")?)
    }

    /// The transactions that are under way, in order of their nonces.
    ///
    /// # Errors
    /// Of the database.
    pub async fn live_transactions(&self) -> Result<Vec<Transaction>, Error> {
        let rows = sqlx::query(
            "SELECT * FROM transactions WHERE state IN ('reserved', 'signed', 'broadcast', 'included')
             ORDER BY nonce NULLS LAST, id",
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.iter().map(row_to_transaction).collect::<Result<_, _>>()?)
    }

    /// Where a report was included, if it was.
    ///
    /// # Errors
    /// Of the database.
    pub async fn inclusion_of(&self, report: B256) -> Result<Option<Inclusion>, Error> {
        let row = sqlx::query(INCLUDED)
            .bind(report.to_string())
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.as_ref().map(row_to_inclusion).transpose()?.flatten())
    }

    /// All signed bytes of a transaction, the dearest first.
    ///
    /// # Errors
    /// Of the database.
    pub async fn attempts(&self, id: TxId) -> Result<Vec<Attempt>, Error> {
        let rows = sqlx::query("SELECT * FROM attempts WHERE transaction_id = $1")
            .bind(id.0)
            .fetch_all(&self.pool)
            .await?;
        let mut attempts = rows.iter().map(row_to_attempt).collect::<Result<Vec<_>, _>>()?;
        attempts.sort_by_key(|attempt| std::cmp::Reverse(attempt.max_fee));
        Ok(attempts)
    }

    /// Wei that this relayer has paid since a time (Unix seconds).
    ///
    /// # Errors
    /// Of the database.
    pub async fn paid_since(&self, time: u64) -> Result<u128, Error> {
        // SQL has no integers as long as this.
        let rows = sqlx::query("SELECT cost FROM transactions WHERE paid_at >= $1 AND cost IS NOT NULL")
            .bind(signed(time))
            .fetch_all(&self.pool)
            .await?;
        let mut sum: u128 = 0;
        for row in &rows {
            sum = sum.saturating_add(parse(row, "cost")?);
        }
        Ok(sum)
    }

    /// The most that all transactions not yet in blocks may cost, wei.
    ///
    /// # Errors
    /// Of the database.
    pub async fn exposure(&self) -> Result<u128, Error> {
        let rows = sqlx::query(EXPOSED).fetch_all(&self.pool).await?;
        let mut worst: BTreeMap<i64, u128> = BTreeMap::new();
        for row in &rows {
            let fee: u128 = parse(row, "max_fee")?;
            let cost = fee.saturating_mul(u128::from(unsigned(row, "gas_limit")?));
            let entry = worst.entry(row.try_get("id")?).or_default();
            *entry = cost.max(*entry);
        }
        Ok(worst
            .values()
            .fold(0, |sum: u128, cost| sum.saturating_add(*cost)))
    }
}

fn row_to_transaction(row: &Row) -> Result<Transaction, sqlx::Error> {
    Ok(Transaction {
        id: TxId(row.try_get("id")?),
        report: parse_optional(row, "report")?,
        state: TxState::from_name(row.try_get("state")?),
        nonce: row
            .try_get::<Option<i64>, _>("nonce")?
            .map(|nonce| u64::try_from(nonce).unwrap_or(0)),
        gas_limit: unsigned(row, "gas_limit")?,
        since: unsigned(row, "since")?,
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
        cancels: row.try_get::<i64, _>("cancels")? != 0,
    })
}
