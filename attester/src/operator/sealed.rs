//! A key that was made in this TD and rests sealed to its TPM.
//!
//! What protects it: the TPM gives the key out only while its PCRs hold what they held when the key was made, so another
//! image on the same machine, or the same disk on another machine, does not get it. What does not: a virtual TPM is run by
//! the provider, who could read what is sealed to it; and the running image holds the key in memory, so whether it *stays*
//! in the TD is what the reviewer of that image has to find out.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use alloy::signers::local::PrivateKeySigner;
use alloy_primitives::Address;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    Error,
    tpm::{Sealed, Tpm},
};

/// The file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    version: u32,
    /// So that it can be told without the TPM.
    address: Address,
    sealed: Sealed,
}

const VERSION: u32 = 1;

/// Makes a key, seals it to the present values of `pcrs` in the TPM at `tcti`, and writes it to `path`, which must not
/// exist yet.
///
/// # Errors
/// If the TPM does not seal, or the file cannot be made.
pub fn create_sealed_key(path: &Path, tcti: &str, pcrs: &[u8]) -> Result<Address, Error> {
    let file = |source| Error::File {
        doing: "write the sealed key to",
        path: path.to_owned(),
        source,
        hint: "; an operator's key is never overwritten: move the old one away",
    };
    let mut target = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(file)?;
    match seal(tcti, pcrs) {
        Ok(key) => {
            let json = serde_json::to_vec_pretty(&key).map_err(|error| file(error.into()))?;
            target.write_all(&json).map_err(file)?;
            target.sync_all().map_err(file)?;
            Ok(key.address)
        }
        Err(error) => {
            // It is empty, and ours.
            let _ = fs::remove_file(path);
            Err(error)
        }
    }
}

fn seal(tcti: &str, pcrs: &[u8]) -> Result<KeyFile, Error> {
    let key = PrivateKeySigner::random();
    let mut tpm = Tpm::open(tcti)?;
    let secret = Zeroizing::new(key.to_bytes().0);
    let sealed = tpm.seal(&secret[..], pcrs)?;
    Ok(KeyFile {
        version: VERSION,
        address: key.address(),
        sealed,
    })
}

pub(super) fn open(path: &Path, tcti: &str) -> Result<PrivateKeySigner, Error> {
    let name = path.display();
    let json = fs::read(path).map_err(|source| Error::File {
        doing: "read the sealed key from",
        path: path.to_owned(),
        source,
        hint: "; make one with `chassis-node key new --sealed`",
    })?;
    let file: KeyFile = serde_json::from_slice(&json)
        .map_err(|error| Error::Key(format!("{name} is no sealed key: {error}")))?;
    if file.version != VERSION {
        return Err(Error::Key(format!(
            "{name} is of version {}, this program reads {VERSION}",
            file.version
        )));
    }
    let secret = Tpm::open(tcti)?
        .unseal(&file.sealed)?
        .ok_or_else(|| Error::Key(format!(
            "{name} is sealed to another boot: PCRs {:?} are not what they were when it was made, or the TPM is another one. Boot what you booted then; after a reviewed update, make a new key and register it",
            file.sealed.pcrs
        )))?;
    let key = PrivateKeySigner::from_slice(&secret)
        .map_err(|_| Error::Key(format!("{name} holds no private key")))?;
    if key.address() == file.address {
        Ok(key)
    } else {
        Err(Error::Key(format!(
            "{name} names {}, and holds the key of {}",
            file.address,
            key.address()
        )))
    }
}
