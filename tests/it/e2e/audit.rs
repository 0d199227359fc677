//! `chassis audit`: the registry is what its log says, or the first block and event where it is not.

use alloy::{primitives::B256, sol_types::SolEvent as _};
use chassis_relayer::registry::IProofOfCloudRegistry::StatusChanged;
use serde_json::{Value, json};

use super::{
    chain::Chain,
    history::{HOUR, History, operator},
    liar::{Liar, Lie},
    programs::chassis,
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
