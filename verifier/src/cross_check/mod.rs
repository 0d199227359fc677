//! Whether the TPM and the TD measured one boot.
//!
//! # Why
//!
//! A *Frankenstein proxy* (arXiv 2510.12469) joins a genuine TD quote from a machine in somebody's basement with a genuine
//! TPM quote from a rented cloud machine. Each quote verifies; together they claim a TD in a data centre that does not
//! exist. On one real machine, firmware and boot loaders hand every measurement to both: to the vTPM and to the TDX module.
//! So both logs hold the same SHA-384 digests in the same order, and two machines that booted different things do not: their
//! loaders, kernels, command lines, partition tables or Secure Boot variables differ somewhere.
//!
//! # What it does not stop
//!
//! Two machines that booted the *same image* with the same configuration pass, for there is nothing in the measurements that
//! differs. Nor does it see what only one side measures: the Linux EFI stub tells initrd and command line to the TPM alone,
//! and those digests, once listed, are compared with the policy only. Both are stopped elsewhere: the TD quote names the
//! AK, the TPM quote names the TD quote, the AK's certificate names the instance, and the reviewed image keeps its vTPM to
//! itself. None of the four is enough alone.
//!
//! # What is compared
//!
//! | class | PCRs | CCEL register |
//! |---|---|---|
//! | RTMR0 | 1, 7 | 1 |
//! | RTMR1 | 2–6 | 2 |
//! | RTMR2 | 8–15 | 3 |
//!
//! (UEFI 2.10 §38.4.1.) Several PCRs share an RTMR, and the TPM log's own order says how they interleave; real Google
//! machines log the partition table and loaded images under PCR 2, where the specification says 5 and 4, and classes absorb
//! that. PCR 0 belongs to `MRTD`, which no log explains: the caller compares its value with the policy's. **Types and data
//! are not looked at**, since nobody signs them.
//!
//! Both inputs must be authenticated *in the SHA-384 bank* beforehand: the PCRs the TPM quote signs and the RTMRs of the TD
//! quote must equal the logs' replay. SHA-384 digests beside a SHA-256 quote are anybody's words.
//!
//! # The walk
//!
//! Per class, with `T` the TPM's digests and `D` the TD's:
//!
//! 1. equal heads are a pair: advance both;
//! 2. else, if the head of `T` is a separator's digest or listed in `tpm_only`: advance `T`;
//! 3. else, if the head of `D` is a separator's digest or listed in `td_only`: advance `D`;
//! 4. else fail. A log that has ended has no head.
//!
//! Every step advances, so at most `|T| + |D|` are made, and the result is a function of its input.
//!
//! *It accepts no wrong pair.* Only rule 1 pairs, and only equal digests, in order; rules 2 and 3 pass over nothing but
//! separators and listed digests. So when it accepts, deleting separators and `tpm_only` digests from `T`, and separators and
//! `td_only` digests from `D`, can leave one and the same sequence, which the walk has written down as its pairs. Hence a
//! digest that is no separator and not listed stands in both logs, as often and in the same order. A listed digest may
//! stand in both (GRUB measures the initrd to both sides, the EFI stub once more to the TPM): it pairs where it meets its
//! twin and is passed over where it does not, which is all that listing it permits. Listing says *may*, not *must*.
//!
//! *It may refuse a right pair*, where a listed digest stands in both logs and something listed for the TD stands right
//! before it: rule 2 passes over what a search would have paired. That errs on the safe side and is the price of not
//! searching.
//!
//! # Further logs
//!
//! Records written after boot (IMA, applications) never reach an RTMR this module compares, so they take no part in the
//! walk; [`first_unlisted`] demands that each is listed, except IMA's `boot_aggregate` in PCR 10, which follows from the boot log.
//! The boot log's own records stay in the walk even if a further log continues their PCR: letting a whole PCR go because
//! something extends it later would let go of the boot loader too.

mod learn;
mod measured;

#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, iter::Peekable};

pub use learn::{Learned, learn};
pub use measured::{Measured, What, further_measured, ima_measured, td_measured, tpm_measured};

