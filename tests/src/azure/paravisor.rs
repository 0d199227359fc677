//! The paravisor, as far as it keeps its report.
//!
//! It speaks to the TPM in plain commands (TPM 2.0 Part 3, §31). A TSS context's socket would go to every process that is
//! started while it is open, and the TPM, which serves one client at a time, would wait for that process to end.

use std::{
    io::{self, Read as _, Write as _},
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::ensure;

use crate::{
    machine::{Td, hcl_report},
    tpm::{NV_CHUNK, Swtpm, connect, write_nv},
};

/// NV index of the report.
const REPORT: u32 = 0x0140_0001;
/// NV index of what the guest has reported.
const USER_DATA: u32 = 0x0140_0002;

const STEP: Duration = Duration::from_millis(50);

/// A thread that keeps the report up to date until it is dropped.
#[derive(Debug)]
pub(super) struct Paravisor {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Paravisor {
    /// `modulus`: of the vTPM's attestation key, base64url.
    pub(super) fn start(tpm: &Swtpm, td: Arc<Td>, modulus: String) -> anyhow::Result<Self> {
        let report = move |user_data: &[u8; 64]| hcl_report(user_data, &modulus, |data| td.td_report(data)).0;
        let mut reported = [0; 64];
        write_nv(&mut connect(&tpm.tcti())?, REPORT, &report(&reported))?;
        let port = tpm.port();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::Builder::new().name("paravisor".into()).spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                if let Err(error) = keep(port, &mut reported, &report) {
                    tracing::debug!("the report is not kept: {error:#}");
                }
                thread::sleep(STEP);
            }
        })?;
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for Paravisor {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn keep(port: u16, reported: &mut [u8; 64], report: &impl Fn(&[u8; 64]) -> Vec<u8>) -> anyhow::Result<()> {
    let mut tpm = TcpStream::connect(("127.0.0.1", port))?;
    tpm.set_read_timeout(Some(Duration::from_secs(5)))?;
    let everything = [64_u16.to_be_bytes(), 0_u16.to_be_bytes()].concat();
    // Not defined yet, or not written.
    let Some(answer) = command(&mut tpm, NV_READ, USER_DATA, &everything)? else {
        return Ok(());
    };
    // Size of the parameters, size of the data.
    let wanted: [u8; 64] = answer.get(6..70).unwrap_or_default().try_into()?;
    if wanted == *reported {
        return Ok(());
    }
    for (chunk, offset) in report(&wanted).chunks(NV_CHUNK).zip((0..).step_by(NV_CHUNK)) {
        let (len, offset) = (u16::try_from(chunk.len())?, u16::try_from(offset)?);
        let data = [&len.to_be_bytes(), chunk, &offset.to_be_bytes()].concat();
        let written = command(&mut tpm, NV_WRITE, REPORT, &data)?;
        ensure!(written.is_some(), "the TPM refuses the report");
    }
    *reported = wanted;
    Ok(())
}

const NV_WRITE: u32 = 0x137;
const NV_READ: u32 = 0x14e;
const OWNER: u32 = 0x4000_0001;
const PASSWORD: u32 = 0x4000_0009;

/// What the TPM answers to a command about an NV index, by the owner's (empty) password; `None` if it refuses.
fn command(tpm: &mut TcpStream, code: u32, index: u32, parameters: &[u8]) -> io::Result<Option<Vec<u8>>> {
    let words = |words: &[u32]| -> Vec<u8> { words.iter().copied().flat_map(u32::to_be_bytes).collect() };
    // One session of nine bytes: its handle, no nonce, no attributes, no password.
    let body = [&words(&[OWNER, index, 9, PASSWORD])[..], &[0; 5], parameters].concat();
    let size = u32::try_from(10 + body.len()).map_err(io::Error::other)?;
    tpm.write_all(&[&[0x80, 0x02][..], &words(&[size, code]), &body].concat())?;
    let mut head = [0; 10];
    tpm.read_exact(&mut head)?;
    let [_, _, s0, s1, s2, s3, code @ ..] = head;
    let size = usize::try_from(u32::from_be_bytes([s0, s1, s2, s3])).map_err(io::Error::other)?;
    let mut answer = vec![0; size.saturating_sub(10).min(4096)];
    tpm.read_exact(&mut answer)?;
    Ok((code == [0; 4]).then_some(answer))
}
