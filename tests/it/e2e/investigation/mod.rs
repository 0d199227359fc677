//! An auditor with an RPC URL, a registry and an archive finds a planted lie, names who signed it, and proves it to another.

use std::{fs, path::Path};

use alloy::{
    network::TransactionBuilder as _,
    primitives::B256,
    providers::Provider as _,
    rpc::types::TransactionRequest,
    signers::SignerSync as _,
    sol_types::{SolCall as _, SolStruct as _},
};
use chassis_relayer::{
    post::{Item, Manifest},
    registry::{IProofOfCloudRegistry::postCall, domain},
};
use chassis_sim::{
    firmware::Image,
    machine::{MachineSpec, assemble},
};
use chassis_verifier::sha256;
use serde_json::{Value, json};

use super::{
    byzantine::{Offer, finalized, report as report_of},
    chain::{signer, until},
    cosign::{MEMBERS, Network, address},
    programs::{attest, chassis},
};

/// Exit code and answer.
fn ask(network: &Network, args: &[&str]) -> (i32, Value) {
    let registry = network.chain.registry.to_string();
    let mut all = vec!["audit"];
    all.extend(args);
    all.extend(["--rpc-url", &network.chain.url, "--registry", &registry, "--json"]);
    let output = tokio::task::block_in_place(|| chassis(&all));
    let answer = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&output.stderr).into()));
    (output.status.code().unwrap(), answer)
}