use crate::{Accept, Workload};

/// SHA-384 of four zero bytes: what a separator measures (PFP 1.06 §10.4.1, `EV_SEPARATOR`).
pub const SEPARATOR: [u8; 48] = [
    0x39, 0x43, 0x41, 0xb7, 0x18, 0x2c, 0xd2, 0x27, 0xc5, 0xc6, 0xb0, 0x7e, 0xf8, 0x00, 0x0c, 0xdf, //
    0xd8, 0x61, 0x36, 0xc4, 0x29, 0x2b, 0x8e, 0x57, 0x65, 0x73, 0xad, 0x7e, 0xd9, 0xae, 0x41, 0x01, //
    0x9f, 0x58, 0x18, 0xb4, 0xb9, 0x71, 0xc9, 0xef, 0xfc, 0x60, 0xe1, 0xad, 0x9f, 0x12, 0x89, 0xf0,
];

/// What may differ between the two logs: nothing, by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exceptions {
    /// Digests that may be in the TPM's log alone.
    pub tpm_only: BTreeSet<[u8; 48]>,
    /// Digests that may be in the CCEL alone.
    pub td_only: BTreeSet<[u8; 48]>,
    /// RTMR0's first record, the memory map from the host. `None`: the firmware writes none. Otherwise it must be there.
    pub td_hob: Option<Accept<48>>,
    /// RTMR0's next record, the configuration firmware volume. `None`: the firmware writes none. Otherwise it must be there.
    pub cfv: Option<Accept<48>>,
}

impl From<&Workload> for Exceptions {
    fn from(workload: &Workload) -> Self {
        let set = |digests: &[crate::HexBytes<48>]| digests.iter().map(|digest| digest.0).collect();
        Self {
            tpm_only: set(&workload.tpm_only),
            td_only: set(&workload.td_only),
            td_hob: workload.td_hob.clone(),
            cfv: workload.cfv.clone(),
        }
    }
}

/// The comparison's result, class by class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrossCheck {
    /// RTMR0, RTMR1, RTMR2, in this order.
    pub classes: [(Class, Result<Matched, Box<Mismatch>>); 3],
}

impl CrossCheck {
    /// Whether every class matches.
    pub fn passed(&self) -> bool {
        self.classes.iter().all(|(_, result)| result.is_ok())
    }

    /// The first difference.
    pub fn mismatch(&self) -> Option<&Mismatch> {
        self.classes
            .iter()
            .find_map(|(_, result)| result.as_ref().err())
            .map(AsRef::as_ref)
    }
}

/// Compares what the TPM and the TD measured. See the module's text for the rule and for what must have been checked before.
pub fn cross_check(tpm: &[Measured<'_>], td: &[Measured<'_>], exceptions: &Exceptions) -> CrossCheck {
    CrossCheck {
        classes: Class::ALL.map(|class| (class, walk(class, tpm, td, exceptions))),
    }
}

