//! The TPM's log.

use super::{Algorithm, Digest, Event, EventType, Log, LogView, Registers, log::Kind};
use crate::{Cursor, ParseError};

/// PCR 23 is the last of a PC Client TPM.
pub(super) const LAST_PCR: u32 = 23;

const KIND: Kind = Kind {
    what: "TCG2 event log",
    last_register: LAST_PCR,
    informative: &[EventType::NO_ACTION],
};
const STARTUP_LOCALITY: &[u8] = b"StartupLocality\0";

/// The TPM's log: crypto-agile, or SHA-1 only.
#[derive(Clone, Debug)]
pub struct TcgLog<'a> {
    log: Log<'a>,
    startup_locality: u8,
}

impl<'a> TcgLog<'a> {
    /// Reads a log, as `/sys/kernel/security/tpm0/binary_bios_measurements` gives it. Trailing `00` or `FF` padding is
    /// passed over.
    ///
    /// # Errors
    /// If a record is truncated, names PCR 24 or beyond, or lacks a digest of an announced algorithm; if other bytes
    /// trail; above [`MAX_EVENTS`](super::MAX_EVENTS) records; if `StartupLocality` stands where it cannot be true.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let log = Log::parse(&KIND, bytes)?;
        let startup_locality = startup_locality(log.events())?;
        Ok(Self {
            log,
            startup_locality,
        })
    }

    /// The locality that started the TPM: 0, 3 or 4 (after an H-CRTM). PCR 0 begins with it in its last byte.
    pub fn startup_locality(&self) -> u8 {
        self.startup_locality
    }

    /// All 24 PCRs of one bank. `None` if the log has no such bank, or this program no such hash.
    pub fn replay(&self, algorithm: Algorithm) -> Option<Registers> {
        let mut registers = Registers::pcrs(algorithm, self.startup_locality)?;
        self.continue_replay(&mut registers)?;
        Some(registers)
    }

    /// Extends `registers` with this log's records too: for a further log, written after boot. `None` (and `registers`
    /// unchanged) if this log lacks their bank.
    ///
    /// A further log's `StartupLocality` has no effect here.
    pub fn continue_replay(&self, registers: &mut Registers) -> Option<()> {
        if !self.algorithms().contains(&registers.algorithm()) {
            return None;
        }
        registers.extend_all(self.events(), |register| usize::try_from(register).ok());
        Some(())
    }

    /// Every bank this program can replay.
    pub fn banks(&self) -> Vec<Registers> {
        self.algorithms()
            .iter()
            .filter_map(|algorithm| self.replay(*algorithm))
            .collect()
    }

    /// PCRs in the SHA-384 bank that a TDX VM's quote selects, `0..=23`.
    pub fn sha384(&self) -> Option<[[u8; 48]; 24]> {
        let registers = self.replay(Algorithm::Sha384)?;
        let values: Option<Vec<[u8; 48]>> = registers.values().iter().map(Digest::to_array).collect();
        values?.try_into().ok()
    }

    /// Everything, for people and for JSON.
    pub fn view(&self) -> LogView {
        LogView::new(&self.log, &self.banks(), |register| format!("PCR {register}"))
    }
}

impl<'a> std::ops::Deref for TcgLog<'a> {
    type Target = Log<'a>;
    fn deref(&self) -> &Log<'a> {
        &self.log
    }
}

/// `TCG_EfiStartupLocalityEvent` (PFP 1.06 §10.4.5.3): at most once, and before anything enters PCR 0.
fn startup_locality(events: &[Event<'_>]) -> Result<u8, ParseError> {
    let mut locality = None;
    let mut pcr0_extended = false;
    for event in events.iter().filter(|event| event.register == 0) {
        pcr0_extended |= event.extends();
        if event.extends() || !event.data.starts_with(STARTUP_LOCALITY) {
            continue;
        }
        let mut cursor = Cursor::new("TCG_EfiStartupLocalityEvent", event.data);
        cursor.take("signature", STARTUP_LOCALITY.len())?;
        let at = cursor.clone();
        let value = cursor.u8("startupLocality")?;
        if !matches!(value, 0 | 3 | 4) {
            return Err(at.error("startupLocality", format!("{value} cannot start a TPM")));
        }
        if pcr0_extended || locality.is_some() {
            return Err(at.error("startupLocality", "a second one, or after PCR 0's first event"));
        }
        cursor.finish()?;
        locality = Some(value);
    }
    Ok(locality.unwrap_or(0))
}
