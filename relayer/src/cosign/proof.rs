//! What convicts a member: two results that it signed for one evidence, policy, endorsements and time.

use alloy::{
    primitives::{Address, B256, Bytes, keccak256},
    sol_types::{SolStruct, SolType, SolValue, sol_data},
};
use chassis_program::unix_now;
use chassis_verifier::AttestationResult;
use serde::Serialize;
use tracing::warn;

use super::{Cosigner, Inner, judge::Judged};
use crate::{
    Error,
    registry::IProofOfCloudRegistry::Report,
    store::{Lie, RefusedReport, SignedResult, TwoResults},
};

/// A result, the report that carries its digest, and a signature under it: what the registry calls a `Posting`.
type Posting = (AttestationResult, Report, Bytes);

/// What this relayer found, and what a report that it refused says instead.
type Pair = (AttestationResult, AttestationResult);

/// Their types, as a function's signature has them.
const RESULT: &str = "(address,bytes32,bytes32,bytes32,bytes32,bytes32,bytes32,bytes32,bytes32,bytes32,uint40,uint40,uint40,\
                      uint16,uint8,uint8,uint8,uint8,uint8)";
const REPORT: &str = "(uint32,bytes32,uint40,uint40,(bytes32,uint16,uint8,uint40,uint32)[],\
                      (address,bytes32,bytes32,bytes32,uint8,uint8,uint8,uint8,uint8,uint40,uint32,uint40,bytes32,uint32)[],\
                      bytes,bytes32[],bytes32)";

/// A call of `proveEquivocation` that disables a relayer. Anyone may make it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Proof {
    /// Whom it convicts.
    pub relayer: Address,
    /// The set in force, in which it disables that one.
    pub relayer_set_id: u32,
    /// Its place there.
    pub index: u8,
    /// Digest of the evidence about which it has signed two results.
    pub evidence: B256,
    /// To be sent to the registry.
    pub calldata: Bytes,
}

impl Cosigner {
    /// What this relayer holds against members that still count.
    ///
    /// # Errors
    /// If the database or the chain does not answer.
    pub async fn proofs(&self) -> Result<Vec<Proof>, Error> {
        self.0.proofs().await
    }
}

impl Inner {
    /// Keeps a report that this relayer does not sign, if it carries another result than its own; whether it does. Of that
    /// result it knows what the grant says; if the rest is not as in its own, nobody but the liar knows what the digest is of.
    /// The report is refused in any case: what fails here is told in the log.
    pub(super) async fn keep_lies(
        &self,
        (signer, hash, signature): (Address, B256, [u8; 64]),
        report: &Report,
        judged: &[Judged],
    ) -> bool {
        let results = judged.iter().map(|judged| &judged.result);
        let lies = results.flat_map(|own| told_instead(report, own).into_iter().map(|told| lie(own, told)));
        let refused = RefusedReport {
            signer,
            hash,
            report: report.abi_encode(),
            signature,
            lies: lies.collect(),
        };
        if refused.lies.is_empty() {
            return false;
        }
        let kept = async {
            self.store.keep_refused(&refused, unix_now()).await?;
            self.store.two_results(signer).await
        };
        match kept.await {
            Ok(Some(_)) => {
                warn!(%signer, "it signed two results for one appraisal: /v1/equivocations has the proof");
            }
            Ok(None) => {}
            Err(error) => warn!(%signer, %error, "what it signed could not be kept"),
        }
        true
    }

    async fn proofs(&self) -> Result<Vec<Proof>, Error> {
        let set = self.known_set().await?;
        let mut proofs = Vec::new();
        for relayer in &set.members {
            let Some(index) = set.index(*relayer).filter(|index| !set.is_disabled(*index)) else {
                continue;
            };
            let Some(TwoResults { both, has_truth }) = self.store.two_results(*relayer).await? else {
                continue;
            };
            let [one, other] = both;
            let (a, b) = match (posting(&one, has_truth), posting(&other, false)) {
                (Ok(a), Ok(b)) => (a, b),
                (Err(error), _) | (_, Err(error)) => {
                    warn!(%relayer, %error, "what convicts it cannot be shown");
                    continue;
                }
            };
            proofs.push(Proof {
                relayer: *relayer,
                relayer_set_id: set.id,
                index,
                evidence: a.0.evidenceDigest,
                calldata: calldata(set.id, index, a, b),
            });
        }
        Ok(proofs)
    }
}

