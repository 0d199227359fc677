//! What is deployed and written beside the program fits it: systemd unit, tables of the operator's guide.

use std::{fs, path::Path, process::Command};

use chassis_attester::{CATALOGUE, advice};
use chassis_verifier::CheckId;

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
