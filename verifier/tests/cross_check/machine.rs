//! A machine's two logs, what a policy lists for them, and what its quotes say.

use chassis_verifier::{
    Accept, HexBytes,
    cross_check::{Class, CrossCheck, Exceptions, SEPARATOR, cross_check, td_measured, tpm_measured},
    eventlog::{Algorithm, Ccel, TcgLog},
};

use crate::{
    common::fixture,
    written::{Record, Written},
};

/// TCG2 logs of two Google TDX vTPMs: Ubuntu with GRUB, and a unified kernel image.
pub(crate) const GRUB: &str = "openpcc/test_tcg_event_log.pem.der";
pub(crate) const UKI: &str = "dstack/tpm_eventlog.bin";
/// The CCEL of a Google TDX machine with another image.
pub(crate) const COS_113: &str = "go-tdx-guest/ccel_data.dat";

/// What the Linux EFI stub's records are called: `EV_EVENT_TAG`.
const EVENT_TAG: u32 = 6;

/// Which log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Tpm,
    Td,
}

impl Side {
    pub(crate) const BOTH: [Self; 2] = [Self::Tpm, Self::Td];

    pub(crate) fn other(self) -> Self {
        match self {
            Self::Tpm => Self::Td,
            Self::Td => Self::Tpm,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tpm => "TPM log",
            Self::Td => "CCEL",
        }
    }

    pub(crate) fn class(self, record: &Record) -> Option<Class> {
        match self {
            _ if !record.extends() => None,
            Self::Tpm => Class::of_pcr(record.register),
            Self::Td => Class::of_td_register(record.register),
        }
    }
}

/// Two logs, what a policy lists for them, and what quotes say of them.
#[derive(Clone)]
pub(crate) struct Machine {
    pub(crate) tpm: Written,
    pub(crate) td: Written,
    pub(crate) exceptions: Exceptions,
    quoted: Quoted,
}

/// PCR 0–15 in the SHA-384 bank, RTMR0–3.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Quoted {
    pcrs: Vec<[u8; 48]>,
    rtmrs: [[u8; 48]; 4],
}

/// What the appraisal demands of two logs. It needs both.
pub(crate) struct Answer {
    /// They give the quoted registers.
    pub(crate) replays: bool,
    pub(crate) crossed: CrossCheck,
}

impl Machine {
    /// The machine that wrote this TPM log, or `None` without fixtures.
    pub(crate) fn of(name: &str) -> Option<Self> {
        let bytes = fixture(name)?;
        let tpm = Written::of(&TcgLog::parse(&bytes).unwrap(), &bytes);
        let cos = fixture(COS_113)?;
        let cos = Written::of(&Ccel::parse(&cos).unwrap(), &cos);
        let td = counterpart(&tpm, &cos);
        let listed = |record: &Record| Some(Accept::OneOf(vec![HexBytes(record.sha384())]));
        let exceptions = Exceptions {
            tpm_only: stub(&tpm).map(Record::sha384).collect(),
            td_hob: listed(&td.records[0]),
            cfv: listed(&td.records[1]),
            ..Exceptions::default()
        };
        let quoted = Quoted::by(&tpm, &td);
        Some(Self {
            tpm,
            td,
            exceptions,
            quoted,
        })
    }

    /// The same without the records' data, whose description for people takes most of the time.
    pub(crate) fn without_data(mut self) -> Self {
        for side in Side::BOTH {
            for record in self.records(side) {
                record.data.clear();
            }
        }
        self
    }

    pub(crate) fn log(&self, side: Side) -> &Written {
        match side {
            Side::Tpm => &self.tpm,
            Side::Td => &self.td,
        }
    }

    pub(crate) fn records(&mut self, side: Side) -> &mut Vec<Record> {
        match side {
            Side::Tpm => &mut self.tpm.records,
            Side::Td => &mut self.td.records,
        }
    }

    /// Another machine, whose logs are these: its quotes say the same as they.
    pub(crate) fn requoted(mut self) -> Self {
        self.quoted = Quoted::by(&self.tpm, &self.td);
        self
    }

