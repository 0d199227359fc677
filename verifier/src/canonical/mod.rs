//! Documents that are hashed, in their one form: canonical JSON (RFC 8785, JCS).
//!
//! Who decides what is canonical is `serde_json_canonicalizer`. What a document nearly always has, plain keys and small
//! integers, [`plain`] writes in a small part of the time, byte by byte alike; whatever else it meets, it leaves to the
//! library, and so every error and every difference.

mod plain;
#[cfg(test)]
mod tests;

use std::io;

use alloy_primitives::B256;
use serde::Serialize;

use crate::{Error, digest::sha256};

/// `value` in canonical form (RFC 8785, JCS).
///
/// # Errors
/// If `value` has no JSON form.
pub fn canonical_json<T: Serialize>(value: &T) -> Result<Vec<u8>, Error> {
    match plain::write(value, None) {
        Some(form) => Ok(form),
        None => serde_json_canonicalizer::to_vec(value).map_err(|error| Error::Json(error.to_string())),
    }
}

/// SHA-256 of `value` in canonical form.
///
/// # Errors
/// If `value` has no JSON form.
pub(crate) fn canonical_digest<T: Serialize>(value: &T) -> Result<B256, Error> {
    canonical_json(value).map(|form| sha256(&form))
}

/// The first byte of `document` that is not `value` in canonical form; `None` where it is that form.
pub(crate) fn first_difference<T: Serialize>(value: &T, document: &[u8]) -> Option<usize> {
    if plain::write(value, Some(document.len())).is_some_and(|form| form == document) {
        return None;
    }
    library_difference(value, document)
}

fn library_difference<T: Serialize>(value: &T, document: &[u8]) -> Option<usize> {
    let mut comparison = Comparison {
        expected: document,
        matched: 0,
    };
    let equal = serde_json_canonicalizer::to_writer(value, &mut comparison).is_ok();
    (!equal || comparison.matched < document.len()).then_some(comparison.matched)
}

/// Compares what is written with what is expected and keeps no copy of it. Fails at the first difference.
struct Comparison<'a> {
    expected: &'a [u8],
    matched: usize,
}

impl io::Write for Comparison<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let rest = &self.expected[self.matched..];
        if rest.starts_with(bytes) {
            self.matched += bytes.len();
            return Ok(bytes.len());
        }
        let equal = |(a, b): &(&u8, &u8)| a == b;
        self.matched += bytes.iter().zip(rest).take_while(equal).count();
        Err(io::ErrorKind::InvalidData.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
