//! A real software TPM, one process for each test.

use std::{
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use chassis_attester::Tpm;

pub(crate) struct Swtpm {
    process: Child,
    port: u16,
    _state: tempfile::TempDir,
}

impl Swtpm {
    /// A new TPM with these PCR banks, started up.
    pub(crate) fn start(banks: &str) -> Self {
        let state = tempfile::tempdir().unwrap();
        let setup = Command::new("swtpm_setup")
            .arg("--tpm2")
            .arg("--tpmstate")
            .arg(state.path())
            .args(["--pcr-banks", banks, "--overwrite"])
            .output()
            .expect("swtpm_setup is installed");
        assert!(
            setup.status.success(),
            "{}",
            String::from_utf8_lossy(&setup.stdout)
        );
        for _ in 0..10 {
            let port = two_free_ports();
            let mut process = Command::new("swtpm")
                .args([
                    "socket",
                    "--tpm2",
                    "--flags",
                    "not-need-init,startup-clear",
                    "--tpmstate",
                ])
                .arg(format!("dir={}", state.path().display()))
                .args(["--server", &format!("type=tcp,port={port},bindaddr=127.0.0.1")])
                .args([
                    "--ctrl",
                    &format!("type=tcp,port={},bindaddr=127.0.0.1", port + 1),
                ])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("swtpm is installed");
            if is_up(&mut process, port) {
                return Self {
                    process,
                    port,
                    _state: state,
                };
            }
            let _ = process.kill();
            let _ = process.wait();
        }
        panic!("swtpm did not start on any of ten pairs of ports");
    }

    pub(crate) fn tcti(&self) -> String {
        format!("swtpm:host=127.0.0.1,port={}", self.port)
    }

    pub(crate) fn open(&self) -> Tpm {
        Tpm::open(&self.tcti()).unwrap()
    }
}

impl Drop for Swtpm {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The TCTI looks for the control channel at the port after the server's.
fn two_free_ports() -> u16 {
    loop {
        let first = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = first.local_addr().unwrap().port();
        if port < u16::MAX && TcpListener::bind(("127.0.0.1", port + 1)).is_ok() {
            return port;
        }
    }
}

fn is_up(process: &mut Child, port: u16) -> bool {
    let deadline = Instant::now() + Duration::from_secs(10);
    while Instant::now() < deadline && process.try_wait().unwrap().is_none() {
        if TcpStream::connect(("127.0.0.1", port + 1)).is_ok() {
            return true;
        }
        thread::sleep(Duration::from_millis(20));
    }
    false
}
