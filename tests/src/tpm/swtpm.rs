//! The `swtpm` process.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::Child,
    thread::sleep,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::launch;

/// A software TPM with a state of its own, killed when dropped. Its state stays in its folder.
#[derive(Debug)]
pub struct Swtpm {
    process: Child,
    port: u16,
}

pub(super) const STOP_TIMEOUT: Duration = Duration::from_secs(2);

impl Swtpm {
    /// Starts the TPM whose state is in `state`, and manufactures it first if there is none. PCRs start afresh.
    ///
    /// # Errors
    /// If `swtpm` and `swtpm_setup` are not installed or do not start.
    pub fn start(state: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(state)?;
        let state = state.canonicalize()?;
        let (process, port) = launch::launch(&state)?;
        Ok(Self { process, port })
    }

    /// How TSS clients reach it.
    pub fn tcti(&self) -> String {
        format!("swtpm:host=127.0.0.1,port={}", self.port)
    }

    /// Where it takes commands.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Its control channel, which hardware and firmware of a host stand behind.
    pub(super) fn control_port(&self) -> u16 {
        self.port + 1
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
        let deadline = Instant::now() + STOP_TIMEOUT;
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
