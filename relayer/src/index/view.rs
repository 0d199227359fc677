//! Events for people and programs.

use alloy::primitives::{Address, B256, U256};
use serde_json::{Value, json};

use crate::{
    registry::{
        IProofOfCloudRegistry::{Authority, Item, SkipReason, Subject},
        status_name,
    },
    replay::{Event, LaneWord, OperatorWord, PlatformWord, RegistryLog},
};

/// An event and where it stands. Numbers beyond 2^53 are decimal strings.
pub fn event_json(log: &RegistryLog) -> Value {
    json!({
        "kind": log.event.name(),
        "blockNumber": log.at.block,
        "blockHash": log.at.block_hash,
        "time": log.at.time,
        "transaction": log.at.transaction,
        "logIndex": log.at.log_index,
        "fields": fields(&log.event),
    })
}

fn fields(event: &Event) -> Value {
    match event {
        Event::BatchPosted(e) => json!({
            "batch": e.batch,
            "policyDigest": e.policyDigest,
            "relayerSetId": (e.origin >> 72_usize).wrapping_to::<u32>(),
            "issuedAt": (e.origin >> 32_usize).wrapping_to::<u64>() & 0xff_ffff_ffff,
            "signerMask": e.origin.wrapping_to::<u32>(),
            "reportHash": e.reportHash,
            "archive": e.archive,
            "platformsApplied": low(e.applied),
            "grantsApplied": low(e.applied >> 128_usize),
            "renewals": renewals(&e.renewals),
            "digests": e.digests,
            "head": e.head,
        }),
        Event::PlatformUpdated(e) => platform_updated(e.platformId, PlatformWord(e.platformWord)),
        Event::OperatorGranted(e) => {
            let word = OperatorWord(e.operatorWord);
            json!({
                "operator": e.operator,
                "platformId": e.platformId,
                "workloadId": e.workloadId,
                "instanceId": e.instanceId,
                "digest": e.digest,
                "lane": word.lane(),
                "expiry": LaneWord(e.laneWord).expiry(),
                "generation": LaneWord(e.laneWord).generation(),
                "binding": word.binding(),
                "custody": word.custody(),
                "tcb": word.tcb(),
                "teeClass": word.tee_class(),
                "flags": word.flags(),
                "provider": word.provider(),
                "evidenceTime": word.evidence_time(),
                "ttl": word.ttl(),
                "attestedSince": word.since(),
                "issuedAt": word.issued_at(),
            })
        }
        Event::ItemSkipped(e) => json!({
            "item": item(e.kind),
            "subject": e.subject,
            "reason": skip_reason(e.reason),
        }),
        Event::StatusChanged(e) => json!({
            "of": if e.kind == Subject::Operator { "operator" } else { "platform" },
            "subject": e.subject,
            "operator": (e.kind == Subject::Operator).then(|| Address::from_word(e.subject)),
            "from": status_name(e.oldStatus),
            "to": status_name(e.newStatus),
            "reason": e.reason,
            "evidenceHash": e.evidenceHash,
            "actor": e.actor,
            "head": e.head,
        }),
        Event::ControlChanged(e) => json!({
            "paused": e.paused,
            "frozenProviders": e.frozenProviders.to_string(),
            "relayerSetId": e.relayerSetId,
            "reason": e.reason,
            "evidenceHash": e.evidenceHash,
            "actor": e.actor,
            "head": e.head,
        }),
        Event::RelayerSetChanged(e) => json!({
            "relayerSetId": e.setId,
            "members": e.members,
            "threshold": e.threshold,
            "freezeThreshold": e.freezeThreshold,
            "disabled": e.disabled,
            "retiredAt": e.retiredAt.to::<u64>(),
            "reason": e.reason,
            "evidenceHash": e.evidenceHash,
            "actor": e.actor,
            "head": e.head,
        }),
        other => governed(other),
    }
}

fn governed(event: &Event) -> Value {
    match event {
        Event::PolicyRegistered(e) => {
            json!({"policyDigest": e.policyDigest, "actor": e.actor, "head": e.head})
        }
        Event::PolicyRetired(e) => json!({
            "policyDigest": e.policyDigest,
            "reason": e.reason,
            "evidenceHash": e.evidenceHash,
            "actor": e.actor,
            "head": e.head,
        }),
        Event::AuthorityChanged(e) => {
            let authority = match e.kind {
                Authority::Governor => "governor",
                Authority::Guardian => "guardian",
                _ => "delay",
            };
            let value = e.value.to_string();
            json!({"authority": authority, "subject": e.subject, "value": value, "actor": e.actor, "head": e.head})
        }
        Event::ActionSubmitted(e) => json!({
            "id": e.id,
            "selector": e.selector,
            "data": e.data,
            "executableAt": e.executableAt.to::<u64>(),
        }),
        Event::ActionExecuted(e) => json!({"id": e.id, "selector": e.selector, "actor": e.actor}),
        Event::ActionVetoed(e) => json!({"id": e.id, "selector": e.selector, "actor": e.actor}),
        Event::OrderExecuted(e) => json!({
            "digest": e.digest,
            "relayerSetId": e.relayerSetId,
            "signerMask": e.signerMask,
        }),
        Event::Equivocation(e) => json!({
            "relayer": e.relayer,
            "evidenceDigest": e.evidenceDigest,
            "digestA": e.digestA,
            "digestB": e.digestB,
        }),
        _ => Value::Null,
    }
}

fn platform_updated(id: B256, word: PlatformWord) -> Value {
    json!({
        "platformId": id,
        "index": word.index(),
        "provider": word.provider(),
        "custody": word.custody(),
        "custodyExpiry": word.custody_expiry(),
        "issuedAt": word.issued_at(),
        "operatorCount": word.count(),
    })
}

/// Groups of slot and eight lane words: each lane that is there.
fn renewals(bytes: &[u8]) -> Vec<Value> {
    let mut lanes = Vec::new();
    for group in bytes.as_chunks::<36>().0 {
        let [slot, words @ ..] = group.as_chunks::<4>().0 else {
            continue;
        };
        for (i, word) in (0..).zip(words) {
            let word = LaneWord(u32::from_be_bytes(*word));
            if word.0 != 0 {
                let lane = u64::from(u32::from_be_bytes(*slot)) * 8 + i;
                lanes.push(json!({"lane": lane, "expiry": word.expiry(), "generation": word.generation()}));
            }
        }
    }
    lanes
}

/// 128 bits are more than JSON's numbers hold.
fn low(word: U256) -> String {
    word.wrapping_to::<u128>().to_string()
}

pub(crate) fn item(item: Item) -> &'static str {
    match item {
        Item::Platform => "platform",
        Item::Grant => "grant",
        Item::Renewal => "renewal",
        Item::__Invalid => "unknown",
    }
}

/// The interface's own names.
fn skip_reason(reason: SkipReason) -> String {
    format!("{reason:?}")
}
