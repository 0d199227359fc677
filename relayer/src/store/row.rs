//! What a row's columns hold.

use alloy::primitives::{Address, FixedBytes};
use sqlx::Row as _;

use super::Row;

pub(super) fn parse<T: std::str::FromStr>(row: &Row, column: &str) -> Result<T, sqlx::Error> {
    let text: &str = row.try_get(column)?;
    text.parse().map_err(|_| sqlx::Error::ColumnDecode {
        index: column.into(),
        source: format!("`{text}` is not what this column holds").into(),
    })
}

pub(super) fn parse_optional<T: std::str::FromStr>(
    row: &Row,
    column: &str,
) -> Result<Option<T>, sqlx::Error> {
    let text: Option<&str> = row.try_get(column)?;
    text.map(|_| parse(row, column)).transpose()
}

pub(super) fn parse_bytes(row: &Row, column: &str) -> Result<Vec<u8>, sqlx::Error> {
    let text: &str = row.try_get(column)?;
    hex::decode(text).map_err(|error| sqlx::Error::ColumnDecode {
        index: column.into(),
        source: error.into(),
    })
}

pub(super) fn unsigned(row: &Row, column: &str) -> Result<u64, sqlx::Error> {
    row.try_get::<i64, _>(column)
        .map(|number| u64::try_from(number).unwrap_or(0))
}

/// Who signed, and the signature.
pub(super) fn row_to_signature(row: &Row) -> Result<(Address, [u8; 64]), sqlx::Error> {
    let signature: FixedBytes<64> = parse(row, "signature")?;
    Ok((parse(row, "signer")?, signature.0))
}
