//! Lists and feeds, page by page, as programs read them.

use serde_json::{Value, json};

use super::{
    text,
    town::{EXPIRED, FROZEN, operator},
};

/// The same through the interface, page by page, whatever their length.
pub(super) async fn lists(url: &str) {
    let changes = whole(url, "/v1/changes?limit=7", "changes").await;
    assert_eq!(changes, whole(url, "/v1/changes?limit=1000", "changes").await);
    let ids: Vec<_> = changes
        .iter()
        .map(|change| change["id"].as_str().unwrap())
        .collect();
    assert_eq!(
        ids.iter().collect::<std::collections::BTreeSet<_>>().len(),
        ids.len(),
        "each once"
    );
    assert!(
        changes.is_sorted_by_key(|change| change["time"].as_u64()),
        "the oldest first"
    );
    let mut feed: Vec<String> = Vec::new();
    let mut next = Some(format!("{url}/feed.json"));
    while let Some(page) = next {
        let page: Value = serde_json::from_str(&text(&page).await).unwrap();
        let items = page["items"].as_array().unwrap();
        feed.extend(
            items
                .iter()
                .map(|item| item["_chassis"]["cursor"].as_str().unwrap().to_owned()),
        );
        next = page["next_url"].as_str().map(str::to_owned);
    }
    feed.reverse();
    assert_eq!(feed, ids, "the feed's pages have the same");
    let about = format!("/v1/changes?operator={}", operator(FROZEN));
    let about = whole(url, &about, "changes").await;
    let kinds: Vec<_> = about
        .iter()
        .map(|change| change["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["granted", "frozen"]);

    let operators = whole(url, "/v1/operators?limit=33", "operators").await;
    assert_eq!(operators.len(), 102);
    let attested = whole(url, "/v1/operators?standing=attested&limit=33", "operators").await;
    assert!(attested.iter().all(|o| o["isAttested"] == json!(true)));
    let says_so = operators.iter().filter(|o| o["standing"] == json!("attested"));
    assert_eq!(says_so.cloned().collect::<Vec<_>>(), attested);
    let platforms = whole(url, "/v1/platforms?limit=13", "platforms").await;
    // Fifty and one of the pairs' numbers, and the real machine.
    assert_eq!(platforms.len(), 52);
    let batches = whole(url, "/v1/batches?limit=3", "batches").await;
    let numbers: Vec<_> = batches
        .iter()
        .map(|batch| batch["number"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, (0..batches.len() as u64).collect::<Vec<_>>());
    assert_eq!(batches[1]["signers"].as_array().unwrap().len(), 2);
    for (path, status) in [
        ("/v1/changes?after=7", 400),
        ("/v1/changes?limit=0", 400),
        ("/v1/operators?standing=good", 400),
        ("/v1/operators?after=0x12", 400),
        ("/v1/platforms?after=x", 400),
        ("/v1/batches?after=-1", 400),
        ("/v1/batches?after=99999", 200),
        ("/feed.json?before=x", 400),
    ] {
        let answer = reqwest::get(format!("{url}{path}")).await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
    }
}

/// All pages of a list, each after the one before.
pub(super) async fn whole(url: &str, path: &str, name: &str) -> Vec<Value> {
    let mut all = Vec::new();
    let mut after = String::new();
    loop {
        let page: Value = serde_json::from_str(&text(&format!("{url}{path}{after}")).await).unwrap();
        let items = page[name].as_array().unwrap_or_else(|| panic!("{page}"));
        all.extend(items.iter().cloned());
        assert!(page["finalized"]["head"].is_string(), "{page}");
        if page["hasMore"] == json!(false) {
            return all;
        }
        let next = &page["next"];
        after = format!("&after={}", next.as_str().map_or(next.to_string(), str::to_owned));
    }
}

pub(super) async fn feeds(url: &str) {
    let answer = reqwest::get(format!("{url}/feed.json")).await.unwrap();
    assert_eq!(
        answer.headers()["content-type"],
        "application/feed+json; charset=utf-8"
    );
    let feed: Value = answer.json().await.unwrap();
    assert_eq!(feed["version"], "https://jsonfeed.org/version/1.1");
    assert_eq!(feed["feed_url"], json!(format!("{url}/feed.json")));
    let items = feed["items"].as_array().unwrap();
    assert_eq!(items.len(), 100);
    let ids: std::collections::BTreeSet<_> = items.iter().map(|item| item["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), items.len(), "each once");
    let times: Vec<_> = items
        .iter()
        .map(|item| item["date_published"].as_str().unwrap())
        .collect();
    assert!(times.is_sorted_by(|a, b| a >= b), "the last first");

    let frozen = operator(FROZEN);
    let feed: Value = reqwest::get(format!("{url}/operators/{frozen}/feed.json"))
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let kinds: Vec<_> = feed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["_chassis"]["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["frozen", "granted"]);
    let expired = operator(EXPIRED);
    let feed: Value = reqwest::get(format!("{url}/operators/{expired}/feed.json"))
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(feed["items"][0]["_chassis"]["kind"], "expired");

    let atom = text(&format!("{url}/feed.atom")).await;
    assert!(
        atom.starts_with("<?xml") && atom.matches("<entry>").count() == 100,
        "{atom}"
    );
    assert_eq!(
        atom.matches("<link ").count(),
        atom.matches("/>").count(),
        "well formed"
    );
}
