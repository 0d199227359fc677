//! What was read, kept in a file: one JSON document per line, and after the logs of each range how far they reach.
//!
//! What is in it is replayed and compared with the registry like everything else, but for when and in which transaction it
//! happened: that was compared with the blocks when it was read. So the file is to be trusted like the machine that it is on.

mod line;

use std::{
    fs::{File, OpenOptions},
    io::{BufRead as _, BufReader, Seek as _, SeekFrom, Write as _},
    path::PathBuf,
};

use alloy::primitives::Address;

use crate::{
    Error,
    history::{Happening, History},
    replay::{RegistryLog, Replay},
    store::BlockRef,
};

use line::Line;

const VERSION: u8 = 1;

pub(super) struct Cache {
    path: PathBuf,
    file: File,
    chain_id: u64,
    registry: Address,
}

/// What a cache held.
pub(super) struct Kept {
    pub(super) replay: Replay,
    pub(super) at: BlockRef,
    /// The last block whose head was compared.
    pub(super) verified: u64,
    pub(super) events: u64,
}

/// How much of a cache is used. Of old blocks, nodes that are no archives cannot tell the head: what was read of them is kept,
/// and a later head covers it, or shows that something is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    All,
    Verified,
}

/// A registry's history, told once more.
pub(super) struct Again<'a> {
    cache: &'a Cache,
    lines: BufReader<File>,
    history: History,
}

impl Again<'_> {
    /// What happened in the next range. `None`: that was all.
    pub(super) fn next(&mut self) -> Result<Option<Vec<Happening>>, Error> {
        let mut waiting = Vec::new();
        let mut text = String::new();
        loop {
            text.clear();
            let read = self.lines.read_line(&mut text);
            if read.map_err(|error| self.cache.io(error))? == 0 {
                return Ok(None);
            }
            let line = serde_json::from_str(&text).map_err(|error| self.cache.io(error.into()))?;
            match line {
                Line::Registry { .. } => {}
                Line::Until { .. } => {
                    let happenings = self.history.take(&waiting);
                    return happenings
                        .map(Some)
                        .map_err(|error| Error::Rpc(error.to_string()));
                }
                line @ Line::Log { .. } => waiting.extend(line.log()?),
            }
        }
    }

    /// As far as it was told.
    pub(super) fn history(&self) -> &History {
        &self.history
    }

    pub(super) fn into_history(self) -> History {
        self.history
    }
}

impl Cache {
    pub(super) fn open(path: PathBuf, chain_id: u64, registry: Address) -> Result<Self, Error> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path);
        let file = file.map_err(|source| Error::Io {
            doing: format!("open {}", path.display()),
            source,
        })?;
        Ok(Self {
            path,
            file,
            chain_id,
            registry,
        })
    }

    /// Replays what is there, and cuts off the rest: half a range, or a range that is none. With [`Trust::Verified`], all
    /// after the last block whose head was compared, too. `None`: nothing, or nothing of use.
    pub(super) fn load(&mut self, trust: Trust) -> Result<Option<Kept>, Error> {
        let mut length = self.good(trust)?;
        loop {
            self.cut(length)?;
            match self.replay()? {
                Ok(kept) => return Ok(kept),
                // Ranges are written after they were replayed. So this is no whole file of this program's.
                Err(before) => length = before,
            }
        }
    }

    /// How far whole ranges reach, in bytes.
    fn good(&mut self, trust: Trust) -> Result<u64, Error> {
        let (mut offset, mut good) = (0, 0);
        let mut lines = self.lines()?;
        let mut text = String::new();
        loop {
            text.clear();
            offset += lines.read_line(&mut text).map_err(|error| self.io(error))? as u64;
            match serde_json::from_str(&text) {
                Ok(Line::Registry {
                    version,
                    chain_id,
                    registry,
                    ..
                }) if (version, chain_id, registry) == (VERSION, self.chain_id, self.registry) => {}
                Ok(Line::Log { .. }) => {}
                Ok(Line::Until { verified, .. }) => {
                    if verified || trust == Trust::All {
                        good = offset;
                    }
                }
                Ok(Line::Registry { .. }) | Err(_) => return Ok(good),
            }
        }
    }

    /// The inner error: a range does not replay; the bytes before it.
    fn replay(&mut self) -> Result<Result<Option<Kept>, u64>, Error> {
        let mut at = None;
        let (mut replay, mut events, mut verified) = (Replay::new(self.registry), 0, 0);
        let (mut offset, mut good) = (0, 0);
        let mut waiting = Vec::new();
        let mut lines = self.lines()?;
        let mut text = String::new();
        loop {
            text.clear();
            let read = lines.read_line(&mut text).map_err(|error| self.io(error))?;
            if read == 0 {
                break;
            }
            offset += read as u64;
            let line = serde_json::from_str(&text).map_err(|error| self.io(error.into()))?;
            match line {
                Line::Registry { number, .. } => verified = number,
                Line::Until {
                    number,
                    hash,
                    verified: is_verified,
                } => {
                    if replay.take(&waiting).is_err() {
                        return Ok(Err(good));
                    }
                    good = offset;
                    events += waiting.len() as u64;
                    waiting.clear();
                    if is_verified {
                        verified = number;
                    }
                    at = Some(BlockRef { number, hash });
                }
                line @ Line::Log { .. } => match line.log() {
                    Ok(log) => waiting.extend(log),
                    Err(_) => return Ok(Err(good)),
                },
            }
        }
        Ok(Ok(at.map(|at| Kept {
            replay,
            at,
            verified,
            events,
        })))
    }

    fn lines(&mut self) -> Result<BufReader<File>, Error> {
        self.file
            .seek(SeekFrom::Start(0))
            .map_err(|error| self.io(error))?;
        let file = self.file.try_clone().map_err(|error| self.io(error))?;
        Ok(BufReader::new(file))
    }

    /// Goes through the logs that are there, range by range.
    pub(super) fn again(&mut self) -> Result<Again<'_>, Error> {
        Ok(Again {
            lines: self.lines()?,
            history: History::new(self.registry),
            cache: self,
        })
    }

    /// Begins anew, after this block.
    pub(super) fn reset(&mut self, at: BlockRef) -> Result<(), Error> {
        self.cut(0)?;
        self.write(&[Line::Registry {
            version: VERSION,
            chain_id: self.chain_id,
            registry: self.registry,
            number: at.number,
            hash: at.hash,
        }])
    }

    /// Adds a range. A run that ends in the middle leaves half a range, which the next one cuts off.
    pub(super) fn add(&mut self, logs: &[RegistryLog], at: BlockRef, verified: bool) -> Result<(), Error> {
        let mut lines: Vec<_> = logs.iter().map(Line::of).collect();
        lines.push(Line::Until {
            number: at.number,
            hash: at.hash,
            verified,
        });
        self.write(&lines)
    }

    fn write(&mut self, lines: &[Line]) -> Result<(), Error> {
        let mut text = Vec::new();
        for line in lines {
            serde_json::to_writer(&mut text, line).map_err(|error| self.io(error.into()))?;
            text.push(b'\n');
        }
        self.file.write_all(&text).map_err(|error| self.io(error))
    }

    fn cut(&mut self, length: u64) -> Result<(), Error> {
        self.file.set_len(length).map_err(|error| self.io(error))?;
        self.file.seek(SeekFrom::End(0)).map_err(|error| self.io(error))?;
        Ok(())
    }

    fn io(&self, source: std::io::Error) -> Error {
        Error::Io {
            doing: format!("keep the log in {}", self.path.display()),
            source,
        }
    }
}
