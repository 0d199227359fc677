//! A node through its life, by its own program: what a machine can do to it, and what it says.

mod clones;
mod doctor;
mod life;
mod trouble;

use std::process::Command;

use alloy::primitives::{Address, B256};
use chassis_relayer::registry::IProofOfCloudRegistry::Attestation;
use chassis_sim::machine::{Machine, Parts};
use chassis_verifier::platform_id;

use super::{
    World,
    chain::{KEYS, signer},
    programs::binary,
};

/// What a run of the program came to.
struct Ran {
    code: i32,
    stdout: String,
    /// Both streams.
    said: String,
}

impl World {
    /// `chassis-node` on the machine with these parts.
    fn node(&self, subcommand: &str, parts: &Parts) -> Command {
        let mut command = Command::new(binary("chassis-node"));
        command
            .args([subcommand, "--rpc-url", &self.chain.url, "--registry"])
            .arg(self.chain.registry.to_string())
            .args(["--tcti", &parts.tcti, "--sys-root"])
            .arg(&parts.sys_root)
            .arg("--ak-intermediates")
            .arg(self.cloud.intermediate_path());
        command
    }

    /// `chassis-node register`, by the operator's key with this number, until it is final or refused.
    async fn register(&self, parts: &Parts, key: usize) -> Ran {
        let mut command = self.node("register", parts);
        command
            .args([
                "--relayer",
                &self.relayer.url,
                "--wait",
                "90",
                "--disclosure",
                "public",
            ])
            .env("CHASSIS_OPERATOR_KEY", KEYS[key]);
        run(command).await
    }

    async fn is_attested(&self, key: usize) -> bool {
        let operator = signer(key).address();
        self.chain.registry().isAttested_0(operator).call().await.unwrap()
    }

    /// What the registry has about the operator with this key.
    async fn stored(&self, key: usize) -> Attestation {
        let operator = signer(key).address();
        self.chain
            .registry()
            .attestationOf(operator)
            .call()
            .await
            .unwrap()
    }

    /// The instances of its grants, in order.
    async fn instances(&self, key: usize) -> Vec<B256> {
        let registry = self.chain.registry();
        let grants = registry.OperatorGranted_filter().topic1(signer(key).address());
        let grants = grants.from_block(0).query().await.unwrap();
        grants.into_iter().map(|(grant, _)| grant.instanceId).collect()
    }

    /// Which platform the operator is attested on.
    async fn platform_of(&self, operator: Address) -> B256 {
        let stored = self.chain.registry().attestationOf(operator).call().await;
        stored.unwrap().platformId
    }
}

async fn run(mut command: Command) -> Ran {
    let output = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let stdout = text(&output.stdout);
    Ran {
        code: output.status.code().unwrap_or(-1),
        said: format!("{stdout}{}", text(&output.stderr)),
        stdout,
    }
}

fn platform(machine: &Machine) -> B256 {
    platform_id(&machine.td().pck().ppid)
}
