//! What of an appraisal goes on chain.

use alloy::primitives::B256;
use chassis_verifier::Appraisal;
use serde::{Deserialize, Serialize};

/// What a grant, and its signature's record, are made of. Kept from the appraisal to the report.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fields {
    /// Digest of the `AttestationResult`.
    pub digest: B256,
    /// The platform.
    pub platform_id: B256,
    /// The instance.
    pub instance_id: B256,
    /// The workload.
    pub workload_id: B256,
    /// The endorsement set's digest.
    pub endorsements: B256,
    /// The appraisal's time, Unix seconds.
    pub as_of: u64,
    /// The evidence's time, Unix seconds.
    pub evidence_time: u64,
    /// Unix seconds, a multiple of 64.
    pub expiry: u64,
    /// Unix seconds, a multiple of 64.
    pub custody_expiry: u64,
    /// Seconds.
    pub ttl: u32,
    /// As the registry numbers them.
    pub provider: u16,
    /// TEE class.
    pub tee_class: u8,
    /// Binding.
    pub binding: u8,
    /// Custody.
    pub custody: u8,
    /// TCB status.
    pub tcb: u8,
    /// Flags.
    pub flags: u8,
}

impl From<&Appraisal> for Fields {
    fn from(appraisal: &Appraisal) -> Self {
        let result = &appraisal.result;
        Self {
            digest: appraisal.digest(),
            platform_id: result.platformId,
            instance_id: result.instanceId,
            workload_id: result.workloadId,
            endorsements: result.endorsementsDigest,
            as_of: result.asOf.to(),
            evidence_time: result.evidenceTime.to(),
            expiry: appraisal.verdict.expiry,
            custody_expiry: appraisal.verdict.custody_expiry,
            ttl: appraisal.verdict.ttl,
            provider: result.provider,
            tee_class: result.teeClass,
            binding: result.binding,
            custody: result.custody,
            tcb: result.tcb,
            flags: result.flags,
        }
    }
}
