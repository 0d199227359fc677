//! What is deployed beside the program fits it: alert rules, dashboard, runbook, systemd unit.

#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use chassis_relayer::{
    metrics::{CATALOGUE, Kind},
    store::State,
};
use serde::Deserialize;
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    groups: Vec<Group>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "must be there")]
struct Group {
    name: String,
    rules: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    alert: String,
    expr: String,
    #[serde(rename = "for", default)]
    lasts: String,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
}

fn rules() -> Vec<Rule> {
    let rules: Rules = serde_saphyr::from_str(&read("deploy/prometheus/alerts.yml")).unwrap();
    rules.groups.into_iter().flat_map(|group| group.rules).collect()
}

/// The metrics in an expression, which must be balanced.
fn used(expression: &str) -> BTreeSet<&str> {
    for (open, close) in [('(', ')'), ('{', '}'), ('[', ']')] {
        let mut depth = 0_i32;
        for c in expression.chars() {
            depth += i32::from(c == open) - i32::from(c == close);
            assert!(depth >= 0, "{expression}");
        }
        assert_eq!(depth, 0, "{expression}");
    }
    let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let names: BTreeSet<_> = words.filter(|word| word.starts_with("chassis_")).collect();
    assert!(!names.is_empty(), "{expression} asks for no metric of ours");
    names
}

fn exists(name: &str) -> bool {
    CATALOGUE.iter().any(|metric| match metric.kind {
        Kind::Counter | Kind::Gauge => metric.name == name,
        Kind::Histogram => ["_bucket", "_sum", "_count"]
            .iter()
            .any(|suffix| name.strip_suffix(suffix) == Some(metric.name)),
    })
}

/// What an expression asks of labels: metric, label, and values, with alternatives apart.
fn matched(expression: &str) -> Vec<(String, String, Vec<String>)> {
    let mut all = Vec::new();
    for (at, _) in expression.match_indices('{') {
        let before = expression[..at].rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let metric = before.into_iter().next().unwrap();
        let inside = expression[at + 1..].split('}').next().unwrap();
        for matcher in inside.split(',') {
            let (label, value) = matcher.split_once('=').unwrap();
            let value = value.trim_start_matches('~').trim_matches('"');
            let (prefix, choice) = value.split_once('(').unwrap_or(("", value));
            let values = choice.trim_end_matches(')').split('|');
            let values = values.map(|value| format!("{prefix}{value}")).collect();
            all.push((metric.to_owned(), label.trim().to_owned(), values));
        }
    }
    all
}

/// One that is misspelt never fires.
#[test]
fn alert_rules_ask_for_values_that_labels_have() {
    let problems = read("relayer/src/http/problem.rs");
    let mut count = 0;
    for rule in rules() {
        for (metric, label, values) in matched(&rule.expr) {
            for value in values {
                let exists = match (metric.as_str(), label.as_str()) {
                    ("up", "job") => value == "chassis",
                    ("chassis_bundles", "state") => State::ALL.iter().any(|state| state.name() == value),
                    ("chassis_http_problems_total", "type") => value
                        .strip_prefix("urn:chassis:problem:")
                        .is_some_and(|name| problems.contains(&format!(" \"{name}\" "))),
                    ("chassis_http_request_duration_seconds_bucket", "route") => value == "/v1/bundles",
                    _ => {
                        let metric = CATALOGUE.iter().find(|one| one.name == metric);
                        let born = metric.unwrap().born.iter();
                        born.flat_map(|labels| labels.iter())
                            .any(|pair| *pair == (&*label, &*value))
                    }
                };
                assert!(exists, "{}: {metric} has no {label} {value}", rule.alert);
                count += 1;
            }
        }
    }
    assert!(count > 8, "{count}");
}

#[test]
fn alert_rules_use_metrics_that_exist_and_are_in_the_runbook() {
    let runbook = read("docs/RUNBOOK.md");
    let rules = rules();
    assert!(rules.len() > 10);
    for rule in &rules {
        for name in used(&rule.expr) {
            assert!(exists(name), "{}: there is no metric `{name}`", rule.alert);
        }
        assert!(
            rule.lasts.is_empty() || rule.lasts.ends_with(['s', 'm', 'h']),
            "{rule:?}"
        );
        assert!(["page", "ticket"].contains(&rule.labels["severity"].as_str()));
        assert!(!rule.annotations["summary"].is_empty());
        assert_eq!(
            rule.annotations["runbook"],
            format!("docs/RUNBOOK.md#{}", rule.alert.to_lowercase())
        );
        assert!(
            runbook.contains(&format!("\n### {}\n", rule.alert)),
            "docs/RUNBOOK.md does not explain {}",
            rule.alert
        );
    }
    // And nothing is explained that never fires.
    for heading in runbook
        .lines()
        .filter_map(|line| line.strip_prefix("### Chassis"))
    {
        let name = format!("Chassis{heading}");
        assert!(rules.iter().any(|rule| rule.alert == name), "{name}");
    }
}

