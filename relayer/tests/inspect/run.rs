//! Runs the real binary, and finds real evidence.

use std::{
    ffi::OsStr,
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

/// Longer than any answer takes on a busy machine; what takes this long hangs.
const PATIENCE: Duration = Duration::from_mins(1);

/// What the command answered.
pub(crate) struct Answer {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Answer {
    /// Standard output as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}{}", self.stdout, self.stderr))
    }
}

/// Runs `chassis` with these arguments.
pub(crate) fn chassis<S: AsRef<OsStr>>(arguments: &[S]) -> Answer {
    chassis_with(arguments, &[])
}

/// The same, with `input` on standard input; and every promise about how a command ends.
pub(crate) fn chassis_with<S: AsRef<OsStr>>(arguments: &[S], input: &[u8]) -> Answer {
    let words: Vec<_> = arguments
        .iter()
        .map(|argument| argument.as_ref().display())
        .collect();
    let mut child = Command::new(env!("CARGO_BIN_EXE_chassis"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // The child need not read it all.
    thread::spawn(move || stdin.write_all(&input).ok());
    let stdout = reader(child.stdout.take().unwrap());
    let stderr = reader(child.stderr.take().unwrap());
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if started.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("{words:?} hangs");
        }
        thread::sleep(Duration::from_millis(2));
    };
    let answer = Answer {
        code: status.code().unwrap_or(-1),
        stdout: stdout.join().unwrap(),
        stderr: stderr.join().unwrap(),
    };
    check(&answer, &format!("{words:?}"));
    answer
}

fn check(answer: &Answer, name: &str) {
    let Answer { code, stdout, stderr } = answer;
    assert!((0..=2).contains(code), "{name}: exit {code}: {stderr}");
    assert!(!stderr.contains("panicked"), "{name}: {stderr}");
    if *code == 2 {
        assert_eq!(stderr.lines().count(), 1, "{name}: {stderr}");
        assert!(stderr.len() > "chassis: ".len(), "{name}: no reason");
        assert!(stdout.is_empty(), "{name}: {stdout}");
    } else {
        assert!(stderr.is_empty(), "{name}: {stderr}");
        assert!(!stdout.is_empty(), "{name}: no answer");
    }
    let hazard = |text: &str| text.chars().find(|c| c.is_control() && *c != '\n');
    assert_eq!(hazard(stdout).or(hazard(stderr)), None, "{name}");
}

fn reader(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut text = String::new();
        pipe.read_to_string(&mut text).unwrap();
        text
    })
}

/// Where real evidence lies, or `None` with a word on standard error.
pub(crate) fn fixtures() -> Option<PathBuf> {
    let root = std::env::var_os("CHASSIS_FIXTURES").map(PathBuf::from);
    if root.is_none() {
        eprintln!("skipped: CHASSIS_FIXTURES names no folder of real evidence");
    }
    root
}

/// All files under `folder`, in order.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut entries: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}