/// Two of the three relayers sign that evidence of two machines is one machine's, and put what they must into an archive.
async fn plant(network: &Network, offer: &Offer, archive: &Path) {
    let mut lie = offer.appraise(network);
    assert!(!lie.is_attestable());
    // What an honest appraisal of one machine would have said.
    (lie.result.binding, lie.result.custody, lie.result.tcb) = (2, 2, 1);
    lie.result.instanceId = B256::repeat_byte(0x11);
    lie.result.provider = chassis_sim::provider::PROVIDER_ID;
    let expiry = (offer.as_of + 3_600) & !63;
    lie.result.expiry = alloy::primitives::aliases::U40::from(expiry);
    lie.verdict.custody_expiry = expiry + 64;
    let issued_at = finalized(&network.chain).await.timestamp;
    let mut report = report_of(&json!({"asOf": issued_at}), offer, &lie);
    report.grants[0].ttl = 86_400;
    let hash = report.eip712_signing_hash(&domain(network.chain_id().await, network.chain.registry));
    let signatures = MEMBERS[1..3].iter().map(|key| {
        let signature = signer(*key).sign_hash_sync(&hash).unwrap().normalized_s();
        signature.as_erc2098().to_vec()
    });
    let manifest = Manifest::new([Item {
        result: lie.digest(),
        evidence: offer.bundle.digest,
        endorsements: lie.result.endorsementsDigest,
    }]);
    let manifest = manifest.to_json().unwrap();
    let endorsements = offer.set.to_json().unwrap();
    for (folder, document, name) in [
        ("manifests", &manifest, sha256(&manifest)),
        ("endorsements", &endorsements, sha256(&endorsements)),
        ("bundles", &offer.document, offer.bundle.digest),
    ] {
        fs::create_dir_all(archive.join(folder)).unwrap();
        fs::write(archive.join(folder).join(format!("{name}.json")), document).unwrap();
    }
    let call = postCall {
        report,
        signerMask: 0b110,
        signatures: signatures.collect::<Vec<_>>().concat().into(),
    };
    let request = TransactionRequest::default()
        .with_to(network.chain.registry)
        .with_input(call.abi_encode());
    let sent = network.chain.provider.send_transaction(request).await.unwrap();
    let receipt = sent.get_receipt().await.unwrap();
    assert!(receipt.status(), "the registry takes it: enough relayers signed");
    let block = receipt.block_number.unwrap();
    until("it is final", || async {
        finalized(&network.chain).await.number >= block
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_planted_lie_is_found_its_signers_named_and_the_proof_accepted_elsewhere() {
    let mut network = Network::new(2).await;
    network.start_all().await;
    network.attest_through_the_first("a").await;
    // The liars: the second and third relayer's keys, over the TD of one machine with the TPM of another.
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (
        network.boot("a"),
        MachineSpec::new("b").image(Image::other_kernel()),
    );
    let b = network.cloud.boot(b).unwrap();
    let mixed = assemble(&dir.path().join("mixed"), &a.parts(), &b.parts()).unwrap();
    let mixed = attest(&network.chain, &network.cloud, &mixed, 6);
    let offer = Offer::of(&network, mixed).await;
    let archive = dir.path().join("archive");
    plant(&network, &offer, &archive).await;
    let operator = offer.bundle.evidence.operator.to_string();
    assert!(network.is_attested(6).await, "the lie works");

    // The auditor. An honest relayer's archive has the policy, the liars' the rest.
    let relayer = network.honest[0].url.clone();
    let archives = ["--archive", &relayer, "--archive", archive.to_str().unwrap()];
    let proofs = dir.path().join("proofs");
    let look = ["--reappraise", "--proofs", proofs.to_str().unwrap()];
    let (code, story) = ask(
        &network,
        &[&["operator", &operator][..], &archives, &look].concat(),
    );
    assert_eq!(code, 1, "{story}");
    let found = &story["reappraised"][0];
    assert_eq!(found["outcome"], json!("false"), "{story}");
    assert_eq!(
        found["signers"],
        json!([address(1), address(2)]),
        "they are named"
    );
    let names: Vec<_> = found["failed"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| &f["name"])
        .collect();
    assert!(names.contains(&&json!("cross.rtmr1")), "{names:?}");
    assert_eq!(found["evidence"], json!(offer.bundle.digest));
    // By whom it was signed leads to it, too; and the honest attestation is as it was posted.
    let liar = address(2).to_string();
    let (code, by_relayer) = ask(
        &network,
        &[&["relayer", &liar, "--reappraise"][..], &archives].concat(),
    );
    assert_eq!(code, 1);
    assert!(
        by_relayer["reappraised"]
            .as_array()
            .unwrap()
            .iter()
            .any(|f| f["outcome"] == json!("false"))
    );
    let honest = signer(2).address().to_string();
    let (code, good) = ask(
        &network,
        &[&["operator", &honest, "--reappraise"][..], &archives].concat(),
    );
    assert_eq!(
        (code, &good["reappraised"][0]["outcome"]),
        (0, &json!("true")),
        "{good}"
    );

    // Somebody else, with nothing but the file and an RPC endpoint.
    let file = found["proof"].as_str().unwrap();
    let (code, checked) = ask(&network, &["proof", file]);
    assert_eq!((code, &checked["isProven"]), (0, &json!(true)), "{checked}");
    assert_eq!(checked["signers"], json!([address(1), address(2)]));
    show(
        &network,
        &[&["operator", &operator][..], &archives, &look].concat(),
    );
    show(&network, &["operator", &operator]);
    show(&network, &["batch", "1"]);
    show(&network, &["proof", file]);
    report(&network);
    tampered_proofs_are_refused(&network, Path::new(file), dir.path());
    at_a_time(&network, &operator);
    other_names(&network, &offer, dir.path());
    another_consent_accuses_nobody(&network, dir.path());
}

/// What docs/AUDIT.md shows: printed where `CHASSIS_SHOW` is set.
fn show(network: &Network, args: &[&str]) {
    if std::env::var_os("CHASSIS_SHOW").is_some() {
        let registry = network.chain.registry.to_string();
        let at = ["--rpc-url", &network.chain.url, "--registry", &registry];
        let output = tokio::task::block_in_place(|| chassis(&[&["audit"], args, &at].concat()));
        let text = String::from_utf8_lossy(&output.stdout);
        println!("$ chassis audit {}\n{text}[{}]\n", args.join(" "), output.status);
    }
}

/// CSV, JSON and a page of the same period.
fn report(network: &Network) {
    let registry = network.chain.registry.to_string();
    let print = |more: &[&str]| {
        let at = [
            "--rpc-url",
            &network.chain.url,
            "--registry",
            &registry,
            "--from",
            "0",
        ];
        let output = tokio::task::block_in_place(|| chassis(&[&["audit", "report"], more, &at].concat()));
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    let facts: Value = serde_json::from_str(&print(&["--format", "json"])).unwrap();
    assert_eq!(facts["batches"], json!(2));
    assert_eq!(facts["coverage"].as_array().unwrap().len(), 2);
    // One signed both batches, or each one of them.
    let signed: u64 = facts["relayers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["signed"].as_u64().unwrap())
        .sum();
    assert_eq!(signed, 4, "two batches, two signatures each");
    // Both operators say they are on machine `a`'s platform.
    assert_eq!(
        facts["shared"][0]["operators"].as_array().unwrap().len(),
        2,
        "{facts}"
    );
    let csv = print(&["--format", "csv", "--table", "coverage"]);
    assert_eq!(csv.lines().count(), 3, "{csv}");
    let page = print(&[]);
    assert!(page.starts_with("<!DOCTYPE html>"), "{page}");
    for outside in ["<script", "src=", "href=", "url("] {
        assert!(!page.contains(outside), "{outside}: the page needs no other file");
    }
}

type Change = fn(&mut Value);

fn flip(text: &Value) -> Value {
    let text = text.as_str().unwrap();
    let last = if text.ends_with('0') { '1' } else { '0' };
    json!(format!("{}{last}", &text[..text.len() - 1]))
}

fn tampered_proofs_are_refused(network: &Network, file: &Path, dir: &Path) {
    let proof: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let changes: [(&str, Change); 17] = [
        ("report", |p| p["report"] = flip(&p["report"])),
        ("signatures", |p| p["signatures"] = flip(&p["signatures"])),
        ("signers", |p| p["signers"][0] = json!(address(0))),
        ("signerMask", |p| p["signerMask"] = json!(0b101)),
        ("digest", |p| p["digest"] = flip(&p["digest"])),
        ("index", |p| p["index"] = json!(1)),
        ("path", |p| p["path"] = json!([B256::ZERO])),
        ("operator", |p| p["operator"] = json!(address(0))),
        ("batch", |p| p["batch"] = json!(0)),
        ("manifest", |p| {
            p["manifest"] = json!(format!("{} ", p["manifest"].as_str().unwrap()));
        }),
        ("endorsements", |p| p["endorsements"] = json!("{}")),
        ("policy", |p| p["policy"] = json!("{}")),
        ("bundle", |p| {
            p["bundle"] = json!(p["bundle"].as_str().unwrap().replace("us-", "eu-"));
        }),
        ("a check less", |p| {
            drop(p["found"]["failed"].as_array_mut().unwrap().pop());
        }),
        ("a fault more", |p| {
            p["found"]["faults"].as_array_mut().unwrap().push(json!("x"));
        }),
        ("chain", |p| p["chainId"] = json!(1)),
        ("more", |p| p["more"] = json!(1)),
    ];
    for (what, change) in changes {
        let mut other = proof.clone();
        change(&mut other);
        if what == "bundle" && other == proof {
            other["bundle"] = json!(other["bundle"].as_str().unwrap().replacen(
                "\"version\":1",
                "\"version\":2",
                1
            ));
        }
        assert_ne!(other, proof, "{what}");
        let path = dir.join("tampered.json");
        fs::write(&path, serde_json::to_vec(&other).unwrap()).unwrap();
        let (code, answer) = ask(network, &["proof", path.to_str().unwrap()]);
        assert_ne!(code, 0, "{what}: {answer}");
        assert_ne!(answer["isProven"], json!(true), "{what}");
    }
}

/// `--at`: the same operator before and after, by the registry's own answers.
fn at_a_time(network: &Network, operator: &str) {
    let (code, now) = ask(network, &["operator", operator]);
    assert_eq!((code, &now["moment"]["isAttested"]), (0, &json!(true)), "{now}");
    let begun = now["spans"][0]["from"]["time"].as_u64().unwrap();
    for (time, attested) in [(begun - 1, false), (begun, true)] {
        let (code, then) = ask(network, &["operator", operator, "--at", &time.to_string()]);
        assert_eq!(code == 0, attested, "{then}");
        assert_eq!(then["moment"]["isAttested"], json!(attested));
    }
    let platform = now["spans"][0]["standing"]["platform"].as_str().unwrap();
    let (code, platform) = ask(network, &["platform", platform]);
    assert_eq!(code, 0, "{platform}");
    let operators: Vec<_> = platform["stays"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| &s["operator"])
        .collect();
    assert!(
        operators.contains(&&json!(operator.to_lowercase())),
        "{operators:?}"
    );
    let (code, batch) = ask(network, &["batch", "1"]);
    assert_eq!(
        (code, &batch["signers"]),
        (0, &json!([address(1), address(2)])),
        "{batch}"
    );
    let (code, _) = ask(network, &["batch", "99"]);
    assert_eq!(code, 2, "no such batch");
}

/// The machine's other names, its place in the charter's terms, and a proposal that accepts it.
fn other_names(network: &Network, offer: &Offer, dir: &Path) {
    let ppid = network.cloud.intel().pck_spec("a").ppid;
    let bundle = dir.join("bundle.json");
    fs::write(&bundle, &offer.document).unwrap();
    let run = |args: &[&str]| {
        let output = tokio::task::block_in_place(|| chassis(args));
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let alias = run(&["platform", "alias", bundle.to_str().unwrap(), "--json"]);
    let id = json!(chassis_verifier::platform_id(&ppid));
    assert_eq!(alias["platformId"], id);
    let alliance = alloy::hex::encode(ppid);
    assert_eq!(alias["alliance"], json!(alliance));
    let dstack = alloy::hex::encode(sha256(&ppid));
    assert_eq!(alias["dstack"], json!(dstack));
    let first = alias["allianceFirst"].as_str().unwrap();
    assert!(first.len() == 64 && first != dstack, "{alias}");

    let (code, exported) = ask(network, &["export"]);
    assert_eq!((code, exported.as_array().unwrap().len()), (0, 1), "{exported}");
    assert_eq!(exported[0]["platform_uid"], id);
    assert_eq!(
        (&exported[0]["method"], &exported[0]["level"]),
        (&json!("automated"), &json!(2))
    );
    assert_eq!(exported[0]["endorsements"].as_array().unwrap().len(), 2);

    let list = dir.join("whitelist.csv");
    fs::write(&list, format!("{alliance},machine a\n{first},an old name\n")).unwrap();
    let policy = network.cloud.policy_path();
    let proposal = run(&[
        "platform",
        "import",
        "--whitelist",
        list.to_str().unwrap(),
        "--policy",
        policy.to_str().unwrap(),
        "--json",
    ]);
    assert_eq!(proposal["platforms"][0]["platformId"], id);
    assert_eq!(proposal["leftOut"][0]["machine"], json!(first));
    assert_eq!(proposal["policy"]["platforms"]["accepted"], json!([id]));
    let digest = proposal["policyDigest"].as_str().unwrap();
    assert_ne!(digest, network.cloud.policy().digest().unwrap().to_string());
    assert!(
        proposal["submit"].as_str().unwrap().contains(&digest[2..]),
        "the call names it"
    );
}

/// The consent is named by no digest: an archive that swaps it must not make honest relayers liars.
fn another_consent_accuses_nobody(network: &Network, dir: &Path) {
    let own = network.honest[0].data().join("archive");
    let swapped = dir.join("swapped");
    for folder in ["manifests", "endorsements", "policies", "bundles"] {
        fs::create_dir_all(swapped.join(folder)).unwrap();
        for entry in fs::read_dir(own.join(folder)).unwrap() {
            let entry = entry.unwrap();
            let mut document = fs::read_to_string(entry.path()).unwrap();
            if folder == "bundles" {
                let at = document.find("\"consent\":\"0x").unwrap() + 14;
                let other = if &document[at..=at] == "0" { "1" } else { "0" };
                document.replace_range(at..=at, other);
            }
            fs::write(swapped.join(folder).join(entry.file_name()), document).unwrap();
        }
    }
    let honest = signer(2).address().to_string();
    let archive = ["--archive", swapped.to_str().unwrap()];
    let (code, story) = ask(
        network,
        &[&["operator", &honest, "--reappraise"][..], &archive].concat(),
    );
    assert_eq!(
        (code, &story["reappraised"][0]["outcome"]),
        (1, &json!("unlike")),
        "{story}"
    );
    let nothing = dir.join("nothing");
    fs::create_dir(&nothing).unwrap();
    let archive = ["--archive", nothing.to_str().unwrap()];
    let (code, story) = ask(
        network,
        &[&["operator", &honest, "--reappraise"][..], &archive].concat(),
    );
    assert_eq!(code, 1);
    assert!(
        story["reappraised"][0]["missing"]
            .as_str()
            .unwrap()
            .contains("manifest"),
        "{story}"
    );
}