#[test]
fn the_dashboard_uses_metrics_that_exist_and_shows_what_pages() {
    let dashboard: Value = serde_json::from_str(&read("deploy/grafana/chassis-relayer.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    assert!(panels.len() > 8);
    let mut ids = BTreeSet::new();
    let mut shown = BTreeSet::new();
    for panel in panels {
        assert!(ids.insert(panel["id"].as_u64().unwrap()));
        for target in panel["targets"].as_array().unwrap() {
            for name in used(target["expr"].as_str().unwrap()) {
                assert!(exists(name), "{}: there is no metric `{name}`", panel["title"]);
                shown.insert(name);
            }
        }
    }
    for rule in rules().iter().filter(|rule| rule.labels["severity"] == "page") {
        for name in used(&rule.expr) {
            assert!(shown.contains(name), "{}: no panel shows `{name}`", rule.alert);
        }
    }
}

#[test]
fn the_runbook_names_metrics_that_exist() {
    let runbook = read("docs/RUNBOOK.md");
    let quoted = runbook.split('`').skip(1).step_by(2);
    let named: Vec<_> = quoted.filter(|words| words.starts_with("chassis_")).collect();
    assert!(named.len() > 3, "{named:?}");
    for name in named {
        let known = CATALOGUE.iter().any(|metric| metric.name == name);
        assert!(known, "docs/RUNBOOK.md: there is no metric `{name}`");
    }
}

/// What fires when.
#[test]
fn promtool_takes_the_rules_and_they_fire_as_they_should() {
    for (command, file) in [("check", "alerts.yml"), ("test", "alerts_test.yml")] {
        let output = Command::new("promtool")
            .args([command, "rules"])
            .arg(root().join("deploy/prometheus").join(file))
            .output()
            .unwrap_or_else(|error| {
                panic!("promtool: {error}; scripts/setup.sh installs it (Debian: prometheus)")
            });
        assert!(
            output.status.success(),
            "promtool {command} rules {file}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

/// An increase from no series to one is none: an alert on a first event needs a zero before it.
#[test]
fn counters_that_alerts_ask_for_one_event_of_are_there_from_the_start() {
    for rule in rules().iter().filter(|rule| rule.expr.contains("increase(")) {
        for name in used(&rule.expr)
            .into_iter()
            .filter(|name| name.ends_with("_total"))
        {
            let metric = CATALOGUE.iter().find(|metric| metric.name == name).unwrap();
            // Of each task, by the supervisor.
            let is_born = !metric.born.is_empty() || name == "chassis_task_restarts_total";
            assert!(is_born, "{}: `{name}` begins at one", rule.alert);
        }
    }
}

#[test]
fn every_error_code_is_in_the_runbook() {
    let runbook = read("docs/RUNBOOK.md");
    let mut codes = BTreeSet::new();
    collect_codes(&root().join("relayer/src"), &mut codes);
    assert!(codes.len() > 10, "{codes:?}");
    for code in &codes {
        assert!(
            runbook.contains(&format!("| `{code}` |")),
            "docs/RUNBOOK.md does not explain {code}"
        );
    }
    for line in runbook.lines().filter_map(|line| line.strip_prefix("| `E-")) {
        let code = format!("E-{}", line.split('`').next().unwrap());
        assert!(codes.contains(&code), "nothing says {code}");
    }
}

fn collect_codes(folder: &Path, codes: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect_codes(&path, codes);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for (at, _) in text.match_indices("\"E-") {
            let rest = &text[at + 1..];
            let end = rest
                .find(|c: char| !c.is_ascii_uppercase() && c != '-')
                .unwrap_or(rest.len());
            codes.insert(rest[..end].to_owned());
        }
    }
}

/// The unit is checked with this program in its place.
#[test]
fn systemd_takes_the_unit() {
    let unit = read("deploy/systemd/chassis-relay.service");
    let unit = unit.replace("/usr/local/bin/chassis", env!("CARGO_BIN_EXE_chassis"));
    let unit = unit.replace("Documentation=man:chassis-relay(1)\n", "");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("chassis-relay.service");
    fs::write(&path, unit).unwrap();
    match Command::new("systemd-analyze").arg("verify").arg(&path).output() {
        Ok(output) => {
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(
                output.status.success() && !told.contains("chassis-relay.service:"),
                "{told}"
            );
        }
        Err(error) => panic!("systemd-analyze: {error}; scripts/setup.sh installs it (Debian: systemd)"),
    }
}
