//! One line for each statement, on disk before the statement leaves.

use std::{
    fs::{File, OpenOptions},
    io::Write as _,
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
pub(super) struct Audit(Mutex<File>);

impl Audit {
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let file = OpenOptions::new().create(true).append(true).open(path);
        file.map(|file| Self(Mutex::new(file)))
            .map_err(|source| Error::File {
                doing: "open the audit log",
                path: path.to_owned(),
                source,
                hint: "",
            })
    }

    /// Writes down that `statement` was made at `now` (Unix seconds).
    pub(super) fn write(&self, statement: &[u8], pending: &Pending, now: u64) -> std::io::Result<()> {
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
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(format!("{line}\n").as_bytes())?;
        file.sync_data()
    }
}