fn lie(own: &AttestationResult, told: AttestationResult) -> Lie {
    let name = (
        own.evidenceDigest,
        own.policyDigest,
        own.endorsementsDigest,
        own.asOf,
    );
    Lie {
        name: keccak256(name.abi_encode()),
        result: told.eip712_hash_struct(),
        evidence: own.evidenceDigest,
        own: own.eip712_hash_struct(),
        results: (own.clone(), told).abi_encode(),
    }
}

fn posting(signed: &SignedResult, is_own: bool) -> Result<Posting, Error> {
    let unreadable = |error: alloy::sol_types::Error| {
        Error::Refused(format!(
            "what was kept of a refused report is unreadable: {error}"
        ))
    };
    let (own, told) = <Pair as SolValue>::abi_decode(&signed.results).map_err(unreadable)?;
    let report = <Report as SolValue>::abi_decode(&signed.report).map_err(unreadable)?;
    let result = if is_own { own } else { told };
    Ok((result, report, Bytes::from(signed.signature)))
}

/// The other results whose digests the report carries for this one's operator, where the grant says all of the difference. If
/// there are any, this one too, if the report carries it beside them: the two convict by themselves.
fn told_instead(report: &Report, own: &AttestationResult) -> Vec<AttestationResult> {
    let digest = own.eip712_hash_struct();
    let grants = report.grants.iter();
    let grants = grants.filter(|grant| grant.operator == own.operator && grant.digest != digest);
    let mut told: Vec<_> = grants
        .map(|grant| {
            let mut entries = report.platforms.iter();
            let entry = entries.find(|entry| entry.platformId == grant.platformId);
            let told = AttestationResult {
                platformId: grant.platformId,
                instanceId: grant.instanceId,
                workloadId: grant.workloadId,
                evidenceTime: grant.evidenceTime,
                expiry: grant.expiry,
                provider: entry.map_or(own.provider, |entry| entry.provider),
                teeClass: grant.teeClass,
                binding: grant.binding,
                custody: grant.custody,
                tcb: grant.tcb,
                flags: grant.flags,
                ..own.clone()
            };
            (told, grant.digest)
        })
        .filter_map(|(told, digest)| (told.eip712_hash_struct() == digest).then_some(told))
        .collect();
    let mut digests = report
        .grants
        .iter()
        .map(|grant| &grant.digest)
        .chain(&report.digests);
    if !told.is_empty() && digests.any(|carried| *carried == digest) {
        told.push(own.clone());
    }
    told
}

fn calldata(set: u32, index: u8, a: Posting, b: Posting) -> Bytes {
    type Side = (AttestationResult, Report, sol_data::Bytes);
    type Arguments = (sol_data::Uint<32>, sol_data::Uint<8>, Side, Side);
    let side = format!("({RESULT},{REPORT},bytes)");
    let selector = keccak256(format!("proveEquivocation(uint32,uint8,{side},{side})"));
    let arguments = <Arguments as SolType>::abi_encode_params(&(set, index, a, b));
    [&selector[..4], &arguments].concat().into()
}

#[cfg(test)]
mod tests {
    use alloy::{primitives::aliases::U40, sol_types::SolCall as _};

    use super::*;
    use crate::registry::IProofOfCloudRegistry::{Grant, PlatformEntry, postCall};

    fn own() -> AttestationResult {
        let word = B256::repeat_byte(1);
        AttestationResult {
            operator: Address::repeat_byte(2),
            platformId: word,
            instanceId: word,
            workloadId: word,
            measurementsHash: word,
            sessionKeyHash: word,
            evidenceDigest: word,
            checksRoot: word,
            policyDigest: word,
            endorsementsDigest: word,
            asOf: U40::from(1),
            evidenceTime: U40::from(2),
            expiry: U40::from(64),
            provider: 1,
            teeClass: 1,
            binding: 2,
            custody: 2,
            tcb: 1,
            flags: 0,
        }
    }

