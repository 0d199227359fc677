//! A directory in the shape of `/sys` on a TDX guest, with something that answers in it.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// How report entries are answered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Quote,
    Raced,
    Sev,
    Nothing,
}

pub(crate) struct Tsm {
    root: tempfile::TempDir,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Tsm {
    pub(crate) fn serve(answer: Answer) -> Self {
        let root = tempfile::tempdir().unwrap();
        let reports = reports(root.path());
        fs::create_dir_all(&reports).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                for entry in fs::read_dir(&reports).unwrap().flatten() {
                    // An entry may go away at any moment.
                    let _ = answer_in(&entry.path(), answer);
                }
                thread::sleep(Duration::from_millis(5));
            }
        });
        Self {
            root,
            stop,
            thread: Some(thread),
        }
    }

    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    pub(crate) fn reports(&self) -> PathBuf {
        reports(self.root())
    }

    pub(crate) fn quote_over(report_data: &[u8]) -> Vec<u8> {
        [b"a quote over ", report_data].concat()
    }

    /// Puts `log` where Linux shows both event logs.
    pub(crate) fn write_logs(&self, log: &[u8]) {
        for path in [
            "sys/firmware/acpi/tables/data/CCEL",
            "sys/kernel/security/tpm0/binary_bios_measurements",
        ] {
            let path = self.root().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, log).unwrap();
        }
    }
}

impl Drop for Tsm {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().map(JoinHandle::join);
    }
}

fn reports(root: &Path) -> PathBuf {
    root.join("sys/kernel/config/tsm/report")
}

fn answer_in(entry: &Path, answer: Answer) -> std::io::Result<()> {
    let report_data = fs::read(entry.join("inblob"))?;
    if report_data.len() != 64 || entry.join("outblob").exists() || answer == Answer::Nothing {
        return Ok(());
    }
    let provider = if answer == Answer::Sev {
        "sev_guest\n"
    } else {
        "tdx_guest\n"
    };
    let generation = if answer == Answer::Raced { "2\n" } else { "1\n" };
    fs::write(entry.join("provider"), provider)?;
    fs::write(entry.join("generation"), generation)?;
    fs::write(entry.join("outblob.new"), Tsm::quote_over(&report_data))?;
    fs::rename(entry.join("outblob.new"), entry.join("outblob"))
}

/// A TCG2 log with one event, in SHA-384: PCR 1 in a TPM's log, RTMR0 in a CCEL.
pub(crate) fn event_log() -> Vec<u8> {
    let mut spec = b"Spec ID Event03\0".to_vec();
    spec.extend([0, 0, 0, 0, 0, 2, 0, 2, 1, 0, 0, 0, 0x0c, 0, 48, 0, 0]);
    let mut log = [0u32.to_le_bytes(), 3u32.to_le_bytes()].concat();
    log.extend([0; 20]);
    log.extend(u32::try_from(spec.len()).unwrap().to_le_bytes());
    log.extend(spec);
    log.extend([1u32.to_le_bytes(), 4u32.to_le_bytes(), 1u32.to_le_bytes()].concat());
    log.extend([0x0c, 0]);
    log.extend([0x5a; 48]);
    log.extend([4, 0, 0, 0, 0, 0, 0, 0]);
    log
}
