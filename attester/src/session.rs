//! A key pair that lives in this TD, by which relying parties talk to exactly this TD.
//!
//! Its `SubjectPublicKeyInfo` is written for whoever serves with it; the SHA-256 of that goes into the quote. A new key is
//! used only once its hash is final on chain: until then the old one is what the registry's digest speaks of. And no further
//! one is made until then: whichever of the quotes with its hash lands, and however late, it is this key that it speaks of.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use alloy_primitives::B256;
use chassis_verifier::sha256;
use p256::{
    SecretKey,
    elliptic_curve::rand_core::OsRng,
    pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey, LineEnding},
};
use zeroize::Zeroizing;

use crate::{Error, file};

/// A session key in a file, and the one that will follow it.
#[derive(Clone, Debug)]
pub struct SessionKey {
    path: PathBuf,
    rotation: Rotation,
}

/// Whether each renewal makes a new key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// The key stays.
    Keep,
    /// Each renewal that lands has a new one.
    EachRenewal,
}

impl SessionKey {
    /// The key in `path` (P-256, PKCS#8, PEM), made if it is not there. Its public half is in `path` + `.pub` (DER).
    ///
    /// Warning: the key is as much in the TD as `path` is, and a key that is there already is taken, whoever wrote it. Name a
    /// file in memory (`/run`), or on a disk that only this TD can read and write.
    ///
    /// # Errors
    /// If the file cannot be made, holds something else, or is there for others to read.
    pub fn open(path: &Path, rotation: Rotation) -> Result<Self, Error> {
        let key = Self {
            path: path.to_owned(),
            rotation,
        };
        if path.exists() {
            let secret = key.read(path)?;
            key.write_public(&secret)?;
        } else {
            key.create(path).and_then(|secret| key.write_public(&secret))?;
        }
        Ok(key)
    }

    /// The hash to be put into the next quote.
    ///
    /// # Errors
    /// If a key cannot be made or read.
    pub fn next(&self) -> Result<B256, Error> {
        match self.rotation {
            Rotation::Keep => self.read(&self.path).map(|key| hash(&key)),
            Rotation::EachRenewal => {
                let following = self.following();
                let key = if following.exists() {
                    self.read(&following)
                } else {
                    self.create(&following)
                };
                key.map(|key| hash(&key))
            }
        }
    }

    /// The quote with this hash is final on chain: from now on its key is used.
    ///
    /// # Errors
    /// If the files cannot be read or replaced.
    pub fn landed(&self, landed: B256) -> Result<(), Error> {
        let following = self.following();
        if !following.exists() {
            return Ok(());
        }
        let secret = self.read(&following)?;
        if hash(&secret) != landed {
            return Ok(());
        }
        fs::rename(&following, &self.path).map_err(self.error("put the new session key in place at"))?;
        self.write_public(&secret)
    }

    fn following(&self) -> PathBuf {
        file::beside(&self.path, ".next")
    }

    fn create(&self, path: &Path) -> Result<SecretKey, Error> {
        let secret = SecretKey::random(&mut OsRng);
        let pem = secret
            .to_pkcs8_pem(LineEnding::LF)
            .map_err(|error| Error::Key(format!("session key: {error}")))?;
        file::replace(path, pem.as_bytes()).map_err(self.error("write the session key to"))?;
        Ok(secret)
    }

    fn read(&self, path: &Path) -> Result<SecretKey, Error> {
        let read = chassis_program::read_private(path).map(Zeroizing::new);
        let pem = read.map_err(self.error("read the session key from"))?;
        let text = std::str::from_utf8(&pem).ok();
        let secret = text.and_then(|pem| SecretKey::from_pkcs8_pem(pem).ok());
        secret.ok_or_else(|| {
            Error::Key(format!(
                "session key: {} holds no P-256 key in PKCS#8 and PEM",
                path.display()
            ))
        })
    }

    fn write_public(&self, secret: &SecretKey) -> Result<(), Error> {
        let path = file::beside(&self.path, ".pub");
        file::replace(&path, &spki(secret)).map_err(self.error("write the public key beside"))
    }

    fn error(&self, doing: &'static str) -> impl FnOnce(io::Error) -> Error {
        let path = self.path.clone();
        move |source| Error::File {
            doing,
            path,
            source,
            hint: "",
        }
    }
}

fn spki(secret: &SecretKey) -> Vec<u8> {
    let document = secret.public_key().to_public_key_der();
    document.expect("a point on P-256 has a DER encoding").into_vec()
}

fn hash(secret: &SecretKey) -> B256 {
    sha256(&spki(secret))
}

#[cfg(test)]
mod tests {
    use std::{fs::Permissions, os::unix::fs::PermissionsExt as _};

    use super::*;

    fn public(path: &Path) -> B256 {
        sha256(&fs::read(file::beside(path, ".pub")).unwrap())
    }

    #[test]
    fn a_key_is_made_once_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("session.pem");
        let hash = SessionKey::open(&path, Rotation::Keep).unwrap().next().unwrap();
        let again = SessionKey::open(&path, Rotation::Keep).unwrap();
        assert_eq!(again.next().unwrap(), hash);
        again.landed(hash).unwrap();
        assert_eq!((again.next().unwrap(), public(&path)), (hash, hash));
        let mode = std::os::unix::fs::MetadataExt::mode(&fs::metadata(&path).unwrap());
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_new_key_is_used_once_it_has_landed_and_not_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("session.pem");
        let key = SessionKey::open(&path, Rotation::EachRenewal).unwrap();
        let (old, new) = (public(&path), key.next().unwrap());
        assert_ne!(old, new);
        key.landed(old).unwrap();
        assert_eq!(public(&path), old, "another quote than the new key's has landed");
        let key = SessionKey::open(&path, Rotation::EachRenewal).unwrap();
        key.landed(new).unwrap();
        assert_eq!(public(&path), new, "also after a restart");
    }

    /// The first quote times out, and lands after a second one was made.
    #[test]
    fn the_key_of_a_quote_that_lands_late_is_still_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("session.pem");
        let key = SessionKey::open(&path, Rotation::EachRenewal).unwrap();
        let (first, second) = (key.next().unwrap(), key.next().unwrap());
        assert_eq!(first, second);
        key.landed(first).unwrap();
        assert_eq!(public(&path), first);
        assert_ne!(key.next().unwrap(), first, "now it is time for another one");
    }

    #[test]
    fn what_is_no_key_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("session.pem");
        file::write_private(&path, b"precious").unwrap();
        assert!(SessionKey::open(&path, Rotation::EachRenewal).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"precious");
    }

    #[test]
    fn a_key_that_others_can_read_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("session.pem");
        let key = SessionKey::open(&path, Rotation::EachRenewal).unwrap();
        key.next().unwrap();
        for there in [key.following(), path.clone()] {
            fs::set_permissions(&there, Permissions::from_mode(0o640)).unwrap();
        }
        let error = key.next().unwrap_err();
        assert!(error.to_string().contains("others can read it"), "{error}");
        let error = SessionKey::open(&path, Rotation::Keep).unwrap_err();
        assert!(error.to_string().contains("others can read it"), "{error}");
    }
}
