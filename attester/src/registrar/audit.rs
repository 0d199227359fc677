//! One line for each statement, on disk before the statement leaves.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::Path,
    sync::{Mutex, PoisonError},
};

use alloy_primitives::hex;
use chassis_verifier::{claims::RegistrarStatement, sha256};
use serde_json::json;

use super::challenges::Pending;
use crate::Error;

/// JSON lines, only ever appended to.
#[derive(Debug)]
pub(super) struct Audit(Mutex<Lines>);

#[derive(Debug)]
struct Lines {
    file: File,
    /// A crash or a full disk may have left a part of a line, whose statement never left. No other is written behind it,
    /// and it is not taken away: the file may be one that only grows.
    is_torn: bool,
}

impl Audit {
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let lines = Lines::open(path).map_err(|source| Error::File {
            doing: "open the audit log",
            path: path.to_owned(),
            source,
            hint: "",
        })?;
        Ok(Self(Mutex::new(lines)))
    }

    /// Writes down that `statement` was made at `now` (Unix seconds).
    pub(super) fn write(&self, statement: &[u8], pending: &Pending, now: u64) -> io::Result<()> {
        let claims = &pending.claims;
        // By this name a policy takes a statement back.
        let id =
            RegistrarStatement::parse(statement).map_or_else(|_| sha256(statement), |parsed| parsed.id());
        let line = json!({
            "at": now,
            "machine": pending.machine,
            "statementId": id,
            "akName": hex::encode(claims.ak_name.0),
            "ekCertHash": claims.ek_cert_hash,
            "platformId": claims.platform_id,
            "provider": claims.provider,
            "zone": claims.zone,
            "notAfter": claims.not_after,
        });
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.add(&line.to_string())
    }
}

impl Lines {
    fn open(path: &Path) -> io::Result<Self> {
        let mut file = OpenOptions::new()
            .create(true)
            .read(true)
            .append(true)
            .open(path)?;
        let mut last = [b'\n'];
        if file.seek(SeekFrom::End(0))? > 0 {
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
        }
        Ok(Self {
            file,
            is_torn: last != [b'\n'],
        })
    }

    fn add(&mut self, line: &str) -> io::Result<()> {
        let before = if self.is_torn { "\n" } else { "" };
        self.is_torn = true;
        self.file.write_all(format!("{before}{line}\n").as_bytes())?;
        self.is_torn = false;
        self.file.sync_data()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_written_behind_a_torn_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let read = || std::fs::read_to_string(&path).unwrap();
        for line in ["{\"a\":1}", "{\"b\":2}"] {
            Lines::open(&path).unwrap().add(line).unwrap();
        }
        assert_eq!(read(), "{\"a\":1}\n{\"b\":2}\n");
        // A crash, then a write that fails.
        std::fs::write(&path, "{\"a\":1}\n{\"b\"").unwrap();
        let mut lines = Lines::open(&path).unwrap();
        let whole = std::mem::replace(&mut lines.file, File::open(&path).unwrap());
        lines.add("{\"c\":3}").unwrap_err();
        lines.file = whole;
        lines.add("{\"d\":4}").unwrap();
        lines.add("{\"e\":5}").unwrap();
        assert_eq!(read(), "{\"a\":1}\n{\"b\"\n{\"d\":4}\n{\"e\":5}\n");
    }
}
