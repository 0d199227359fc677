//! Registers, computed from a log.

use ring::digest::Context;

use super::{Algorithm, Digest, Event};

/// PCRs a dynamic launch resets to zero; before one they hold all ones (PFP 1.06 §3.3.4, TPM 2.0 PC Client profile §4.6).
const DYNAMIC: std::ops::RangeInclusive<usize> = 17..=22;

/// The registers of one bank after a log: PCRs 0–23, or RTMR0–3 as 0–3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registers {
    algorithm: Algorithm,
    hash: &'static ring::digest::Algorithm,
    values: Vec<Digest>,
    extended: Vec<bool>,
}

impl Registers {
    /// The bank.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The values, by register number.
    pub fn values(&self) -> &[Digest] {
        &self.values
    }

    /// One value.
    pub fn get(&self, register: usize) -> Option<&Digest> {
        self.values.get(register)
    }

    /// Whether any record went into `register`. One that none went into holds its reset value.
    pub fn had_events(&self, register: usize) -> bool {
        self.extended.get(register).copied().unwrap_or(false)
    }

    /// All PCRs at reset: zero, except 17–22 all ones and the startup locality in PCR 0's last byte.
    pub(super) fn pcrs(algorithm: Algorithm, startup_locality: u8) -> Option<Self> {
        let mut values = vec![Digest::filled(algorithm, 0); 24];
        values[DYNAMIC].fill(Digest::filled(algorithm, 0xff));
        values[0].set_last(startup_locality);
        Self::new(algorithm, values)
    }

    /// The four RTMRs at reset.
    pub(super) fn rtmrs() -> Self {
        let algorithm = Algorithm::Sha384;
        Self {
            algorithm,
            hash: &ring::digest::SHA384,
            values: vec![Digest::filled(algorithm, 0); 4],
            extended: vec![false; 4],
        }
    }

    fn new(algorithm: Algorithm, values: Vec<Digest>) -> Option<Self> {
        Some(Self {
            algorithm,
            hash: algorithm.hash()?,
            extended: vec![false; values.len()],
            values,
        })
    }

    /// Extends every record into the register `number` gives for it. Records of no register are passed over.
    pub(super) fn extend_all(&mut self, events: &[Event<'_>], number: impl Fn(u32) -> Option<usize>) {
        for event in events.iter().filter(|event| event.extends()) {
            if let (Some(register), Some(digest)) = (number(event.register), event.digest(self.algorithm)) {
                self.extend(register, digest);
            }
        }
    }

    /// Extends one register. One that does not exist is passed over.
    pub(super) fn extend(&mut self, register: usize, digest: &[u8]) {
        let (Some(value), Some(extended)) = (self.values.get_mut(register), self.extended.get_mut(register))
        else {
            return;
        };
        if DYNAMIC.contains(&register) && !*extended {
            *value = Digest::filled(self.algorithm, 0);
        }
        let mut context = Context::new(self.hash);
        context.update(value.as_slice());
        context.update(digest);
        *value = Digest::copied(context.finish().as_ref());
        *extended = true;
    }
}
