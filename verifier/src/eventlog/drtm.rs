//! The log of a dynamic launch.

use super::{Algorithm, EventType, Log, LogView, Registers, log::Kind, tcg::LAST_PCR};
use crate::ParseError;

const KIND: Kind = Kind {
    what: "DRTM event log",
    last_register: LAST_PCR,
    informative: &[
        EventType::NO_ACTION,
        EventType::TXT_PCR_MAPPING,
        EventType::SLAUNCH_START,
        EventType::SLAUNCH_END,
    ],
};

/// The log of an Intel TXT launch (*Intel TXT Measured Launched Environment Developer's Guide*, "TPM event log";
/// `HEAP_EVENT_LOG_POINTER_ELEMENT2_1`): TCG2 records, crypto-agile. The authenticated code module begins it, the launched
/// kernel continues it. Where the kernel was launched by Linux's Secure Launch, it is at
/// `/sys/kernel/security/slaunch/eventlog`.
///
/// Besides `EV_NO_ACTION`, it has three types of records that nothing was extended by: the module says how it spreads its
/// measurements over the PCRs (PCR 255), and Secure Launch marks where the kernel's begin and end (PCR 17). An honest log
/// replays only if these are passed over. As with `EV_NO_ACTION`, a record retyped to or from them changes the replay.
#[derive(Clone, Debug)]
pub struct DrtmLog<'a> {
    log: Log<'a>,
}

impl<'a> DrtmLog<'a> {
    /// Reads a log. Trailing `00` or `FF` padding is passed over.
    ///
    /// # Errors
    /// As [`TcgLog::parse`](super::TcgLog::parse). Records of PCRs that a dynamic launch does not touch parse:
    /// [`drtm_registers`](crate::host::drtm_registers) refuses them.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        Ok(Self {
            log: Log::parse(&KIND, bytes)?,
        })
    }

    /// All 24 PCRs of one bank, of which 17–22 begin at zero, where the launch set them. `None` if the log has no such
    /// bank, or this program no such hash.
    pub fn replay(&self, algorithm: Algorithm) -> Option<Registers> {
        if !self.algorithms().contains(&algorithm) {
            return None;
        }
        let mut registers = Registers::pcrs(algorithm, 0)?;
        registers.extend_all(self.events(), |register| usize::try_from(register).ok());
        Some(registers)
    }

    /// Everything, for people and for JSON.
    pub fn view(&self) -> LogView {
        let banks: Vec<_> = self
            .algorithms()
            .iter()
            .filter_map(|algorithm| self.replay(*algorithm))
            .collect();
        LogView::new(&self.log, &banks, |register| format!("PCR {register}"))
    }
}

impl<'a> std::ops::Deref for DrtmLog<'a> {
    type Target = Log<'a>;
    fn deref(&self) -> &Log<'a> {
        &self.log
    }
}
