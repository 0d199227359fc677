//! Starting `swtpm`, on ports of its own and on state that nobody else uses.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::swtpm::STOP_TIMEOUT;

/// Others start TPMs on this computer too, and a port that was free may not be so for long.
const ATTEMPTS: u32 = 20;

/// Beside programs that have hundreds of ports open, most that are free have a neighbour that is not.
const PORTS: u32 = 1_000;

const START_TIMEOUT: Duration = Duration::from_secs(20);

/// The TPM whose state is in `state`, an absolute path, and its port. Manufactures it first if there is none.
pub(super) fn launch(state: &Path) -> anyhow::Result<(Child, u16)> {
    stop_leftover(state);
    manufacture(state)?;
    for _ in 0..ATTEMPTS {
        let port = free_port_pair()?;
        if let Some(process) = try_launch(state, port)? {
            return Ok((process, port));
        }
    }
    let log = fs::read_to_string(log_file(state)).unwrap_or_default();
    bail!(
        "swtpm did not start in {ATTEMPTS} attempts; it says: {}",
        log.trim()
    )
}

fn manufacture(state: &Path) -> anyhow::Result<()> {
    if state.join("tpm2-00.permall").exists() {
        return Ok(());
    }
    let output = Command::new("swtpm_setup")
        .args([
            "--tpm2",
            "--pcr-banks",
            "sha256,sha384",
            "--not-overwrite",
            "--tpm-state",
        ])
        .arg(state)
        .stdin(Stdio::null())
        .output()
        .context("swtpm_setup does not start; install the packages swtpm and swtpm-tools")?;
    if !output.status.success() {
        bail!("swtpm_setup failed: {}", String::from_utf8_lossy(&output.stdout));
    }
    Ok(())
}

/// Ends the TPM that a killed simulation left running on this state, and no other process.
fn stop_leftover(state: &Path) {
    let Some(pid) = fs::read_to_string(pid_file(state))
        .ok()
        .and_then(|pid| pid.trim().parse::<i32>().ok())
    else {
        return;
    };
    let is_ours = || {
        let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let ours = format!("dir={}", state.display());
        command
            .split(|byte| *byte == 0)
            .any(|argument| argument == ours.as_bytes())
    };
    let deadline = Instant::now() + STOP_TIMEOUT;
    while is_ours() && Instant::now() < deadline {
        let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        sleep(Duration::from_millis(20));
    }
}

/// The process, once both its ports are open; `None` if it could not have them.
fn try_launch(state: &Path, port: u16) -> anyhow::Result<Option<Child>> {
    let pid_file = pid_file(state);
    let _ = fs::remove_file(&pid_file);
    let log = fs::File::create(log_file(state))?;
    let mut process = Command::new("swtpm")
        .args(["socket", "--tpm2", "--flags", "not-need-init,startup-clear"])
        .arg("--tpmstate")
        .arg(format!("dir={}", state.display()))
        .arg("--server")
        .arg(format!("type=tcp,bindaddr=127.0.0.1,port={port}"))
        // TSS clients expect control one port above.
        .arg("--ctrl")
        .arg(format!("type=tcp,bindaddr=127.0.0.1,port={}", port + 1))
        .arg("--pid")
        .arg(format!("file={}", pid_file.display()))
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .context("swtpm does not start; install the package swtpm")?;
    let deadline = Instant::now() + START_TIMEOUT;
    while Instant::now() < deadline {
        if process.try_wait()?.is_some() {
            return Ok(None);
        }
        // It writes the file after it has bound its ports.
        if fs::read_to_string(&pid_file).is_ok_and(|pid| pid.trim() == process.id().to_string()) {
            return Ok(Some(process));
        }
        sleep(Duration::from_millis(5));
    }
    process.kill()?;
    process.wait()?;
    bail!(
        "swtpm did not start within {START_TIMEOUT:?}; see {}",
        log_file(state).display()
    )
}

fn pid_file(state: &Path) -> PathBuf {
    state.join("pid")
}

fn log_file(state: &Path) -> PathBuf {
    state.join("swtpm.log")
}

fn free_port_pair() -> anyhow::Result<u16> {
    for _ in 0..PORTS {
        let first = TcpListener::bind("127.0.0.1:0")?;
        let port = first.local_addr()?.port();
        if port < u16::MAX && TcpListener::bind(("127.0.0.1", port + 1)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no two neighbouring ports are free on 127.0.0.1")
}
