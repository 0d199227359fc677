//! `chassis audit`: the registry is what its log says, or the first block and event where it is not.

use alloy::{primitives::B256, sol_types::SolEvent as _};
use chassis_relayer::{
    registry::{
        IProofOfCloudGovernance as Gov,
        IProofOfCloudRegistry::{StatusChanged, freezeProviderCall, pauseCall},
    },
    replay::Replay,
};
use chassis_sim::provider::PROVIDER_ID;
use serde_json::{Value, json};

use super::{
    chain::Chain,
    history::{DAY, GUARDIAN, HOUR, History, operator},
    liar::{Liar, Lie},
    programs::{binary, chassis},
};

/// Exit code and answer.
fn audit(url: &str, chain: &Chain, more: &[&str]) -> (i32, Value) {
    let registry = chain.registry.to_string();
    let mut args = vec!["audit", "--rpc-url", url, "--registry", &registry, "--json"];
    args.extend(more);
    let output = chassis(&args);
    let answer = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output.status.code().unwrap(), answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_is_what_its_log_says_run_after_run() {
    let policy = B256::repeat_byte(0x50);
    let chain = Chain::start(policy).await;
    let history = History::new(&chain, policy);
    history.enrol(&[1, 2, 3], 0xa1).await;
    history.renew(&[1, 2], 13 * HOUR).await;
    history.freeze(operator(3)).await;
    let settle = async || {
        for _ in 0..4 {
            history.mine().await;
        }
    };
    settle().await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.jsonl");
    let cache = ["--cache", path.to_str().unwrap(), "--max-range", "3"];
    let check = async |more: &[&str]| {
        let (code, answer) = audit(&chain.url, &chain, more);
        assert_eq!((code, &answer["isSame"]), (0, &json!(true)), "{answer}");
        assert_eq!(answer["events"], json!(history.logs(0).await.len()));
        assert_eq!(answer["batches"], json!(chain.batches().await));
        answer
    };
    check(&[]).await;
    let first = check(&cache).await;
    let kept = std::fs::read(&path).unwrap();
    history.enrol(&[1, 4], 0xa2).await;
    settle().await;
    let second = check(&cache).await;
    assert_ne!(first["head"], second["head"]);
    let grown = std::fs::read(&path).unwrap();
    assert!(grown.starts_with(&kept), "only what is new was read");
    // A run that was ended in the middle of a line; and a file that is something else.
    std::fs::write(&path, &grown[..grown.len() - 30]).unwrap();
    check(&cache).await;
    std::fs::write(&path, "something else\n").unwrap();
    check(&cache).await;
    let (code, _) = audit("http://127.0.0.1:9", &chain, &[]);
    assert_eq!(code, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lie_about_the_log_is_found_and_its_block_named() {
    let policy = B256::repeat_byte(0x50);
    let chain = Chain::start(policy).await;
    let history = History::new(&chain, policy);
    history.enrol(&[1, 2, 3], 0xa1).await;
    history.renew(&[1, 2], 13 * HOUR).await;
    history.freeze(operator(3)).await;
    for _ in 0..4 {
        history.mine().await;
    }
    let logs = history.logs(0).await;
    let block_of = |kind: &str| logs.iter().find(|log| log.event.name() == kind).unwrap().at.block;
    let liar = Liar::before(&chain.url).await;
    let url = liar.url.clone();
    let ask = async |lie| {
        liar.tell(lie);
        tokio::task::block_in_place(|| audit(&url, &chain, &[]))
    };
    assert_eq!(ask(Lie::Truth).await.0, 0);
    for (lie, block) in [
        (
            Lie::Omit(StatusChanged::SIGNATURE_HASH),
            block_of("StatusChanged"),
        ),
        (Lie::Empty, block_of("AuthorityChanged")),
        (Lie::Forge, block_of("AuthorityChanged")),
    ] {
        let (code, answer) = ask(lie).await;
        assert_eq!((code, &answer["isSame"]), (1, &json!(false)), "{lie:?}: {answer}");
        assert_eq!(
            answer["differences"][0]["block"],
            json!(block),
            "{lie:?}: {answer}"
        );
    }
    // What the head does not cover, the slots do.
    let (code, answer) = ask(Lie::Flag).await;
    assert_eq!(code, 1, "{answer}");
    assert_eq!(
        answer["differences"].as_array().unwrap().len(),
        3,
        "three operators' words"
    );
    assert!(
        answer["differences"][0]["what"]
            .as_str()
            .unwrap()
            .starts_with("slot 0x")
    );
    assert_eq!(ask(Lie::AtMost(2)).await.0, 0);
}

/// One of two endpoints alters what no head covers, and answers every question about it alike.
#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_endpoints_cannot_lie_about_words_roots_and_times() {
    let policy = B256::repeat_byte(0x50);
    let chain = Chain::start(policy).await;
    let history = History::new(&chain, policy);
    history.enrol(&[1, 2], 0xa1).await;
    for _ in 0..4 {
        history.mine().await;
    }
    let liar = Liar::before(&chain.url).await;
    let url = liar.url.clone();
    let ask = async |lie| {
        liar.tell(lie);
        tokio::task::block_in_place(|| audit(&url, &chain, &["--rpc-url", &chain.url]))
    };
    let (code, answer) = ask(Lie::Truth).await;
    assert_eq!((code, &answer["isSame"]), (0, &json!(true)), "{answer}");
    // What would follow from the log as it is told.
    let mut replay = Replay::new(chain.registry);
    let logs = history.logs(0).await;
    replay.take(&super::liar::flagged(&logs)).unwrap();
    let (code, answer) = ask(Lie::Root(replay.state().storage_root())).await;
    assert_ne!(code, 0, "{answer}");
    assert_ne!(answer["isSame"], json!(true), "{answer}");
    // Nor when it was: by the blocks, not by the logs.
    liar.tell(Lie::Later(7));
    let who = operator(1).to_string();
    let story = tokio::task::block_in_place(|| {
        let registry = chain.registry.to_string();
        let asked = [
            "audit",
            "operator",
            &who,
            "--rpc-url",
            &url,
            "--registry",
            &registry,
            "--json",
        ];
        chassis(&[&asked[..], &["--rpc-url", &chain.url]].concat())
    });
    let story: Value = serde_json::from_slice(&story.stdout).unwrap();
    let granted = logs
        .iter()
        .find(|log| log.event.name() == "OperatorGranted")
        .unwrap();
    assert_eq!(
        story["spans"][0]["from"]["time"],
        json!(granted.at.time),
        "{story}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn ranges_whose_heads_nobody_could_tell_are_kept_and_given_up_if_they_are_wrong() {
    let policy = B256::repeat_byte(0x50);
    let chain = Chain::start(policy).await;
    let history = History::new(&chain, policy);
    history.enrol(&[1, 2, 3], 0xa1).await;
    history.renew(&[1, 2], 13 * HOUR).await;
    history.freeze(operator(3)).await;
    for _ in 0..4 {
        history.mine().await;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.jsonl");
    let cache = ["--cache", path.to_str().unwrap(), "--max-range", "3"];
    let check = || {
        let (code, answer) = audit(&chain.url, &chain, &cache);
        assert_eq!((code, &answer["isSame"]), (0, &json!(true)), "{answer}");
    };
    check();
    let kept = std::fs::read_to_string(&path).unwrap();
    let unverified = kept.replace("\"verified\":true", "\"verified\":false");
    std::fs::write(&path, &unverified).unwrap();
    history.renew(&[1], 14 * HOUR).await;
    for _ in 0..4 {
        history.mine().await;
    }
    check();
    let grown = std::fs::read_to_string(&path).unwrap();
    assert!(
        grown.starts_with(&unverified),
        "what was read of old blocks is not read again"
    );
    // The freeze was left out, and no head could tell.
    let lines: Vec<_> = unverified.lines().collect();
    let frozen = StatusChanged::SIGNATURE_HASH.to_string();
    let (first, rest) = lines.split_at(lines.iter().position(|line| line.contains(&frozen)).unwrap());
    std::fs::write(&path, [first, &rest[1..], &[""]].concat().join("\n")).unwrap();
    check();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operators_story_tells_of_pauses_and_of_its_providers_freezes() {
    let policy = B256::repeat_byte(0x50);
    let chain = Chain::start(policy).await;
    let history = History::new(&chain, policy);
    let (reason, evidence) = (5, B256::ZERO);
    history
        .send(
            GUARDIAN,
            &pauseCall {
                reason,
                evidenceHash: evidence,
            },
        )
        .await;
    history.governed(&Gov::unpauseCall {}).await;
    history.enrol(&[1], 0xa1).await;
    history.wait(HOUR).await;
    let freeze = freezeProviderCall {
        provider: PROVIDER_ID,
        reason: 9,
        evidenceHash: evidence,
    };
    history.send(GUARDIAN, &freeze).await;
    history.wait(DAY).await;
    for _ in 0..4 {
        history.mine().await;
    }
    let registry = chain.registry.to_string();
    let who = operator(1).to_string();
    let args = [
        "audit",
        "operator",
        &who,
        "--rpc-url",
        &chain.url,
        "--registry",
        &registry,
    ];
    let output = chassis(&[&args[..], &["--json"]].concat());
    let story: Value = serde_json::from_slice(&output.stdout).unwrap();
    let frozen = &story["outages"][0];
    assert_eq!(
        story["outages"].as_array().unwrap().len(),
        1,
        "the pause was over before it: {story}"
    );
    assert_eq!(
        (&frozen["provider"], &frozen["cause"]["reason"]),
        (&json!(PROVIDER_ID), &json!(9))
    );
    assert_eq!(frozen["to"], Value::Null);
    let [attested] = &story["attested"].as_array().unwrap()[..] else {
        panic!("{story}")
    };
    assert_eq!(attested["from"], story["spans"][0]["from"]["time"]);
    assert_eq!(attested["to"], frozen["from"], "not to the lane's end");
    let switched = story["happenings"].as_array().unwrap().iter();
    assert_eq!(
        switched
            .filter(|h| h["what"]["kind"] == json!("switched"))
            .count(),
        1,
        "{story}"
    );
    let text = String::from_utf8(chassis(&args).stdout).unwrap();
    assert!(
        text.contains("Stopped") && text.contains("was frozen, reason 9"),
        "{text}"
    );
}

/// What the command line leaves out, a deployment file says; and what nobody says is asked for.
#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_file_stands_for_registry_start_and_archive() {
    let policy = B256::repeat_byte(0x50);
    let chain = Chain::start(policy).await;
    let history = History::new(&chain, policy);
    history.enrol(&[1], 0xa1).await;
    for _ in 0..4 {
        history.mine().await;
    }
    let first = history.logs(0).await[0].at.block;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("31337.json");
    let deploy = |archives: Value, start: u64| {
        let deployment =
            json!({"registry": chain.registry, "fromBlock": start, "relayerUrls": [], "archives": archives});
        std::fs::write(&file, deployment.to_string()).unwrap();
    };
    let run = |args: &[&str]| {
        let mut command = std::process::Command::new(binary("chassis"));
        command
            .env("CHASSIS_DEPLOYMENT", &file)
            .args(["audit", "--json", "--rpc-url", &chain.url]);
        let output = command.args(args).output().unwrap();
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        (output.status.code().unwrap(), text)
    };
    deploy(json!([]), first);
    let (code, text) = run(&[]);
    assert_eq!(code, 0, "{text}");
    let (code, text) = run(&["--reappraise"]);
    assert!(code == 2 && text.contains("give --archive"), "{text}");
    assert!(!text.contains("the registry refuses"), "{text}");
    // Its archive is asked, and has nothing.
    deploy(json!([dir.path()]), first);
    let (code, text) = run(&["--reappraise"]);
    assert!(code == 2 && text.contains("not in the archive"), "{text}");
    // Its start block is taken: a log without the registry's creation is another registry's.
    deploy(json!([]), first + 1);
    let (code, text) = run(&[]);
    assert!(code == 1 && text.contains("by the log it is 0x0000"), "{text}");

    // A file that is not there hinders only those who left something to it.
    std::fs::remove_file(&file).unwrap();
    let (registry, start) = (chain.registry.to_string(), first.to_string());
    let archive = dir.path().to_str().unwrap();
    let all = [
        "--registry",
        &registry,
        "--start-block",
        &start,
        "--archive",
        archive,
    ];
    for (args, expected) in [(&["--help"][..], 0), (&all, 0), (&all[..4], 2), (&[], 2)] {
        let (code, text) = run(args);
        assert_eq!(code, expected, "{args:?}: {text}");
        assert_eq!(
            text.contains("CHASSIS_DEPLOYMENT: "),
            expected == 2,
            "{args:?}: {text}"
        );
    }
}
