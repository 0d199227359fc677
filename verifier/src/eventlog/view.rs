//! A log as `chassis inspect` shows it.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{Algorithm, Event, Log, Registers};

/// A whole log, ready for JSON.
#[derive(Clone, Debug, Serialize)]
pub struct LogView {
    /// Every bank with every register.
    pub banks: Vec<BankView>,
    /// The records in order.
    pub events: Vec<EventView>,
}

/// One bank: `{"algorithm":"sha384","registers":{"0":"…"},"extended":[0]}`.
#[derive(Clone, Debug, Serialize)]
pub struct BankView {
    /// The bank's algorithm.
    pub algorithm: Algorithm,
    /// Values in hex, in order of the register's number.
    #[serde(serialize_with = "numbered")]
    pub registers: Vec<String>,
    /// The registers some record went into. The others hold their reset value.
    pub extended: Vec<usize>,
}

/// One record.
#[derive(Clone, Debug, Serialize)]
pub struct EventView {
    /// Its place among the records, from 0, the header not counted.
    pub index: usize,
    /// `PCR 7`, `RTMR1`.
    pub register: String,
    /// What the writer calls it. Not authenticated.
    #[serde(rename = "type")]
    pub event_type: String,
    /// Whether it went into the register.
    pub extends: bool,
    /// Digests in hex, by bank.
    pub digests: BTreeMap<Algorithm, String>,
    /// What the writer says about it, in printable ASCII. Not authenticated, unless [`Self::data_hashes_to_digest`] and the
    /// log replays, in that bank, to what a quote that verifies has.
    pub data: String,
    /// Whether the data are what was measured: their hash is the digest. Many records measure something else (a file, an
    /// image) and only name it.
    pub data_hashes_to_digest: bool,
}

impl LogView {
    pub(super) fn new(log: &Log<'_>, banks: &[Registers], register: impl Fn(u32) -> String) -> Self {
        Self {
            banks: banks.iter().map(BankView::new).collect(),
            events: log
                .events()
                .iter()
                .enumerate()
                .map(|(index, event)| EventView {
                    index,
                    register: register(event.register),
                    event_type: event.event_type.to_string(),
                    extends: event.extends(),
                    digests: log
                        .algorithms()
                        .iter()
                        .filter_map(|algorithm| Some((*algorithm, hex::encode(event.digest(*algorithm)?))))
                        .collect(),
                    data: event.describe(),
                    data_hashes_to_digest: data_hashes_to_digest(event, log.algorithms()),
                })
                .collect(),
        }
    }
}

impl BankView {
    fn new(registers: &Registers) -> Self {
        let values = registers.values();
        Self {
            algorithm: registers.algorithm(),
            registers: values.iter().map(ToString::to_string).collect(),
            extended: (0..values.len())
                .filter(|register| registers.had_events(*register))
                .collect(),
        }
    }
}

/// In every bank that can be hashed; at least one.
fn data_hashes_to_digest(event: &Event<'_>, algorithms: &[Algorithm]) -> bool {
    let mut hashes = algorithms
        .iter()
        .filter_map(|algorithm| Some((algorithm.hash()?, event.digest(*algorithm)?)))
        .map(|(hash, digest)| ring::digest::digest(hash, event.data).as_ref() == digest)
        .peekable();
    event.extends() && hashes.peek().is_some() && hashes.all(|equal| equal)
}

fn numbered<S: Serializer>(values: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(values.len()))?;
    for (number, value) in values.iter().enumerate() {
        map.serialize_entry(&number.to_string(), value)?;
    }
    map.end()
}
