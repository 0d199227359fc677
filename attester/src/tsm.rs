//! TD quotes through configfs-tsm (Linux `Documentation/ABI/testing/configfs-tsm`), in kernels from 6.7.
//!
//! A directory made under `report/` becomes a report entry: what is written to its `inblob` is quoted in its `outblob`.
//! `generation` counts the writes to an entry and so tells whether somebody else wrote between ours and our reading.

use std::{
    fs,
    io::{self, ErrorKind, Write},
    os::unix,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::{Error, TdEvidence, TdQuoter, privileges::User};

const REPORTS: &str = "sys/kernel/config/tsm/report";
const ATTEMPTS: u32 = 3;
const STEP: Duration = Duration::from_millis(20);

/// The kernel's report interface.
#[derive(Clone, Debug)]
pub struct ConfigfsTsm {
    reports: PathBuf,
    patience: Duration,
    /// An entry made while it was allowed, used for every quote.
    kept: Option<PathBuf>,
}

impl ConfigfsTsm {
    /// The interface under `sys_root`, which is `/` on a real machine.
    pub fn new(sys_root: &Path) -> Self {
        Self {
            reports: sys_root.join(REPORTS),
            patience: Duration::from_secs(10),
            kept: None,
        }
    }

    /// Makes an entry that `user` can use, for later. The kernel lets only root make and remove entries, so it stays until
    /// the next boot; there is one for each user, whoever comes later uses it again.
    pub(crate) fn hand_over(&mut self, user: &User) -> Result<(), Error> {
        let path = self.reports.join(format!("chassis-{}", user.name()));
        match fs::create_dir(&path) {
            Err(source) if source.kind() != ErrorKind::AlreadyExists => return Err(no_entry(path, source)),
            _ => {}
        }
        let give = |path: &Path| unix::fs::chown(path, Some(user.uid()), Some(user.gid()));
        let given = give(&path)
            .and_then(|()| fs::read_dir(&path)?.try_for_each(|attribute| give(&attribute?.path())));
        given.map_err(|source| Error::File {
            doing: "give to another user",
            path: path.clone(),
            source,
            hint: "",
        })?;
        self.kept = Some(path);
        Ok(())
    }

    /// Waits `patience` for a quote instead of ten seconds. A kernel answers or fails while being read; whatever serves a
    /// plain directory in its place needs a moment.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }
}

impl TdQuoter for ConfigfsTsm {
    fn quote(&self, report_data: [u8; 64]) -> Result<TdEvidence, Error> {
        for _ in 0..ATTEMPTS {
            let entry = match &self.kept {
                Some(path) => Entry::kept(path, self.patience),
                None => Entry::create(&self.reports, self.patience)?,
            };
            if let Some(quote) = entry.quote(report_data)? {
                return Ok(TdEvidence {
                    quote,
                    hcl_report: None,
                });
            }
            tracing::debug!("another process wrote to our report entry; trying again");
        }
        Err(Error::TdQuoteRaced { attempts: ATTEMPTS })
    }
}

/// One report entry, removed when dropped unless it is kept.
struct Entry {
    path: PathBuf,
    patience: Duration,
    is_kept: bool,
}

impl Entry {
    fn kept(path: &Path, patience: Duration) -> Self {
        Self {
            path: path.to_owned(),
            patience,
            is_kept: true,
        }
    }

    fn create(reports: &Path, patience: Duration) -> Result<Self, Error> {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        loop {
            let number = COUNTER.fetch_add(1, Ordering::Relaxed);
            let path = reports.join(format!("chassis-{}-{number}", std::process::id()));
            match fs::create_dir(&path) {
                Ok(()) => {
                    return Ok(Self {
                        path,
                        patience,
                        is_kept: false,
                    });
                }
                // Left behind by a process that had our number.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(source) => return Err(no_entry(path, source)),
            }
        }
    }

    /// `None` if somebody else wrote to this entry.
    fn quote(&self, report_data: [u8; 64]) -> Result<Option<Vec<u8>>, Error> {
        let before = match fs::read(self.path.join("generation")) {
            Ok(text) => number(&text),
            Err(_) => Some(0),
        };
        self.write_inblob(report_data)?;
        let deadline = Instant::now() + self.patience;
        // What was quoted before in an entry that is kept must not be taken for the answer.
        while number(&self.read("generation", deadline)?) == before {
            self.pause(deadline, "generation")?;
        }
        let quote = self.read("outblob", deadline)?;
        let after = number(&self.read("generation", deadline)?);
        let provider = String::from_utf8_lossy(&self.read("provider", deadline)?)
            .trim()
            .to_owned();
        if provider != "tdx_guest" {
            return Err(Error::NotTdx { provider });
        }
        let ours = before.and_then(|before| before.checked_add(1));
        Ok((after.is_some() && after == ours).then_some(quote))
    }

    fn write_inblob(&self, report_data: [u8; 64]) -> Result<(), Error> {
        let path = self.path.join("inblob");
        fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .and_then(|mut file| file.write_all(&report_data))
            .map_err(|source| Error::File {
                doing: "write the TD report data to",
                path,
                source,
                hint: "; run as root",
            })
    }

    /// Reads `attribute` once it is there and not empty.
    fn read(&self, attribute: &str, deadline: Instant) -> Result<Vec<u8>, Error> {
        let path = self.path.join(attribute);
        loop {
            match fs::read(&path) {
                Ok(bytes) if !bytes.is_empty() => return Ok(bytes),
                Err(source) if !is_not_yet(source.kind()) => {
                    return Err(Error::File {
                        doing: "read the TD report from",
                        path,
                        source,
                        hint: "; check that the host runs its quote generation service (QGS)",
                    });
                }
                _ => self.pause(deadline, attribute)?,
            }
        }
    }

    fn pause(&self, deadline: Instant, attribute: &str) -> Result<(), Error> {
        if Instant::now() >= deadline {
            return Err(Error::NoTdQuote {
                path: self.path.join(attribute),
                seconds: self.patience.as_secs(),
            });
        }
        thread::sleep(STEP);
        Ok(())
    }
}

impl Drop for Entry {
    /// configfs removes an entry with all its attributes by `rmdir`; in a plain directory they are files.
    fn drop(&mut self) {
        if self.is_kept {
            return;
        }
        let removed = fs::remove_dir(&self.path).or_else(|_| fs::remove_dir_all(&self.path));
        if let Err(error) = removed {
            tracing::warn!("cannot remove the report entry {}: {error}", self.path.display());
        }
    }
}

fn no_entry(path: PathBuf, source: io::Error) -> Error {
    let hint = match source.kind() {
        ErrorKind::PermissionDenied => "; run as root",
        _ => {
            "; is this a TDX guest, is configfs mounted, and the module tdx_guest of a kernel from 6.7 loaded?"
        }
    };
    Error::File {
        doing: "create the TD report entry",
        path,
        source,
        hint,
    }
}

/// The kernel says "busy" or "would block" where a write overtook the reading.
fn is_not_yet(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::NotFound | ErrorKind::WouldBlock | ErrorKind::ResourceBusy | ErrorKind::Interrupted
    )
}

fn number(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.trim().parse().ok()
}
