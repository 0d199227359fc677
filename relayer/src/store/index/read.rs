//! What the index has.

use alloy::primitives::B256;
use sqlx::AssertSqlSafe;

use super::{
    super::{Store, row::unsigned, signed},
    EventFilter, EventRow, IndexState,
    rows::{row_to_event, row_to_header, row_to_state, subject_text},
};
use crate::{Error, chain::Header, replay::Subject};

const ABOUT_ONE: &str = " JOIN index_subjects one ON one.subject = $7
     AND one.block_number = e.block_number AND one.log_index = e.log_index";
const ABOUT_TWO: &str = " JOIN index_subjects two ON two.subject = $8
     AND two.block_number = e.block_number AND two.log_index = e.log_index";
/// That the block is no lower follows from the rest. `PostgreSQL` needs it said, or it begins at the log's beginning.
const AFTER: &str = " WHERE e.block_number >= $1
     AND (e.block_number > $1 OR (e.block_number = $1 AND e.log_index > $2)) AND e.block_number <= $3";
const OF_ANY_KIND: &str = " AND $5 = ''";
const OF_KIND: &str = " AND e.kind = $5";
const IN_ORDER: &str = " ORDER BY e.block_number, e.log_index LIMIT $4";
/// Data is hex, and how much of it there is can be told without reading it.
const FITTING: [&str; 2] = [
    "WITH asked AS (SELECT e.block_number, e.log_index, octet_length(e.data) AS digits FROM index_events e",
    "), page AS (SELECT block_number, log_index,
     SUM(digits) OVER (ORDER BY block_number, log_index) - digits AS behind FROM asked)
     SELECT e.* FROM page JOIN index_events e
     ON e.block_number = page.block_number AND e.log_index = page.log_index
     WHERE page.behind < $6 ORDER BY e.block_number, e.log_index",
];

impl Store {
    /// Where the index stands, if there is one.
    ///
    /// # Errors
    /// Of the database.
    pub async fn index_state(&self) -> Result<Option<IndexState>, Error> {
        let row = sqlx::query("SELECT * FROM index_state")
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.as_ref().map(row_to_state).transpose()?)
    }

    /// The blocks that were read before they were final.
    ///
    /// # Errors
    /// Of the database.
    pub async fn index_tail(&self) -> Result<Vec<Header>, Error> {
        let rows = sqlx::query("SELECT * FROM index_blocks ORDER BY number")
            .fetch_all(&self.pool)
            .await?;
        Ok(rows.iter().map(row_to_header).collect::<Result<_, _>>()?)
    }

    /// Events in the log's order.
    ///
    /// # Errors
    /// Of the database.
    pub async fn events(&self, filter: &EventFilter) -> Result<Vec<EventRow>, Error> {
        // Nothing comes before block 0, log 0.
        let (block, index) = filter
            .after
            .map_or((-1, -1), |(block, index)| (signed(block), signed(index)));
        // Only constants go into it.
        let mut query = sqlx::query(AssertSqlSafe(events_query(filter)))
            .bind(block)
            .bind(index)
            .bind(signed(filter.to))
            .bind(i64::from(filter.limit))
            .bind(filter.kind.clone().unwrap_or_default())
            .bind(filter.bytes.map_or(i64::MAX, |bytes| 2 * i64::from(bytes).max(1)));
        for subject in filter.subjects.iter().take(2) {
            query = query.bind(subject_text(*subject));
        }
        let rows = query.fetch_all(&self.pool).await?;
        Ok(rows.iter().map(row_to_event).collect::<Result<_, _>>()?)
    }

    /// The latest events about a subject, the last first.
    ///
    /// # Errors
    /// Of the database.
    pub async fn latest_events(&self, subject: Subject, to: u64, limit: u32) -> Result<Vec<EventRow>, Error> {
        let rows = sqlx::query(
            "SELECT e.* FROM index_events e JOIN index_subjects s
             ON s.block_number = e.block_number AND s.log_index = e.log_index
             WHERE s.subject = $1 AND e.block_number <= $2
             ORDER BY e.block_number DESC, e.log_index DESC LIMIT $3",
        )
        .bind(subject_text(subject))
        .bind(signed(to))
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.iter().map(row_to_event).collect::<Result<_, _>>()?)
    }

    /// A batch's `BatchPosted`.
    ///
    /// # Errors
    /// Of the database.
    pub async fn batch_event(&self, batch: u64) -> Result<Option<EventRow>, Error> {
        let row = sqlx::query("SELECT * FROM index_events WHERE batch = $1")
            .bind(signed(batch))
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.as_ref().map(row_to_event).transpose()?)
    }

    /// The last batch up to block `to` in which a digest was posted.
    ///
    /// # Errors
    /// Of the database.
    pub async fn batch_of_digest(&self, digest: B256, to: u64) -> Result<Option<u64>, Error> {
        // A grant stands before the `BatchPosted` of its batch; a renewal is in it.
        let row = sqlx::query(
            "SELECT e.batch FROM index_digests d JOIN index_events e
             ON e.block_number = d.block_number AND e.log_index >= d.log_index
             WHERE d.digest = $1 AND d.block_number <= $2 AND e.batch IS NOT NULL
             ORDER BY d.block_number DESC, d.log_index DESC, e.log_index LIMIT 1",
        )
        .bind(hex::encode(digest))
        .bind(signed(to))
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(unsigned(&row, "batch")?))
    }

    /// The events of one block.
    ///
    /// # Errors
    /// Of the database.
    pub async fn events_of_block(&self, number: u64) -> Result<Vec<EventRow>, Error> {
        let rows = sqlx::query("SELECT * FROM index_events WHERE block_number = $1 ORDER BY log_index")
            .bind(signed(number))
            .fetch_all(&self.pool)
            .await?;
        Ok(rows.iter().map(row_to_event).collect::<Result<_, _>>()?)
    }
}

/// A clause for each thing that is asked: one that holds of everything hides the index for what is asked.
pub(in crate::store) fn events_query(filter: &EventFilter) -> String {
    let is_of_kind = filter.kind.is_some();
    let parts = [
        (true, FITTING[0]),
        (!filter.subjects.is_empty(), ABOUT_ONE),
        (filter.subjects.len() > 1, ABOUT_TWO),
        (true, AFTER),
        (is_of_kind, OF_KIND),
        (!is_of_kind, OF_ANY_KIND),
        (true, IN_ORDER),
        (true, FITTING[1]),
    ];
    let asked = parts.into_iter().filter(|(is_asked, _)| *is_asked);
    asked.map(|(_, part)| part).collect()
}
