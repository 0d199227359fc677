//! `chassis inspect ccel`, `tpm-log` and `drtm-log`: the records of a measured boot or launch, and what the registers
//! become by them.

use std::path::Path;

use chassis_verifier::eventlog::{Algorithm, BankView, Ccel, DrtmLog, EventView, LogView, TcgLog};
use serde::Serialize;

use super::input;
use crate::render::{Cell, Document, Mark, Refusal, View};

/// Which of the three logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) enum LogKind {
    /// The TDX firmware's.
    #[serde(rename = "ccel")]
    Ccel,
    /// The TPM's.
    #[serde(rename = "tpm-log")]
    Tpm,
    /// A dynamic launch's.
    #[serde(rename = "drtm-log")]
    Drtm,
}

/// A decoded log.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Decoded {
    kind: LogKind,
    /// Bytes before the padding.
    size: usize,
    padding: usize,
    #[serde(flatten)]
    log: LogView,
}

pub(super) fn answer(kind: LogKind, file: &Path) -> Result<Decoded, Refusal> {
    Decoded::decode(kind, &input::read(file, input::LIMIT)?)
}

impl Decoded {
    pub(super) fn decode(kind: LogKind, bytes: &[u8]) -> Result<Self, Refusal> {
        if bytes.starts_with(b"CCEL") {
            return Err(Refusal(
                "event log: at offset 0: this is the ACPI table that says where the log lies, not the log itself \
                 (/sys/firmware/acpi/tables/data/CCEL)"
                    .into(),
            ));
        }
        let (size, log) = match kind {
            LogKind::Ccel => Ccel::parse(bytes).map(|log| (log.content_len(), log.view()))?,
            LogKind::Tpm => TcgLog::parse(bytes).map(|log| (log.content_len(), log.view()))?,
            LogKind::Drtm => DrtmLog::parse(bytes).map(|log| (log.content_len(), log.view()))?,
        };
        Ok(Self {
            kind,
            size,
            padding: bytes.len() - size,
            log,
        })
    }

    /// How much there is, in words.
    pub(super) fn summary(&self) -> String {
        let banks: Vec<_> = self.log.banks.iter().map(|bank| bank.algorithm.name()).collect();
        format!(
            "{} records, {}, {} bytes",
            self.log.events.len(),
            banks.join(", "),
            self.size
        )
    }

    /// The bank a person wants to see: the one TDX has, else the strongest.
    fn shown_bank(&self) -> Option<Algorithm> {
        let banks = || self.log.banks.iter().map(|bank| bank.algorithm);
        banks()
            .find(|algorithm| *algorithm == Algorithm::Sha384)
            .or_else(|| banks().max())
    }
}

impl View for Decoded {
    fn document(&self) -> Document {
        let (name, register) = match self.kind {
            LogKind::Ccel => ("TDX event log (CCEL)", "RTMR"),
            LogKind::Tpm => ("TPM event log (TCG2)", "PCR"),
            LogKind::Drtm => ("DRTM event log (TCG2)", "PCR"),
        };
        let mut document = Document::new().heading(format_args!("{name}: {}", self.summary()));
        if self.padding > 0 {
            document = document.line(format_args!("{} bytes of padding follow", self.padding));
        }
        document = document.then(self.events());
        for bank in &self.log.banks {
            document = document
                .heading(format_args!("{register}s after replay, {}", bank.algorithm))
                .table(&[register, "value"], registers(bank));
        }
        document
    }
}

impl Decoded {
    fn events(&self) -> Document {
        let Some(bank) = self.shown_bank() else {
            return Document::new().line("no bank that can be replayed");
        };
        let rows = self.log.events.iter().map(|event| row(event, bank)).collect();
        Document::new()
            .heading("Records")
            .line("Types and data are the writer's claims. = : the data hash to the digest.")
            .line(format_args!("Digests: {bank}, shortened (--json has all)."))
            .table(&["#", "register", "type", "digest", "", "data"], rows)
    }
}

fn row(event: &EventView, bank: Algorithm) -> Vec<Cell> {
    let digest = match event.digests.get(&bank) {
        Some(digest) if event.extends => digest.get(..12).unwrap_or(digest),
        _ => "not extended",
    };
    vec![
        event.index.into(),
        Cell::marked(&event.register, Mark::Name),
        (&event.event_type).into(),
        digest.into(),
        if event.data_hashes_to_digest { "=" } else { "" }.into(),
        (&event.data).into(),
    ]
}

fn registers(bank: &BankView) -> Vec<Vec<Cell>> {
    bank.registers
        .iter()
        .enumerate()
        .map(|(number, value)| {
            let untouched = !bank.extended.contains(&number);
            let value = match value.as_bytes().first() {
                Some(b'0') if untouched && value.bytes().all(|digit| digit == b'0') => "zero (no record)",
                Some(b'f') if untouched && value.bytes().all(|digit| digit == b'f') => "all ones (no record)",
                _ => value,
            };
            vec![Cell::marked(number, Mark::Name), value.into()]
        })
        .collect()
}
