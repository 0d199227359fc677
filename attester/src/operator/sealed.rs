//! A key that was made in this TD's TPM and rests there.
//!
//! What protects it: the TPM draws it itself, and gives it out only while its PCRs hold what they held when the key was made. So
//! another image on the same machine, or the same disk on another machine, does not get it; and a file that another image
//! left for this one holds a key that its maker does not know either. What does not: a virtual TPM is run by the provider, who
//! can read and forge what is in it; and the running image holds the key in memory, so whether it *stays* in the TD is what
//! the reviewer of that image has to find out.

use std::{fs, io, path::Path};

use alloy::signers::local::PrivateKeySigner;
use alloy_primitives::Address;
use serde::{Deserialize, Serialize};

use crate::{
    Error, file,
    tpm::{SEALED_TO, Sealed, Tpm},
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

/// Version 1 held a key that was brought to the TPM, by whomever; version 2 opened whatever system extensions were loaded.
const VERSION: u32 = 3;

/// What every version has.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

/// Has the TPM at `tcti` make a key for the present boot, and writes it to `path`, which must not exist yet.
///
/// # Errors
/// If the TPM makes none, or the file cannot be made.
pub fn create_sealed_key(path: &Path, tcti: &str) -> Result<Address, Error> {
    let error = |source: io::Error| Error::File {
        doing: "write the sealed key to",
        path: path.to_owned(),
        hint: match source.kind() {
            io::ErrorKind::AlreadyExists => "; an operator's key is never overwritten: move the old one away",
            _ => "",
        },
        source,
    };
    let key = seal(tcti)?;
    let json = serde_json::to_vec_pretty(&key).map_err(|unwritable| error(unwritable.into()))?;
    file::create(path, &json).map_err(error)?;
    Ok(key.address)
}

fn seal(tcti: &str) -> Result<KeyFile, Error> {
    let sealed = Tpm::open(tcti)?.seal()?;
    let key = unseal(tcti, &sealed)?
        .ok_or_else(|| Error::unusable("the TPM", "its PCRs changed while it made a key; run again"))?;
    Ok(KeyFile {
        version: VERSION,
        address: key.address(),
        sealed,
    })
}

fn unseal(tcti: &str, sealed: &Sealed) -> Result<Option<PrivateKeySigner>, Error> {
    let secret = Tpm::open(tcti)?.unseal(sealed)?;
    let key = secret.map(|secret| PrivateKeySigner::from_slice(secret.value()));
    // One secret in 2^128 is none.
    key.transpose()
        .map_err(|_| Error::Key("the sealed one is no private key; make another one".into()))
}

pub(super) fn open(path: &Path, tcti: &str) -> Result<PrivateKeySigner, Error> {
    let name = path.display();
    let json = fs::read(path).map_err(|source| Error::File {
        doing: "read the sealed key from",
        path: path.to_owned(),
        source,
        hint: "; make one with `chassis-node key new --sealed`",
    })?;
    let no_key = |error| Error::Key(format!("{name} is no sealed key: {error}"));
    let Versioned { version } = serde_json::from_slice(&json).map_err(no_key)?;
    if version != VERSION {
        return Err(Error::Key(format!(
            "{name} is of version {version}, this program opens {VERSION}: a key of version 1 may be known to whoever wrote \
             the file, and one of version 2 does not know system extensions. Make a new one with `chassis-node key new --sealed`, and register that; the old one's attestation \
             runs out by itself"
        )));
    }
    let file: KeyFile = serde_json::from_slice(&json).map_err(no_key)?;
    let key = unseal(tcti, &file.sealed)?.ok_or_else(|| {
        Error::Key(format!(
            "{name} is sealed to another boot: PCRs {SEALED_TO:?} are not what they were when it was made, or the TPM is \
             another one. Boot what you booted then; after a reviewed update, make a new key and register it"
        ))
    })?;
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
