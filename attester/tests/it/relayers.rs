//! `register` and its relayers: several, slow, hostile and lying ones. What counts is what the registry says.

use std::time::{Duration, Instant};

use alloy_primitives::B256;
use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use serde_json::{Value, json};

use crate::{
    cli::{Node, OPERATOR, run},
    servers::{Chain, FINALIZED, Lack, Scripted, always},
};

const NOBODY: &str = "http://127.0.0.1:1";

async fn register(node: &Node, chain: &Chain, relayers: &[&str], more: &[&str]) -> (i32, String, String) {
    let mut command = node.command("register", &chain.url);
    for relayer in relayers {
        command.args(["--relayer", relayer]);
    }
    command.args(more);
    run(command).await
}

fn honest() -> Vec<Value> {
    let transaction = B256::repeat_byte(1);
    vec![
        json!({"state": "received"}),
        json!({"state": "posted", "transaction": transaction, "later": {"a": 1}}),
        json!({"state": "final", "transaction": transaction, "blockNumber": FINALIZED, "lands": true}),
    ]
}

fn rejecting() -> Vec<Value> {
    let checks = json!([
        {"id": 101, "name": "td.quote", "outcome": "pass", "detail": "fine"},
        {"id": 601, "name": "cross.rtmr0", "outcome": "fail", "detail": "PCR 1 has an unlisted event"},
    ]);
    vec![
        json!({"state": "received"}),
        json!({"state": "rejected", "checks": checks}),
    ]
}

#[tokio::test]
async fn it_is_followed_until_the_registry_has_it() {
    let (node, chain) = (Node::new(), Chain::start().await);
    let relayer = Scripted::start(&chain, honest()).await;
    let (code, stdout, stderr) = register(&node, &chain, &[&relayer.url], &[]).await;
    assert_eq!(code, 0, "{stderr}");
    assert!(
        stdout.starts_with(&format!("{OPERATOR} is attested until ")),
        "{stdout}"
    );
    let transaction = B256::repeat_byte(1);
    assert!(
        stderr.contains(&format!("posted     {}, transaction {transaction}", relayer.url)),
        "{stderr}"
    );
    assert!(
        stderr.contains(&relayer.received()[0].digest.to_string()),
        "{stderr}"
    );
}

#[tokio::test]
async fn one_of_three_is_enough() {
    let (node, chain) = (Node::new(), Chain::start().await);
    let relayer = Scripted::start(&chain, honest()).await;
    let wrong = Scripted::start(&chain, rejecting()).await;
    let (code, _, stderr) = register(&node, &chain, &[NOBODY, &wrong.url, &relayer.url], &[]).await;
    assert_eq!(code, 0, "{stderr}");
    assert!(stderr.contains("relayer http://127.0.0.1:1"), "{stderr}");
    let digests = |relayer: &Scripted| {
        relayer
            .received()
            .iter()
            .map(|bundle| bundle.digest)
            .collect::<Vec<_>>()
    };
    assert_eq!(digests(&wrong), digests(&relayer), "each gets the bundle once");
}

#[tokio::test]
async fn a_rejection_names_each_failed_check_and_what_to_do() {
    let (node, chain) = (Node::new(), Chain::start().await);
    let relayer = Scripted::start(&chain, rejecting()).await;
    let (code, _, stderr) = register(&node, &chain, &[NOBODY, &relayer.url], &[]).await;
    assert_eq!(code, 5, "{stderr}");
    assert!(stderr.contains("was rejected: 1 check failed"), "{stderr}");
    let wanted =
        "check 601 cross.rtmr0: PCR 1 has an unlisted event\n    → TD and TPM did not measure the same boot";
    assert!(stderr.contains(wanted), "{stderr}");
    assert!(!stderr.contains("td.quote"), "{stderr}");
}

#[tokio::test]
async fn who_gives_a_bundle_up_is_not_waited_for() {
    let (node, chain) = (Node::new(), Chain::start().await);
    let failing = || {
        let failed = json!({"state": "failed", "reason": "no endorsements while it was fresh"});
        vec![json!({"state": "received"}), failed]
    };
    let relayer = Scripted::start(&chain, failing()).await;
    let (code, _, stderr) = register(&node, &chain, &[&relayer.url], &["--wait", "60"]).await;
    assert_eq!(code, 4, "{stderr}");
    assert!(stderr.contains("it has given up bundle 0x"), "{stderr}");
    assert!(
        stderr.contains(": no endorsements while it was fresh"),
        "{stderr}"
    );

    // Beside an honest one, it costs nothing.
    let (failing, honest) = (
        Scripted::start(&chain, failing()).await,
        Scripted::start(&chain, honest()).await,
    );
    let (code, _, stderr) = register(&node, &chain, &[&failing.url, &honest.url], &[]).await;
    assert_eq!(code, 0, "{stderr}");
}

