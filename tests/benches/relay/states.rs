//! The bundles' states as the relayer's database has them. Its metrics are a second old, which is too coarse here.

use std::{collections::HashMap, path::Path};

use sqlx::{
    ConnectOptions as _, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode},
};

pub(crate) struct States(SqliteConnection);

impl States {
    pub(crate) async fn open(data: &Path) -> anyhow::Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(data.join("chassis.db"))
            .journal_mode(SqliteJournalMode::Wal)
            .read_only(true);
        Ok(Self(options.connect().await?))
    }

    /// How many bundles are in each state.
    pub(crate) async fn counts(&mut self) -> anyhow::Result<HashMap<String, usize>> {
        let rows = sqlx::query_as::<_, (String, i64)>("SELECT state, COUNT(*) FROM bundles GROUP BY state")
            .fetch_all(&mut self.0)
            .await?;
        let counts = rows
            .into_iter()
            .map(|(state, count)| Ok((state, count.try_into()?)));
        counts.collect()
    }
}
