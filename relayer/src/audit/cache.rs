//! What was read, kept in a file: one JSON document per line, and after the logs of each range how far they reach.
//!
//! What is in it is compared with the registry like everything else; a file that was tampered with leads to a difference.

use std::{
    fs::{File, OpenOptions},
    io::{BufRead as _, BufReader, Seek as _, SeekFrom, Write as _},
    path::PathBuf,
};

use alloy::primitives::{Address, B256, Bytes, LogData};
use serde::{Deserialize, Serialize};

use crate::{
    Error,
    replay::{Position, RegistryLog, Replay},
    store::BlockRef,
};

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
    pub(super) events: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Line {
    /// Whose log this is, and after which block it begins.
    Registry {
        version: u8,
        chain_id: u64,
        registry: Address,
        number: u64,
        hash: B256,
    },
    Log {
        block: u64,
        hash: B256,
        time: u64,
        transaction: B256,
        index: u64,
        topics: Vec<B256>,
        data: Bytes,
    },
    /// All logs up to this block are above.
    Until { number: u64, hash: B256, verified: bool },
}

const VERSION: u8 = 1;

impl Line {
    /// `None`: it is another line.
    fn log(self) -> Result<Option<RegistryLog>, Error> {
        let Self::Log {
            block,
            hash,
            time,
            transaction,
            index,
            topics,
            data,
        } = self
        else {
            return Ok(None);
        };
        let at = Position {
            block,
            block_hash: hash,
            time,
            transaction,
            log_index: index,
        };
        let data = LogData::new_unchecked(topics, data);
        let log = RegistryLog::decode(at, &data).map_err(|error| Error::Rpc(error.to_string()))?;
        Ok(Some(log))
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

    /// Replays what is there, up to the last block whose head was compared, and cuts off the rest. `None`: nothing, or
    /// nothing of use.
    pub(super) fn load(&mut self) -> Result<Option<Kept>, Error> {
        let (mut replay, mut waiting) = (Replay::new(self.registry), Vec::new());
        let mut kept: Option<Kept> = None;
        let (mut events, mut offset, mut good) = (0, 0, 0);
        self.file
            .seek(SeekFrom::Start(0))
            .map_err(|error| self.io(error))?;
        let mut reader = BufReader::new(&self.file);
        let mut text = String::new();
        loop {
            text.clear();
            let read = reader.read_line(&mut text).map_err(|error| self.io(error))?;
            let Ok(line) = serde_json::from_str(&text) else {
                break;
            };
            offset += read as u64;
            match line {
                Line::Registry {
                    version,
                    chain_id,
                    registry,
                    ..
                } if (version, chain_id, registry) == (VERSION, self.chain_id, self.registry) => {}
                Line::Registry { .. } => break,
                line @ Line::Log { .. } => {
                    let Ok(log) = line.log() else { break };
                    waiting.extend(log);
                }
                Line::Until {
                    number,
                    hash,
                    verified,
                } => {
                    if replay.take(&waiting).is_err() {
                        break;
                    }
                    events += waiting.len() as u64;
                    waiting.clear();
                    if verified {
                        good = offset;
                        kept = Some(Kept {
                            replay: Replay::new(self.registry),
                            at: BlockRef { number, hash },
                            events,
                        });
                    }
                }
            }
        }
        drop(reader);
        self.cut(good)?;
        let Some(kept) = kept else { return Ok(None) };
        // The replay may be ahead of the last block that was compared: then once more, to there.
        if replay.last().is_none_or(|last| last.block <= kept.at.number) && events == kept.events {
            return Ok(Some(Kept { replay, ..kept }));
        }
        self.load()
    }

    /// Hands out the logs that are there, range by range.
    pub(super) fn read(
        &mut self,
        mut take: impl FnMut(Vec<RegistryLog>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.file
            .seek(SeekFrom::Start(0))
            .map_err(|error| self.io(error))?;
        let mut waiting = Vec::new();
        for text in BufReader::new(&self.file).lines() {
            let line = serde_json::from_str(&text.map_err(|error| self.io(error))?);
            match line.map_err(|error| self.io(error.into()))? {
                Line::Registry { .. } => {}
                Line::Until { .. } => take(std::mem::take(&mut waiting))?,
                line @ Line::Log { .. } => waiting.extend(line.log()?),
            }
        }
        Ok(())
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
        let lines = logs.iter().map(|log| {
            let (topics, data) = log.event.log_data().split();
            Line::Log {
                block: log.at.block,
                hash: log.at.block_hash,
                time: log.at.time,
                transaction: log.at.transaction,
                index: log.at.log_index,
                topics,
                data,
            }
        });
        let mut lines: Vec<_> = lines.collect();
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