    /// Parses, replays and compares.
    pub(crate) fn answer(&self) -> Answer {
        let (tpm, td) = (self.tpm.bytes(), self.td.bytes());
        let (tpm, td) = (TcgLog::parse(&tpm).unwrap(), Ccel::parse(&td).unwrap());
        Answer {
            replays: Quoted::of(&tpm, &td) == self.quoted,
            crossed: compare(&tpm, &td, &self.exceptions),
        }
    }

    /// Whether the digest may be in this log alone.
    pub(crate) fn lists(&self, side: Side, digest: &[u8; 48]) -> bool {
        match side {
            Side::Tpm => self.exceptions.tpm_only.contains(digest),
            Side::Td => self.exceptions.td_only.contains(digest),
        }
    }

    /// The same for separators too.
    pub(crate) fn may_stand_alone(&self, side: Side, digest: &[u8; 48]) -> bool {
        *digest == SEPARATOR || self.lists(side, digest)
    }

    /// What one log measured into one class, in order.
    pub(crate) fn sequence(&self, side: Side, class: Class) -> Vec<[u8; 48]> {
        let records = self.log(side).records.iter();
        records
            .filter(|record| side.class(record) == Some(class))
            .map(Record::sha384)
            .collect()
    }

    /// The same without separators, listed digests, and the CCEL's first two of RTMR0.
    pub(crate) fn unlisted(&self, side: Side, class: Class) -> Vec<[u8; 48]> {
        let slots = if (side, class) == (Side::Td, Class::Rtmr0) {
            2
        } else {
            0
        };
        let listed = |digest: &_| Side::BOTH.iter().any(|side| self.lists(*side, digest));
        let rest = self.sequence(side, class).into_iter().skip(slots);
        rest.filter(|digest| *digest != SEPARATOR && !listed(digest))
            .collect()
    }
}

pub(crate) fn compare(tpm: &TcgLog<'_>, td: &Ccel<'_>, exceptions: &Exceptions) -> CrossCheck {
    cross_check(&tpm_measured(tpm).unwrap(), &td_measured(td), exceptions)
}

impl Quoted {
    fn of(tpm: &TcgLog<'_>, td: &Ccel<'_>) -> Self {
        let pcrs = tpm.replay(Algorithm::Sha384).unwrap();
        let pcrs = pcrs.values()[..16].iter();
        Self {
            pcrs: pcrs.map(|value| value.to_array().unwrap()).collect(),
            rtmrs: td.rtmrs(),
        }
    }

    fn by(tpm: &Written, td: &Written) -> Self {
        Self::of(
            &TcgLog::parse(&tpm.bytes()).unwrap(),
            &Ccel::parse(&td.bytes()).unwrap(),
        )
    }
}

/// What the EFI stub measured: initrd and command line, to the TPM alone.
fn stub(tpm: &Written) -> impl Iterator<Item = &Record> {
    tpm.records.iter().filter(|record| record.event_type == EVENT_TAG)
}

/// The CCEL a real machine writes beside this TPM log, by what COS-113's shows (and from which it takes header, host's
/// memory map and firmware volume): one separator in RTMR0, PCR 7's, and one in RTMR1; nothing of the EFI stub's, for
/// Linux tells it to a TPM where there is one.
fn counterpart(tpm: &Written, cos: &Written) -> Written {
    let mut td = cos.clone();
    td.records.truncate(2);
    for record in &tpm.records {
        let Some(class) = Side::Tpm.class(record) else {
            continue;
        };
        let register = 1 + class as u32;
        let second = record.sha384() == SEPARATOR
            && td
                .records
                .iter()
                .any(|earlier| earlier.register == register && earlier.sha384() == SEPARATOR);
        if !second && record.event_type != EVENT_TAG {
            td.records.push(Record {
                register,
                digests: vec![(Algorithm::Sha384.id(), record.sha384().to_vec())],
                ..record.clone()
            });
        }
    }
    td
}
