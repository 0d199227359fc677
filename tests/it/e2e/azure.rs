//! A node under a paravisor, by its own program: what it collects, how far it gets, and what it refuses.

use std::{fs, process::Command, sync::Arc};

use chassis_relayer::registry::IProofOfCloudRegistry::Requirement;
use chassis_sim::{AZURE_ID, Cloud, Owner, Seed, azure::AzureVm, policy_toml};
use chassis_verifier::{
    AnchorClaim, Appraisal, CheckId, Endorsements, Outcome, PoeIssuer, Policy, appraise,
    bundle::{Bundle, DEFAULT_LIMIT, Tee},
};
use serde_json::{Value, json};

use super::{
    World,
    chain::{Chain, KEYS, signer},
    outside::Outside,
    programs::{Relayer, binary},
    service::run,
};

/// The operator's key, by its number.
const KEY: usize = 2;

/// A world whose policy lets a paravisor in.
async fn world() -> World {
    world_with(|_| ()).await
}

/// The same, with a policy that is otherwise changed.
async fn world_with(change: impl FnOnce(&mut Policy)) -> World {
    let dir = tempfile::tempdir().unwrap();
    let cloud = Arc::new(Cloud::new(&dir.path().join("cloud"), Seed(7)).unwrap());
    let mut policy = cloud.policy_with_paravisor();
    change(&mut policy);
    fs::write(cloud.policy_path(), policy_toml(&policy).unwrap()).unwrap();
    fs::write(
        dir.path().join("azure-intermediate.der"),
        cloud.azure().intermediate_der(),
    )
    .unwrap();
    let chain = Chain::start(policy.digest().unwrap()).await;
    let outside = Outside::serve(Arc::clone(&cloud)).await;
    let relayer = Relayer::new(&chain, &cloud, &outside);
    World {
        cloud,
        chain,
        relayer,
        outside,
        dir,
    }
}

/// `chassis-node SUBCOMMAND --azure` on this machine, whose metadata service is at `metadata`.
fn node(world: &World, subcommand: &str, tcti: &str, metadata: &str) -> Command {
    let mut command = Command::new(binary("chassis-node"));
    command
        .args([subcommand, "--rpc-url", &world.chain.url, "--registry"])
        .arg(world.chain.registry.to_string())
        .args(["--azure", "--azure-metadata", metadata, "--tcti", tcti])
        .arg("--ak-intermediates")
        .arg(world.dir.path().join("azure-intermediate.der"))
        .env("CHASSIS_OPERATOR_KEY", KEYS[KEY]);
    command
}

async fn attest(world: &World, machine: &AzureVm, more: &[&str]) -> Bundle {
    let out = world.dir.path().join("bundle.json");
    let mut command = node(world, "attest", &machine.tcti(), machine.metadata_service());
    command
        .args(["--disclosure", "public", "--out"])
        .arg(&out)
        .args(more);
    let (code, _, stderr) = run(command).await;
    assert_eq!(code, 0, "{stderr}");
    Bundle::parse(&fs::read(out).unwrap(), DEFAULT_LIMIT).unwrap()
}

