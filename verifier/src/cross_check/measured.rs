//! What the comparison looks at, out of logs: a class and a digest. The rest is for messages.

use super::Class;
use crate::eventlog::{Algorithm, Ccel, Event, ImaLog, ImaRecord, TcgLog};

/// One measurement that went into a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measured<'a> {
    /// Where it is compared.
    pub class: Class,
    /// SHA-384.
    pub digest: [u8; 48],
    /// Its place among its log's records, from 0.
    pub index: usize,
    /// What it claims to be, for messages. Not authenticated.
    pub what: What<'a>,
}

/// Where a measurement comes from. Put into words, as `PCR 7: Secure Boot db`, only when somebody asks: most are never
/// spoken of, and a log may have thousands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What<'a> {
    /// A record of the TPM's log.
    Tpm(Event<'a>),
    /// A record of the CCEL.
    Td(Event<'a>),
    /// A record of IMA's list.
    Ima(ImaRecord<'a>),
    /// The caller's own words.
    Words(&'a str),
}

impl std::fmt::Display for What<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tpm(event) => write!(f, "PCR {}: {}", event.register, event.describe()),
            Self::Td(event) => write!(
                f,
                "RTMR{}: {}",
                event.register.saturating_sub(1),
                event.describe()
            ),
            Self::Ima(record) => write!(f, "PCR {}: {}", record.pcr, record.describe()),
            Self::Words(words) => f.write_str(words),
        }
    }
}

/// What of the TPM's log is compared: PCRs 1–15 in the SHA-384 bank. `None` if the log has no such bank.
pub fn tpm_measured<'a>(log: &TcgLog<'a>) -> Option<Vec<Measured<'a>>> {
    log.algorithms()
        .contains(&Algorithm::Sha384)
        .then(|| measured(log.events(), Class::of_pcr, What::Tpm))
}

/// What of the CCEL is compared: RTMR0–2.
pub fn td_measured<'a>(log: &Ccel<'a>) -> Vec<Measured<'a>> {
    measured(log.events(), Class::of_td_register, What::Td)
}

/// What of a further log a policy must list: all that went into PCR 0–15. `None` if the log has no SHA-384 bank.
pub fn further_measured<'a>(log: &TcgLog<'a>) -> Option<Vec<Measured<'a>>> {
    log.algorithms()
        .contains(&Algorithm::Sha384)
        .then(|| measured(log.events(), class_after_boot, What::Tpm))
}

/// What of an IMA list a policy must list: all but a `boot_aggregate` in front that follows from the boot log.
pub fn ima_measured<'a>(ima: &ImaLog<'a>, boot: &TcgLog<'_>) -> impl Iterator<Item = Measured<'a>> {
    let skip = usize::from(ima.begins_with_aggregate_of(boot));
    ima.records()
        .iter()
        .enumerate()
        .skip(skip)
        .filter_map(|(index, record)| {
            Some(Measured {
                class: class_after_boot(record.pcr)?,
                digest: record.digest(Algorithm::Sha384)?.to_array()?,
                index,
                what: What::Ima(*record),
            })
        })
}

/// PCR 0 is in no comparison, but a record of it after boot must not go unseen: it is firmware's, as PCR 1 is.
fn class_after_boot(pcr: u32) -> Option<Class> {
    match pcr {
        0 => Some(Class::Rtmr0),
        _ => Class::of_pcr(pcr),
    }
}

fn measured<'a>(
    events: &[Event<'a>],
    class: impl Fn(u32) -> Option<Class>,
    what: impl Fn(Event<'a>) -> What<'a>,
) -> Vec<Measured<'a>> {
    let mut measured = Vec::with_capacity(events.len());
    measured.extend(
        events
            .iter()
            .enumerate()
            .filter(|(_, event)| event.extends())
            .filter_map(|(index, event)| {
                Some(Measured {
                    class: class(event.register)?,
                    digest: event.sha384()?,
                    index,
                    what: what(*event),
                })
            }),
    );
    measured
}
