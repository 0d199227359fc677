//! A false attestation, with everything needed to see that it is one.
//!
//! A proof says nothing that its reader must believe. What was posted, and who signed it, the registry's log says, which the
//! reader rebuilds; the log names the manifest and the policy, the manifest the evidence and the endorsements, each by its
//! hash. So whatever way a report was posted, its lies can be proven. [`ProofQuestion`] checks all of it and appraises again.

mod check;
mod signed;

use std::path::{Path, PathBuf};

use alloy::primitives::{Address, B256};
use chassis_verifier::Base64;
use serde::{Deserialize, Serialize};

use super::{
    judge::{Falsehood, VERIFIER},
    reappraise::{Entry, Papers},
};
use crate::{Error, chain::Chain, history::Batch};

pub(super) use check::ProofQuestion;
use signed::Signed;

const VERSION: u8 = 3;

/// The document.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Proof {
    version: u8,
    /// Which version of the verifier found it.
    verifier: String,
    chain_id: u64,
    registry: Address,
    batch: u64,
    operator: Address,
    /// The digest of the attestation result.
    digest: B256,
    /// Who signed it.
    signers: Vec<Address>,
    /// What they signed, and their signatures; none, if a contract made the call that posted it.
    signed: Option<Signed>,
    /// The documents, to the byte. Liars need not write theirs in UTF-8.
    manifest: Base64,
    bundle: Base64,
    endorsements: Base64,
    policy: Base64,
    /// What is false.
    found: Falsehood,
}

/// Makes a proof of a falsehood.
pub(super) async fn make(
    chain: &Chain,
    entry: &Entry,
    batch: &Batch,
    signers: &[Address],
    papers: Papers,
    found: Falsehood,
) -> Result<Proof, Error> {
    Ok(Proof {
        version: VERSION,
        verifier: VERIFIER.into(),
        chain_id: chain.id,
        registry: *chain.registry.address(),
        batch: batch.number,
        operator: entry.operator,
        digest: entry.digest,
        signers: signers.to_vec(),
        signed: Signed::find(chain, batch, signers).await?,
        manifest: papers.manifest.into(),
        bundle: papers.bundle.into(),
        endorsements: papers.endorsements.into(),
        policy: papers.policy.into(),
        found,
    })
}

impl Proof {
    /// Writes it to a folder, under its batch, operator and digest.
    pub(super) fn write(&self, folder: &Path) -> Result<PathBuf, Error> {
        let path = folder.join(format!(
            "{}-{}-{}.proof.json",
            self.batch, self.operator, self.digest
        ));
        let io = |source| Error::Io {
            doing: format!("write {}", path.display()),
            source,
        };
        std::fs::create_dir_all(folder).map_err(io)?;
        let text = serde_json::to_vec_pretty(self).map_err(|error| io(error.into()))?;
        std::fs::write(&path, text).map_err(io)?;
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::reappraise::item, *};

    #[test]
    fn a_manifest_that_is_not_in_utf_8_is_carried_to_the_byte() {
        let digest = B256::repeat_byte(1);
        let items = json!([{"result": digest, "evidence": digest, "endorsements": digest}]).to_string();
        let manifest = [&b"{\"x\":\"\xff\",\"items\":"[..], items.as_bytes(), b"}"].concat();
        assert!(item(&manifest, digest).is_some(), "an audit reads it");
        let proof = Proof {
            version: VERSION,
            verifier: VERIFIER.into(),
            chain_id: 1,
            registry: Address::ZERO,
            batch: 1,
            operator: Address::ZERO,
            digest,
            signers: Vec::new(),
            signed: None,
            manifest: manifest.clone().into(),
            bundle: Vec::new().into(),
            endorsements: Vec::new().into(),
            policy: Vec::new().into(),
            found: Falsehood {
                as_of: 1,
                digest: None,
                failed: Vec::new(),
                faults: Vec::new(),
            },
        };
        let folder = tempfile::tempdir().unwrap();
        let text = std::fs::read(proof.write(folder.path()).unwrap()).unwrap();
        let read: Proof = serde_json::from_slice(&text).unwrap();
        assert_eq!(read.manifest.0, manifest);
    }
}
