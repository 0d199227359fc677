//! What is deployed and written beside the program fits it: systemd unit, alert rules, tables of the operator's guide.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use chassis_attester::{CATALOGUE, advice};
use chassis_verifier::CheckId;
use serde::Deserialize;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

const NODE: &str = "deploy/systemd/chassis-node.service";

/// Every value that a unit's file gives to a setting.
fn values(unit: &str, setting: &str) -> Vec<String> {
    let text = read(unit);
    let lines = text
        .lines()
        .filter_map(|line| line.strip_prefix(setting)?.strip_prefix('='));
    lines
        .flat_map(str::split_whitespace)
        .map(ToOwned::to_owned)
        .collect()
}

/// The units are checked with this program in its place.
#[test]
fn systemd_takes_the_units() {
    let dir = tempfile::tempdir().unwrap();
    let names = [
        "chassis-node.service",
        "chassis-host-agent.service",
        "chassis-enroll.service",
        "chassis-enroll.timer",
        "chassis-registrar.service",
    ];
    for name in names {
        let unit = read(&format!("deploy/systemd/{name}"));
        let unit = unit.replace("/usr/local/bin/chassis-node", env!("CARGO_BIN_EXE_chassis-node"));
        fs::write(dir.path().join(name), unit).unwrap();
    }
    for name in names {
        let path = dir.path().join(name);
        match Command::new("systemd-analyze").arg("verify").arg(&path).output() {
            Ok(output) => {
                let told = String::from_utf8_lossy(&output.stderr).into_owned();
                assert!(
                    output.status.success() && !told.contains(&format!("{name}:")),
                    "{told}"
                );
            }
            Err(error) => panic!("systemd-analyze: {error}; scripts/setup.sh installs it (Debian: systemd)"),
        }
    }
}

/// Whatever the unit's settings name must be within what it is allowed.
#[test]
fn the_node_reaches_a_hosts_agent_and_its_own_tpm() {
    let families = values(NODE, "RestrictAddressFamilies");
    for family in ["AF_INET", "AF_INET6", "AF_UNIX", "AF_VSOCK"] {
        assert!(families.contains(&family.to_owned()), "{family}: {families:?}");
    }
    let capabilities = values(NODE, "CapabilityBoundingSet");
    assert!(!capabilities.contains(&"CAP_DAC_OVERRIDE".to_owned()));
    // Debian's /dev/tpmrm0 is tss:tss 0660.
    assert_eq!(values(NODE, "SupplementaryGroups"), ["tss"]);
}

/// A unit does not start as a user that nobody made, nor without its file of settings.
#[test]
fn the_guide_makes_users_and_settings_of_the_units_and_installs_them() {
    let guide = read("docs/OPERATE.md");
    let lines: Vec<_> = guide.lines().map(str::trim).collect();
    for name in ["node", "host-agent", "enroll", "registrar"] {
        let unit = format!("deploy/systemd/chassis-{name}.service");
        for user in values(&unit, "User") {
            let makes = |line: &&str| line.starts_with("useradd ") && line.ends_with(&format!(" {user}"));
            assert!(lines.iter().any(makes), "{unit}: nobody makes {user}");
        }
        for file in values(&unit, "EnvironmentFile") {
            let file = file.trim_start_matches('-');
            let makes = |line: &&str| {
                line.starts_with(&format!("cat >{file} "))
                    || line.starts_with(&format!("(umask 077; touch {file})"))
            };
            assert!(lines.iter().any(makes), "{unit}: nobody makes {file}");
        }
        let installs = |line: &&str| {
            line.starts_with("cp deploy/systemd/") && line.contains(&format!("/chassis-{name}."))
        };
        assert!(lines.iter().any(installs), "nobody installs {unit}");
    }
}

/// A host that booted another stack quotes again once it is enrolled: not half a day or a week later.
#[test]
fn a_host_enrolls_at_boot_without_delay_and_again_after_a_failure() {
    let service = "deploy/systemd/chassis-enroll.service";
    assert_eq!(values(service, "WantedBy"), ["multi-user.target"]);
    assert_eq!(values(service, "Restart"), ["on-failure"]);
    assert_eq!(values(service, "StartLimitIntervalSec"), ["0"]);
    let timer = "deploy/systemd/chassis-enroll.timer";
    assert_eq!(values(timer, "OnCalendar"), ["weekly"]);
    // A delay is of every start that a timer has.
    assert!(values(timer, "OnBootSec").is_empty());
}

/// Each option of the unit is one of the program's.
#[test]
fn the_unit_names_options_that_there_are() {
    let unit = read(NODE);
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
        Err(error) => panic!("promtool: {error}; scripts/setup.sh installs it (Debian: prometheus)"),
    }
}
