//! Evidence as the product's own attester collects it, and what an honest relayer would endorse it with.

use std::slice;

use alloy::{
    primitives::{B256, keccak256},
    signers::local::PrivateKeySigner,
};
use chassis_attester::{
    CertificatePool, ClaimFiles, ConfigfsTsm, GoogleAk, Request, Sources, SysLogs, collect, consent,
};
use chassis_verifier::{
    AnchorClaim, Endorsements,
    bundle::{Anchor, Bundle, Disclosure, Evidence},
};

use crate::{Cloud, intel::PckSpec, machine::Parts};

/// The chain that anchors of the simulation are on.
pub const CHAIN_ID: u64 = 31_337;

impl Cloud {
    /// The block that evidence made now is made after, and what every honest relayer says of it: mined just now.
    pub fn anchor(&self) -> AnchorClaim {
        AnchorClaim {
            chain_id: CHAIN_ID,
            registry: alloy::primitives::Address::repeat_byte(0x5e),
            number: 1_000,
            hash: keccak256(b"block 1000 of the simulation"),
            timestamp: self.now(),
        }
    }

    /// A bundle for `operator` from the node with these parts, signed by its key.
    ///
    /// # Errors
    /// If a source does not answer.
    pub fn bundle(&self, parts: &Parts, operator: &PrivateKeySigner) -> anyhow::Result<Bundle> {
        let request = Request {
            anchor: named(&self.anchor()),
            operator: operator.address(),
            session_key_hash: B256::ZERO,
            disclosure: Disclosure::Public,
        };
        Ok(consent(evidence(parts, &request)?, operator)?)
    }

    /// What an honest relayer that fetched everything appraises evidence of such a platform with.
    pub fn endorsements(&self, pck: &PckSpec) -> Endorsements {
        Endorsements {
            version: 1,
            anchor: self.anchor(),
            tdx_collateral: Some(self.collateral(pck.fmspc)),
            provider_crls: self.provider_crls().to_vec(),
            host_registry: self.host_registry(),
        }
    }
}

/// Evidence by the node with these parts, collected by the product's own attester.
///
/// # Errors
/// If a source does not answer.
pub fn evidence(parts: &Parts, request: &Request) -> anyhow::Result<Evidence> {
    let td = ConfigfsTsm::new(&parts.sys_root);
    let tpm = GoogleAk {
        tcti: parts.tcti.clone(),
        intermediates: CertificatePool::read(slice::from_ref(&parts.ak_intermediates))?,
    };
    let logs = SysLogs::new(&parts.sys_root);
    Ok(collect(
        &Sources {
            td: &td,
            tpm: Some(&tpm),
            logs: &logs,
            claims: &ClaimFiles::default(),
        },
        request,
    )?)
}

/// The block as evidence names it.
pub fn named(claim: &AnchorClaim) -> Anchor {
    Anchor {
        chain_id: claim.chain_id,
        registry: claim.registry,
        block_number: claim.number,
        block_hash: claim.hash,
    }
}
