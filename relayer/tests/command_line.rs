//! Man pages, completions and `config`, as a shell sees them.

#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use std::{
    collections::BTreeSet,
    path::Path,
    process::{Command, Output},
};

fn chassis(args: &[&str], environment: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_chassis"))
        .args(args)
        .env_remove("CHASSIS_RELAYER_KEY")
        .envs(environment.iter().copied())
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Every command, as `config init`, from the help itself.
fn commands(prefix: &[&str]) -> BTreeSet<String> {
    let help = stdout(&chassis(&[prefix, &["--help"]].concat(), &[]));
    let mut found = BTreeSet::new();
    let listed = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| line.starts_with("  "));
    for line in listed {
        let Some(name) = line.split_whitespace().next() else {
            continue;
        };
        if name == "help" || !line.starts_with("  ") || line.starts_with("   ") {
            continue;
        }
        let path = [prefix, &[name]].concat();
        found.insert(path.join(" "));
        found.extend(commands(&path));
    }
    found
}

#[test]
fn every_command_has_a_man_page_and_is_completed() {
    let commands = commands(&[]);
    for expected in ["relay", "config show", "policy explain", "man", "completions"] {
        assert!(commands.contains(expected), "{expected} in {commands:?}");
    }
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("man");
    stdout(&chassis(&["man", "--out", out.to_str().unwrap()], &[]));
    for command in &commands {
        let page = out.join(format!("chassis-{}.1", command.replace(' ', "-")));
        let text =
            std::fs::read_to_string(&page).unwrap_or_else(|error| panic!("{}: {error}", page.display()));
        assert!(text.contains(".SH NAME"), "{text}");
    }
    assert!(out.join("chassis.1").exists());

    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = stdout(&chassis(&["completions", shell], &[]));
        for word in commands.iter().flat_map(|command| command.split(' ')) {
            assert!(script.contains(word), "{shell} does not complete `{word}`");
        }
    }
}

#[test]
fn init_never_overwrites_and_what_it_writes_is_shown_in_layers() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("relayer.toml");
    let path = path.to_str().unwrap();
    stdout(&chassis(&["config", "init", "--out", path], &[]));
    let printed = stdout(&chassis(&["config", "init"], &[]));
    assert_eq!(std::fs::read_to_string(path).unwrap(), printed);
    std::fs::write(path, format!("# mine\n{printed}")).unwrap();
    assert_eq!(
        chassis(&["config", "init", "--out", path], &[]).status.code(),
        Some(2)
    );
    assert!(std::fs::read_to_string(path).unwrap().starts_with("# mine"));

    let environment = [
        ("CHASSIS_LIMITS__CONNECTIONS", "64"),
        (
            "CHASSIS_RPC_URL",
            "https://user:horse@rpc.example/0123456789abcdef0123456789abcdef",
        ),
        ("CHASSIS_RELAYER_KEY", "0123456789abcdef0123456789abcdef"),
    ];
    let shown = stdout(&chassis(&["config", "show", path, "--json"], &environment));
    let json: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let setting = |key: &str| {
        let settings = json["settings"].as_array().unwrap();
        settings
            .iter()
            .find(|setting| setting["key"] == key)
            .unwrap_or_else(|| panic!("{key} in {shown}"))
    };
    assert_eq!(setting("limits.connections")["value"], 64);
    assert_eq!(
        setting("limits.connections")["origin"]["environment"],
        "CHASSIS_LIMITS__CONNECTIONS"
    );
    assert_eq!(setting("listen")["origin"], "file");
    assert_eq!(setting("rpc_url")["value"], "https://***@rpc.example/***");
    let table = stdout(&chassis(&["config", "show", path], &environment));
    for secret in ["horse", "0123456789abcdef"] {
        assert!(!shown.contains(secret) && !table.contains(secret), "{secret}");
    }
}

#[test]
fn check_lists_every_mistake_with_its_key() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("relayer.toml");
    let template = stdout(&chassis(&["config", "init"], &[]));
    let wrong = template
        .replace("poll_ms = 1000", "poll_ms = \"soon\"")
        .replace("grace_s = 30", "grace = 30");
    std::fs::write(&path, wrong).unwrap();
    let output = chassis(&["config", "check", path.to_str().unwrap()], &[]);
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        told.contains("poll_ms: ") && told.contains("shutdown.grace: "),
        "{told}"
    );

    std::fs::write(&path, template.replace("\"policy.toml\"", "\"missing.toml\"")).unwrap();
    let output = chassis(&["config", "check", path.to_str().unwrap()], &[]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    for part in ["missing.toml", "CHASSIS_RELAYER_KEY"] {
        assert!(told.contains(part), "{part} in {told}");
    }
    assert!(Path::new(&path).exists());
}

/// The runbook has people look for it in the last line.
#[test]
fn a_relayer_that_cannot_start_says_its_error_code_last() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("relayer.toml");
    std::fs::write(&path, stdout(&chassis(&["config", "init"], &[]))).unwrap();
    let last_line = |environment: &[(&str, &str)]| {
        let output = chassis(&["relay", "--config", path.to_str().unwrap()], environment);
        assert_eq!(output.status.code(), Some(1));
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        told.lines().last().unwrap().to_owned()
    };
    let last: serde_json::Value = serde_json::from_str(&last_line(&[])).unwrap();
    assert_eq!(last["fields"]["code"], "E-CONFIG", "{last}");
    let error = last["fields"]["error"].as_str().unwrap();
    assert!(error.contains(path.to_str().unwrap()), "{last}");
    // A filter that leaves it out must not make the program end without a word.
    let bare = last_line(&[("RUST_LOG", "off")]);
    assert!(bare.starts_with("error: E-CONFIG: configuration"), "{bare}");
}

#[test]
fn an_archive_may_be_named_in_the_environment_wherever_it_is_an_option() {
    for command in commands(&[]) {
        let command: Vec<_> = command.split(' ').collect();
        let help = stdout(&chassis(&[&command[..], &["--help"]].concat(), &[]));
        if let Some(option) = help.split("   --archive <").nth(1) {
            assert!(option.contains("[env: CHASSIS_ARCHIVE"), "{command:?}: {help}");
        }
    }
}

/// An empty one would know nothing of what its key has signed.
#[test]
fn a_database_that_an_upgrade_left_below_the_working_directory_is_not_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let [etc, work] = ["etc", "work"].map(|name| dir.path().join(name));
    for folder in [&etc, &work] {
        std::fs::create_dir_all(folder.join("data")).unwrap();
    }
    let config = etc.join("relayer.toml");
    std::fs::write(&config, stdout(&chassis(&["config", "init"], &[]))).unwrap();
    let told = || {
        let output = Command::new(env!("CARGO_BIN_EXE_chassis"))
            .args(["config", "check", config.to_str().unwrap()])
            .current_dir(&work)
            .output()
            .unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(!told().contains("chassis.db"), "{}", told());
    let (old, new) = (work.join("data/chassis.db"), etc.join("data/chassis.db"));
    std::fs::write(&old, "").unwrap();
    let words = format!("there is no {}, but there is {}", new.display(), old.display());
    assert!(told().contains(&words), "{}", told());
    std::fs::rename(old, new).unwrap();
    assert!(!told().contains("chassis.db"), "{}", told());
}
