//! An auditor with an RPC URL, a registry and an archive finds a planted lie, names who signed it, and proves it to another.

mod anchor;
mod archive;
mod beside;
mod lies;
mod tampered;

use std::{fs, path::Path};

use chassis_sim::{
    firmware::Image,
    machine::{MachineSpec, assemble},
};
use serde_json::{Value, json};

use super::{
    byzantine::Offer,
    chain::signer,
    cosign::{Network, address},
    programs::{attest, chassis},
};
use lies::{INVENTED, Liars, without_consent};

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
    let offer = Offer::of(&network, attest(&network.chain, &network.cloud, &mixed, 6)).await;
    let archive = dir.path().join("archive");
    let liars = Liars {
        network: &network,
        archive: &archive,
    };
    liars.mix(&offer).await;
    assert!(network.is_attested(6).await, "the lie works");
    let third = network.boot("c");
    let third = attest(&network.chain, &network.cloud, &third.parts(), 0);
    let third = Offer::of(&network, third).await;
    liars.worsen(&third).await;

    // The auditor has an RPC endpoint, the registry and archives. One of them is broken; an honest relayer's has the policy;
    // the liars' has the rest.
    let (broken, own) = (archive::broken().await, archive::serve(archive.clone()).await);
    let archives = [
        "--archive",
        &broken,
        "--archive",
        &network.honest[0].url,
        "--archive",
        &own,
    ];
    let operator = everything(&network, &archives);
    assert_eq!(
        operator,
        offer.bundle.evidence.operator.to_string().to_lowercase()
    );

    let proofs = dir.path().join("proofs");
    let look = ["--reappraise", "--proofs", proofs.to_str().unwrap()];
    let (code, story) = ask(
        &network,
        &[&["operator", &operator][..], &archives, &look].concat(),
    );
    assert_eq!(code, 1, "{story}");
    let [found, renewed] = &story["reappraised"].as_array().unwrap()[..] else {
        panic!("{story}")
    };
    for found in [found, renewed] {
        assert_eq!(found["outcome"], json!("false"), "{story}");
        assert_eq!(
            found["signers"],
            json!([address(1), address(2)]),
            "they are named"
        );
        assert!(names(found).contains(&"cross.rtmr1"), "{found}");
        assert_eq!(found["evidence"], json!(offer.bundle.digest));
    }
    relayers_lead_to_it_and_the_honest_are_honest(&network, &archives);
    a_worse_grant_is_no_matter_of_its_consent(&network, &third, &archives, dir.path());

    // Somebody else, with nothing but the file and an RPC endpoint. Of the renewal, no calldata has the report.
    for (found, is_signed) in [(renewed, false), (found, true)] {
        let file = found["proof"].as_str().unwrap();
        let (code, checked) = ask(&network, &["proof", file]);
        assert_eq!((code, &checked["isProven"]), (0, &json!(true)), "{checked}");
        assert_eq!(checked["signers"], json!([address(1), address(2)]));
        let proof: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        assert_eq!(!proof["signed"].is_null(), is_signed);
    }
    let file = found["proof"].as_str().unwrap();
    show(&network, &[&["--reappraise"][..], &archives[2..]].concat());
    show(
        &network,
        &[&["operator", &operator][..], &archives[2..], &look].concat(),
    );
    show(&network, &["operator", &operator]);
    show(&network, &["batch", "1"]);
    show(&network, &["proof", file]);
    beside::report(&network);
    tampered::tampered_proofs_are_refused(&network, Path::new(file), dir.path());
    beside::at_a_time(&network, &operator);
    beside::other_names(&network, &offer, dir.path());
    another_consent_accuses_nobody(&network, dir.path());
}

fn relayers_lead_to_it_and_the_honest_are_honest(network: &Network, archives: &[&str]) {
    let again = |who: [&str; 2]| ask(network, &[&who, &["--reappraise"][..], archives].concat());
    let (code, signed) = again(["relayer", &address(2).to_string()]);
    assert_eq!(code, 1, "{signed}");
    let all = outcomes(&signed["reappraised"]);
    assert_eq!(all.iter().filter(|o| *o == "false").count(), 5);
    let (code, good) = again(["operator", &signer(2).address().to_string()]);
    assert_eq!(
        (code, outcomes(&good["reappraised"])),
        (0, vec!["true".into()]),
        "{good}"
    );
}

