//! Whether a quote covers what was asked for, and the bundle's PCR values are the quoted ones.

use super::{HashAlg, PcrSelection, Quote, QuoteFault, Signature};
use crate::bundle::PcrValue;

/// The quote covers exactly `wanted`: one bank, and neither fewer PCRs nor more.
///
/// Fewer would leave events unproved. More would be harmless to the proof, but then two quotes of one machine would
/// not be appraised alike.
///
/// # Errors
/// If it covers something else.
pub fn check_selection(quote: &Quote, wanted: PcrSelection) -> Result<(), QuoteFault> {
    match quote.selections[..] {
        [selected] if selected == wanted => Ok(()),
        [selected] => Err(QuoteFault::Selection { selected, wanted }),
        _ => Err(QuoteFault::Banks(quote.selections.len())),
    }
}

/// `values` are one for each PCR in `wanted`, ascending, each as long as the bank's digests.
///
/// # Errors
/// If they are not.
pub fn check_values(values: &[PcrValue], wanted: PcrSelection) -> Result<(), QuoteFault> {
    let bank = wanted.bank().ok_or(QuoteFault::Bank(wanted.alg))?;
    if !values.iter().map(|value| value.index).eq(wanted.pcrs()) {
        return Err(QuoteFault::Indices {
            given: values.iter().map(|value| value.index).collect(),
            wanted: wanted.pcrs().collect(),
        });
    }
    match values.iter().find(|value| value.value.len() != bank.digest_len()) {
        Some(value) => Err(QuoteFault::Length {
            pcr: value.index,
            len: value.value.len(),
            bank,
        }),
        None => Ok(()),
    }
}

/// `values`, which [`check_values`] has passed, are what `quote` speaks of.
///
/// Hazard: the digest is by the signing scheme's hash, which on real machines is SHA-256 whatever the bank is
/// (TPM 2.0 Part 3, §18.4 `TPM2_Quote`).
///
/// # Errors
/// If their digest is not the quoted one.
pub fn check_pcr_digest(quote: &Quote, signature: &Signature, values: &[PcrValue]) -> Result<(), QuoteFault> {
    let hash: HashAlg = signature.scheme().hash;
    let computed = hash
        .digest(values.iter().map(|value| &*value.value))
        .ok_or(QuoteFault::WeakHash(signature.scheme()))?;
    if computed == quote.pcr_digest[..] {
        return Ok(());
    }
    Err(QuoteFault::PcrDigest {
        hash,
        computed: hex::encode(computed),
        quoted: hex::encode(&quote.pcr_digest),
    })
}
