//! `chassis audit proof`: nothing of a proof is believed.

use std::{path::PathBuf, process::ExitCode};

use alloy::{
    primitives::{Address, B256, Signature, U256},
    sol_types::SolValue as _,
};
use chassis_verifier::sha256;
use clap::Args;
use serde::Serialize;

use super::{
    super::{
        judge::{Falsehood, Judgement, judge},
        reappraise::{Papers, evidence, item},
        source::Source,
        wait_for,
    },
    Proof, VERSION, report,
};
use crate::{
    Error,
    chain::Chain,
    inspect::read,
    registry::IProofOfCloudRegistry::Report,
    render::{Cell, Document, Format, Mark, Refusal, View, finish},
};

/// Larger than any bundle, endorsement set and policy together, in JSON strings.
const LIMIT: usize = 64 << 20;
/// How many batch roots the registry keeps.
const ROOTS: u64 = 1024;

/// Check somebody's proof of a false attestation against the chain, and appraise the evidence again.
///
/// Exit code 0: it is proven; 1: it is not; 2: it cannot be said.
#[derive(Clone, Debug, Args)]
pub(in crate::audit) struct ProofQuestion {
    /// The proof, as `--proofs` wrote it; `-` for standard input.
    file: PathBuf,
    #[command(flatten)]
    source: Source,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What was checked, and what came of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Checked {
    is_proven: bool,
    batch: u64,
    operator: Address,
    digest: B256,
    /// Who signed what is false, by their own signatures.
    signers: Vec<Address>,
    steps: Vec<Step>,
    found: Option<Falsehood>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Step {
    what: &'static str,
    holds: bool,
    detail: String,
}

impl ProofQuestion {
    pub(in crate::audit) fn run(self) -> ExitCode {
        let format = Format::from_switch(self.json);
        let proof = read(&self.file, LIMIT).and_then(|text| {
            let read = serde_json::from_slice::<Proof>(&text);
            read.map_err(|error| Refusal(format!("{}: no proof: {error}", self.file.display())))
        });
        let answer = proof.and_then(|proof| {
            wait_for(async {
                let chain = self.source.connect().await?;
                check(&chain, &proof).await
            })
        });
        finish(answer, format)
    }
}

async fn check(chain: &Chain, proof: &Proof) -> Result<Checked, Error> {
    let mut checked = Checked {
        is_proven: false,
        batch: proof.batch,
        operator: proof.operator,
        digest: proof.digest,
        signers: Vec::new(),
        steps: Vec::new(),
        found: None,
    };
    // Each step rests on those before it.
    checked.is_proven = steps(chain, proof, &mut checked).await?;
    if !checked.is_proven {
        checked.signers.clear();
        checked.found = None;
    }
    Ok(checked)
}

impl Checked {
    fn step(&mut self, what: &'static str, holds: bool, detail: impl Into<String>) -> bool {
        let detail = detail.into();
        self.steps.push(Step { what, holds, detail });
        holds
    }
}

async fn steps(chain: &Chain, proof: &Proof, checked: &mut Checked) -> Result<bool, Error> {
    let registry = *chain.registry.address();
    let about = format!(
        "version {}, chain {}, {}",
        proof.version, proof.chain_id, proof.registry
    );
    let is_ours = (proof.version, proof.chain_id, proof.registry) == (VERSION, chain.id, registry);
    if !checked.step("it is about this registry", is_ours, about) {
        return Ok(false);
    }
    let applied = report::applied(chain, proof.batch, proof.block).await?;
    let where_ = format!("batch {} in final block {}", proof.batch, proof.block);
    let Some(applied) = applied else {
        return Ok(checked.step("the batch is on the chain", false, where_));
    };
    checked.step("the batch is on the chain", true, where_);

    let report = Report::abi_decode(&proof.report).ok();
    let hash = report.as_ref().map(|report| report::hash(chain, report));
    let is_posted = hash == Some(applied.event.reportHash);
    let Some(report) = report.filter(|_| is_posted) else {
        let detail = format!("the chain has {}", applied.event.reportHash);
        return Ok(checked.step("the report is the one that was applied", false, detail));
    };
    checked.step(
        "the report is the one that was applied",
        true,
        applied.event.reportHash.to_string(),
    );

    let members = applied.signers(chain).await?;
    let signed = recovered(&proof.signatures, applied.event.reportHash);
    let are_members = proof.signer_mask == applied.mask() && signed == members && proof.signers == members;
    if !checked.step(
        "those relayers signed it",
        are_members,
        members
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", "),
    ) {
        return Ok(false);
    }
    checked.signers = members;

    let digests = applied.digests(&report);
    let index = usize::try_from(proof.index).unwrap_or(usize::MAX);
    let root = report::climb(proof.index, proof.digest, &proof.path);
    let is_in = digests.get(index) == Some(&proof.digest) && report::path(&digests, index) == proof.path;
    if !checked.step(
        "the digest is in the batch",
        is_in,
        format!("place {index}, root {root}"),
    ) {
        return Ok(false);
    }
    let next = chain.registry.control().call().await?.nextBatch;
    if next.saturating_sub(proof.batch) <= ROOTS {
        let call = chain.registry.verifyDigest(
            proof.batch,
            U256::from(proof.index),
            proof.digest,
            proof.path.clone(),
        );
        let says_yes = call.call().await?;
        if !checked.step("the registry says so, too", says_yes, "verifyDigest") {
            return Ok(false);
        }
    }
    Ok(names(proof, &report, checked) && judged(chain, proof, &report, checked).await?)
}

/// That report and manifest name the documents.
fn names(proof: &Proof, report: &Report, checked: &mut Checked) -> bool {
    let manifest = sha256(proof.manifest.as_bytes());
    let item = item(proof.manifest.as_bytes(), proof.digest);
    let is_named = manifest == report.archive && item.is_some();
    if !checked.step("the report names the manifest", is_named, manifest.to_string()) {
        return false;
    }
    let is_endorsed = item.is_some_and(|item| item.endorsements == sha256(proof.endorsements.as_bytes()));
    if !checked.step(
        "the manifest names the endorsements",
        is_endorsed,
        "by their hash",
    ) {
        return false;
    }
    let is_policy = report.policyDigest == sha256(proof.policy.as_bytes());
    checked.step(
        "the report names the policy",
        is_policy,
        report.policyDigest.to_string(),
    )
}

/// That the evidence does not come to what was posted, for the reasons that the proof gives.
async fn judged(chain: &Chain, proof: &Proof, report: &Report, checked: &mut Checked) -> Result<bool, Error> {
    let Some(item) = item(proof.manifest.as_bytes(), proof.digest) else {
        return Ok(false);
    };
    let papers = Papers {
        manifest: Vec::new(),
        bundle: proof.bundle.clone().into_bytes(),
        endorsements: proof.endorsements.clone().into_bytes(),
        policy: proof.policy.clone().into_bytes(),
        as_of: proof.as_of,
        item,
    };
    let evidence = match evidence(&papers, chain).await? {
        Ok(evidence) => evidence,
        Err(why) => return Ok(checked.step("the documents can be read", false, why)),
    };
    let digest = evidence.bundle.digest;
    if !checked.step(
        "the manifest names the evidence",
        digest == item.evidence,
        digest.to_string(),
    ) {
        return Ok(false);
    }
    let Some(posted) = report::said(report, proof.digest, evidence.bundle.evidence.operator) else {
        return Ok(false);
    };
    if !checked.step(
        "it is about the operator",
        posted.operator == proof.operator,
        posted.operator.to_string(),
    ) {
        return Ok(false);
    }
    let Judgement::False(found) = judge(&posted, &evidence) else {
        let what = "the evidence does not come to what was posted";
        return Ok(checked.step(what, false, "it may: this is no proof"));
    };
    checked.step(
        "the evidence does not come to what was posted",
        true,
        format!(
            "{} checks fail, {} more faults",
            found.failed.len(),
            found.faults.len()
        ),
    );
    let is_same = found.is(&proof.found);
    checked.found = Some(found);
    Ok(checked.step("for the reasons that the proof gives", is_same, "check by check"))
}

fn recovered(signatures: &[u8], hash: B256) -> Vec<Address> {
    let (signatures, rest) = signatures.as_chunks::<64>();
    if !rest.is_empty() {
        return Vec::new();
    }
    let signers = signatures.iter().filter_map(|signature| {
        Signature::from_erc2098(signature)
            .recover_address_from_prehash(&hash)
            .ok()
    });
    signers.collect()
}

impl View for Checked {
    fn document(&self) -> Document {
        let verdict = if self.is_proven {
            Cell::marked("proven: this attestation is false", Mark::Bad)
        } else {
            Cell::marked("NOT proven", Mark::Good)
        };
        let signers: Vec<_> = self.signers.iter().map(ToString::to_string).collect();
        let steps = self.steps.iter().map(|step| {
            let mark = if step.holds {
                Cell::marked("yes", Mark::Good)
            } else {
                Cell::marked("NO", Mark::Bad)
            };
            vec![mark, step.what.into(), (&step.detail).into()]
        });
        let document = Document::new()
            .heading(format_args!("Proof about {}", self.operator))
            .fields(vec![
                ("verdict", verdict),
                ("batch", self.batch.into()),
                ("digest", self.digest.into()),
                ("signed by", signers.join(", ").into()),
            ])
            .heading("Checked")
            .table(&["", "what", "found"], steps.collect());
        match &self.found {
            Some(found) => document.then(found.document()),
            None => document,
        }
    }

    fn holds(&self) -> bool {
        self.is_proven
    }
}
