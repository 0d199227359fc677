//! What a policy would have to list for a pair of logs: the comparison turned round, for a person to review.

use std::collections::{HashMap, HashSet};

use super::{Class, Exceptions, Measured, Mismatch, SEPARATOR, cross_check};
use crate::{Accept, HexBytes};

/// The records that one log has and the other lacks. Nothing here is good because it was measured: somebody must read what
/// each digest is of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Learned<'m> {
    /// Of the TPM's log and of further logs, by digest, each once.
    pub tpm_only: Vec<&'m Measured<'m>>,
    /// Of the CCEL, by digest, each once.
    pub td_only: Vec<&'m Measured<'m>>,
    /// RTMR0's first record, if the TPM's log lacks it.
    pub td_hob: Option<&'m Measured<'m>>,
    /// The next one, if the TPM's log lacks it too.
    pub cfv: Option<&'m Measured<'m>>,
}

/// Which digests a workload entry must list so that [`cross_check`] passes on these logs, and no others.
///
/// A digest is listed where one log has it more often in a class than the other: so one that both have equally often never
/// is. Separators need no listing, and records of `further` logs all do, but not below PCR 8. Linear in the records.
///
/// # Errors
/// If no listing of such digests makes the logs agree, as where both have the same records in another order: then they are
/// not of one boot, or not of one that this comparison can follow.
pub fn learn<'m>(
    tpm: &'m [Measured<'m>],
    td: &'m [Measured<'m>],
    further: &'m [Measured<'m>],
) -> Result<Learned<'m>, Box<Mismatch>> {
    let mut learned = Learned::default();
    let in_tpm = counts(tpm);
    let mut slots = td
        .iter()
        .filter(|event| event.class == Class::Rtmr0)
        .take(2)
        .take_while(|event| !in_tpm.contains_key(&key(event)) && event.digest != SEPARATOR);
    learned.td_hob = slots.next();
    learned.cfv = slots.next();
    let slots = usize::from(learned.td_hob.is_some()) + usize::from(learned.cfv.is_some());
    // The slots are the first records of their class.
    let mut skipped = 0;
    let rest: Vec<&Measured<'_>> = td
        .iter()
        .filter(|event| {
            let slot = event.class == Class::Rtmr0 && skipped < slots;
            skipped += usize::from(slot);
            !slot
        })
        .collect();
    learned.td_only = surplus(rest.iter().copied(), in_tpm);
    learned.tpm_only = surplus(tpm.iter(), counts(rest));
    let mut listed: HashSet<_> = learned.tpm_only.iter().map(|event| event.digest).collect();
    let later = further.iter().filter(|event| listed.insert(event.digest));
    learned.tpm_only.extend(later);
    match cross_check(tpm, td, &Exceptions::from(&learned)).mismatch() {
        None => Ok(learned),
        Some(mismatch) => Err(Box::new(mismatch.clone())),
    }
}

impl From<&Learned<'_>> for Exceptions {
    fn from(learned: &Learned<'_>) -> Self {
        let set = |events: &[&Measured<'_>]| events.iter().map(|event| event.digest).collect();
        let slot =
            |event: Option<&Measured<'_>>| event.map(|event| Accept::OneOf(vec![HexBytes(event.digest)]));
        Self {
            tpm_only: set(&learned.tpm_only),
            td_only: set(&learned.td_only),
            td_hob: slot(learned.td_hob),
            cfv: slot(learned.cfv),
        }
    }
}

type Key = (Class, [u8; 48]);

fn key(event: &Measured<'_>) -> Key {
    (event.class, event.digest)
}

fn counts<'m>(events: impl IntoIterator<Item = &'m Measured<'m>>) -> HashMap<Key, usize> {
    let mut counts = HashMap::new();
    for event in events {
        *counts.entry(key(event)).or_insert(0) += 1;
    }
    counts
}

/// The records, one per digest, that are in `events` more often than `other` says.
fn surplus<'m>(
    events: impl Iterator<Item = &'m Measured<'m>>,
    mut other: HashMap<Key, usize>,
) -> Vec<&'m Measured<'m>> {
    let mut listed = HashSet::new();
    let mut surplus = Vec::new();
    for event in events.filter(|event| event.digest != SEPARATOR) {
        match other.get_mut(&key(event)) {
            Some(left) if *left > 0 => *left -= 1,
            _ if listed.insert(event.digest) => surplus.push(event),
            _ => {}
        }
    }
    surplus
}
