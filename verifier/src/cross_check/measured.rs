//! What the comparison looks at: a class and a digest. The rest is for messages.

use crate::eventlog::{Algorithm, Ccel, Event, ImaLog, ImaRecord, TcgLog};

/// The RTMR that several PCRs share (UEFI 2.10 §38.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Firmware configuration: PCR 1 and 7.
    Rtmr0,
    /// Firmware's drivers and boot loader: PCR 2 to 6.
    Rtmr1,
    /// What the boot loader loads: PCR 8 to 15.
    Rtmr2,
}

impl Class {
    /// All, in order.
    pub const ALL: [Self; 3] = [Self::Rtmr0, Self::Rtmr1, Self::Rtmr2];

    /// The class of a PCR. PCR 0 is `MRTD`'s; from 16 no class.
    pub fn of_pcr(pcr: u32) -> Option<Self> {
        match pcr {
            1 | 7 => Some(Self::Rtmr0),
            2..=6 => Some(Self::Rtmr1),
            8..=15 => Some(Self::Rtmr2),
            _ => None,
        }
    }

    /// The class of a CCEL register, counted from 1. `MRTD` (0) and RTMR3 (4) have none.
    pub fn of_td_register(register: u32) -> Option<Self> {
        match register {
            1 => Some(Self::Rtmr0),
            2 => Some(Self::Rtmr1),
            3 => Some(Self::Rtmr2),
            _ => None,
        }
    }
}

impl std::fmt::Display for Class {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Rtmr0 => "RTMR0",
            Self::Rtmr1 => "RTMR1",
            Self::Rtmr2 => "RTMR2",
        })
    }
}

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
