//! Whether PCR 17 and 18 can be a dynamic launch's.

use super::{DYNAMIC_PCRS, HostFault};
use crate::tpm::{HashAlg, PcrSelection};

/// What a host's TPM must quote: PCR 17 and 18 of the policy's bank, no more and no less.
///
/// The bank is the policy's to choose, never the evidence's: values filled in another bank say nothing about this one.
pub fn demanded_selection(bank: HashAlg) -> PcrSelection {
    PcrSelection::new(bank, DYNAMIC_PCRS)
}

/// A dynamic launch has measured into both registers of `bank`.
///
/// All ones is what they hold from power-on until the first launch; all zeros, what the launch's reset leaves where
/// nothing was measured since. Neither says anything about software, so a policy must not be able to accept them by
/// mistake.
///
/// # Errors
/// If either is all zeros, all ones, or not as long as the bank's digests; if the bank is SHA-1's, in which two launches
/// can be made to look alike.
pub fn check_dynamic_pcrs(bank: HashAlg, pcr17: &[u8], pcr18: &[u8]) -> Result<(), HostFault> {
    if bank == HashAlg::Sha1 {
        return Err(HostFault::WeakBank(bank));
    }
    for (pcr, value) in DYNAMIC_PCRS.into_iter().zip([pcr17, pcr18]) {
        if value.len() != bank.digest_len() {
            return Err(HostFault::Length {
                pcr,
                len: value.len(),
                bank,
            });
        }
        if value.iter().all(|byte| *byte == 0xff) {
            return Err(HostFault::NotLaunched(pcr));
        }
        if value.iter().all(|byte| *byte == 0) {
            return Err(HostFault::NothingMeasured(pcr));
        }
    }
    Ok(())
}
