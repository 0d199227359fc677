//! What is deployed and written beside the program fits it: systemd unit, alert rules, tables of the operator's guide.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use chassis_attester::{CATALOGUE, advice};
use chassis_verifier::CheckId;
use serde::Deserialize;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Where systemd is. The unit is checked with this program in its place.
#[test]
fn systemd_takes_the_unit() {
    let unit = read("deploy/systemd/chassis-node.service");
    let unit = unit.replace("/usr/local/bin/chassis-node", env!("CARGO_BIN_EXE_chassis-node"));
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("chassis-node.service");
    fs::write(&path, unit).unwrap();
    match Command::new("systemd-analyze").arg("verify").arg(&path).output() {
        Ok(output) => {
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(
                output.status.success() && !told.contains("chassis-node.service:"),
                "{told}"
            );
        }
        Err(error) => eprintln!("not checked by systemd: {error}"),
    }
}

/// Each option of the unit is one of the program's.
#[test]
fn the_unit_names_options_that_there_are() {
    let unit = read("deploy/systemd/chassis-node.service");
    let help = Command::new(env!("CARGO_BIN_EXE_chassis-node"))
        .args(["renew", "--help"])
        .output()
        .unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let words = unit.split(|c: char| c.is_whitespace() || ",.:".contains(c));
    let named: Vec<_> = words
        .filter(|word| word.starts_with("--") || word.starts_with("CHASSIS_"))
        .filter(|word| !["--system", "--no-create-home", "--groups"].contains(word))
        .collect();
    assert!(named.len() > 8);
    for name in named {
        assert!(help.contains(name) || name == "CHASSIS_OPERATOR_KEY", "{name}");
    }
}

#[test]
fn the_guide_has_every_check_and_every_metric() {
    let guide = read("docs/OPERATE.md");
    let rows = CheckId::ALL.iter().map(|check| {
        let id = *check as u16;
        format!("| {id} | `{}` | {} |", check.name(), advice(id).unwrap())
    });
    let missing: Vec<_> = rows.filter(|row| !guide.contains(row)).collect();
    assert!(
        missing.is_empty(),
        "docs/OPERATE.md lacks:\n{}",
        missing.join("\n")
    );
    for metric in CATALOGUE {
        assert!(guide.contains(&format!("`{}`", metric.name)), "{}", metric.name);
    }
}

const ALERTS: &str = "deploy/prometheus/node-alerts.yml";

#[derive(Deserialize)]
struct Rules {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    alert: String,
    expr: String,
    #[serde(rename = "for", default)]
    lasts: String,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
}

#[test]
fn alert_rules_use_metrics_that_exist_and_are_in_the_guide() {
    let rules: Rules = serde_saphyr::from_str(&read(ALERTS)).unwrap();
    let rules: Vec<_> = rules.groups.into_iter().flat_map(|group| group.rules).collect();
    let guide = read("docs/OPERATE.md");
    assert!(guide.contains("\n### Alerts\n"));
    for Rule {
        alert,
        expr,
        lasts,
        labels,
        annotations,
    } in &rules
    {
        let words = expr.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let used: Vec<_> = words.filter(|word| word.starts_with("chassis_")).collect();
        assert!(!used.is_empty(), "{alert} asks for no metric of ours");
        for name in used {
            assert!(
                CATALOGUE.iter().any(|metric| metric.name == name),
                "{alert}: {name}"
            );
        }
        assert!(lasts.is_empty() || lasts.ends_with(['m', 'h']), "{alert}");
        assert!(["page", "ticket"].contains(&&*labels["severity"]), "{alert}");
        assert!(!annotations["summary"].is_empty(), "{alert}");
        assert_eq!(annotations["runbook"], "docs/OPERATE.md#alerts");
        assert!(
            guide.contains(&format!("| `{alert}` |")),
            "docs/OPERATE.md does not explain {alert}"
        );
    }
    // Every metric that can be bad has a rule, and nothing is explained that never fires.
    for metric in CATALOGUE {
        let is_shown_only = metric.name == "chassis_node_next_renewal_timestamp_seconds";
        let is_used = rules.iter().any(|rule| rule.expr.contains(metric.name));
        assert!(is_used != is_shown_only, "{}", metric.name);
    }
    for row in guide
        .lines()
        .filter_map(|line| line.strip_prefix("| `ChassisNode"))
    {
        let name = format!("ChassisNode{}", row.split('`').next().unwrap());
        assert!(rules.iter().any(|rule| rule.alert == name), "{name}");
    }
}

/// `promtool` is in Debian's package `prometheus`. Without it, the test above has to do.
#[test]
fn promtool_takes_the_rules() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(ALERTS);
    match Command::new("promtool")
        .args(["check", "rules"])
        .arg(path)
        .output()
    {
        Ok(output) => assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stdout)
        ),
        Err(error) => eprintln!("not checked by promtool: {error}"),
    }
}
