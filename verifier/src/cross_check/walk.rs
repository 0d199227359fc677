//! The walk through one class.

use std::iter::Peekable;

use super::{Class, Exceptions, Measured, SEPARATOR};
use crate::Accept;

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

pub(super) fn walk(
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

fn shown(event: Option<&Record>) -> String {
    event.map_or_else(
        || "has no further record of this class".to_owned(),
        |event| {
            let digest = hex::encode(&event.digest[..8]);
            format!("record {} ({}, {digest}…)", event.index, event.what)
        },
    )
}
