//! Signatures that have verified, remembered for as long as one appraisal, or one call for a whole fleet, takes.
//!
//! Whether a signature verifies depends on four things and nothing else: algorithm, public key, message, signature. The
//! memo holds the SHA-256 of all four together, and only where the answer was *yes*. So it can repeat a true answer but
//! never make one: another key, message, signature or algorithm is another entry, and a failure is tried again each time.
//! Names, serial numbers, dates and paths are no part of it: chains are built, dated and looked up in CRLs anew for every
//! bundle, by the same code as without a memo.
//!
//! It is handed to `webpki`, and through it to `dcap-qvl`, as signature algorithms that ask it first. Those take no
//! argument of ours, hence a scope of the thread instead: [`scope`].

mod algorithm;
#[cfg(test)]
mod tests;

use std::{cell::RefCell, collections::HashSet};

use ring::digest::{Context, SHA256};
use rustls_pki_types::InvalidSignature;

pub(crate) use algorithm::{IntelConfig, all_algorithms};

/// Most signatures remembered, 32 bytes each. A fleet shares a handful, and every bundle adds one of its own.
const LIMIT: usize = 1 << 14;

thread_local! {
    /// `None` outside of any scope.
    static VERIFIED: RefCell<Option<HashSet<[u8; 32]>>> = const { RefCell::new(None) };
}

/// Runs `work` with a memo, which is gone afterwards, even by a panic. Within another scope, that one's memo is used.
pub(crate) fn scope<T>(work: impl FnOnce() -> T) -> T {
    let _end = Scope::enter();
    work()
}

/// `verify`'s answer, from the memo if the same four things have verified in this scope.
///
/// `algorithm` is a number that no other algorithm has.
fn remembered(
    algorithm: u8,
    [public_key, message, signature]: [&[u8]; 3],
    verify: impl FnOnce() -> Result<(), InvalidSignature>,
) -> Result<(), InvalidSignature> {
    if VERIFIED.with_borrow(Option::is_none) {
        return verify();
    }
    let entry = entry(algorithm, [public_key, message, signature]);
    if VERIFIED.with_borrow(|memo| memo.as_ref().is_some_and(|memo| memo.contains(&entry))) {
        return Ok(());
    }
    verify()?;
    VERIFIED.with_borrow_mut(|memo| {
        if let Some(memo) = memo {
            // Nobody can fill it for good: it starts over, and what is shared is back at once.
            if memo.len() >= LIMIT {
                memo.clear();
            }
            memo.insert(entry);
        }
    });
    Ok(())
}

/// Lengths stand before the parts, so that no other parts hash alike.
fn entry(algorithm: u8, parts: [&[u8]; 3]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(&[algorithm]);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let mut entry = [0; 32];
    entry.copy_from_slice(context.finish().as_ref());
    entry
}

/// Ends what it began.
struct Scope {
    outermost: bool,
}

impl Scope {
    fn enter() -> Self {
        let outermost = VERIFIED.with_borrow_mut(|memo| {
            let outermost = memo.is_none();
            memo.get_or_insert_default();
            outermost
        });
        Self { outermost }
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        if self.outermost {
            VERIFIED.set(None);
        }
    }
}