    fn report(result: &AttestationResult) -> Report {
        Report {
            relayerSetId: 1,
            policyDigest: result.policyDigest,
            issuedAt: U40::from(1),
            deadline: U40::from(3_601),
            platforms: vec![PlatformEntry {
                platformId: result.platformId,
                provider: result.provider,
                custody: result.custody,
                custodyExpiry: U40::from(64),
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
                ttl: 3_600,
                expiry: result.expiry,
                digest: result.eip712_hash_struct(),
                statusNonce: 0,
            }],
            renewals: Bytes::new(),
            digests: Vec::new(),
            archive: B256::ZERO,
        }
    }

    #[test]
    fn another_result_is_read_from_the_grant_that_carries_it() {
        type Change = fn(&mut AttestationResult);
        let changes: [Change; 11] = [
            |r| r.platformId = B256::ZERO,
            |r| r.instanceId = B256::ZERO,
            |r| r.workloadId = B256::ZERO,
            |r| r.evidenceTime = U40::from(3),
            |r| r.expiry = U40::from(128),
            |r| r.provider = 2,
            |r| r.teeClass = 2,
            |r| r.binding = 3,
            |r| r.custody = 3,
            |r| r.tcb = 2,
            |r| r.flags = 1,
        ];
        for change in changes {
            let mut told = own();
            change(&mut told);
            let [found] = told_instead(&report(&told), &own()).try_into().unwrap();
            assert_eq!(found.eip712_hash_struct(), told.eip712_hash_struct());
            let (lie, same) = (lie(&own(), found), lie(&own(), own()));
            assert_eq!((lie.name, lie.own), (same.name, same.result));
            assert_ne!(lie.result, lie.own);
        }
    }

    #[test]
    fn types_are_spelled_as_the_compiler_has_them() {
        assert_eq!(postCall::SIGNATURE, format!("post({REPORT},uint32,bytes)"));
        let encoded = AttestationResult::eip712_root_type();
        let (_, declared) = encoded.split_once('(').unwrap();
        let types = declared.trim_end_matches(')').split(',');
        let types: Vec<_> = types.filter_map(|field| field.split(' ').next()).collect();
        assert_eq!(RESULT, format!("({})", types.join(",")));
    }

    #[test]
    fn the_same_result_and_one_that_nobody_knows_are_no_other_result() {
        assert!(told_instead(&report(&own()), &own()).is_empty());
        let mut later = report(&own());
        later.grants[0].expiry += U40::from(64);
        assert!(
            told_instead(&later, &own()).is_empty(),
            "the digest is still its own"
        );
        let mut salted = own();
        salted.checksRoot = B256::ZERO;
        assert!(
            told_instead(&report(&salted), &own()).is_empty(),
            "no grant says the root"
        );
        let mut another = own();
        another.operator = Address::ZERO;
        assert!(told_instead(&report(&another), &own()).is_empty());
    }

    /// As the registry has it, one report with two results convicts.
    #[test]
    fn all_that_an_operators_grants_say_is_found() {
        let lies = [3, 4].map(|binding| AttestationResult { binding, ..own() });
        let digests = |results: &[AttestationResult]| -> Vec<_> {
            results.iter().map(SolStruct::eip712_hash_struct).collect()
        };
        let mut all = report(&own());
        for lie in &lies {
            all.grants.extend(report(lie).grants);
        }
        let known = [lies.to_vec(), vec![own()]].concat();
        assert_eq!(digests(&told_instead(&all, &own())), digests(&known));
        let truth = all.grants.remove(0);
        assert_eq!(digests(&told_instead(&all, &own())), digests(&lies));
        all.digests.push(truth.digest);
        assert_eq!(
            digests(&told_instead(&all, &own())),
            digests(&known),
            "as a renewal"
        );
    }

    #[test]
    fn two_results_of_two_names_may_both_be_signed() {
        type Change = fn(&mut AttestationResult);
        let changes: [Change; 4] = [
            |r| r.evidenceDigest = B256::ZERO,
            |r| r.policyDigest = B256::ZERO,
            |r| r.endorsementsDigest = B256::ZERO,
            |r| r.asOf = U40::from(9),
        ];
        let name = lie(&own(), own()).name;
        for change in changes {
            let mut other = own();
            change(&mut other);
            assert_ne!(lie(&other, own()).name, name);
        }
    }
}
