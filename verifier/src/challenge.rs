//! Freshness without a challenge server: both quotes name a finalized block, the operator, and each other.
//!
//! Both directions matter. With the AK's name in the TD quote alone, a relayed TD quote can name a rented VM's AK; with
//! the quote's hash in `extraData` alone, a rented vTPM will quote any `extraData`.

use alloy_primitives::{Address, B256};
use sha2::{Digest, Sha256, Sha512};

use crate::bundle::Anchor;

/// A TPM object's name: `nameAlg` (big-endian, SHA-256 here) ‖ digest of its public area (TPM 2.0 Part 1 §16).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AkName(pub [u8; 34]);

impl AkName {
    /// Where there is no TPM.
    pub const NONE: Self = Self([0; 34]);

    /// The name of the key with this `TPMT_PUBLIC`, whose `nameAlg` the caller knows to be SHA-256.
    pub fn of(tpmt_public: &[u8]) -> Self {
        let mut name = [0; 34];
        name[..2].copy_from_slice(&[0x00, 0x0b]);
        name[2..].copy_from_slice(&Sha256::digest(tpmt_public));
        Self(name)
    }
}

/// `C`: what all evidence for `operator` made after `anchor` must name.
pub fn challenge(anchor: &Anchor, operator: Address) -> B256 {
    let hash = Sha256::new()
        .chain_update(b"chassis/v1/challenge")
        .chain_update(anchor.chain_id.to_be_bytes())
        .chain_update(anchor.registry)
        .chain_update(anchor.block_number.to_be_bytes())
        .chain_update(anchor.block_hash)
        .chain_update(operator)
        .finalize();
    B256::from(<[u8; 32]>::from(hash))
}

/// The 64 bytes the TD quote must carry: it names the TPM key.
pub fn report_data(challenge: B256, ak: AkName, session_key_hash: B256) -> [u8; 64] {
    Sha512::new()
        .chain_update(b"chassis/v1/report-data")
        .chain_update(challenge)
        .chain_update(ak.0)
        .chain_update(session_key_hash)
        .finalize()
        .into()
}

/// The `extraData` the TPM quote must carry: it names the TD quote.
pub fn qualifying_data(challenge: B256, tdx_quote: &[u8]) -> [u8; 32] {
    Sha256::new()
        .chain_update(b"chassis/v1/qualifying-data")
        .chain_update(challenge)
        .chain_update(Sha256::digest(tdx_quote))
        .finalize()
        .into()
}
