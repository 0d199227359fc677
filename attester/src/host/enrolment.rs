//! What the registrar said of this host's key, kept in a file between `chassis-node enroll` and the agent.

use std::{fs, io::Write as _, path::Path};

use chassis_verifier::{
    Base64, ParseError,
    challenge::AkName,
    claims::RegistrarStatement,
    tpm::{HashAlg, Public},
};
use serde::{Deserialize, Serialize};

use super::ak;
use crate::Error;

/// A key and the statement about it. Nothing of it is secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EnrolledKey {
    /// The bank whose PCR 17 and 18 the key is sealed to.
    pub bank: HashAlg,
    /// `TPMT_PUBLIC`.
    pub ak_public: Base64,
    /// The registrar's statement (COSE).
    pub statement: Base64,
}

impl EnrolledKey {
    /// Reads the file that [`write`](Self::write) wrote.
    ///
    /// # Errors
    /// If it cannot be read, or key and statement do not belong together.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let bytes = fs::read(path).map_err(|source| Error::File {
            doing: "read the enrolment",
            path: path.to_owned(),
            source,
            hint: "; run `chassis-node enroll` on this host first",
        })?;
        let enrolment: Self = serde_json::from_slice(&bytes)
            .map_err(|error| Error::unusable(path.display().to_string(), error))?;
        let named = RegistrarStatement::parse(&enrolment.statement)?.claims().ak_name;
        if named != AkName::of(&enrolment.ak_public) {
            return Err(Error::unusable(
                path.display().to_string(),
                "its statement is about another key; run `chassis-node enroll` again",
            ));
        }
        Ok(enrolment)
    }

    /// Replaces the file at once, so that an agent reads the old one or the new one.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let new = path.with_extension("new");
        let text =
            serde_json::to_vec_pretty(self).map_err(|error| Error::unusable("the enrolment", error))?;
        let written = fs::File::create(&new)
            .and_then(|mut file| file.write_all(&text).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&new, path));
        written.map_err(|source| Error::File {
            doing: "write the enrolment to",
            path: path.to_owned(),
            source,
            hint: "",
        })
    }

    /// The template that the key is made from: it has nothing of its own but its policy.
    pub(crate) fn template(&self) -> Result<Vec<u8>, ParseError> {
        let public = Public::parse(&self.ak_public)?;
        let policy = <[u8; 32]>::try_from(&public.auth_policy[..]).map_err(|_| {
            chassis_verifier::Cursor::new("TPMT_PUBLIC", &self.ak_public)
                .error("authPolicy", "it is not a SHA-256 policy")
        })?;
        Ok(ak::template(&policy))
    }

    /// When the statement ends, Unix seconds.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn not_after(&self) -> Result<u64, ParseError> {
        Ok(RegistrarStatement::parse(&self.statement)?.claims().not_after)
    }
}