#[tokio::test]
async fn a_relayer_that_says_final_and_has_done_nothing_is_caught() {
    let (node, chain) = (Node::new(), Chain::start().await);
    let claim = json!({"state": "final", "transaction": B256::repeat_byte(9), "blockNumber": 3});
    let liar = Scripted::start(&chain, vec![claim]).await;
    let (code, stdout, stderr) = register(&node, &chain, &[&liar.url], &[]).await;
    assert_eq!(code, 4, "{stderr}");
    assert_eq!(stdout, "");
    assert!(
        stderr.contains("the registry does not know of it as of finalized block 16"),
        "{stderr}"
    );

    // One that names a block beyond the chain's end is not believed for longer, and not accused before its time.
    let claim = json!({"state": "final", "blockNumber": u64::MAX});
    let liar = Scripted::start(&chain, vec![claim]).await;
    let (code, _, stderr) = register(&node, &chain, &[&liar.url], &["--wait", "3"]).await;
    assert_eq!(code, 6, "{stderr}");

    // Beside an honest one, it costs nothing.
    let relayer = Scripted::start(&chain, honest()).await;
    let claim = json!({"state": "final", "blockNumber": 3});
    let liar = Scripted::start(&chain, vec![claim]).await;
    let (code, _, stderr) = register(&node, &chain, &[&liar.url, &relayer.url], &[]).await;
    assert_eq!(code, 0, "{stderr}");
}

/// An honest relayer ends a bundle without a transaction where it would change nothing. A liar says the same of a bundle that
/// it never looked at, so that is no success.
#[tokio::test]
async fn who_is_attested_for_as_long_already_is_told_until_when() {
    let end = json!({"state": "final", "reason": "already attested for as long"});
    let (node, chain) = (Node::new(), Chain::start().await);
    chain.land(B256::ZERO);
    chain.age();
    chain.finalize();
    let relayer = Scripted::start(&chain, vec![end.clone()]).await;
    let (code, stdout, stderr) = register(&node, &chain, &[NOBODY, &relayer.url], &[]).await;
    assert_eq!((code, &*stdout), (6, ""), "{stderr}");
    assert!(
        stderr.contains("changed nothing on chain: operator is attested until 2023-11-15 22:13:20 UTC"),
        "{stderr}"
    );

    // Who finds it bad beside one who says that nothing is to be done is heard.
    let honest = Scripted::start(&chain, rejecting()).await;
    let (code, _, stderr) = register(&node, &chain, &[&relayer.url, &honest.url], &[]).await;
    assert_eq!(code, 5, "{stderr}");

    // To somebody who is not attested, that is a lie.
    let chain = Chain::start().await;
    let relayer = Scripted::start(&chain, vec![end.clone()]).await;
    let (code, _, stderr) = register(&node, &chain, &[&relayer.url], &["--wait", "3"]).await;
    assert_eq!(code, 6, "not final to us yet: {stderr}");
    chain.finalize();
    let (code, _, stderr) = register(&node, &chain, &[&relayer.url], &[]).await;
    assert_eq!(code, 4, "{stderr}");
}

/// A clone's grant, or that of an older bundle: the registry's numbers look as if ours had landed.
#[tokio::test]
async fn another_bundle_that_lands_is_not_taken_for_this_one() {
    let (node, chain) = (Node::new(), Chain::start().await);
    let claim = json!({"state": "final", "blockNumber": FINALIZED, "lands": "another"});
    let liar = Scripted::start(&chain, vec![claim]).await;
    let (code, stdout, stderr) = register(&node, &chain, &[&liar.url], &[]).await;
    assert_eq!((code, &*stdout), (4, ""), "{stderr}");

    // Nobody shows what has landed: nobody is believed, and nobody accused.
    let (chain, elsewhere) = (Chain::start().await, Chain::start().await);
    let claim = json!({"state": "final", "blockNumber": FINALIZED});
    let silent = Scripted::start(&elsewhere, vec![claim]).await;
    let land = async {
        while silent.received().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        chain.land(B256::repeat_byte(1));
    };
    let more = ["--wait", "3"];
    let relayers = [&*silent.url];
    let ((code, _, stderr), ()) = tokio::join!(register(&node, &chain, &relayers, &more), land);
    assert_eq!(code, 6, "{stderr}");
    assert!(stderr.contains("no relayer shows manifest"), "{stderr}");
}