/// What an honest relayer makes of `bundle`.
fn appraised(world: &World, machine: &AzureVm, bundle: &Bundle) -> Appraisal {
    let named = bundle.evidence.anchor;
    let endorsements = Endorsements {
        anchor: AnchorClaim {
            chain_id: named.chain_id,
            registry: named.registry,
            number: named.block_number,
            hash: named.block_hash,
            timestamp: world.cloud.now(),
        },
        ..world.cloud.endorsements(machine.td().pck())
    };
    let policy = world.cloud.policy_with_paravisor();
    appraise(bundle, &endorsements, &policy, world.cloud.now() + 60).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_under_a_paravisor_registers_for_quote_and_no_more() {
    let mut world = world().await;
    world.relayer.start(None).await;
    let machine = world.cloud.boot_azure("a").await.unwrap();
    let operator = signer(KEY).address();

    let mut command = node(&world, "register", &machine.tcti(), machine.metadata_service());
    command.args(["--relayer", &world.relayer.url, "--wait", "90"]);
    let (code, stdout, stderr) = run(command).await;
    assert_eq!(code, 0, "{stderr}");
    assert!(
        stdout.contains("less than isAttested asks for by default"),
        "{stdout}"
    );
    let registry = world.chain.registry();
    let stored = registry.attestationOf(operator).call().await.unwrap();
    assert_eq!((stored.binding, stored.custody, stored.tcb), (1, 2, 1));
    assert!(!registry.isAttested_0(operator).call().await.unwrap());
    let quote = Requirement {
        minBinding: 1,
        maxTcb: 1,
        ..Requirement::default()
    };
    assert!(registry.isAttested_1(operator, quote).call().await.unwrap());
}

/// Azure publishes no registry of its hosts. The owner's word about a CPU is what says whose it is.
#[tokio::test(flavor = "multi_thread")]
async fn an_owners_endorsement_of_this_very_cpu_brings_it_on_chain() {
    let owner = Owner::new(Seed(42));
    let mut world = world_with(|policy| {
        for provider in &mut policy.providers {
            provider.host_registry = false;
        }
        policy.poe_issuers.push(PoeIssuer {
            name: "owner".into(),
            provider: AZURE_ID,
            roots: vec![owner.root_der().into()],
            owners: vec![owner.name().into()],
            require_crl: false,
            revoked: Vec::new(),
        });
    })
    .await;
    world.relayer.start(None).await;
    let machine = world.cloud.boot_azure("a").await.unwrap();
    let other = world.cloud.boot_azure("b").await.unwrap();
    for vm in [&machine, &other] {
        world.cloud.unlist(vm.td().pck().ppid);
    }
    let poe = world.dir.path().join("poe.cbor");
    let register = async |endorsed: &AzureVm| {
        let id = endorsed.td().pck().platform_instance_id;
        fs::write(&poe, owner.endorse(id, world.cloud.now())).unwrap();
        let mut command = node(&world, "register", &machine.tcti(), machine.metadata_service());
        command.arg("--poe").arg(&poe);
        command.args(["--relayer", &world.relayer.url, "--wait", "90"]);
        run(command).await
    };

    let (code, _, stderr) = register(&other).await;
    assert_eq!(code, 5, "{stderr}");
    assert!(stderr.contains("custody.poe"), "{stderr}");
    let (code, _, stderr) = register(&machine).await;
    assert_eq!(code, 0, "{stderr}");
    let operator = signer(KEY).address();
    let stored = world
        .chain
        .registry()
        .attestationOf(operator)
        .call()
        .await
        .unwrap();
    assert_eq!(
        (stored.binding, stored.custody, stored.provider),
        (1, 2, AZURE_ID)
    );
}

/// The vTPM's quote is Azure's in every respect that the verifier asks about, and all the same nothing can be compared.
#[tokio::test(flavor = "multi_thread")]
async fn with_the_vtpms_quote_only_the_comparison_fails() {
    let world = world().await;
    let machine = world.cloud.boot_azure("a").await.unwrap();
    let bundle = attest(&world, &machine, &["--azure-tpm-quote"]).await;
    let Tee::Tdx { ccel, hcl_report, .. } = &bundle.evidence.tee;
    assert!(ccel.is_none() && hcl_report.is_some());
    let appraisal = appraised(&world, &machine, &bundle);
    let outcome = |id: CheckId| {
        let check = appraisal.checks.iter().find(|check| check.id == id).unwrap();
        check.outcome
    };
    for id in [
        CheckId::ReportData,
        CheckId::QualifyingData,
        CheckId::TpmQuoteForm,
        CheckId::TpmSignature,
        CheckId::TpmSelection,
        CheckId::TpmPcrDigest,
        CheckId::AkAttributes,
        CheckId::HclReport,
        CheckId::HclAk,
        CheckId::AkChain,
        CheckId::AkKeyUsage,
        CheckId::AkKey,
        CheckId::AkInstance,
        CheckId::Parts,
        CheckId::Workload,
        CheckId::Paravisor,
    ] {
        assert_eq!(outcome(id), Outcome::Pass, "{id:?}: {:#?}", appraisal.checks);
    }
    assert_eq!(outcome(CheckId::CrossSystem), Outcome::Fail);
    assert!(!appraisal.is_attestable());

    // Without it, everything that is asked passes.
    let bundle = attest(&world, &machine, &[]).await;
    assert!(bundle.evidence.tpm.is_none());
    let appraisal = appraised(&world, &machine, &bundle);
    assert!(appraisal.is_attestable(), "{:#?}", appraisal.checks);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_says_how_far_it_gets() {
    let mut world = world().await;
    world.relayer.start(None).await;
    let machine = world.cloud.boot_azure("a").await.unwrap();
    let doctor = |metadata: &str| {
        let mut command = node(&world, "doctor", &machine.tcti(), metadata);
        command
            .args(["--json", "--relayer", &world.relayer.url, "--danger-intel-root"])
            .arg(world.cloud.intel_root_path());
        command
    };
    let (code, stdout, stderr) = run(doctor(machine.metadata_service())).await;
    assert_eq!(code, 0, "{stdout}{stderr}");
    let answer: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(answer["wanted"], json!("quote"));
    let reachable = |level: usize| answer["levels"][level]["reachable"].clone();
    assert_eq!([0, 1, 2].map(reachable), [true, false, false]);
    let findings = answer["findings"].as_array().unwrap();
    let found = |id: &str| findings.iter().find(|finding| finding["id"] == id).unwrap();
    assert_eq!(found("azure.report")["outcome"], json!("ok"));
    assert!(
        found("azure.ak")["found"]
            .as_str()
            .unwrap()
            .contains("the report names it")
    );
    assert_eq!(found("td.platform")["outcome"], json!("ok"));

    // No metadata service: this machine lacks something.
    let (code, stdout, _) = run(doctor("http://127.0.0.1:1")).await;
    assert_eq!(code, 3);
    let answer: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(answer["levels"][0]["missing"], json!(["td.quote"]), "{answer:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_report_of_one_machine_is_not_quoted_on_another() {
    let world = world().await;
    let a = world.cloud.boot_azure("a").await.unwrap();
    let b = world.cloud.boot_azure("b").await.unwrap();
    let mut command = node(&world, "attest", &a.tcti(), b.metadata_service());
    command.arg("--out").arg(world.dir.path().join("bundle.json"));
    let (code, _, stderr) = run(command).await;
    assert_eq!(code, 3, "{stderr}");
    assert!(stderr.contains("another CPU made this report"), "{stderr}");
}

/// A report that tells of an older challenge is never taken for an answer.
#[tokio::test(flavor = "multi_thread")]
async fn an_old_report_is_not_used() {
    let world = world().await;
    let mut machine = world.cloud.boot_azure("a").await.unwrap();
    attest(&world, &machine, &[]).await;
    machine.stop_paravisor();
    let mut command = node(&world, "attest", &machine.tcti(), machine.metadata_service());
    command
        // Other report data, though the finalized block may still be the same.
        .args(["--session-key-hash", &format!("0x{}", "11".repeat(32))])
        .arg("--out")
        .arg(world.dir.path().join("none.json"));
    let (code, _, stderr) = run(command).await;
    assert_eq!(code, 3, "{stderr}");
    assert!(stderr.contains("still tells of other data"), "{stderr}");
    assert!(!world.dir.path().join("none.json").exists());
}

/// On another provider's machine, it says what it looked for.
#[tokio::test(flavor = "multi_thread")]
async fn a_machine_without_a_paravisor_is_told_so() {
    let world = world().await;
    let machine = world
        .cloud
        .boot(chassis_sim::machine::MachineSpec::new("a"))
        .unwrap();
    let mut command = node(&world, "attest", &machine.tcti(), "http://127.0.0.1:1");
    command.arg("--out").arg(world.dir.path().join("bundle.json"));
    let (code, _, stderr) = run(command).await;
    assert_eq!(code, 3, "{stderr}");
    assert!(stderr.contains("is this an Azure confidential VM?"), "{stderr}");
}
