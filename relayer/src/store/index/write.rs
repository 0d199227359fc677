//! Steps of the index.

use alloy::primitives::B256;
use sqlx::AssertSqlSafe;

use super::{
    super::{
        Connection, Store, signed,
        sql::{AT_ONCE, Cell, insert_rows},
    },
    EventRow, IndexChange, IndexState,
    rows::subject_text,
};
use crate::{
    Error,
    replay::{Event, Position, RegistryLog, Subject},
};

impl Store {
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
