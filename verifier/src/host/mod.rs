//! Scenario 2: a bare-metal host with a discrete TPM, launched by Intel TXT, whose attestation key is bound to that launch.
//!
//! A host's TPM quotes no RTMR's counterpart, so nothing is cross-checked. Instead, the quote says which software the CPU
//! launched: a dynamic launch resets PCR 17–22 to zero (only the CPU can, at locality 4) and measures the authenticated
//! code module and what it launches into PCR 17 and 18. Each function here answers one question of that argument:
//!
//! | question | asked by |
//! |---|---|
//! | was there a dynamic launch at all? | [`check_dynamic_pcrs`] |
//! | what did it measure? | [`drtm_registers`], [`check_drtm_log`] |
//! | does the key work on a host launched that way only? | [`policy_digest`], [`check_ak_policy`] |
//! | is the key in a TPM the provider knows? | [`check_certified_name`], or a registrar's statement |
//!
//! **What it rests on.** That the TPM is a discrete one, soldered to the host: a software TPM takes anybody's word for the
//! locality. So the AK must be vouched for by somebody who knows the TPM. An endorsement key's certificate does not do
//! that, for an endorsement key only decrypts: it can be had by everybody who can read a genuine TPM's NV. And the values of
//! PCR 17 and 18 must be compared with a policy's references, which the caller does.

mod certified;
mod drtm;
mod fault;
mod pcrs;
mod policy;

#[cfg(test)]
mod tests;

pub use certified::check_certified_name;
pub use drtm::{DynamicRegisters, check_drtm_log, drtm_registers};
pub use fault::HostFault;
pub use pcrs::{check_dynamic_pcrs, demanded_selection};
pub use policy::{check_ak_policy, policy_digest};

/// The PCRs a host quotes, and its AK is sealed to.
pub const DYNAMIC_PCRS: [u8; 2] = [17, 18];
