//! A machine's `/sys`, as far as attestation reads it.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use crate::firmware::MeasuredBoot;

/// Where Linux has the device of a TD.
const DEVICE: &str = "dev/tdx_guest";
/// Where Linux has the log behind the CCEL table.
const CCEL: &str = "sys/firmware/acpi/tables/data/CCEL";
/// Where Linux has the TPM's log.
pub(super) const TPM_LOG: &str = "sys/kernel/security/tpm0/binary_bios_measurements";
/// Where Linux has configfs-tsm's report entries.
pub(super) const REPORTS: &str = "sys/kernel/config/tsm/report";

/// Where Linux says which boot this is.
const BOOT_ID: &str = "proc/sys/kernel/random/boot_id";

const STEP: Duration = Duration::from_millis(5);

pub(super) fn write_logs(root: &Path, boot: &MeasuredBoot) -> io::Result<()> {
    write_td(root, boot)?;
    write(&root.join(TPM_LOG), &boot.tpm_log())
}

/// What a machine without a TPM has.
pub(crate) fn write_td(root: &Path, boot: &MeasuredBoot) -> io::Result<()> {
    write(&root.join(DEVICE), &[])?;
    write(&root.join(CCEL), &boot.ccel_area())
}

fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    fs::create_dir_all(path.parent().expect("not the root"))?;
    fs::write(path, content)
}

/// Says that this is another boot than any before.
pub(crate) fn write_boot_id(root: &Path) -> io::Result<()> {
    let path = root.join(BOOT_ID);
    fs::create_dir_all(path.parent().expect("not the root"))?;
    fs::write(path, fs::read("/proc/sys/kernel/random/uuid")?)
}

/// Answers in the kernel's place: a thread that looks after the report entries until it is dropped.
///
/// The kernel quotes when `outblob` is read and fails at once; a plain folder can only be watched, so a reader has to
/// wait until the answer is there. `generation` comes last, so whoever sees it change sees all of the answer.
#[derive(Debug)]
pub(crate) struct TsmService {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl TsmService {
    /// Quotes come from `quote`; where it fails, the entry stays without an answer.
    pub(crate) fn start(
        root: &Path,
        quote: impl Fn([u8; 64]) -> io::Result<Vec<u8>> + Send + 'static,
    ) -> io::Result<Self> {
        let reports = root.join(REPORTS);
        // Entries do not outlive a boot.
        let _ = fs::remove_dir_all(&reports);
        fs::create_dir_all(&reports)?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::Builder::new()
            .name("configfs-tsm".into())
            .spawn(move || {
                let mut answered = HashMap::new();
                while !stopped.load(Ordering::Relaxed) {
                    if let Err(error) = answer_all(&reports, &quote, &mut answered) {
                        tracing::debug!("a report entry went away while it was answered: {error}");
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

impl Drop for TsmService {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What an entry was last asked, and how often it was asked.
type Answered = HashMap<PathBuf, ([u8; 64], u64)>;

fn answer_all(
    reports: &Path,
    quote: &impl Fn([u8; 64]) -> io::Result<Vec<u8>>,
    answered: &mut Answered,
) -> io::Result<()> {
    answered.retain(|entry, _| entry.exists());
    for entry in fs::read_dir(reports)? {
        let entry = entry?.path();
        let Ok(question) = fs::read(entry.join("inblob")) else {
            continue;
        };
        let Ok(report_data) = <[u8; 64]>::try_from(question) else {
            continue;
        };
        let generation = match answered.get(&entry) {
            Some((last, _)) if *last == report_data => continue,
            Some((_, generation)) => generation + 1,
            None => 1,
        };
        let Ok(quote) = quote(report_data) else {
            answered.insert(entry, (report_data, generation));
            continue;
        };
        replace(&entry, "provider", b"tdx_guest\n")?;
        replace(&entry, "outblob", &quote)?;
        replace(&entry, "generation", format!("{generation}\n").as_bytes())?;
        answered.insert(entry, (report_data, generation));
    }
    Ok(())
}

/// Nobody ever reads half of an attribute.
fn replace(entry: &Path, attribute: &str, content: &[u8]) -> io::Result<()> {
    let temporary = entry.join(format!(".{attribute}"));
    fs::write(&temporary, content)?;
    fs::rename(temporary, entry.join(attribute))
}
