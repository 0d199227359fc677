//! `chassis audit` in a process of its own.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::poster::Poster;

pub(crate) struct Auditor {
    url: String,
    registry: String,
    /// The block of the registry's creation: anvil forgets the states in which it could be searched for.
    start: String,
    folder: TempDir,
}

/// What a run took.
pub(crate) struct Run {
    pub(crate) time: Duration,
    /// Bytes.
    pub(crate) peak_memory: u64,
}

impl Auditor {
    pub(crate) fn of(poster: &Poster) -> anyhow::Result<Self> {
        Ok(Self {
            url: poster.chain.url.clone(),
            registry: poster.chain.registry.to_string(),
            start: poster.start.to_string(),
            folder: tempfile::tempdir()?,
        })
    }

    /// Options for a run that keeps what it read.
    pub(crate) fn cache(&self) -> [String; 2] {
        [
            "--cache".into(),
            self.folder.path().join("log").display().to_string(),
        ]
    }

    /// Fails unless the registry is what its log says, with so many posts of renewals.
    pub(crate) fn run(&self, more: &[String], posts: u64) -> anyhow::Result<Run> {
        let begun = Instant::now();
        let mut child = Command::new(program())
            .args(["audit", "--rpc-url", &self.url, "--registry", &self.registry])
            .args(["--start-block", &self.start, "--json"])
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let status = PathBuf::from(format!("/proc/{}/status", child.id()));
        let mut peak_memory = 0;
        let code = loop {
            // It only grows, and is gone with the process.
            peak_memory = high_water(&status).unwrap_or(peak_memory);
            if let Some(code) = child.try_wait()? {
                break code;
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let time = begun.elapsed();
        let mut answer = String::new();
        child
            .stdout
            .take()
            .context("its output")?
            .read_to_string(&mut answer)?;
        let answer: Value = serde_json::from_str(&answer)?;
        let is_right = answer["isSame"] == json!(true) && answer["batches"] == json!(posts + Poster::SETUP);
        anyhow::ensure!(code.success() && is_right, "{code}: {answer}");
        Ok(Run { time, peak_memory })
    }
}

fn high_water(status: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(status).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes << 10)
}

/// Cargo puts it beside this package's own.
fn program() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_chassis-sim")).with_file_name("chassis")
}
