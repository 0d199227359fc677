//! Statements about many rows.

use alloy::primitives::{Address, B256};
use sqlx::{AssertSqlSafe, query::Query};

use super::{Database, signed};

/// Most rows in one statement, which has a few hundred parameters then.
pub(super) const AT_ONCE: usize = 64;

/// A statement whose parameters are its own.
type Statement = Query<'static, Database, <Database as sqlx::Database>::Arguments>;

/// What a row has in a column.
pub(super) enum Cell {
    Text(String),
    Number(Option<i64>),
}

/// Inserts at least one row. Many in one statement: a block has thousands of rows, and meanwhile nothing else is written.
/// What follows the rows is `then`. All but the rows are constants.
pub(super) fn insert_rows<const N: usize>(
    table: &str,
    columns: [&str; N],
    rows: impl ExactSizeIterator<Item = [Cell; N]>,
    then: &str,
) -> Statement {
    let count = rows.len();
    let places: Vec<_> = (0..count)
        .map(|n| format!("({})", numbered(n * N + 1, N)))
        .collect();
    let query = format!(
        "INSERT INTO {table} ({}) VALUES {} {then}",
        columns.join(", "),
        places.join(", ")
    );
    rows.flatten()
        .fold(statement(query, count), |query, cell| match cell {
            Cell::Text(text) => query.bind(text),
            Cell::Number(number) => query.bind(number),
        })
}

/// A statement about so many rows. Connections remember a hundred statements: of the many lengths, few are worth it.
pub(super) fn statement(query: String, rows: usize) -> Statement {
    sqlx::query(AssertSqlSafe(query)).persistent(rows.is_power_of_two())
}

/// So many parameters of a query, as `$3, $4, $5`: a list in it has as many.
pub(super) fn numbered(first: usize, count: usize) -> String {
    let numbers: Vec<_> = (first..first + count).map(|n| format!("${n}")).collect();
    numbers.join(", ")
}

impl From<B256> for Cell {
    fn from(hash: B256) -> Self {
        Self::Text(hash.to_string())
    }
}

impl From<Address> for Cell {
    fn from(address: Address) -> Self {
        Self::Text(address.to_string())
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Self::Number(Some(number))
    }
}

impl From<u64> for Cell {
    fn from(number: u64) -> Self {
        signed(number).into()
    }
}

impl From<bool> for Cell {
    fn from(is_so: bool) -> Self {
        i64::from(is_so).into()
    }
}
