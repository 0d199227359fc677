//! The TDX firmware's log.

use super::{Algorithm, Digest, EventType, Log, LogView, Registers, log::Kind};
use crate::{Cursor, ParseError};

const KIND: Kind = Kind {
    what: "CCEL",
    // RTMR3. Registers are counted from 1; 0 is MRTD, which nothing extends at run time.
    last_register: 4,
    informative: &[EventType::NO_ACTION],
};

/// The confidential-computing event log of a TD (UEFI 2.10 §38.4, ACPI table `CCEL`): SHA-384, registers counted from 1.
#[derive(Clone, Debug)]
pub struct Ccel<'a> {
    log: Log<'a>,
}

impl<'a> Ccel<'a> {
    /// Reads a log, as `/sys/firmware/acpi/tables/data/CCEL` gives it: usually padded to 64 KiB–1 MiB with `FF`.
    ///
    /// # Errors
    /// As [`TcgLog::parse`](super::TcgLog::parse); also if the log is not crypto-agile or has no SHA-384.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let log = Log::parse(&KIND, bytes)?;
        if !log.algorithms().contains(&Algorithm::Sha384) {
            return Err(Cursor::new(KIND.what, bytes)
                .error("numberOfAlgorithms", "no SHA-384, the only bank of a TD"));
        }
        Ok(Self { log })
    }

    /// RTMR0–3 as registers 0–3.
    pub fn replay(&self) -> Registers {
        let mut registers = Registers::rtmrs();
        registers.extend_all(self.events(), rtmr_of);
        registers
    }

    /// RTMR0–3.
    pub fn rtmrs(&self) -> [[u8; 48]; 4] {
        let mut rtmrs = [[0; 48]; 4];
        for (rtmr, value) in rtmrs.iter_mut().zip(self.replay().values()) {
            // A SHA-384 register has 48 bytes, so there is no other case.
            *rtmr = Digest::to_array(value).unwrap_or([0; 48]);
        }
        rtmrs
    }

    /// Everything, for people and for JSON. Registers are named by their TDX name.
    pub fn view(&self) -> LogView {
        LogView::new(&self.log, &[self.replay()], |register| match rtmr_of(register) {
            Some(rtmr) => format!("RTMR{rtmr}"),
            None => "MRTD".to_owned(),
        })
    }
}

impl<'a> std::ops::Deref for Ccel<'a> {
    type Target = Log<'a>;
    fn deref(&self) -> &Log<'a> {
        &self.log
    }
}

/// The RTMR a measurement-register index names.
fn rtmr_of(register: u32) -> Option<usize> {
    usize::try_from(register.checked_sub(1)?).ok()
}
