//! The registry's log as indexed.

use alloy::primitives::{Address, B256, Bytes, LogData};
use sqlx::{AssertSqlSafe, Row as _};

use super::{
    Connection, Row, Store,
    row::{parse, parse_bytes, unsigned},
    signed,
    sql::{AT_ONCE, Cell, insert_rows},
};
use crate::{
    Error,
    chain::Header,
    replay::{Event, Position, RegistryLog, Subject},
};

/// Where the index stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexState {
    /// Moves with every change.
    pub version: u64,
    /// The registry's chain.
    pub chain_id: u64,
    /// The registry.
    pub registry: Address,
    /// The last finalized block that was read.
    pub block: BlockRef,
    /// The last one after which the rebuilt head was the registry's.
    pub verified: BlockRef,
}

/// A block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockRef {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: B256,
}

/// An event as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRow {
    /// Where it stands.
    pub at: Position,
    /// Its name.
    pub kind: String,
    /// Of `BatchPosted`: the batch's number.
    pub batch: Option<u64>,
    /// Topics and data.
    pub data: LogData,
}

/// A step of the index: all of it or nothing.
#[derive(Clone, Debug, Default)]
pub struct IndexChange {
    /// Read blocks and events above this number are taken back.
    pub drop_above: Option<u64>,
    /// Blocks up to this number are final, and no longer needed one by one.
    pub settle_to: Option<u64>,
    /// A block that is not final.
    pub push: Option<Header>,
    /// New events, and whom each is about.
    pub events: Vec<(EventRow, Vec<Subject>)>,
}

/// Which events to list.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    /// After this block and log index.
    pub after: Option<(u64, u64)>,
    /// Up to this block.
    pub to: u64,
    /// About these, at most two.
    pub subjects: Vec<Subject>,
    /// With this name.
    pub kind: Option<String>,
    /// At most so many.
    pub limit: u32,
    /// None after so many bytes of data; of some, at least one.
    pub bytes: Option<u32>,
}

const ABOUT_ONE: &str = " JOIN index_subjects one ON one.subject = $7
     AND one.block_number = e.block_number AND one.log_index = e.log_index";
const ABOUT_TWO: &str = " JOIN index_subjects two ON two.subject = $8
     AND two.block_number = e.block_number AND two.log_index = e.log_index";
