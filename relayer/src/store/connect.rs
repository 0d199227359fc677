//! Which database, and how it must behave.

use std::{
    fmt::{self, Debug, Display},
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use reqwest::Url;
use serde::{Deserialize, Serialize};
use sqlx::{
    ConnectOptions as _, Executor as _,
    any::{AnyConnectOptions, AnyPoolOptions, install_default_drivers},
};

use super::{Connection, Pool};
use crate::Error;

/// The environment variable that holds the whole URL, in place of `[store] url`.
pub(crate) const URL_VARIABLE: &str = "CHASSIS_STORE_URL";

/// The environment variable that holds `PostgreSQL`'s password.
const PASSWORD_VARIABLE: &str = "CHASSIS_STORE_PASSWORD";

/// `[store]` in the configuration.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreConfig {
    /// `sqlite:PATH` or `postgres://USER@HOST/DATABASE`, without a password. None: `SQLite` in the data folder.
    pub url: Option<String>,
    /// Most connections.
    pub connections: u32,
    /// Seconds after which another replica posts in place of one that is silent.
    pub lease_seconds: u32,
    /// Seconds after which another replica appraises what one took and did not finish.
    pub claim_seconds: u32,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            url: None,
            connections: 8,
            lease_seconds: 15,
            claim_seconds: 120,
        }
    }
}

impl StoreConfig {
    /// The URL in force: the environment's, else the file's, else `SQLite` in `data_dir`.
    ///
    /// # Errors
    /// If it is no such URL, if a password is in the file, or if there are no connections.
    pub fn in_force(&self, data_dir: &Path) -> Result<StoreUrl, String> {
        let numbers = [
            ("connections", self.connections),
            ("lease_seconds", self.lease_seconds),
            ("claim_seconds", self.claim_seconds),
        ];
        for (name, number) in numbers {
            if number == 0 {
                return Err(format!("store.{name}: at least 1 is needed"));
            }
        }
        if let Ok(url) = std::env::var(URL_VARIABLE) {
            return StoreUrl::parse(&url).map_err(|problem| format!("{URL_VARIABLE}: {problem}"));
        }
        let Some(url) = &self.url else {
            return Ok(StoreUrl::sqlite(&data_dir.join("chassis.db")));
        };
        let url = StoreUrl::parse(url).map_err(|problem| format!("store.url: {problem}"))?;
        if url.url.password().is_some() {
            return Err(format!(
                "store.url holds a password: move it to the environment variable {PASSWORD_VARIABLE}"
            ));
        }
        match std::env::var(PASSWORD_VARIABLE) {
            Ok(password) => url.with_password(&password),
            Err(_) => Ok(url),
        }
    }

    pub(super) fn terms(&self) -> Terms {
        Terms {
            lease: self.lease_seconds.into(),
            claim: self.claim_seconds.into(),
        }
    }
}

/// How long rights last, seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) lease: i64,
    pub(super) claim: i64,
}

/// The two databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One file, one process that writes.
    Sqlite,
    /// A server, several replicas.
    Postgres,
}

/// Where the database is. Shown without its password.
#[derive(Clone)]
pub struct StoreUrl {
    url: Url,
    /// Of `SQLite`: the file.
    file: Option<PathBuf>,
}

impl StoreUrl {
    /// A `SQLite` file.
    pub fn sqlite(path: &Path) -> Self {
        // A relative path would be taken for a host.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let mut url = Url::parse("sqlite:///").unwrap_or_else(|_| unreachable!("a constant that parses"));
        // Everything else that needs escaping in a path, `set_path` escapes.
        url.set_path(&path.to_string_lossy().replace('%', "%25"));
        url.set_query(Some("mode=rwc"));
        Self {
            url,
            file: Some(path),
        }
    }

    /// From text.
    ///
    /// # Errors
    /// What is wrong with it. The text is not in it: it may hold a password.
    pub fn parse(url: &str) -> Result<Self, String> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() || path.contains('?') || path.contains(":memory:") {
                return Err("after sqlite: comes a file's path, and nothing else".into());
            }
            return Ok(Self::sqlite(Path::new(path)));
        }
        match Url::parse(url) {
            Ok(url) if ["postgres", "postgresql"].contains(&url.scheme()) && url.path().len() > 1 => {
                Ok(Self { url, file: None })
            }
            _ => Err("it is neither sqlite:PATH nor postgres://USER@HOST/DATABASE".into()),
        }
    }

    fn with_password(mut self, password: &str) -> Result<Self, String> {
        match self.kind() {
            Kind::Sqlite => Ok(self),
            Kind::Postgres => self
                .url
                .set_password(Some(password))
                .map(|()| self)
                .map_err(|()| format!("store.url names no host that {PASSWORD_VARIABLE} could be for")),
        }
    }

    /// Of `SQLite`: the file.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    pub(super) fn kind(&self) -> Kind {
        match self.file {
            Some(_) => Kind::Sqlite,
            None => Kind::Postgres,
        }
    }

    /// Of `SQLite`, keeps other processes out, so that a second relayer started by mistake does not sign beside this one.
    /// The kernel drops the lock with the process, however it ends.
    pub(super) fn lock(&self) -> Result<Option<Arc<File>>, Error> {
        let Some(file) = &self.file else { return Ok(None) };
        let path = file.with_added_extension("lock");
        let io = |source| Error::Io {
            doing: format!("lock {}", path.display()),
            source,
        };
        let lock = File::options()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(io)?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Arc::new(lock))),
            Err(TryLockError::WouldBlock) => Err(Error::StoreInUse { path: file.clone() }),
            Err(TryLockError::Error(source)) => Err(io(source)),
        }
    }

    pub(super) async fn pool(&self, connections: u32) -> Result<Pool, Error> {
        install_default_drivers();
        let options = AnyConnectOptions::from_url(&self.url)?;
        let kind = self.kind();
        Ok(AnyPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(PATIENCE)
            // A server may have hung up; a file does not, and asking would double the way to each query.
            .test_before_acquire(kind == Kind::Postgres)
            .after_connect(move |connection, _| Box::pin(prepare(connection, kind)))
            .connect_with(options)
            .await?)
    }
}

impl Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut url = self.url.clone();
        // Fails only where there can be no password.
        let _ = url.set_password(None);
        url.set_query(None);
        Display::fmt(&url, f)
    }
}

impl Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(self, f)
    }
}

/// How long a request waits for a connection or a lock before it is told to come again.
const PATIENCE: Duration = Duration::from_secs(10);

async fn prepare(connection: &mut Connection, kind: Kind) -> Result<(), sqlx::Error> {
    let statements: &[&'static str] = match kind {
        Kind::Sqlite => &[
            "PRAGMA busy_timeout = 10000",
            "PRAGMA journal_mode = WAL",
            // With anything less, a power cut could forget that something was signed.
            "PRAGMA synchronous = FULL",
            "PRAGMA foreign_keys = ON",
        ],
        Kind::Postgres => &[
            "SET lock_timeout = '10s'",
            // A replica that hangs in a transaction must not hold its locks for ever.
            "SET idle_in_transaction_session_timeout = '60s'",
            // As above: `off` may forget what was committed. Stricter settings than `on` are the server's to make.
            "SELECT set_config('synchronous_commit', 'on', false)
             WHERE current_setting('synchronous_commit') = 'off'",
        ],
    };
    for statement in statements {
        connection.execute(*statement).await?;
    }
    Ok(())
}
