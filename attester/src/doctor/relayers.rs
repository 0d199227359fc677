//! Relayers: do they answer, and would they get a bundle on this chain, to this registry?

use alloy_primitives::Address;
use serde::{Deserialize, de::DeserializeOwned};

use super::{Level, Report, Setup};
use crate::http;

/// What of an answer is shown.
const LONGEST: usize = 300;

#[derive(Deserialize)]
struct Readiness {
    ready: bool,
    reasons: Vec<String>,
    warnings: Vec<String>,
}

/// What a relayer says evidence must name. Only whom it works for is read of it: the block is the own endpoint's to say.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Challenge {
    chain_id: u64,
    registry: Address,
}

/// One ready relayer is enough: the others are not needed, only missed. `chain_id`: what the own endpoint says.
pub(super) async fn look(setup: &Setup, chain_id: Option<u64>, report: &mut Report) {
    if setup.relayers.is_empty() {
        let found = "none is named, so nobody takes a bundle";
        report.missing("relayer", Level::Quote, found, "name one with --relayer");
        return;
    }
    let mut answers = Vec::with_capacity(setup.relayers.len());
    for relayer in &setup.relayers {
        answers.push(ask(relayer, chain_id, setup.registry).await);
    }
    let some_ready = answers.iter().any(Result::is_ok);
    for answer in answers {
        match answer {
            Ok(found) => report.ok("relayer", Level::Quote, found),
            Err(found) if some_ready => report.note("relayer", Level::Quote, found),
            Err(found) => report.missing(
                "relayer",
                Level::Quote,
                found,
                "check --relayer and the network, wait, or use another relayer: any one will do",
            ),
        }
    }
}

async fn ask(relayer: &str, chain_id: Option<u64>, registry: Option<Address>) -> Result<String, String> {
    let base = http::parse_url(relayer)?;
    let origin = http::origin(&base);
    let client = http::client()?;
    let get = async |path: &str| {
        let url = format!("{}/{path}", base.as_str().trim_end_matches('/'));
        let answer = client.get(url).send().await.map_err(http::problem)?;
        Ok::<_, String>((answer.status(), http::body(answer).await?))
    };
    let about = |problem: String| format!("{origin}: {problem}");
    let (_, body) = get("readyz").await.map_err(about)?;
    let ready: Readiness = read("/readyz", &body).map_err(about)?;
    if !ready.ready {
        return Err(about(format!("not ready: {}", shown(&ready.reasons))));
    }
    let (_, body) = get("v1/challenge").await.map_err(about)?;
    let works_for: Challenge = read("/v1/challenge", &body).map_err(about)?;
    if let Some(problem) = works_for.difference(chain_id, registry) {
        return Err(about(problem));
    }
    Ok(about(if ready.warnings.is_empty() {
        "ready".to_owned()
    } else {
        format!("ready; it warns: {}", shown(&ready.warnings))
    }))
}

fn read<T: DeserializeOwned>(path: &str, body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body)
        .map_err(|_| format!("{path} is not answered as by a relayer: is this one's URL, without /v1?"))
}

impl Challenge {
    fn difference(&self, chain_id: Option<u64>, registry: Option<Address>) -> Option<String> {
        let Self {
            chain_id: theirs,
            registry: served,
        } = self;
        if let Some(ours) = chain_id.filter(|ours| ours != theirs) {
            return Some(format!(
                "it works for chain {theirs}, --rpc-url is of chain {ours}"
            ));
        }
        let ours = registry.filter(|ours| ours != served)?;
        Some(format!("it works for registry {served}, not for {ours}"))
    }
}

/// Text from elsewhere must not move the cursor of an operator's terminal.
fn shown(lines: &[String]) -> String {
    let text = lines.join("; ");
    let printable = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    printable.take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relayer_of_another_chain_or_registry_is_none_of_ours() {
        let works_for = Challenge {
            chain_id: 1,
            registry: Address::repeat_byte(1),
        };
        let difference = |chain_id, registry| works_for.difference(chain_id, registry).unwrap_or_default();
        assert_eq!(difference(Some(1), Some(Address::repeat_byte(1))), "");
        assert_eq!(difference(None, None), "");
        assert!(difference(Some(2), None).contains("chain 1, --rpc-url is of chain 2"));
        assert!(difference(Some(1), Some(Address::ZERO)).contains("not for 0x0000"));
    }
}