const IN_ORDER: &str = " WHERE (e.block_number > $1 OR (e.block_number = $1 AND e.log_index > $2))
     AND e.block_number <= $3 AND ($5 = '' OR e.kind = $5)
     ORDER BY e.block_number, e.log_index LIMIT $4";
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

    /// Begins an index anew. `false` if another replica has just done so.
    ///
    /// # Errors
    /// Of the database.
    pub async fn start_index(&self, old: Option<u64>, state: &IndexState) -> Result<bool, Error> {
        let mut database = self.begin().await?;
        let gone = sqlx::query("DELETE FROM index_state WHERE version = $1")
            .bind(old.map_or(-1, signed))
            .execute(&mut *database)
            .await?;
        if gone.rows_affected() != u64::from(old.is_some()) {
            return Ok(false);
        }
        for table in ["index_digests", "index_subjects", "index_events", "index_blocks"] {
            sqlx::query(AssertSqlSafe(format!("DELETE FROM {table}")))
                .execute(&mut *database)
                .await?;
        }
        let added = sqlx::query(
            "INSERT INTO index_state
             (id, version, chain_id, registry, number, hash, verified_number, verified_hash)
             VALUES (1, $1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING",
        )
        .bind(signed(state.version))
        .bind(signed(state.chain_id))
        .bind(state.registry.to_string())
        .bind(signed(state.block.number))
        .bind(state.block.hash.to_string())
        .bind(signed(state.verified.number))
        .bind(state.verified.hash.to_string())
        .execute(&mut *database)
        .await?;
        if added.rows_affected() != 1 {
            return Ok(false);
        }
        database.commit().await?;
        Ok(true)
    }

    /// Takes a step to `state`, whose version is the next one. `false` if another replica was faster.
    ///
    /// # Errors
    /// Of the database.
    pub async fn change_index(&self, state: &IndexState, change: &IndexChange) -> Result<bool, Error> {
        let mut database = self.begin().await?;
        let moved = sqlx::query(
            "UPDATE index_state SET version = version + 1, number = $1, hash = $2, verified_number = $3,
             verified_hash = $4 WHERE version = $5",
        )
        .bind(signed(state.block.number))
        .bind(state.block.hash.to_string())
        .bind(signed(state.verified.number))
        .bind(state.verified.hash.to_string())
        .bind(signed(state.version.saturating_sub(1)))
        .execute(&mut *database)
        .await?;
        if moved.rows_affected() != 1 {
            return Ok(false);
        }
        if let Some(number) = change.drop_above {
            for query in [
                "DELETE FROM index_digests WHERE block_number > $1",
                "DELETE FROM index_subjects WHERE block_number > $1",
                "DELETE FROM index_events WHERE block_number > $1",
                "DELETE FROM index_blocks WHERE number > $1",
            ] {
                sqlx::query(query)
                    .bind(signed(number))
                    .execute(&mut *database)
                    .await?;
            }
        }
        if let Some(number) = change.settle_to {
            sqlx::query("DELETE FROM index_blocks WHERE number <= $1")
                .bind(signed(number))
                .execute(&mut *database)
                .await?;
        }
        if let Some(header) = &change.push {
            sqlx::query("INSERT INTO index_blocks (number, hash, parent, time) VALUES ($1, $2, $3, $4)")
                .bind(signed(header.number))
                .bind(header.hash.to_string())
                .bind(header.parent.to_string())
                .bind(signed(header.time))
                .execute(&mut *database)
                .await?;
        }
        insert(&mut database, &change.events).await?;
        database.commit().await?;
        Ok(true)
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
        let [one, two] = [0, 1].map(|n| filter.subjects.get(n).copied());
        let mut query = String::new();
        for (is_asked, part) in [
            (true, FITTING[0]),
            (one.is_some(), ABOUT_ONE),
            (two.is_some(), ABOUT_TWO),
            (true, IN_ORDER),
            (true, FITTING[1]),
        ] {
            if is_asked {
                query.push_str(part);
            }
        }
        // Only constants went into it.
        let mut query = sqlx::query(AssertSqlSafe(query))
            .bind(block)
            .bind(index)
            .bind(signed(filter.to))
            .bind(i64::from(filter.limit))
            .bind(filter.kind.clone().unwrap_or_default())
            .bind(filter.bytes.map_or(i64::MAX, |bytes| 2 * i64::from(bytes).max(1)));
        for subject in [one, two].into_iter().flatten() {
            query = query.bind(subject_text(subject));
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

async fn insert(database: &mut Connection, events: &[(EventRow, Vec<Subject>)]) -> Result<(), sqlx::Error> {
    for some in events.chunks(AT_ONCE) {
        let rows = some.iter().map(|(event, _)| {
            let topics: Vec<_> = event.data.topics().iter().map(hex::encode).collect();
            [
                event.at.block.into(),
                event.at.log_index.into(),
                event.at.block_hash.into(),
                event.at.time.into(),
                event.at.transaction.into(),
                event.kind.as_str().into(),
                Cell::Number(event.batch.map(signed)),
                topics.concat().into(),
                hex::encode(&event.data.data).into(),
            ]
        });
        let columns = [
            "block_number",
            "log_index",
            "block_hash",
            "block_time",
            "transaction_hash",
            "kind",
            "batch",
            "topics",
            "data",
        ];
        let query = insert_rows("index_events", columns, rows, "");
        query.execute(&mut *database).await?;
    }
    let subjects = events.iter().flat_map(|(event, subjects)| {
        let of = |subject: &Subject| (subject_text(*subject), event.at);
        subjects.iter().map(of)
    });
    insert_words(
        database,
        "index_subjects",
        "subject",
        &subjects.collect::<Vec<_>>(),
    )
    .await?;
    let digests = events.iter().flat_map(|(event, _)| {
        let of = |digest| (hex::encode(digest), event.at);
        digests(event).into_iter().map(of)
    });
    insert_words(database, "index_digests", "digest", &digests.collect::<Vec<_>>()).await
}

/// Words by which events are found.
async fn insert_words(
    database: &mut Connection,
    table: &str,
    column: &str,
    words: &[(String, Position)],
) -> Result<(), sqlx::Error> {
    for some in words.chunks(AT_ONCE) {
        let rows = some
            .iter()
            .map(|(word, at)| [word.as_str().into(), at.block.into(), at.log_index.into()]);
        let query = insert_rows(
            table,
            [column, "block_number", "log_index"],
            rows,
            &format!("ON CONFLICT ({column}, block_number, log_index) DO NOTHING"),
        );
        query.execute(&mut *database).await?;
    }
    Ok(())
}

/// What an event posts.
fn digests(event: &EventRow) -> Vec<B256> {
    match RegistryLog::decode(event.at, &event.data).map(|log| log.event) {
        Ok(Event::OperatorGranted(granted)) => vec![granted.digest],
        Ok(Event::BatchPosted(posted)) => posted.digests,
        _ => Vec::new(),
    }
}

fn subject_text(subject: Subject) -> String {
    match subject {
        Subject::Operator(operator) => hex::encode(operator),
        Subject::Platform(id) => hex::encode(id),
    }
}

fn row_to_state(row: &Row) -> Result<IndexState, sqlx::Error> {
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

fn row_to_header(row: &Row) -> Result<Header, sqlx::Error> {
    Ok(Header {
        number: unsigned(row, "number")?,
        hash: parse(row, "hash")?,
        parent: parse(row, "parent")?,
        time: unsigned(row, "time")?,
    })
}

fn row_to_event(row: &Row) -> Result<EventRow, sqlx::Error> {
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
