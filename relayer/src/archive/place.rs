//! Where an archive is, and how it is opened.

use std::{
    fmt::{self, Display},
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use object_store::{
    ClientOptions, ObjectStore, RetryConfig, aws::AmazonS3Builder, local::LocalFileSystem,
    prefix::PrefixStore,
};
use serde::{Deserialize, Serialize};

use super::{Archive, Kind, seen::Seen};
use crate::Error;

/// `[archive]` in the configuration.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ArchiveConfig {
    /// A folder, or `s3://BUCKET/PREFIX`. None: the folder `archive` in the data folder.
    pub url: Option<String>,
    /// Where the bucket's service answers. None: at AWS.
    pub endpoint: Option<String>,
}

impl ArchiveConfig {
    /// The place in force.
    ///
    /// # Errors
    /// If `url` or `endpoint` is none.
    pub fn in_force(&self, data_dir: &Path) -> Result<ArchivePlace, String> {
        match &self.url {
            Some(url) => ArchivePlace::parse(url, self.endpoint.as_deref())
                .map_err(|problem| format!("archive.url: {problem}")),
            None => Ok(ArchivePlace::Folder(data_dir.join("archive"))),
        }
    }
}

/// Where an archive is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArchivePlace {
    /// A local folder.
    Folder(PathBuf),
    /// A bucket, or a part of it.
    Bucket {
        /// Its name.
        name: String,
        /// What all names in it begin with; may be empty.
        prefix: String,
        /// Where its service answers. None: at AWS.
        endpoint: Option<String>,
    },
}

impl ArchivePlace {
    /// A folder, or `s3://BUCKET/PREFIX`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(url: &str, endpoint: Option<&str>) -> Result<Self, String> {
        let Some(bucket) = url.strip_prefix("s3://") else {
            return match url.split_once("://") {
                Some((scheme, _)) => Err(format!("{scheme}:// is neither a folder nor s3://BUCKET/PREFIX")),
                None => Ok(Self::Folder(url.into())),
            };
        };
        let (name, prefix) = bucket.split_once('/').unwrap_or((bucket, ""));
        if name.is_empty() || name.contains('@') {
            return Err(
                "after s3:// comes the bucket's name; credentials belong into the environment".into(),
            );
        }
        if endpoint.is_some_and(|url| !url.starts_with("https://") && !url.starts_with("http://")) {
            return Err("the endpoint is no http(s) URL".into());
        }
        Ok(Self::Bucket {
            name: name.to_owned(),
            prefix: prefix.trim_matches('/').to_owned(),
            endpoint: endpoint.map(str::to_owned),
        })
    }

    /// A document's place, for people.
    pub(super) fn of(&self, path: &object_store::path::Path) -> PathBuf {
        match self {
            Self::Folder(root) => root.join(path.as_ref()),
            Self::Bucket { .. } => PathBuf::from(format!("{self}/{path}")),
        }
    }

    /// Waits until what is in a folder survives a power cut. A bucket's answer says so itself.
    pub(super) async fn sync(&self, kind: Kind) -> Result<(), Error> {
        let Self::Folder(root) = self else { return Ok(()) };
        let path = root.join(kind.folder());
        let synced = tokio::task::spawn_blocking(move || {
            File::open(&path)
                .and_then(|folder| folder.sync_all())
                .map_err(|source| Error::Archive { path, source })
        });
        synced.await.map_err(|panic| Error::Io {
            doing: "reach the archive".into(),
            source: io::Error::other(panic),
        })?
    }
}

impl Display for ArchivePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(root) => root.display().fmt(f),
            Self::Bucket { name, prefix, .. } if prefix.is_empty() => write!(f, "s3://{name}"),
            Self::Bucket { name, prefix, .. } => write!(f, "s3://{name}/{prefix}"),
        }
    }
}

impl Archive {
    /// Opens an archive; makes it if it is a folder. A bucket is not asked before the first document: its credentials are in
    /// the environment (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`), or its service gives them to the host.
    ///
    /// # Errors
    /// If the folder cannot be made.
    pub fn at(place: &ArchivePlace) -> Result<Self, Error> {
        let failed = |source| Error::Archive {
            path: PathBuf::from(place.to_string()),
            source,
        };
        let objects: Arc<dyn ObjectStore> = match place {
            ArchivePlace::Folder(root) => {
                for kind in Kind::ALL {
                    fs::create_dir_all(root.join(kind.folder())).map_err(failed)?;
                }
                let folder = LocalFileSystem::new_with_prefix(root).map_err(io::Error::other);
                // Off by default. Without it, a power cut could forget what was acknowledged.
                Arc::new(folder.map_err(failed)?.with_fsync(true))
            }
            ArchivePlace::Bucket {
                name,
                prefix,
                endpoint,
            } => {
                let bucket = bucket(name, endpoint.as_deref()).map_err(io::Error::other);
                Arc::new(PrefixStore::new(bucket.map_err(failed)?, prefix.as_str()))
            }
        };
        Ok(Self {
            place: place.clone(),
            objects,
            sets: Seen::default(),
        })
    }
}

/// Patient enough for a hiccup; intake must answer before its client gives up.
fn bucket(name: &str, endpoint: Option<&str>) -> object_store::Result<impl ObjectStore> {
    let seconds = Duration::from_secs;
    let mut builder = AmazonS3Builder::from_env()
        .with_bucket_name(name)
        .with_client_options(
            ClientOptions::new()
                .with_connect_timeout(seconds(5))
                .with_timeout(seconds(10)),
        )
        .with_retry(RetryConfig {
            max_retries: 3,
            retry_timeout: seconds(10),
            ..RetryConfig::default()
        });
    if let Some(endpoint) = endpoint {
        builder = builder
            .with_endpoint(endpoint)
            .with_allow_http(endpoint.starts_with("http://"));
    }
    builder.build()
}
