//! The operator's signature under its own evidence: EIP-712 `Enrolment`, in the registry's domain.

use alloy_primitives::{Address, B256, Signature};
use alloy_sol_types::{Eip712Domain, SolStruct, eip712_domain, sol};

use crate::bundle::{Anchor, Bundle};

sol! {
    /// Consent to be attested on one bundle's evidence.
    struct Enrolment {
        bytes32 evidenceDigest;
    }
}

/// The EIP-712 domain of the registry that `anchor` names.
pub fn registry_domain(anchor: &Anchor) -> Eip712Domain {
    eip712_domain! {
        name: "ProofOfCloudRegistry",
        version: "1",
        chain_id: anchor.chain_id,
        verifying_contract: anchor.registry,
    }
}

/// What the operator signs for the evidence with this digest.
pub fn enrolment_hash(anchor: &Anchor, evidence_digest: B256) -> B256 {
    Enrolment {
        evidenceDigest: evidence_digest,
    }
    .eip712_signing_hash(&registry_domain(anchor))
}

/// Who signed this bundle's consent.
///
/// `None` for anything but one low-s signature of 65 bytes with `v` 27 or 28: the high-s twin would be a second valid
/// document.
pub fn consent_signer(bundle: &Bundle) -> Option<Address> {
    let raw: &[u8; 65] = bundle.consent.as_ref().try_into().ok()?;
    let signature = Signature::from_raw_array(raw).ok()?;
    if !matches!(raw[64], 27 | 28) || signature.normalize_s().is_some() {
        return None;
    }
    signature
        .recover_address_from_prehash(&enrolment_hash(&bundle.evidence.anchor, bundle.digest))
        .ok()
}
