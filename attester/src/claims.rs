//! What others say of this machine, and signed: documents that its owner gave to whoever runs it.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use chassis_verifier::bundle::Custody;

use crate::{CustodyClaims, Error};

/// Longest document, bytes: an endorsement with its certificates has a few thousand.
const LIMIT: u64 = 64 << 10;

/// Claims in files. Each bundle has them as they are then, so a new one takes the old one's place by itself.
#[derive(Clone, Debug, Default)]
pub struct ClaimFiles {
    /// Intel's platform ownership endorsement of this CPU (COSE).
    pub poe: Option<PathBuf>,
}

impl CustodyClaims for ClaimFiles {
    fn custody(&self) -> Result<Custody, Error> {
        let poe = self.poe.as_deref().map(read).transpose()?;
        Ok(Custody {
            poe: poe.map(Into::into),
            ..Custody::default()
        })
    }
}

/// Whether it is an endorsement of this CPU, the verifier decides; that it is none at all is better said here.
fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let failed = |source| Error::File {
        doing: "read the ownership endorsement",
        path: path.to_owned(),
        source,
        hint: "; it is the COSE file that the machine's owner was given by Intel",
    };
    let mut document = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(LIMIT + 1).read_to_end(&mut document).map_err(failed)?;
    if document.is_empty() || document.len() as u64 > LIMIT {
        let problem = format!("it has to have 1 to {LIMIT} bytes");
        return Err(failed(io::Error::new(io::ErrorKind::InvalidData, problem)));
    }
    Ok(document)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endorsement_is_read_whole_anew_each_time_and_within_bounds() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("poe.cbor");
        let claims = ClaimFiles {
            poe: Some(path.clone()),
        };
        let error = claims.custody().unwrap_err().to_string();
        assert!(error.contains("poe.cbor"), "{error}");
        for document in [vec![1], vec![2; 64 << 10]] {
            std::fs::write(&path, &document).unwrap();
            assert_eq!(*claims.custody().unwrap().poe.unwrap(), document[..]);
        }
        for document in [vec![], vec![2; (64 << 10) + 1]] {
            std::fs::write(&path, &document).unwrap();
            let error = claims.custody().unwrap_err().to_string();
            assert!(error.contains("1 to 65536 bytes"), "{error}");
        }
        assert!(ClaimFiles::default().custody().unwrap().poe.is_none());
    }
}
