//! The HTTP interface against its own description: schemathesis makes requests out of it, right and wrong ones, and looks at
//! every answer.

use std::{path::Path, process::Command};

use chassis_sim::machine::MachineSpec;
use serde_json::Value;

use super::{World, chain::signer, digest, programs::attest};

/// Most requests made up for one route.
const EXAMPLES: &str = "30";

#[tokio::test(flavor = "multi_thread")]
async fn no_request_gets_an_answer_that_is_not_described() {
    let mut world = World::new().await;
    world
        .relayer
        .start_with(&[("CHASSIS_LIMITS__CLIENT_PER_SECOND", "0")])
        .await;
    // Something to be found.
    let machine = world.cloud.boot(MachineSpec::new("a")).unwrap();
    let bundle = attest(&world.chain, &world.cloud, &machine.parts(), 2);
    let (_, answer) = world.relayer.post(&bundle).await;
    let done = world.relayer.until_state(&digest(&answer), "final").await;

    run(&world, "").await;
    run(&world, &found(&world, &done)).await;
    assert!(!world.relayer.is_dead());
}

/// Settings that put what is there into the paths, instead of what is made up.
fn found(world: &World, done: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let policy = world.cloud.policy().digest().unwrap().to_string();
    let operator = signer(2).address().to_string();
    let found = [
        ("/v1/bundles/{digest}", "digest", text(&done["digest"])),
        ("/v1/evidence/{digest}", "digest", text(&done["digest"])),
        ("/v1/results/{digest}", "digest", text(&done["result"])),
        ("/v1/policies/{digest}", "digest", policy),
        ("/v1/operators/{address}", "address", operator),
    ];
    let settings: Vec<_> = found
        .iter()
        .map(|(path, parameter, value)| {
            format!("\n[[operations]]\ninclude-path = {path:?}\nparameters.{parameter} = {value:?}\n")
        })
        .collect();
    settings.concat()
}

async fn run(world: &World, more_settings: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let schemathesis = folder.join(".venv/bin/schemathesis");
    assert!(
        schemathesis.exists(),
        "{} is missing; run `scripts/setup.sh`",
        schemathesis.display()
    );
    let dir = tempfile::tempdir().unwrap();
    let settings = std::fs::read_to_string(folder.join("schemathesis.toml")).unwrap();
    std::fs::write(dir.path().join("schemathesis.toml"), settings + more_settings).unwrap();
    let url = format!("{}/openapi.json", world.relayer.url);
    let output = tokio::task::spawn_blocking(move || {
        Command::new(schemathesis)
            .args(["--config-file", "schemathesis.toml"])
            .args(["run", &url, "--max-examples", EXAMPLES])
            .args(["--seed", "1", "--no-color"])
            .current_dir(dir.path())
            .output()
            .unwrap()
    })
    .await
    .unwrap();
    assert!(
        output.status.success(),
        "{}\n{}\nits log:\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
        world.relayer.log()
    );
}
