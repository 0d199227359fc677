//! A bundle with endorsements, and the report about it.

use alloy::primitives::{Bytes, aliases::U40};
use chassis_relayer::{
    registry::IProofOfCloudRegistry::{Grant, PlatformEntry, Report},
    report::{Item, Manifest},
};
use chassis_verifier::{
    AnchorClaim, Appraisal, Endorsements, appraise,
    bundle::{Bundle, DEFAULT_LIMIT},
    sha256,
};
use serde_json::Value;

use super::{chain::block, finalized};
use crate::e2e::{cosign::Network, programs::attest};

/// What it would have signed: everything about one bundle.
#[derive(Clone)]
pub(crate) struct Offer {
    pub(crate) bundle: Bundle,
    pub(crate) document: Vec<u8>,
    pub(crate) set: Endorsements,
    pub(crate) as_of: u64,
}

impl Offer {
    /// Honest in every way.
    pub(crate) async fn good(network: &Network, machine: &str) -> Self {
        let machine = network.boot(machine);
        let document = attest(&network.chain, &network.cloud, &machine.parts(), 2);
        Self::of(network, document).await
    }

    pub(crate) async fn of(network: &Network, document: Vec<u8>) -> Self {
        let bundle = Bundle::parse(&document, DEFAULT_LIMIT).unwrap();
        let named = &bundle.evidence.anchor;
        let block = block(&network.chain, named.block_number.into()).await;
        let platform = network.cloud.host_registry();
        let set = Endorsements {
            version: 1,
            anchor: AnchorClaim {
                chain_id: named.chain_id,
                registry: named.registry,
                number: block.number,
                hash: block.hash,
                timestamp: block.timestamp,
            },
            tdx_collateral: Some(network.cloud.collateral(FMSPC)),
            provider_crls: network.cloud.provider_crls().to_vec(),
            host_registry: platform,
        };
        Self {
            bundle,
            document,
            set,
            as_of: finalized(&network.chain).await.timestamp,
        }
    }

    pub(crate) fn appraise(&self, network: &Network) -> Appraisal {
        appraise(&self.bundle, &self.set, &network.cloud.policy(), self.as_of).unwrap()
    }

    pub(super) fn with(&self, change: impl FnOnce(&mut Endorsements)) -> Self {
        let mut offer = self.clone();
        change(&mut offer.set);
        offer
    }
}

pub(super) const FMSPC: [u8; 6] = [0x00, 0x80, 0x6f, 0x05, 0x00, 0x00];

/// The report about an operator and platform that the registry does not know yet, written by hand.
pub(crate) fn report(proposal: &Value, offer: &Offer, appraisal: &Appraisal) -> Report {
    let (result, verdict) = (&appraisal.result, &appraisal.verdict);
    let manifest = Manifest::new([Item {
        result: appraisal.digest(),
        evidence: offer.bundle.digest,
        endorsements: result.endorsementsDigest,
    }]);
    let issued_at = proposal["asOf"].as_u64().unwrap();
    Report {
        relayerSetId: 1,
        policyDigest: result.policyDigest,
        issuedAt: U40::from(issued_at),
        deadline: U40::from(issued_at + 3_600),
        platforms: vec![PlatformEntry {
            platformId: result.platformId,
            provider: result.provider,
            custody: result.custody,
            custodyExpiry: U40::from(verdict.custody_expiry),
            statusNonce: 0,
        }],
        grants: vec![Grant {
            operator: result.operator,
            platformId: result.platformId,
            instanceId: result.instanceId,
            workloadId: result.workloadId,
            binding: result.binding,
            custody: result.custody,
            tcb: result.tcb,
            teeClass: result.teeClass,
            flags: result.flags,
            evidenceTime: result.evidenceTime,
            ttl: verdict.ttl,
            expiry: result.expiry,
            digest: appraisal.digest(),
            statusNonce: 0,
        }],
        renewals: Bytes::new(),
        digests: Vec::new(),
        archive: sha256(&manifest.to_json().unwrap()),
    }
}
