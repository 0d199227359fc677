//! Whether another key of its TPM vouches for the attestation key.

use super::HostFault;
use crate::{challenge::AkName, tpm::Attest};

/// `attest` says that the key with the name `ak` is in the signer's own TPM.
///
/// The name covers the key's attributes and policy, so nothing else about the key need be vouched for. Whether the signer
/// is an IAK of the provider's is asked of its certificate, and whether it signed this, of the signature
/// ([`Signature::verify_by_key`](crate::tpm::Signature::verify_by_key)).
///
/// Hazard: an *unrestricted* key signs anything by `TPM2_Sign`, this too. That an IAK is restricted is known only from
/// whoever certified it as one.
///
/// # Errors
/// If no TPM made it, it certifies no key, or another.
pub fn check_certified_name(attest: &Attest, ak: AkName) -> Result<(), HostFault> {
    attest.check_magic()?;
    let certified = attest
        .certified_name()
        .ok_or(HostFault::NotCertification(attest.kind))?;
    if certified != ak.0 {
        return Err(HostFault::OtherKey {
            certified: hex::encode(certified),
            ak: hex::encode(ak.0),
        });
    }
    Ok(())
}
