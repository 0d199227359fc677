//! `chassis platform import`: the alliance's list as a proposal.
//!
//! Governance admits no platform: a quorum enters each on its evidence. What governance can do is register a policy. So the
//! proposal is a policy which accepts the platforms that the list names, and the call that submits its registration; nothing is
//! sent.

use std::{collections::BTreeSet, path::PathBuf, process::ExitCode};

use alloy::{
    primitives::{B256, Bytes},
    sol_types::SolCall as _,
};
use chassis_verifier::{Policy, claims::AllianceToken, platform_id};
use clap::Args;
use serde::Serialize;

use crate::{
    asked::POLICY_LIMIT,
    inspect::read_text,
    registry::IProofOfCloudGovernance::{registerPolicyCall, submitCall},
    render::{Document, Format, Refusal, View, finish},
};

#[derive(Clone, Debug, Args)]
pub struct Import {
    /// The alliance's list: `MACHINE,LABEL` a line, MACHINE in hex.
    #[arg(long, value_name = "FILE", required_unless_present = "token")]
    whitelist: Option<PathBuf>,
    /// A token of the alliance's, as it was issued. The policy must name the key that signed it.
    #[arg(long, value_name = "FILE")]
    token: Vec<PathBuf>,
    /// The policy (TOML or JSON) to start from. The new one accepts its platforms and these, and no others.
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What is proposed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Proposal {
    /// Platforms that are added.
    platforms: Vec<Listed>,
    /// Lines that name no machine by its PPID.
    left_out: Vec<LeftOut>,
    /// The new policy, whose digest is registered.
    policy: Policy,
    policy_digest: B256,
    /// `registerPolicy(policyDigest)`: anyone may send it once it is ripe.
    execute: Bytes,
    /// `submit(execute)`: the governor's.
    submit: Bytes,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    platform_id: B256,
    label: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LeftOut {
    machine: String,
    label: String,
    why: &'static str,
}

impl Import {
    pub(super) fn run(self) -> ExitCode {
        finish(self.proposal(), Format::from_switch(self.json))
    }

    fn proposal(&self) -> Result<Proposal, Refusal> {
        let mut policy = Policy::from_toml(&read_text(&self.policy, POLICY_LIMIT)?)?;
        let (mut platforms, mut left_out) = (Vec::new(), Vec::new());
        if let Some(path) = &self.whitelist {
            let text = read_text(path, POLICY_LIMIT)?;
            for (machine, label) in lines(&text) {
                sort(&machine, label, &mut platforms, &mut left_out);
            }
        }
        let keys: Vec<[u8; 32]> = policy.alliances.iter().map(|alliance| alliance.key.0).collect();
        for path in &self.token {
            let text = read_text(path, POLICY_LIMIT)?;
            let refuse = |why: String| Refusal(format!("{}: {why}", path.display()));
            let token = AllianceToken::parse(text.trim()).map_err(|error| refuse(error.to_string()))?;
            token.verify(&keys).map_err(|error| refuse(error.to_string()))?;
            let machine = hex::encode(token.machine_id());
            sort(&machine, token.label().to_owned(), &mut platforms, &mut left_out);
        }
        let accepted: BTreeSet<B256> = policy
            .platforms
            .accepted
            .iter()
            .copied()
            .chain(platforms.iter().map(|listed| listed.platform_id))
            .collect();
        policy.platforms.accepted = accepted.into_iter().collect();
        let policy_digest = policy.digest()?;
        let execute: Bytes = registerPolicyCall {
            policyDigest: policy_digest,
        }
        .abi_encode()
        .into();
        let submit = submitCall {
            data: execute.clone(),
        }
        .abi_encode()
        .into();
        Ok(Proposal {
            platforms,
            left_out,
            policy,
            policy_digest,
            execute,
            submit,
        })
    }
}

/// As the alliance's server reads its list.
fn lines(text: &str) -> impl Iterator<Item = (String, String)> {
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| {
        let (machine, label) = line.split_once(',').unwrap_or((line, "unlabeled"));
        (machine.trim().to_owned(), label.trim().to_owned())
    })
}

fn sort(machine: &str, label: String, platforms: &mut Vec<Listed>, left_out: &mut Vec<LeftOut>) {
    let why = match hex::decode(machine) {
        Ok(ppid) if ppid.len() == 16 => {
            let platform_id = platform_id(&ppid);
            if platforms.iter().all(|listed| listed.platform_id != platform_id) {
                platforms.push(Listed { platform_id, label });
            }
            return;
        }
        Ok(digest) if digest.len() == 32 => {
            "a name of the first generation: a hash, of which no PPID follows"
        }
        Ok(chip) if chip.len() == 64 => "an AMD chip id: no platform of Intel's",
        Ok(_) => "neither 16 nor 32 bytes: the server takes prefixes, a policy does not",
        Err(_) => "not hex",
    };
    left_out.push(LeftOut {
        machine: machine.to_owned(),
        label,
        why,
    });
}

impl View for Proposal {
    fn document(&self) -> Document {
        let listed = self.platforms.iter();
        let listed = listed.map(|one| vec![one.platform_id.into(), (&one.label).into()]);
        let left_out = self.left_out.iter();
        let left_out = left_out.map(|one| vec![(&one.machine).into(), (&one.label).into(), one.why.into()]);
        Document::new()
            .heading("Platforms")
            .table(&["platform id", "label"], listed.collect())
            .heading("Left out")
            .table(&["machine", "label", "why"], left_out.collect())
            .heading("Proposal")
            .fields(vec![
                ("policy digest", self.policy_digest.into()),
                ("the governor sends", (&self.submit).into()),
                ("then anyone", (&self.execute).into()),
            ])
            .line("--json prints the policy itself: publish it before it is voted on")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ppids_become_platforms() {
        let (mut platforms, mut left_out) = (Vec::new(), Vec::new());
        let list = "# comment\n11111111111111111111111111111111,machine1\r\n\n\
                    11111111111111111111111111111111,again\n1111,short\nzz,no\n";
        let list = format!("{list}{},first generation\n", "22".repeat(32));
        for (machine, label) in lines(&list) {
            sort(&machine, label, &mut platforms, &mut left_out);
        }
        let [one] = &platforms[..] else {
            panic!("{platforms:?}")
        };
        assert_eq!(
            (one.platform_id, &*one.label),
            (platform_id(&[0x11; 16]), "machine1")
        );
        let why: Vec<_> = left_out.iter().map(|one| one.label.as_str()).collect();
        assert_eq!(why, ["short", "no", "first generation"]);
    }
}
