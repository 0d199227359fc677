//! Documents by digest, in a local folder or an S3-compatible bucket: bundles, endorsements, policies, results, manifests.
//!
//! A document is stored durably before anything is acknowledged that rests on it: in a folder, the file and its folder are
//! synced; a bucket has it when it says so. Names are hashes, so writing twice is harmless and reading back proves itself.

mod kind;
mod place;
mod seen;
#[cfg(test)]
mod tests;

use std::{io, path::PathBuf, sync::Arc};

use alloy::primitives::B256;
use futures::{StreamExt as _, stream::BoxStream};
use object_store::{ObjectStore, ObjectStoreExt as _, path::Path};
use serde::Serialize;
use tracing::warn;

use crate::Error;
use seen::Seen;

pub use kind::Kind;
pub use place::{ArchiveConfig, ArchivePlace};

/// Documents by digest.
#[derive(Clone, Debug)]
pub struct Archive {
    place: ArchivePlace,
    objects: Arc<dyn ObjectStore>,
    sets: Seen,
}

/// Something found in an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// In which folder.
    pub kind: Kind,
    /// Its path in the archive.
    pub path: String,
    /// What it is named after. `None`: its name is no digest.
    pub digest: Option<B256>,
}

impl Archive {
    /// Stores a document. What is there already, and whole, is not written again.
    ///
    /// # Errors
    /// If any of it fails. Then nothing of it is there, or all of it.
    pub async fn put(&self, kind: Kind, digest: B256, document: impl Into<Vec<u8>>) -> Result<(), Error> {
        if let Ok(Some(_)) = self.get(kind, digest).await {
            // Whoever wrote it may not have synced it yet.
            return self.place.sync(kind).await;
        }
        self.put_new(kind, digest, document).await
    }

    /// Stores an endorsement set, which many bundles are appraised with: made and stored once, as far as this process
    /// remembers.
    ///
    /// # Errors
    /// As [`Archive::put`]; if it cannot be made.
    pub async fn put_set(
        &self,
        digest: B256,
        set: impl FnOnce() -> Result<Vec<u8>, chassis_verifier::Error>,
    ) -> Result<(), Error> {
        if !self.sets.holds(digest) {
            self.put(Kind::Endorsements, digest, set()?).await?;
            self.sets.keep(digest);
        }
        Ok(())
    }

    /// Stores a document that is likely not there yet, without a look. If it is, the same is written over it.
    ///
    /// # Errors
    /// If any of it fails. Then nothing of it is there, or all of it.
    pub async fn put_new(&self, kind: Kind, digest: B256, document: impl Into<Vec<u8>>) -> Result<(), Error> {
        let path = kind.path(digest);
        let put = self.objects.put(&path, document.into().into()).await;
        put.map(drop).map_err(|error| self.failed(&path, error))
    }

    /// Reads a document back.
    ///
    /// # Errors
    /// If it cannot be read, or is not what its name says.
    pub async fn get(&self, kind: Kind, digest: B256) -> Result<Option<Vec<u8>>, Error> {
        let path = kind.path(digest);
        let read = async { self.objects.get(&path).await?.bytes().await };
        match read.await {
            Ok(document) if kind.matches(digest, &document) => Ok(Some(document.into())),
            Ok(_) => {
                metrics::counter!("chassis_archive_corrupt_total").increment(1);
                Err(Error::ArchiveCorrupt {
                    path: self.place.of(&path),
                })
            }
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed(&path, error)),
        }
    }

    /// Puts back what has gone bad, or is gone. One that cannot be read now is left alone.
    ///
    /// # Errors
    /// If it cannot be written.
    pub async fn heal(&self, kind: Kind, digest: B256, document: Vec<u8>) -> Result<(), Error> {
        match self.get(kind, digest).await {
            Ok(None) => warn!(%digest, "gone from the archive: put back, as it was sent again"),
            Err(error @ Error::ArchiveCorrupt { .. }) => warn!(%error, "put back, as it was sent again"),
            Ok(Some(_)) | Err(_) => return Ok(()),
        }
        self.put_new(kind, digest, document).await
    }

    /// Everything of one kind, in no order.
    pub fn entries(&self, kind: Kind) -> BoxStream<'static, Result<Entry, Error>> {
        let (archive, folder) = (self.clone(), Path::from(kind.folder()));
        let listed = self.objects.list(Some(&folder));
        let entries = listed.map(move |meta| match meta {
            Ok(meta) => Ok(Entry {
                kind,
                digest: kind.digest_of(&meta.location),
                path: meta.location.to_string(),
            }),
            Err(error) => Err(archive.failed(&folder, error)),
        });
        entries.boxed()
    }

    /// Where it is.
    pub fn place(&self) -> &ArchivePlace {
        &self.place
    }

    fn failed(&self, path: &Path, error: object_store::Error) -> Error {
        Error::Archive {
            path: self.place.of(path),
            source: io::Error::other(error),
        }
    }
}

impl Archive {
    /// Opens or makes a folder.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn open(root: &std::path::Path) -> Result<Self, Error> {
        Self::at(&ArchivePlace::Folder(PathBuf::from(root)))
    }
}
