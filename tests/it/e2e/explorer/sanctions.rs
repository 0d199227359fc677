//! What pages say of a conviction, of a provider's freeze, and of a pause.

use alloy::primitives::Address;
use serde_json::json;

use super::{
    browser::browse,
    text,
    town::{AT_FROZEN_PROVIDER, BYZANTINE, RECOVERED, Town, lie, operator},
};
use crate::e2e::chain::{signer, until};

/// Who was convicted, when, by which transaction, and of what.
pub(super) async fn convicted(url: &str, town: &Town<'_>) {
    let liar = signer(BYZANTINE).address();
    let page = text(&format!("{url}/relayers")).await;
    let row = page
        .split("<tr")
        .find(|row| row.contains(&format!("id=\"{liar}\"")));
    let row = row.unwrap();
    let logs = town.history.logs(0).await;
    let proof = logs
        .iter()
        .find(|log| log.event.name() == "Equivocation")
        .unwrap();
    let when = chrono(proof.at.time);
    for part in [
        "by proof of equivocation",
        &when,
        &proof.at.transaction.to_string(),
        &lie().to_string(),
    ] {
        assert!(row.contains(part), "{part} in {row}");
    }
    assert_eq!(
        page.matches("by proof of equivocation").count(),
        1,
        "one of three"
    );
}

/// As pages have it.
fn chrono(time: u64) -> String {
    let time = time::OffsetDateTime::from_unix_timestamp(i64::try_from(time).unwrap()).unwrap();
    time.format(&time::format_description::well_known::Rfc3339)
        .unwrap()
}

/// A provider's freeze, then a pause, each as what it is.
pub(super) async fn stopped(url: &str, town: &Town<'_>) {
    let (hit, other) = (operator(AT_FROZEN_PROVIDER), operator(RECOVERED));
    let own = |who: &Address| format!("/operators/{who}");
    town.freeze_provider().await;
    said(url, &own(&hit), "Its provider was frozen").await;
    let pages = json!([
        {"name": "overview-provider-frozen", "path": "/", "expect": ["Provider 3", "Frozen"]},
        {"name": "operator-provider-frozen", "path": own(&hit), "expect": ["Frozen", "answers false", "Its provider was frozen by a guardian"]},
        {"name": "operator-at-another-provider", "path": own(&operator(61)), "expect": ["Attested"], "forbid": ["provider was frozen"]},
        {"name": "relayers-provider-frozen", "path": "/relayers", "expect": ["1, 2", "No"]},
        {"name": "changes-provider-frozen", "path": "/changes", "expect": ["Providers that count now: 1, 2"]},
    ]);
    browse("provider-frozen", url, &pages).await;
    town.pause().await;
    said(url, "/", "The registry is paused").await;
    let pages = json!([
        {"name": "overview-paused", "path": "/", "expect": ["The registry is paused", "isAttested answers false for all"]},
        {"name": "operators-paused", "path": "/operators", "expect": ["Paused"]},
        {"name": "operators-attested-paused", "path": "/operators?standing=attested", "expect": ["Nobody"]},
        {"name": "operator-paused", "path": own(&other), "expect": ["Paused", "answers false", "The registry was paused by a guardian"]},
        {"name": "relayers-paused", "path": "/relayers", "expect": ["Yes: nobody is attested"]},
    ]);
    browse("paused", url, &pages).await;
}

async fn said(url: &str, path: &str, what: &str) {
    let page = format!("{url}{path}");
    until(what, || async { text(&page).await.contains(what) }).await;
}
