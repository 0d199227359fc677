//! Pages and programs that are told of changes while they happen.

use std::{process::Stdio, time::Duration};

use alloy::primitives::{Address, B256};
use chassis_relayer::registry::IProofOfCloudRegistry::freezeOperatorCall;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::{
    browser::{folder, plan},
    town::{Town, operator},
};
use crate::e2e::{chain::until, history::GUARDIAN};

/// A page that is open is told of a freeze; so is a program, which comes back to where it was.
pub(super) async fn live(url: &str, town: &Town<'_>) {
    let target = operator(66);
    let pages = json!([{"name": "operator", "path": format!("/operators/{target}"), "live": "Frozen"}]);
    let mut browser = tokio::process::Command::new("node")
        .arg(folder().join("run.mjs"))
        .arg(plan("live", url, &pages))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(browser.stdout.take().unwrap()).lines();
    assert_eq!(lines.next_line().await.unwrap().as_deref(), Some("listening"));

    let feed: Value = reqwest::get(format!("{url}/feed.json"))
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let last = feed["items"][0]["_chassis"]["cursor"]
        .as_str()
        .unwrap()
        .to_owned();
    let freeze = freezeOperatorCall {
        operator: target,
        reason: 1,
        evidenceHash: B256::ZERO,
    };
    town.history.send(GUARDIAN, &freeze).await;
    // Others may have been frozen since the feed was read.
    let told = events(url, &format!("after={last}"), None, target).await;
    let change = told.iter().find(|event| is_change_of(event, target)).unwrap();
    assert!(change.contains("\"kind\":\"frozen\""), "{change}");
    let again = events(url, "", Some(&last), target).await;
    assert!(again.contains(change), "{again:?}");
    let others = told_of(url, &format!("after={last}&operator={}", operator(1)), None, 5).await;
    assert!(
        others.iter().all(|event| !event.contains("event: change")),
        "{others:?}"
    );

    let output = browser.wait_with_output().await.unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );

    // Places are few, and given back.
    let mut open = Vec::new();
    loop {
        let answer = reqwest::get(format!("{url}/live")).await.unwrap();
        if answer.status() == 503 {
            assert!(!open.is_empty());
            assert!(answer.headers().contains_key("retry-after"));
            break;
        }
        open.push(answer);
        assert!(open.len() <= 5, "more than one client may have");
    }
    drop(open);
    until("places are free again", || async {
        reqwest::get(format!("{url}/live")).await.unwrap().status() == 200
    })
    .await;
}

async fn events(url: &str, query: &str, last: Option<&str>, about: Address) -> Vec<String> {
    let mut told = Vec::new();
    until("an event is told", || async {
        told_of(url, query, last, 2)
            .await
            .iter()
            .any(|event| is_change_of(event, about))
    })
    .await;
    told.extend(told_of(url, query, last, 3).await);
    told
}

fn is_change_of(event: &str, operator: Address) -> bool {
    event.contains("event: change") && event.contains(&operator.to_string().to_lowercase())
}

/// What is told within some seconds.
async fn told_of(url: &str, query: &str, last: Option<&str>, seconds: u64) -> Vec<String> {
    let mut request = reqwest::Client::new().get(format!("{url}/live?{query}"));
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    let mut answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let mut text = String::new();
    let end = tokio::time::Instant::now() + Duration::from_secs(seconds);
    while let Ok(Ok(Some(piece))) = tokio::time::timeout_at(end, answer.chunk()).await {
        text.push_str(&String::from_utf8_lossy(&piece));
    }
    text.split("\n\n").map(str::to_owned).collect()
}