/// A clone's grant whose manifest was lost stands in the log before ours.
#[tokio::test]
async fn what_nobody_shows_hides_nothing_behind_it() {
    let (node, chain) = (Node::new(), Chain::start().await);
    chain.hide(B256::repeat_byte(1));
    let relayer = Scripted::start(&chain, honest()).await;
    let (code, _, stderr) = register(&node, &chain, &[&relayer.url], &["--wait", "20"]).await;
    assert_eq!(code, 0, "{stderr}");
}

/// An endpoint that is several machines: the first one asked has not seen the block that the next one has.
#[tokio::test]
async fn a_log_that_came_late_is_read_again() {
    let (node, chain) = (Node::new(), Chain::start().await);
    chain.lack(Lack::LastLogs);
    let posted = json!({"state": "posted", "transaction": B256::repeat_byte(1), "lands": true});
    let relayer = Scripted::start(&chain, vec![json!({"state": "received"}), posted]).await;
    let (code, _, stderr) = register(&node, &chain, &[&relayer.url], &["--wait", "20"]).await;
    assert_eq!(code, 0, "{stderr}");
    assert!(!chain.lacks_any(), "the log was not asked for");
}

#[tokio::test]
async fn nothing_that_a_relayer_answers_is_followed_run_or_loaded() {
    let (node, chain) = (Node::new(), Chain::start().await);
    let (trap, sprung) = always(|| Response::new(Body::from("{}"))).await;
    let folder = tempfile::tempdir().unwrap();
    let canary = folder.path().join("canary");
    std::fs::write(&canary, "tweet").unwrap();
    let mark = folder.path().join("mark");
    let poison = [
        format!("{trap}/x"),
        format!("file://{}", canary.display()),
        canary.display().to_string(),
        format!("$(touch {0})`touch {0}`; touch {0}", mark.display()),
        "\u{1b}[2J\u{1b}]0;owned\u{7}".to_owned(),
    ]
    .join(" ");
    let answer = json!({
        "state": "rejected", "reason": poison, "url": format!("{trap}/x"), "$ref": format!("{trap}/x"), "next": poison,
        "checks": [{"id": 101, "name": poison, "outcome": "fail", "detail": poison, "rule": canary}],
    });
    let relayer = Scripted::start(&chain, vec![answer]).await;
    let (code, stdout, stderr) = register(&node, &chain, &[&relayer.url], &[]).await;
    assert_eq!(code, 5, "{stderr}");
    assert_eq!(*sprung.lock().unwrap(), 0, "no URL is followed");
    assert!(!mark.exists(), "no command is run");
    assert!(
        !format!("{stdout}{stderr}").contains("tweet"),
        "no path is loaded"
    );
    assert!(
        !stderr.contains('\u{1b}') && !stderr.contains('\u{7}'),
        "{stderr:?}"
    );
}

#[tokio::test]
async fn no_redirect_is_followed() {
    let (node, chain) = (Node::new(), Chain::start().await);
    let (trap, sprung) = always(|| Response::new(Body::from("{}"))).await;
    let (relayer, asked) = always(move || {
        Response::builder()
            .status(StatusCode::TEMPORARY_REDIRECT)
            .header("location", format!("{trap}/v1/bundles"))
            .body(Body::empty())
            .unwrap()
    })
    .await;
    let (code, _, stderr) = register(&node, &chain, &[&relayer], &[]).await;
    assert_eq!(code, 4, "{stderr}");
    assert!(stderr.contains("redirects are not followed"), "{stderr}");
    assert_eq!((*asked.lock().unwrap(), *sprung.lock().unwrap()), (1, 0));
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let (node, chain) = (Node::new(), Chain::start().await);
    let (relayer, _) = always(|| {
        let chunk = || Ok::<_, std::io::Error>(axum::body::Bytes::from(vec![b' '; 1 << 16]));
        Response::new(Body::from_stream(futures::stream::repeat_with(chunk)))
    })
    .await;
    let (code, _, stderr) = register(&node, &chain, &[&relayer], &[]).await;
    assert_eq!(code, 4, "{stderr}");
    assert!(stderr.contains("longer than 4194304 bytes"), "{stderr}");
}

#[tokio::test]
async fn an_answer_that_drips_is_not_waited_for() {
    let (node, chain) = (Node::new(), Chain::start().await);
    let (relayer, _) = always(|| {
        let drops = futures::stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            Some((Ok::<_, std::io::Error>(axum::body::Bytes::from_static(b" ")), ()))
        });
        Response::new(Body::from_stream(drops))
    })
    .await;
    let begun = Instant::now();
    let (code, _, stderr) = register(&node, &chain, &[&relayer], &["--relayer-timeout", "1"]).await;
    assert_eq!(code, 4, "{stderr}");
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    assert!(stderr.contains("timed out"), "{stderr}");
}
