//! The attestation key's policy: usable on a host launched this way, and on no other.

use sha2::{Digest, Sha256};

use super::{DYNAMIC_PCRS, HostFault};
use crate::tpm::{Attributes, HashAlg, Public};

/// The `authPolicy` of a SHA-256-named key that demands these values of PCR 17 and 18, by one `TPM2_PolicyPCR`
/// (TPM 2.0 Part 3, §23.7):
///
/// ```text
/// SHA-256( 00 × 32            the policy session's digest before the command
///        ‖ 00 00 01 7f        TPM_CC_PolicyPCR
///        ‖ 00 00 00 01        TPML_PCR_SELECTION: one bank
///        ‖ xx xx              its TPM_ALG_ID
///        ‖ 03                 sizeofSelect: 24 PCRs, as PC Client TPMs have
///        ‖ 00 00 06           PCR 17 and 18: bits 1 and 2 of the third byte
///        ‖ SHA-256( PCR 17 ‖ PCR 18 ) )
/// ```
///
/// Both hashes are the policy session's, which is the key's `nameAlg`, whatever the bank is.
pub fn policy_digest(bank: HashAlg, pcr17: &[u8], pcr18: &[u8]) -> [u8; 32] {
    let values = Sha256::new().chain_update(pcr17).chain_update(pcr18).finalize();
    Sha256::new()
        .chain_update([0; 32])
        .chain_update(POLICY_PCR.to_be_bytes())
        .chain_update(1_u32.to_be_bytes())
        .chain_update(bank.id().to_be_bytes())
        .chain_update([3])
        .chain_update(select(DYNAMIC_PCRS))
        .chain_update(values)
        .finalize()
        .into()
}

/// The TPM lets `public`'s key sign only while PCR 17 and 18 of `bank` have these values.
///
/// Two attributes and a digest decide that. A key is used by the role *user*: with its password if `userWithAuth` is set,
/// and with a session that has gone through its policy, always (Part 1, §19.2). So `userWithAuth` must be clear, and the
/// policy must be this one command: there is no second branch, or the digest would be another. `adminWithPolicy` may be
/// either: it is about the role *admin*, which activates a credential for the key, has another key certify it, or changes
/// its password, but never signs with it. `fixedTPM` and the rest are [`Public::violations`]' to ask.
///
/// Hazard: the area is the node's own word. It becomes a fact through the key's name, which a registrar or an IAK vouches
/// for.
///
/// # Errors
/// If the key can be used with a password, has no policy, has another, or is not named by SHA-256: a policy is hashed by
/// `nameAlg`.
pub fn check_ak_policy(public: &Public, bank: HashAlg, pcr17: &[u8], pcr18: &[u8]) -> Result<(), HostFault> {
    if public.attributes.has(Attributes::USER_WITH_AUTH) {
        return Err(HostFault::UserWithAuth);
    }
    if public.name_alg != HashAlg::Sha256.id() {
        return Err(HostFault::NameAlg(public.name_alg));
    }
    if public.auth_policy.is_empty() {
        return Err(HostFault::NoPolicy);
    }
    let wanted = policy_digest(bank, pcr17, pcr18);
    if public.auth_policy[..] != wanted {
        return Err(HostFault::Policy {
            found: hex::encode(&public.auth_policy),
            wanted: hex::encode(wanted),
            bank,
        });
    }
    Ok(())
}

/// `pcrSelect` of three bytes: bit *n* of byte *m* is PCR 8*m* + *n*.
fn select(pcrs: [u8; 2]) -> [u8; 3] {
    let mask: u32 = pcrs.iter().map(|pcr| 1 << pcr).sum();
    let [a, b, c, _] = mask.to_le_bytes();
    [a, b, c]
}

/// `TPM_CC_PolicyPCR` (Part 2, §6.5.2).
const POLICY_PCR: u32 = 0x0000_017f;
