//! `chassis audit proof`: nothing of a proof is believed.

use std::{path::PathBuf, process::ExitCode};

use alloy::primitives::{Address, B256};
use chassis_verifier::sha256;
use clap::Args;
use serde::{Deserialize, Serialize};

use super::{
    super::{
        judge::{Falsehood, Judgement, VERIFIER},
        reappraise::{Entry, Papers, evidence, item, judged},
        source::{Known, Source},
        wait_for,
    },
    Proof, VERSION,
};
use crate::{
    Error,
    history::Batch,
    inspect::read,
    render::{Cell, Document, Format, Mark, Refusal, View, finish},
};

/// Larger than any bundle, endorsement set and policy together, in Base64.
const LIMIT: usize = 64 << 20;

/// Check somebody's proof of a false attestation against the registry's log, and appraise the evidence again.
///
/// Exit code 0: it is proven; 1: it is not; 2: no answer is possible, as when another version of the verifier found it.
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

/// What each form has.
#[derive(Deserialize)]
struct Form {
    version: u8,
    verifier: String,
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
            let proof = parse(&text);
            proof.map_err(|problem| Refusal(format!("{}: {problem}", self.file.display())))
        });
        let answer = proof.and_then(|proof| wait_for(check(self.source, &proof)));
        finish(answer, format)
    }
}

/// Other forms have other fields, so the form is looked at first.
fn parse(text: &[u8]) -> Result<Proof, String> {
    let no_proof = |error: serde_json::Error| format!("no proof: {error}");
    let Form { version, verifier } = serde_json::from_slice(text).map_err(no_proof)?;
    if (version, verifier.as_str()) != (VERSION, VERIFIER) {
        return Err(format!(
            "the proof, in form {version}, was found by verifier {verifier}, and this is {VERIFIER}, which takes form {VERSION}: \
             another version may ask more, or less, of the same evidence; check it with that one"
        ));
    }
    serde_json::from_slice(text).map_err(no_proof)
}

async fn check(source: Source, proof: &Proof) -> Result<Checked, Error> {
    let mut entry = None;
    let known = source
        .known(|history, happening| {
            let found = Entry::of(history, &happening).filter(|found| {
                (found.batch, found.operator, found.digest) == (proof.batch, proof.operator, proof.digest)
            });
            entry = entry.take().or(found);
        })
        .await?;
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
    checked.is_proven = steps(&known, proof, entry, &mut checked).await?;
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

async fn steps(
    known: &Known,
    proof: &Proof,
    entry: Option<Entry>,
    checked: &mut Checked,
) -> Result<bool, Error> {
    let chain = &known.chain;
    let about = format!("chain {}, {}", proof.chain_id, proof.registry);
    let is_ours = (proof.chain_id, proof.registry) == (chain.id, *chain.registry.address());
    if !checked.step("it is about this registry", is_ours, about) {
        return Ok(false);
    }
    let what = "the batch attested the operator by this digest";
    let (Some(entry), Some(batch)) = (entry, known.history.batch(proof.batch)) else {
        return Ok(checked.step(what, false, format!("not by the log up to block {}", known.block)));
    };
    checked.step(
        what,
        true,
        format!("in block {}, by the registry's log", batch.at.block),
    );
    let signers = known.history.signers(batch);
    let detail = super::super::words::list(&signers);
    if !checked.step("those relayers signed it", proof.signers == signers, detail) {
        return Ok(false);
    }
    if let Some(signed) = &proof.signed {
        let is_theirs = signed.by(chain, batch) == signers;
        let detail = batch.report.to_string();
        if !checked.step("the report and the signatures are theirs", is_theirs, detail) {
            return Ok(false);
        }
    }
    checked.signers = signers;
    Ok(names(proof, batch, checked) && is_judged(known, proof, &entry, batch, checked).await?)
}

/// That log and manifest name the documents.
fn names(proof: &Proof, batch: &Batch, checked: &mut Checked) -> bool {
    let manifest = sha256(&proof.manifest);
    let item = item(&proof.manifest, proof.digest);
    let is_named = manifest == batch.manifest && item.is_some();
    if !checked.step("the log names the manifest", is_named, manifest.to_string()) {
        return false;
    }
    let is_endorsed = item.is_some_and(|item| item.endorsements == sha256(&proof.endorsements));
    if !checked.step(
        "the manifest names the endorsements",
        is_endorsed,
        "by their hash",
    ) {
        return false;
    }
    let is_policy = batch.policy == sha256(&proof.policy);
    checked.step("the log names the policy", is_policy, batch.policy.to_string())
}

/// That the evidence does not come to what was posted, for the reasons that the proof gives.
async fn is_judged(
    known: &Known,
    proof: &Proof,
    entry: &Entry,
    batch: &Batch,
    checked: &mut Checked,
) -> Result<bool, Error> {
    let Some(item) = item(&proof.manifest, proof.digest) else {
        return Ok(false);
    };
    let papers = Papers {
        manifest: Vec::new(),
        bundle: proof.bundle.to_vec(),
        endorsements: proof.endorsements.to_vec(),
        policy: proof.policy.to_vec(),
        // Where to begin the search. It ends where it would have without.
        as_of: Some(proof.found.as_of),
        item,
    };
    let evidence = match evidence(&papers, &known.chain, known.block).await? {
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
    let what = "the evidence does not come to what was posted";
    let found = match judged(&known.chain, &entry.posted(batch), batch, &evidence).await? {
        Ok(Judgement::False(found)) => found,
        Ok(_) => return Ok(checked.step(what, false, "it may: this is no proof")),
        Err(why) => return Ok(checked.step(what, false, why)),
    };
    let detail = format!(
        "{} checks fail, {} more faults",
        found.failed.len(),
        found.faults.len()
    );
    checked.step(what, true, detail);
    let is_same = found == proof.found;
    checked.found = Some(found);
    Ok(checked.step("for the reasons that the proof gives", is_same, "word by word"))
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
