//! A false attestation, with everything needed to see that it is one.
//!
//! A proof says nothing that its reader must believe: the report and its signatures, the manifest that the report names, and
//! the evidence, endorsements and policy that manifest and report name, each by its hash. The chain says that the report was
//! applied. [`ProofQuestion`] checks all of it and appraises again.

mod check;
mod report;

use std::path::{Path, PathBuf};

use alloy::primitives::{Address, B256, Bytes};
use serde::{Deserialize, Serialize};

use super::{
    judge::{Falsehood, Judgement, Posted, judge},
    reappraise::{Entry, Papers, evidence},
};
use crate::{Error, chain::Chain, history::Batch};

pub(super) use check::ProofQuestion;

const VERSION: u8 = 1;

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
    /// The block with the batch's event.
    block: u64,
    /// ABI encoding of the `Report`.
    report: Bytes,
    signer_mask: u32,
    /// EIP-2098, one after the other, in ascending order of the signers' bits.
    signatures: Bytes,
    /// Who they are.
    signers: Vec<Address>,
    operator: Address,
    /// The digest of the attestation result.
    digest: B256,
    /// Its place among those that the batch applied.
    index: u64,
    /// Sibling hashes from leaf to root, as `verifyDigest` takes them.
    path: Vec<B256>,
    /// The documents, to the byte.
    manifest: String,
    bundle: String,
    endorsements: String,
    policy: String,
    /// When the archive said it was appraised.
    as_of: Option<u64>,
    /// What is false.
    found: Falsehood,
}

/// Makes a proof of a falsehood. The inner error is why there is none.
pub(super) async fn make(
    chain: &Chain,
    entry: &Entry,
    batch: &Batch,
    papers: Papers,
) -> Result<Result<Proof, String>, Error> {
    let Some(applied) = report::applied(chain, batch.number, batch.at.block).await? else {
        return Ok(Err(format!(
            "block {} has no batch {}",
            batch.at.block, batch.number
        )));
    };
    let Some(call) = report::posted(chain, &applied).await? else {
        let transaction = applied.transaction;
        return Ok(Err(format!(
            "the report is not in the calldata of {transaction}: a contract posted it"
        )));
    };
    let digests = applied.digests(&call.report);
    let Some(index) = digests.iter().position(|digest| *digest == entry.digest) else {
        return Ok(Err(format!("the report does not carry {}", entry.digest)));
    };
    let evidence = match evidence(&papers, chain).await? {
        Ok(evidence) => evidence,
        Err(why) => return Ok(Err(why)),
    };
    // By what the report itself says: the state before is not in the proof.
    let Some(posted) = report::said(&call.report, entry.digest, evidence.bundle.evidence.operator) else {
        return Ok(Err(format!("the report does not carry {}", entry.digest)));
    };
    let Judgement::False(found) = judge(&posted, &evidence) else {
        let why =
            "it is false only beside what the registry held before: let others run this audit themselves";
        return Ok(Err(why.into()));
    };
    let text = |document: Vec<u8>| String::from_utf8(document).unwrap_or_default(); // JSON is UTF-8
    Ok(Ok(Proof {
        version: VERSION,
        verifier: env!("CARGO_PKG_VERSION").into(),
        chain_id: chain.id,
        registry: *chain.registry.address(),
        batch: batch.number,
        block: batch.at.block,
        report: alloy::sol_types::SolValue::abi_encode(&call.report).into(),
        signer_mask: call.signerMask,
        signatures: call.signatures,
        signers: applied.signers(chain).await?,
        operator: posted.operator,
        digest: entry.digest,
        index: index as u64,
        path: report::path(&digests, index),
        manifest: text(papers.manifest),
        bundle: text(papers.bundle),
        endorsements: text(papers.endorsements),
        policy: text(papers.policy),
        as_of: papers.as_of,
        found,
    }))
}

impl Proof {
    /// Writes it to a folder, under its digest.
    pub(super) fn write(&self, folder: &Path) -> Result<PathBuf, Error> {
        let path = folder.join(format!("{}.proof.json", self.digest));
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
