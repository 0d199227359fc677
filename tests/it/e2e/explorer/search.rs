//! The search, and where it leads.

use alloy::primitives::B256;
use chassis_relayer::replay::Event;
use serde_json::Value;

use super::{
    REAL, encoded,
    town::{FROZEN, Town, operator, platform},
};
use crate::e2e::chain::signer;

/// Everything that has a name leads to its page.
pub(super) async fn searches(url: &str, evidence: &str, done: &Value, town: &Town<'_>) {
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let leads = async |question: &str| {
        let answer = client
            .get(format!("{url}/search?q={}", encoded(question)))
            .send()
            .await
            .unwrap();
        let to = answer
            .headers()
            .get("location")
            .map(|to| to.to_str().unwrap().to_owned());
        to.unwrap_or_else(|| format!("{}", answer.status()))
    };
    let real = signer(REAL).address();
    let frozen = operator(FROZEN);
    let logs = town.history.logs(0).await;
    let renewed = logs.iter().rev().find_map(|log| match &log.event {
        Event::BatchPosted(batch) => Some((batch.batch, *batch.digests.first()?)),
        _ => None,
    });
    let (batch, renewal) = renewed.unwrap();
    assert_eq!(
        leads(&renewal.to_string()).await,
        format!("/batches/{batch}#leaf-{renewal}")
    );
    assert_eq!(
        leads(&frozen.to_string().to_lowercase()).await,
        format!("/operators/{frozen}")
    );
    assert_eq!(
        leads(&platform(60).to_string()).await,
        format!("/platforms/{}", platform(60))
    );
    assert_eq!(leads(evidence).await, format!("/operators/{real}#checks"));
    let result = done["result"].as_str().unwrap();
    assert_eq!(leads(result).await, format!("/batches/0#leaf-{result}"));
    assert_eq!(leads("#3").await, "/batches/3");
    assert_eq!(leads(done["transaction"].as_str().unwrap()).await, "/batches/0");
    assert_eq!(
        leads(&signer(4).address().to_string()).await,
        format!("/relayers#{}", signer(4).address())
    );
    for nothing in ["", "x", &B256::repeat_byte(9).to_string(), "99999999"] {
        assert_eq!(leads(nothing).await, "200 OK", "{nothing}");
    }
}
