//! Documents by digest in a local folder: bundles, endorsements, policies, manifests.
//!
//! A document is on disk, synced, before anything is acknowledged that rests on it. Names are hashes, so writing twice
//! is harmless and reading back proves itself.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use alloy::primitives::B256;
use chassis_verifier::{bundle::Bundle, sha256};

use crate::Error;

/// What a document is. Each kind has its folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A bundle as received, by the digest of its evidence.
    Bundle,
    /// An endorsement set in canonical form.
    Endorsements,
    /// A policy in canonical form.
    Policy,
    /// An appraisal, by the digest of its `AttestationResult`.
    Result,
    /// What the digests in a report stand for.
    Manifest,
}

impl Kind {
    fn folder(self) -> &'static str {
        match self {
            Self::Bundle => "bundles",
            Self::Endorsements => "endorsements",
            Self::Policy => "policies",
            Self::Result => "results",
            Self::Manifest => "manifests",
        }
    }

    /// Whether `document` is the one `digest` names. A result is named by what it says, not by its bytes.
    fn matches(self, digest: B256, document: &[u8]) -> bool {
        match self {
            Self::Bundle => Bundle::parse(document, usize::MAX).is_ok_and(|bundle| bundle.digest == digest),
            Self::Result => serde_json::from_slice::<serde_json::Value>(document)
                .is_ok_and(|result| result["digest"] == digest.to_string()),
            Self::Endorsements | Self::Policy | Self::Manifest => sha256(document) == digest,
        }
    }
}

/// A folder of documents.
#[derive(Clone, Debug)]
pub struct Archive {
    root: PathBuf,
}

impl Archive {
    /// Opens or makes the folder.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn open(root: &Path) -> Result<Self, Error> {
        let archive = Self {
            root: root.to_owned(),
        };
        for kind in [
            Kind::Bundle,
            Kind::Endorsements,
            Kind::Policy,
            Kind::Result,
            Kind::Manifest,
        ] {
            let folder = archive.root.join(kind.folder());
            fs::create_dir_all(&folder).map_err(|source| Error::Archive {
                path: folder.clone(),
                source,
            })?;
        }
        Ok(archive)
    }

    /// Stores a document: temporary file, sync, rename, sync of the folder.
    ///
    /// # Errors
    /// If any of it fails. Then nothing of it is there.
    pub async fn put(&self, kind: Kind, digest: B256, document: impl Into<Vec<u8>>) -> Result<(), Error> {
        let (path, document) = (self.path(kind, digest), document.into());
        off_thread(move || {
            if path.exists() {
                return Ok(());
            }
            write_durably(&path, &document).map_err(|source| Error::Archive { path, source })
        })
        .await
    }

    /// Reads a document back.
    ///
    /// # Errors
    /// If it cannot be read, or is not what its name says.
    pub async fn get(&self, kind: Kind, digest: B256) -> Result<Option<Vec<u8>>, Error> {
        let path = self.path(kind, digest);
        off_thread(move || match fs::read(&path) {
            Ok(document) if kind.matches(digest, &document) => Ok(Some(document)),
            Ok(_) => Err(Error::ArchiveCorrupt { path }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Error::Archive { path, source }),
        })
        .await
    }

    fn path(&self, kind: Kind, digest: B256) -> PathBuf {
        self.root.join(kind.folder()).join(format!("{digest}.json"))
    }
}

/// Disks block.
async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|panic| Error::Io {
            doing: "reach the archive".into(),
            source: io::Error::other(panic),
        })?
}

fn write_durably(path: &Path, document: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(document)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_document_comes_back_and_a_changed_one_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let archive = Archive::open(dir.path()).unwrap();
        let digest = sha256(b"{}");
        assert!(archive.get(Kind::Policy, digest).await.unwrap().is_none());
        archive.put(Kind::Policy, digest, b"{}").await.unwrap();
        archive.put(Kind::Policy, digest, b"{}").await.unwrap();
        assert_eq!(archive.get(Kind::Policy, digest).await.unwrap().unwrap(), b"{}");

        fs::write(archive.path(Kind::Policy, digest), b"{ }").unwrap();
        assert!(matches!(
            archive.get(Kind::Policy, digest).await,
            Err(Error::ArchiveCorrupt { .. })
        ));
    }

    #[tokio::test]
    async fn a_full_or_missing_disk_is_an_error_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let archive = Archive::open(dir.path()).unwrap();
        fs::remove_dir_all(dir.path().join("policies")).unwrap();
        assert!(archive.put(Kind::Policy, sha256(b"{}"), b"{}").await.is_err());
    }
}
