//! What else an auditor asks about the same registry.

use std::{fs, path::Path};

use chassis_verifier::sha256;
use serde_json::{Value, json};

use super::{
    super::{
        byzantine::Offer,
        cosign::{Network, address},
        programs::chassis,
    },
    ask,
};

/// `--at`: the same operator before and after, by the registry's own answers.
pub(super) fn at_a_time(network: &Network, operator: &str) {
    let (code, now) = ask(network, &["operator", operator]);
    assert_eq!((code, &now["moment"]["isAttested"]), (0, &json!(true)), "{now}");
    let begun = now["spans"][0]["from"]["time"].as_u64().unwrap();
    for (time, attested) in [(begun - 1, false), (begun, true)] {
        let (code, then) = ask(network, &["operator", operator, "--at", &time.to_string()]);
        assert_eq!(code == 0, attested, "{then}");
        assert_eq!(then["moment"]["isAttested"], json!(attested));
    }
    let (code, later) = ask(network, &["operator", operator, "--at", "2999-01-01T00:00:00Z"]);
    assert_eq!(code, 2, "{later}");
    assert!(later.to_string().contains("not known yet"), "{later}");
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

/// CSV, JSON and a page of the same period.
pub(super) fn report(network: &Network) {
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
    assert_eq!(facts["batches"], json!(6));
    assert_eq!(facts["coverage"].as_array().unwrap().len(), 3);
    // One signed the honest batch with whoever came first.
    let signed: u64 = facts["relayers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["signed"].as_u64().unwrap())
        .sum();
    assert_eq!(signed, 12, "six batches, two signatures each");
    // Both operators say they are on machine `a`'s platform.
    assert_eq!(
        facts["shared"][0]["operators"].as_array().unwrap().len(),
        2,
        "{facts}"
    );
    let csv = print(&["--format", "csv", "--table", "coverage"]);
    assert_eq!(csv.lines().count(), 4, "{csv}");
    let page = print(&[]);
    assert!(page.starts_with("<!DOCTYPE html>"), "{page}");
    for outside in ["<script", "src=", "href=", "url("] {
        assert!(!page.contains(outside), "{outside}: the page needs no other file");
    }
}

/// The machine's other names, its place in the charter's terms, and a proposal that accepts it.
pub(super) fn other_names(network: &Network, offer: &Offer, dir: &Path) {
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
    let exported = exported.as_array().unwrap();
    assert_eq!((code, exported.len()), (0, 3), "{exported:?}");
    let exported = exported.iter().find(|entry| entry["platform_uid"] == id).unwrap();
    assert_eq!(
        (&exported["method"], &exported["level"]),
        (&json!("automated"), &json!(2))
    );
    assert_eq!(exported["endorsements"].as_array().unwrap().len(), 2);

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
