//! Signatures that have verified, remembered for as long as their [`Memo`] lives: one appraisal, one call for a whole fleet,
//! or as long as a caller keeps one.
//!
//! Whether a signature verifies depends on four things and nothing else: algorithm, public key, message, signature. The
//! memo holds the SHA-256 of all four together, and only where the answer was *yes*. So it can repeat a true answer but
//! never make one: another key, message, signature or algorithm is another entry, and a failure is tried again each time.
//! Names, serial numbers, dates and paths are no part of it: chains are built, dated and looked up in CRLs anew for every
//! bundle, by the same code as without a memo. Therefore it may live as long as it likes: nothing in it can become untrue.
//!
//! It is handed to `webpki`, and through it to `dcap-qvl`, as signature algorithms that ask it first. Those take no
//! argument of ours, hence a scope of the thread instead: [`Memo::scope`].

mod algorithm;
#[cfg(test)]
mod tests;

use std::{
    cell::RefCell,
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ring::digest::{Context, SHA256};
use rustls_pki_types::InvalidSignature;

pub(crate) use algorithm::{IntelConfig, all_algorithms};

/// Most signatures remembered, 32 bytes each. A fleet shares a handful, and every bundle adds one of its own.
const LIMIT: usize = 1 << 14;

thread_local! {
    /// The one whose scope this thread is in.
    static CURRENT: RefCell<Option<Memo>> = const { RefCell::new(None) };
}

/// Signatures that have verified, at most 16,384: see [`Appraiser::appraise_many`](crate::Appraiser::appraise_many). Clones
/// share them, also between threads.
///
/// ```
/// # use chassis_verifier::{Appraisal, Appraiser, Error, Memo, bundle::Bundle};
/// /// As `appraiser.appraise`, but what these machines' certificates rest on is verified once, not each time.
/// fn again(memo: &Memo, appraiser: &Appraiser<'_>, bundle: &Bundle, as_of: u64) -> Result<Appraisal, Error> {
///     memo.scope(|| appraiser.appraise(bundle, as_of))
/// }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Memo(Arc<Mutex<HashSet<[u8; 32]>>>);

impl Memo {
    /// Runs `work`, whose signatures are looked up here, and kept here when they have verified. Only those of this thread.
    ///
    /// Within another scope, that one's memo is used. A panic ends the scope as well.
    pub fn scope<T>(&self, work: impl FnOnce() -> T) -> T {
        let _end = Scope::enter(self);
        work()
    }

    fn knows(&self, entry: &[u8; 32]) -> bool {
        self.verified().contains(entry)
    }

    fn keep(&self, entry: [u8; 32]) {
        let mut verified = self.verified();
        // Nobody can fill it for good: it starts over, and what is shared is back at once.
        if verified.len() >= LIMIT {
            verified.clear();
        }
        verified.insert(entry);
    }

    fn verified(&self) -> MutexGuard<'_, HashSet<[u8; 32]>> {
        // An entry is there or it is not: no panic leaves half of one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs `work` with a memo that is gone afterwards. Within another scope, that one's memo is used.
pub(crate) fn scope<T>(work: impl FnOnce() -> T) -> T {
    Memo::default().scope(work)
}

/// `verify`'s answer, from the memo if the same four things have verified in this scope.
///
/// `algorithm` is a number that no other algorithm has.
fn remembered(
    algorithm: u8,
    [public_key, message, signature]: [&[u8]; 3],
    verify: impl FnOnce() -> Result<(), InvalidSignature>,
) -> Result<(), InvalidSignature> {
    let Some(memo) = CURRENT.with_borrow(Option::clone) else {
        return verify();
    };
    let entry = entry(algorithm, [public_key, message, signature]);
    if memo.knows(&entry) {
        return Ok(());
    }
    verify()?;
    memo.keep(entry);
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
    fn enter(memo: &Memo) -> Self {
        let outermost = CURRENT.with_borrow_mut(|current| {
            let outermost = current.is_none();
            current.get_or_insert_with(|| memo.clone());
            outermost
        });
        Self { outermost }
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        if self.outermost {
            CURRENT.set(None);
        }
    }
}
