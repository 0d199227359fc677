//! What a dynamic launch measured.

use super::{DYNAMIC_PCRS, HostFault};
use crate::{
    eventlog::{Algorithm, Digest, DrtmLog},
    tpm::HashAlg,
};

/// The registers a dynamic launch resets, and so the only ones its log can explain.
const RESET: std::ops::RangeInclusive<u32> = 17..=22;

/// PCR 17 and 18 of one bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DynamicRegisters {
    /// The code module, the launch policy and what was launched.
    pub pcr17: Digest,
    /// Who signed them.
    pub pcr18: Digest,
}

/// PCR 17 and 18 of `bank` after the launch that `log` records, from zero.
///
/// What it gives is the log's word; [`check_drtm_log`] compares it with the quote's. Types and data of records are not
/// authenticated and decide nothing here, but for the types that extend nothing.
///
/// # Errors
/// If the log has no such bank; if a record was extended into another PCR than 17–22, which a dynamic launch does not
/// reset, so that this would be no launch's log; if it explains PCR 17 or 18 by nothing.
pub fn drtm_registers(log: &DrtmLog<'_>, bank: HashAlg) -> Result<DynamicRegisters, HostFault> {
    let mut extending = log
        .events()
        .iter()
        .enumerate()
        .filter(|(_, event)| event.extends());
    if let Some((index, event)) = extending.find(|(_, event)| !RESET.contains(&event.register)) {
        return Err(HostFault::ForeignPcr {
            index,
            pcr: event.register,
        });
    }
    let registers = log
        .replay(Algorithm::from(bank))
        .ok_or(HostFault::LogBank(bank))?;
    let explained = |pcr: u8| {
        let index = usize::from(pcr);
        registers
            .get(index)
            .filter(|_| registers.had_events(index))
            .copied()
            .ok_or(HostFault::Unexplained(pcr))
    };
    let [pcr17, pcr18] = DYNAMIC_PCRS;
    Ok(DynamicRegisters {
        pcr17: explained(pcr17)?,
        pcr18: explained(pcr18)?,
    })
}

/// `log` explains these values of PCR 17 and 18 of `bank` wholly.
///
/// # Errors
/// As [`drtm_registers`], or if it explains others.
pub fn check_drtm_log(log: &DrtmLog<'_>, bank: HashAlg, pcr17: &[u8], pcr18: &[u8]) -> Result<(), HostFault> {
    let replayed = drtm_registers(log, bank)?;
    let pairs = [(replayed.pcr17, pcr17), (replayed.pcr18, pcr18)];
    for (pcr, (replayed, given)) in DYNAMIC_PCRS.into_iter().zip(pairs) {
        if replayed.as_slice() != given {
            return Err(HostFault::Replay {
                pcr,
                replayed: replayed.to_string(),
                given: hex::encode(given),
            });
        }
    }
    Ok(())
}
