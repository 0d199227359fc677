//! The `swtpm` process.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    net::{TcpListener, TcpStream},
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

/// A software TPM with a state of its own, killed when dropped. Its state stays in its folder.
#[derive(Debug)]
pub struct Swtpm {
    process: Child,
    port: u16,
}

/// Others start TPMs on this computer too, and a port that was free may not be so for long.
const ATTEMPTS: u32 = 20;

const START_TIMEOUT: Duration = Duration::from_secs(20);

impl Swtpm {
    /// Starts the TPM whose state is in `state`, and manufactures it first if there is none. PCRs start afresh.
    ///
    /// # Errors
    /// If `swtpm` and `swtpm_setup` are not installed or do not start.
    pub fn start(state: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(state)?;
        let state = state.canonicalize()?;
        manufacture(&state)?;
        for _ in 0..ATTEMPTS {
            let port = free_port_pair()?;
            if let Some(process) = launch(&state, port)? {
                return Ok(Self { process, port });
            }
        }
        bail!(
            "swtpm found no two free ports in {ATTEMPTS} attempts; see {}",
            log_file(&state).display()
        )
    }

    /// How TSS clients reach it.
    pub fn tcti(&self) -> String {
        format!("swtpm:host=127.0.0.1,port={}", self.port)
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Swtpm {
    fn drop(&mut self) {
        let _ = shut_down(self.port);
        // SIGTERM lets it write its state. A child that has not been waited for keeps its number, so this hits no other.
        if let Ok(pid) = i32::try_from(self.process.id()) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        }
        let deadline = Instant::now() + Duration::from_secs(2);
        while Instant::now() < deadline {
            if !matches!(self.process.try_wait(), Ok(None)) {
                return;
            }
            sleep(Duration::from_millis(5));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// `TPM2_Shutdown(TPM_SU_CLEAR)`, as an operating system sends it before power goes. Without it, a TPM takes the loss of
/// power for an attempt to guess a password, and after three of them refuses to quote.
fn shut_down(port: u16) -> io::Result<()> {
    const SHUTDOWN: [u8; 12] = [0x80, 0x01, 0, 0, 0, 12, 0, 0, 0x01, 0x45, 0, 0];
    // A client that still holds the TPM must not hold us.
    let patience = Some(Duration::from_secs(1));
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(patience)?;
    stream.set_write_timeout(patience)?;
    stream.write_all(&SHUTDOWN)?;
    stream.read_exact(&mut [0; 10])
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

/// The process, once both its ports are open; `None` if it could not have them.
fn launch(state: &Path, port: u16) -> anyhow::Result<Option<Child>> {
    let pid_file = state.join("pid");
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

fn log_file(state: &Path) -> PathBuf {
    state.join("swtpm.log")
}

fn free_port_pair() -> anyhow::Result<u16> {
    for _ in 0..ATTEMPTS {
        let first = TcpListener::bind("127.0.0.1:0")?;
        let port = first.local_addr()?.port();
        if port < u16::MAX && TcpListener::bind(("127.0.0.1", port + 1)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no two neighbouring ports are free on 127.0.0.1")
}
