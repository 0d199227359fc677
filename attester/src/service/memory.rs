//! What the service remembers over a restart. The chain says how things stand; this says only what the chain cannot.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use alloy_primitives::{Address, B256};
use serde::{Deserialize, Serialize};

use crate::{Errand, Error, file};

/// A file that one process at a time holds.
#[derive(Debug)]
pub(super) struct Memory {
    path: PathBuf,
    pub(super) known: Known,
    /// Locked until it is closed, however this process ends.
    _lock: File,
}

/// Its content. Times are the chain's, Unix seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Known {
    version: u32,
    chain_id: u64,
    registry: Address,
    operator: Address,
    /// The boot of which the evidence on chain speaks.
    pub(super) boot_id: Option<String>,
    /// Its anchor's time: evidence ages from there.
    pub(super) landed: u64,
    /// When the last renewal was begun that changed nothing on chain.
    pub(super) unchanged: u64,
    /// When a warning was last heeded.
    pub(super) heeded: u64,
    /// What was sent and is not decided.
    pub(super) pending: Option<Pending>,
}

/// A bundle on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Pending {
    pub(super) digest: B256,
    pub(super) anchor_block: u64,
    pub(super) evidence_time: u64,
    pub(super) expiry_before: u64,
    pub(super) boot_id: Option<String>,
    pub(super) session_key_hash: B256,
    /// When it was sent.
    pub(super) sent: u64,
}

const VERSION: u32 = 2;

impl Memory {
    /// Opens the file at `path`; one that is about another operator, registry or chain, or cannot be read, is started anew:
    /// that costs one renewal.
    ///
    /// # Errors
    /// If another process holds it, or it cannot be made.
    pub(super) fn open(
        path: &Path,
        chain_id: u64,
        registry: Address,
        operator: Address,
    ) -> Result<Self, Error> {
        let error = |doing| {
            let path = path.to_owned();
            move |source| Error::File {
                doing,
                path,
                source,
                hint: "",
            }
        };
        let lock = File::create(file::beside(path, ".lock")).map_err(|source| Error::File {
            doing: "make the lock of",
            path: path.to_owned(),
            source,
            hint: "; its folder must be there, and be this user's",
        })?;
        lock.try_lock().map_err(|refused| match refused {
            TryLockError::WouldBlock => Error::File {
                doing: "use",
                path: path.to_owned(),
                source: io::ErrorKind::ResourceBusy.into(),
                hint: "; another `chassis-node renew` holds it: one is enough",
            },
            TryLockError::Error(source) => error("lock")(source),
        })?;
        let blank = Known {
            version: VERSION,
            chain_id,
            registry,
            operator,
            boot_id: None,
            landed: 0,
            unchanged: 0,
            heeded: 0,
            pending: None,
        };
        let is_ours = |known: &Known| {
            (known.version, known.chain_id, known.registry, known.operator)
                == (VERSION, chain_id, registry, operator)
        };
        let known = match fs::read(path) {
            Ok(json) => serde_json::from_slice(&json).ok().filter(is_ours),
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => None,
            Err(source) => return Err(error("read")(source)),
        };
        let memory = Self {
            path: path.to_owned(),
            known: known.unwrap_or(blank),
            _lock: lock,
        };
        // Now rather than after evidence was sent.
        memory.save()?;
        Ok(memory)
    }

    pub(super) fn save(&self) -> Result<(), Error> {
        let error = |source| Error::File {
            doing: "write",
            path: self.path.clone(),
            source,
            hint: "",
        };
        let json = serde_json::to_vec_pretty(&self.known).map_err(|unwritable| error(unwritable.into()))?;
        file::replace(&self.path, &json).map_err(error)
    }
}

impl Known {
    /// A block of a time that has not come, shown once, must not keep renewals off until then.
    pub(super) fn come_down_to(&mut self, now: u64) {
        self.unchanged = self.unchanged.min(now);
        self.heeded = self.heeded.min(now);
        if let Some(pending) = &mut self.pending {
            pending.sent = pending.sent.min(now);
        }
    }
}

impl Pending {
    pub(super) fn new(errand: &Errand, boot_id: Option<String>, session_key_hash: B256, sent: u64) -> Self {
        Self {
            digest: errand.digest,
            anchor_block: errand.anchor_block,
            evidence_time: errand.evidence_time,
            expiry_before: errand.expiry_before,
            boot_id,
            session_key_hash,
            sent,
        }
    }

    pub(super) fn errand(&self, operator: Address) -> Errand {
        Errand {
            digest: self.digest,
            operator,
            anchor_block: self.anchor_block,
            evidence_time: self.evidence_time,
            expiry_before: self.expiry_before,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(path: &Path, operator: u8) -> Result<Memory, Error> {
        Memory::open(path, 1, Address::ZERO, Address::repeat_byte(operator))
    }

    #[test]
    fn it_is_remembered_for_the_same_operator_only_and_rubbish_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.json");
        let mut memory = open(&path, 1).unwrap();
        memory.known.landed = 5;
        memory.save().unwrap();
        drop(memory);
        assert_eq!(open(&path, 1).unwrap().known.landed, 5);
        assert_eq!(open(&path, 2).unwrap().known.landed, 0);
        fs::write(&path, "{\"version\":").unwrap();
        assert_eq!(open(&path, 1).unwrap().known.landed, 0);
    }

    #[test]
    fn no_time_that_has_not_come_is_believed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.json");
        let errand = Errand {
            digest: B256::ZERO,
            operator: Address::ZERO,
            anchor_block: 1,
            evidence_time: 1,
            expiry_before: 1,
        };
        let mut memory = open(&path, 1).unwrap();
        (memory.known.unchanged, memory.known.heeded) = (u64::MAX, 70);
        memory.known.pending = Some(Pending::new(&errand, None, B256::ZERO, 9000));
        memory.save().unwrap();
        drop(memory);
        let mut known = open(&path, 1).unwrap().known;
        known.come_down_to(80);
        assert_eq!((known.unchanged, known.heeded), (80, 70));
        assert_eq!(known.pending.as_ref().unwrap().sent, 80);
        known.come_down_to(90);
        assert_eq!(known.unchanged, 80, "it does not go along with time");
    }

    #[test]
    fn two_processes_do_not_share_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.json");
        let first = open(&path, 1).unwrap();
        assert!(open(&path, 1).unwrap_err().to_string().contains("another"));
        drop(first);
        open(&path, 1).unwrap();
    }
}
