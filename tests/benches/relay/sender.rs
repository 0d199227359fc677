//! The second process: reads files, then sends them, and says how long each answer took.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, ensure};
use serde::{Deserialize, Serialize};

/// What to send, where, and how.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Load {
    pub(crate) url: String,
    /// Each file is a bundle.
    pub(crate) folder: PathBuf,
    /// Connections.
    pub(crate) clients: usize,
    /// From the start of one request to the next one's, over all clients. Zero: as fast as answers come.
    pub(crate) interval: Duration,
}

/// What came of it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// When the first was sent, since the Unix epoch.
    started: Duration,
    /// Seconds from when a request was due to its answer, so that waiting for a free client counts.
    latencies: Vec<f64>,
    /// Answers other than 200 and 202.
    pub(crate) refused: usize,
}

impl Load {
    /// What this process was started to send, if it is the sender.
    pub(crate) fn from_arguments() -> anyhow::Result<Option<Self>> {
        let mut arguments = std::env::args().skip_while(|argument| argument != "send");
        let Some(json) = arguments.nth(1) else {
            return Ok(None);
        };
        Ok(Some(serde_json::from_str(&json)?))
    }

    /// Has another process send it.
    pub(crate) fn run(&self) -> anyhow::Result<Outcome> {
        let output = Command::new(std::env::current_exe()?)
            .args(["send", &serde_json::to_string(self)?])
            .stderr(Stdio::inherit())
            .output()?;
        ensure!(output.status.success(), "the sender failed");
        serde_json::from_slice(&output.stdout).context("the sender's answer")
    }
}

impl Outcome {
    /// How long ago the first was sent.
    pub(crate) fn elapsed(&self) -> anyhow::Result<Duration> {
        Ok(since_epoch()?.saturating_sub(self.started))
    }

    pub(crate) fn median_ms(&self) -> f64 {
        self.quantile_ms(50)
    }

    pub(crate) fn p99_ms(&self) -> f64 {
        self.quantile_ms(99)
    }

    fn quantile_ms(&self, percent: usize) -> f64 {
        let mut sorted = self.latencies.clone();
        sorted.sort_by(f64::total_cmp);
        let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
        sorted.get(at).map_or(f64::NAN, |seconds| seconds * 1e3)
    }
}

/// Sends, and prints the outcome as JSON.
pub(crate) fn send(load: &Load) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    println!("{}", serde_json::to_string(&runtime.block_on(send_all(load))?)?);
    Ok(())
}

async fn send_all(load: &Load) -> anyhow::Result<Outcome> {
    // Before any is sent: disk and certificate stores are not what is measured.
    let files = std::fs::read_dir(&load.folder)?;
    let bodies = files
        .map(|file| Ok(std::fs::read(file?.path())?))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let clients = (0..load.clients).map(|_| reqwest::Client::builder().pool_max_idle_per_host(1).build());
    let clients = clients.collect::<Result<Vec<_>, _>>()?;
    let mut outcome = Outcome {
        started: since_epoch()?,
        ..Outcome::default()
    };
    let (start, work) = (
        Instant::now(),
        Arc::new(Mutex::new(bodies.into_iter().enumerate())),
    );
    let clients: Vec<_> = clients
        .into_iter()
        .map(|http| tokio::spawn(client(http, load.clone(), start, Arc::clone(&work))))
        .collect();
    for client in clients {
        let part = client.await??;
        outcome.latencies.extend(part.latencies);
        outcome.refused += part.refused;
    }
    Ok(outcome)
}

type Work = Arc<Mutex<std::iter::Enumerate<std::vec::IntoIter<Vec<u8>>>>>;

async fn client(http: reqwest::Client, load: Load, start: Instant, work: Work) -> anyhow::Result<Outcome> {
    let mut outcome = Outcome::default();
    loop {
        let next = work.lock().expect("no client panics with it").next();
        let Some((number, body)) = next else {
            return Ok(outcome);
        };
        let due = start + load.interval * u32::try_from(number)?;
        tokio::time::sleep_until(due.into()).await;
        let sent = if load.interval.is_zero() {
            Instant::now()
        } else {
            due
        };
        let answer = http
            .post(format!("{}/v1/bundles", load.url))
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await?;
        outcome.refused += usize::from(!answer.status().is_success());
        answer.bytes().await?;
        outcome.latencies.push(sent.elapsed().as_secs_f64());
    }
}

fn since_epoch() -> anyhow::Result<Duration> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?)
}