fn walk(
    class: Class,
    tpm: &[Measured<'_>],
    td: &[Measured<'_>],
    exceptions: &Exceptions,
) -> Result<Matched, Box<Mismatch>> {
    let mut tpm = tpm.iter().filter(|event| event.class == class).peekable();
    let mut td = td.iter().filter(|event| event.class == class).peekable();
    let mut matched = Matched::default();
    let mismatch = |reason, tpm: Option<&Measured<'_>>, td: Option<&Measured<'_>>| {
        Box::new(Mismatch {
            class,
            reason,
            tpm: tpm.map(Record::from),
            td: td.map(Record::from),
        })
    };
    if class == Class::Rtmr0 {
        let slots = [
            (&exceptions.td_hob, Reason::TdHob),
            (&exceptions.cfv, Reason::Cfv),
        ];
        for (accepted, reason) in slots
            .into_iter()
            .filter_map(|(slot, reason)| Some((slot.as_ref()?, reason)))
        {
            if !skip_slot(&mut td, accepted) {
                return Err(mismatch(reason, tpm.peek().copied(), td.peek().copied()));
            }
            matched.td_only += 1;
        }
    }
    let skip_tpm =
        |event: &Measured<'_>| event.digest == SEPARATOR || exceptions.tpm_only.contains(&event.digest);
    let skip_td =
        |event: &Measured<'_>| event.digest == SEPARATOR || exceptions.td_only.contains(&event.digest);
    loop {
        match (tpm.peek().copied(), td.peek().copied()) {
            (None, None) => return Ok(matched),
            (Some(left), Some(right)) if left.digest == right.digest => {
                matched.pairs += 1;
                tpm.next();
                td.next();
            }
            (Some(left), _) if skip_tpm(left) => {
                matched.tpm_only += 1;
                tpm.next();
            }
            (_, Some(right)) if skip_td(right) => {
                matched.td_only += 1;
                td.next();
            }
            (left, right) => {
                let reason = match (left, right) {
                    (_, None) => Reason::OnlyTpm,
                    (None, _) => Reason::OnlyTd,
                    _ => Reason::Differ,
                };
                return Err(mismatch(reason, left, right));
            }
        }
    }
}

/// Passes over the next record if it is accepted. A record that is not there is not accepted, by `any` neither.
fn skip_slot<'m>(td: &mut Peekable<impl Iterator<Item = &'m Measured<'m>>>, accepted: &Accept<48>) -> bool {
    td.next_if(|event| accepted.accepts(&event.digest)).is_some()
}

/// The first record of a further log that is not listed in `tpm_only`, or that is in a PCR below 8, where only firmware
/// measures.
pub fn first_unlisted<'m>(
    further: impl IntoIterator<Item = Measured<'m>>,
    exceptions: &Exceptions,
) -> Option<Measured<'m>> {
    further
        .into_iter()
        .find(|event| event.class != Class::Rtmr2 || !exceptions.tpm_only.contains(&event.digest))
}

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

/// How a class matched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Matched {
    /// Records in both logs.
    pub pairs: usize,
    /// Records passed over in the TPM's log: separators and listed ones.
    pub tpm_only: usize,
    /// Records passed over in the CCEL: separators, listed ones, and the first two of RTMR0.
    pub td_only: usize,
}

/// The first difference in a class.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{class}: {reason}; TPM log {}, CCEL {}", shown(self.tpm.as_ref()), shown(self.td.as_ref()))]
pub struct Mismatch {
    /// The class.
    pub class: Class,
    /// What the rule is that it breaks.
    pub reason: Reason,
    /// The next record of the TPM's log, if one is left.
    pub tpm: Option<Record>,
    /// The next record of the CCEL, if one is left.
    pub td: Option<Record>,
}

/// A record, as a mismatch shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its place among its log's records, from 0.
    pub index: usize,
    /// SHA-384.
    pub digest: [u8; 48],
    /// As `PCR 7: Secure Boot db`. Not authenticated.
    pub what: String,
}

impl From<&Measured<'_>> for Record {
    fn from(measured: &Measured<'_>) -> Self {
        Self {
            index: measured.index,
            digest: measured.digest,
            what: measured.what.to_string(),
        }
    }
}

/// Why a class does not match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// Different digests, neither of them listed.
    #[error("the logs differ and the policy lists neither digest")]
    Differ,
    /// The CCEL has ended.
    #[error("only the TPM log has this record and the policy does not list it")]
    OnlyTpm,
    /// The TPM's log has ended.
    #[error("only the CCEL has this record and the policy does not list it")]
    OnlyTd,
    /// The memory map from the host.
    #[error("the first record is not a TD HOB the policy accepts")]
    TdHob,
    /// The configuration firmware volume.
    #[error("the record after the TD HOB is not a CFV the policy accepts")]
    Cfv,
}

fn shown(event: Option<&Record>) -> String {
    event.map_or_else(
        || "has no further record of this class".to_owned(),
        |event| {
            let digest = hex::encode(&event.digest[..8]);
            format!("record {} ({}, {digest}…)", event.index, event.what)
        },
    )
}
