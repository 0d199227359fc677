//! The index's rows.

use alloy::primitives::{B256, Bytes, LogData};
use sqlx::Row as _;

use super::{
    super::{
        Row,
        row::{parse, parse_bytes, unsigned},
    },
    BlockRef, EventRow, IndexState,
};
use crate::{
    chain::Header,
    replay::{Position, Subject},
};

pub(super) fn subject_text(subject: Subject) -> String {
    match subject {
        Subject::Operator(operator) => hex::encode(operator),
        Subject::Platform(id) => hex::encode(id),
    }
}

pub(super) fn row_to_state(row: &Row) -> Result<IndexState, sqlx::Error> {
    Ok(IndexState {
        version: unsigned(row, "version")?,
        chain_id: unsigned(row, "chain_id")?,
        registry: parse(row, "registry")?,
        block: BlockRef {
            number: unsigned(row, "number")?,
            hash: parse(row, "hash")?,
        },
        verified: BlockRef {
            number: unsigned(row, "verified_number")?,
            hash: parse(row, "verified_hash")?,
        },
    })
}

pub(super) fn row_to_header(row: &Row) -> Result<Header, sqlx::Error> {
    Ok(Header {
        number: unsigned(row, "number")?,
        hash: parse(row, "hash")?,
        parent: parse(row, "parent")?,
        time: unsigned(row, "time")?,
    })
}

pub(super) fn row_to_event(row: &Row) -> Result<EventRow, sqlx::Error> {
    let at = Position {
        block: unsigned(row, "block_number")?,
        block_hash: parse(row, "block_hash")?,
        time: unsigned(row, "block_time")?,
        transaction: parse(row, "transaction_hash")?,
        log_index: unsigned(row, "log_index")?,
    };
    let topics = parse_bytes(row, "topics")?;
    let topics = topics.as_chunks::<32>().0.iter().map(|topic| B256::from(*topic));
    let batch: Option<i64> = row.try_get("batch")?;
    Ok(EventRow {
        at,
        kind: row.try_get("kind")?,
        batch: batch.and_then(|number| u64::try_from(number).ok()),
        data: LogData::new_unchecked(topics.collect(), Bytes::from(parse_bytes(row, "data")?)),
    })
}
