//! Relayers: do they answer, and would they get a bundle on chain?

use serde::Deserialize;

use super::{Level, Report};
use crate::http;

/// What of an answer is shown.
const LONGEST: usize = 300;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Ready {
    reasons: Vec<String>,
    warnings: Vec<String>,
}

/// One ready relayer is enough: the others are not needed, only missed.
pub(super) async fn look(relayers: &[String], report: &mut Report) {
    if relayers.is_empty() {
        report.note("relayer", Level::Quote, "not looked at; name one with --relayer");
        return;
    }
    let mut answers = Vec::with_capacity(relayers.len());
    for relayer in relayers {
        answers.push(ask(relayer).await);
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

async fn ask(relayer: &str) -> Result<String, String> {
    let base = http::parse_url(relayer)?;
    let origin = http::origin(&base);
    let client = http::client()?;
    let get = async |path: &str| {
        let url = format!("{}/{path}", base.as_str().trim_end_matches('/'));
        let answer = client.get(url).send().await.map_err(http::problem)?;
        Ok::<_, String>((answer.status(), http::body(answer).await?))
    };
    let about = |problem: String| format!("{origin}: {problem}");
    let (status, _) = get("healthz").await.map_err(about)?;
    if !status.is_success() {
        return Err(about(format!(
            "/healthz answers HTTP {status}: is this a relayer's URL, without /v1?"
        )));
    }
    let (status, body) = get("readyz").await.map_err(about)?;
    let ready: Ready = serde_json::from_slice(&body).unwrap_or_default();
    if !status.is_success() {
        return Err(about(format!("not ready: {}", shown(&ready.reasons))));
    }
    Ok(about(if ready.warnings.is_empty() {
        "ready".to_owned()
    } else {
        format!("ready; it warns: {}", shown(&ready.warnings))
    }))
}

/// Text from elsewhere must not move the cursor of an operator's terminal.
fn shown(lines: &[String]) -> String {
    let text = lines.join("; ");
    let printable = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    printable.take(LONGEST).collect()
}