/// From nothing but an RPC endpoint, the registry and archives: all lies, and the first one's operator.
fn everything(network: &Network, archives: &[&str]) -> String {
    let (code, answer) = ask(network, &[&["--reappraise"][..], archives].concat());
    assert_eq!((code, &answer["isSame"]), (1, &json!(true)), "{answer}");
    let scan = &answer["reappraised"];
    // True: the honest grant and both honest machines' entries. Unsaid: what needs the consent that the liars have lost.
    let counts = [&scan["asPosted"], &scan["false"], &scan["cannotBeSaid"]];
    assert_eq!(counts, [&json!(3), &json!(5), &json!(2)], "{scan}");
    let findings = scan["findings"].as_array().unwrap();
    assert_eq!(outcomes(&scan["findings"])[5..], ["unconsented", "unconsented"]);
    let invented = findings
        .iter()
        .find(|f| f["entry"]["platform"] == json!(INVENTED));
    assert!(
        invented.unwrap()["faults"][0]
            .as_str()
            .unwrap()
            .contains("nothing"),
        "{invented:?}"
    );
    let lies = findings[..5].iter();
    assert!(
        lies.clone()
            .all(|lie| lie["signers"] == json!([address(1), address(2)]))
    );
    let mut operators = lies.filter_map(|lie| lie["entry"]["operator"].as_str());
    operators.next().unwrap().to_owned()
}

fn outcomes(findings: &Value) -> Vec<String> {
    let outcome = |finding: &Value| finding["outcome"].as_str().unwrap_or("missing").to_owned();
    findings.as_array().unwrap().iter().map(outcome).collect()
}

fn names(finding: &Value) -> Vec<&str> {
    let failed = finding["failed"].as_array().unwrap().iter();
    failed.map(|check| check["name"].as_str().unwrap()).collect()
}

/// A lie about the level is false even where the archive has spoiled the consent; what came before it in the log is not.
fn a_worse_grant_is_no_matter_of_its_consent(
    network: &Network,
    third: &Offer,
    archives: &[&str],
    dir: &Path,
) {
    let operator = third.bundle.evidence.operator.to_string();
    let ask = |more: &[&str]| {
        let (code, story) = ask(
            network,
            &[&["operator", &operator, "--reappraise"][..], archives, more].concat(),
        );
        assert_eq!(code, 1, "{story}");
        let found = story["reappraised"].clone();
        assert_eq!(
            found[2]["faults"],
            json!(["tcb: posted 2, by the evidence 1"]),
            "{story}"
        );
        outcomes(&found)
    };
    assert_eq!(ask(&[]), ["unconsented", "unconsented", "false"]);
    // Another archive has the bundle as the operator made it.
    let whole = dir.join("whole/bundles");
    fs::create_dir_all(&whole).unwrap();
    fs::write(
        whole.join(format!("{}.json", third.bundle.digest)),
        &third.document,
    )
    .unwrap();
    let whole = whole.parent().unwrap().to_str().unwrap();
    assert_eq!(ask(&["--archive", whole]), ["true", "true", "false"]);
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

/// The consent is named by no digest: an archive that swaps it must not make honest relayers liars.
fn another_consent_accuses_nobody(network: &Network, dir: &Path) {
    let own = network.honest[0].data().join("archive");
    let swapped = dir.join("swapped");
    for folder in ["manifests", "endorsements", "policies", "bundles"] {
        fs::create_dir_all(swapped.join(folder)).unwrap();
        for entry in fs::read_dir(own.join(folder)).unwrap() {
            let entry = entry.unwrap();
            let mut document = fs::read(entry.path()).unwrap();
            if folder == "bundles" {
                document = without_consent(&document);
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
        (2, &json!("unconsented")),
        "{story}"
    );
    let nothing = dir.join("nothing");
    fs::create_dir(&nothing).unwrap();
    let archive = ["--archive", nothing.to_str().unwrap()];
    let (code, story) = ask(
        network,
        &[&["operator", &honest, "--reappraise"][..], &archive].concat(),
    );
    assert_eq!(code, 2, "nothing is false");
    assert!(
        story["reappraised"][0]["missing"]
            .as_str()
            .unwrap()
            .contains("manifest"),
        "{story}"
    );
}
