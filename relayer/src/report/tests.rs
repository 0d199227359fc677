//! Reports: what they carry, and that every lie in one is seen.

use alloy::{
    primitives::{Address, B256, Bytes, aliases::U40},
    sol_types::SolValue,
};

use super::*;
use crate::{
    appraiser::Fields,
    chain::Block,
    registry::IProofOfCloudRegistry::{Attestation, PlatformState, Report, Status},
};

/// The view's time, Unix seconds, a multiple of 64.
pub(crate) const NOW: u64 = 1_699_999_936;

/// A bundle fit to be attested.
pub(crate) fn carried(n: u8) -> Carried {
    let word =
        |kind: u8| B256::with_last_byte(kind) | (B256::repeat_byte(n) & B256::left_padding_from(&[0xff, 0]));
    Carried {
        operator: Address::repeat_byte(n),
        evidence: word(1),
        fields: Fields {
            digest: word(2),
            platform_id: word(3),
            instance_id: word(4),
            workload_id: word(5),
            endorsements: word(6),
            as_of: NOW - 10,
            evidence_time: NOW - 64,
            expiry: NOW + 3_200,
            custody_expiry: NOW + 640_000,
            ttl: 86_400,
            provider: 1,
            tee_class: 1,
            binding: 2,
            custody: 2,
            tcb: 1,
            flags: 0,
        },
    }
}

/// An operator nobody knows.
pub(crate) fn attestation() -> Attestation {
    Attestation::abi_decode(&[0; 16 * 32]).unwrap()
}

fn platform() -> PlatformState {
    PlatformState::abi_decode(&[0; 9 * 32]).unwrap()
}

/// A registry that knows none of these yet.
pub(crate) fn view(all: &[Carried]) -> View {
    View {
        block: Block {
            number: 7,
            hash: B256::repeat_byte(7),
            timestamp: NOW,
            base_fee: 0,
        },
        operators: all.iter().map(|one| (one.operator, attestation())).collect(),
        platforms: all
            .iter()
            .map(|one| (one.fields.platform_id, platform()))
            .collect(),
        holders: all
            .iter()
            .map(|one| (one.fields.instance_id, Address::ZERO))
            .collect(),
    }
}

/// A registry that has granted this, and stored what the contract would.
fn granted(one: &Carried, view: &mut View) {
    let fields = &one.fields;
    *view.operators.get_mut(&one.operator).unwrap() = Attestation {
        status: Status::Active,
        binding: fields.binding,
        custody: fields.custody,
        tcb: fields.tcb,
        teeClass: fields.tee_class,
        flags: fields.flags,
        provider: fields.provider,
        statusNonce: 3,
        ttl: fields.ttl,
        evidenceTime: U40::from(fields.evidence_time - 640),
        attestedSince: U40::from(fields.evidence_time - 640),
        expiry: U40::from(fields.expiry - 640),
        lane: 11,
        generation: 5,
        platformId: fields.platform_id,
        workloadId: fields.workload_id,
    };
    let platform = view.platforms.get_mut(&fields.platform_id).unwrap();
    platform.status = Status::Active;
    (platform.provider, platform.custody) = (fields.provider, fields.custody);
    platform.custodyExpiry = U40::from(fields.custody_expiry);
    view.holders.insert(fields.instance_id, one.operator);
}

const HEADING: Heading = Heading {
    set_id: 4,
    policy: B256::repeat_byte(0xaa),
};

fn effect(one: &Carried, change: impl FnOnce(&mut View)) -> Effect {
    let mut view = view(std::slice::from_ref(one));
    granted(one, &mut view);
    change(&mut view);
    view.effect(one).unwrap()
}

#[test]
fn who_is_new_gets_a_grant_and_its_platform_an_entry() {
    let all = [carried(1), carried(2)];
    let built = build(HEADING, &view(&all), &all).unwrap();
    let report = &built.report;
    assert_eq!((report.relayerSetId, report.policyDigest), (4, HEADING.policy));
    assert_eq!(report.issuedAt.to::<u64>(), NOW);
    assert_eq!(report.deadline.to::<u64>(), NOW + 3_600);
    assert_eq!((report.grants.len(), report.platforms.len()), (2, 2));
    assert!(report.renewals.is_empty() && report.digests.is_empty());
    assert_eq!(report.archive, chassis_verifier::sha256(&built.manifest));
    let grant = &report.grants[0];
    assert_eq!(grant.operator, all[0].operator);
    assert_eq!(grant.expiry.to::<u64>(), all[0].fields.expiry);
}

#[test]
fn the_same_again_is_a_renewal() {
    let one = carried(1);
    let mut view = view(std::slice::from_ref(&one));
    granted(&one, &mut view);
    let built = build(HEADING, &view, std::slice::from_ref(&one)).unwrap();
    assert!(built.report.grants.is_empty() && built.report.platforms.is_empty());
    assert_eq!(built.report.digests, [one.fields.digest]);
    assert_eq!(
        &built.report.renewals[..4],
        &1_u32.to_be_bytes(),
        "lane 11 is in slot 1"
    );
}

/// Whatever differs from what is stored needs a grant.
#[test]
fn only_the_same_is_a_renewal() {
    let one = carried(1);
    assert_eq!(effect(&one, |_| {}), Effect::Renewal);
    let operator = one.operator;
    let changes: [fn(&mut Attestation); 10] = [
        |stored| stored.status = Status::Frozen,
        |stored| stored.platformId = B256::ZERO,
        |stored| stored.workloadId = B256::ZERO,
        |stored| stored.binding += 1,
        |stored| stored.custody -= 1,
        |stored| stored.tcb += 1,
        |stored| stored.teeClass += 1,
        |stored| stored.flags += 1,
        |stored| stored.provider += 1,
        |stored| stored.ttl += 1,
    ];
    for (place, change) in changes.iter().enumerate() {
        let effect = effect(&one, |view| change(view.operators.get_mut(&operator).unwrap()));
        assert_eq!(effect, Effect::Grant, "change {place}");
    }
    let other_holder = |view: &mut View| {
        view.holders.insert(carried(1).fields.instance_id, Address::ZERO);
    };
    assert_eq!(effect(&one, other_holder), Effect::Grant);
    let short_custody = |view: &mut View| {
        let platform = view.platforms.get_mut(&carried(1).fields.platform_id).unwrap();
        platform.custodyExpiry = U40::from(carried(1).fields.expiry - 1);
    };
    assert_eq!(effect(&one, short_custody), Effect::Grant);
}

#[test]
fn what_lasts_as_long_already_is_nothing_and_not_in_a_report() {
    let one = carried(1);
    let as_long = |view: &mut View| {
        view.operators.get_mut(&carried(1).operator).unwrap().expiry = U40::from(carried(1).fields.expiry);
    };
    assert_eq!(effect(&one, as_long), Effect::None);
    let mut view = view(std::slice::from_ref(&one));
    granted(&one, &mut view);
    as_long(&mut view);
    build(HEADING, &view, &[one]).unwrap_err();
}

#[test]
fn evidence_that_shows_less_does_not_lower_the_platform() {
    let (one, mut tenant) = (carried(1), carried(2));
    tenant.fields.platform_id = one.fields.platform_id;
    (tenant.fields.custody, tenant.fields.binding) = (0, 1);
    let mut view = view(&[one.clone(), tenant.clone()]);
    granted(&one, &mut view);
    let built = build(HEADING, &view, std::slice::from_ref(&tenant)).unwrap();
    assert_eq!((built.report.platforms.len(), built.report.grants.len()), (0, 1));
    // Both new: one entry, and it says what the better evidence shows, in whichever order they come.
    for all in [[one.clone(), tenant.clone()], [tenant, one]] {
        let built = build(HEADING, &super::tests::view(&all), &all).unwrap();
        assert_eq!(built.report.platforms.len(), 1);
        assert_eq!(built.report.platforms[0].custody, 2);
    }
}

/// One tenant's weak or short evidence must not cut everybody on the machine.
#[test]
fn a_live_platform_is_not_lowered_for_a_longer_expiry() {
    let (one, mut tenant) = (carried(1), carried(2));
    tenant.fields.platform_id = one.fields.platform_id;
    let mut view = view(&[one.clone(), tenant.clone()]);
    granted(&one, &mut view);
    let id = one.fields.platform_id;
    let end = tenant.fields.expiry - 64;
    view.platforms.get_mut(&id).unwrap().custodyExpiry = U40::from(end);
    assert!(!view.lowers(&tenant).unwrap(), "it shows as much, for longer");
    tenant.fields.custody -= 1;
    assert!(view.lowers(&tenant).unwrap(), "less custody");
    tenant.fields.custody += 1;
    tenant.fields.custody_expiry = end - 64;
    assert!(view.lowers(&tenant).unwrap(), "an earlier end");
    tenant.fields.custody = 0;
    view.platforms.get_mut(&id).unwrap().custodyExpiry = U40::from(view.block.timestamp);
    assert!(!view.lowers(&tenant).unwrap(), "what was shown has run out");
    tenant.fields.expiry = view.block.timestamp;
    view.platforms.get_mut(&id).unwrap().custodyExpiry = U40::from(end);
    assert!(!view.lowers(&tenant).unwrap(), "it needs no entry");
}

/// A report with a platform, grants and renewals.
fn full() -> Report {
    let all = [carried(1), carried(2), carried(3)];
    let mut view = view(&all);
    granted(&all[2], &mut view);
    let report = build(HEADING, &view, &all).unwrap().report;
    assert_eq!(
        (report.platforms.len(), report.grants.len(), report.digests.len()),
        (2, 2, 1)
    );
    report
}

#[test]
fn the_same_bundles_and_block_make_the_same_bytes() {
    assert_eq!(full().abi_encode(), full().abi_encode());
    assert_eq!(difference(&full(), &full()), None);
}

macro_rules! lies {
    ($($name:ident: $path:literal, $change:expr;)*) => {$(
        #[test]
        fn $name() {
            let mut lie = full();
            let change: fn(&mut Report) = $change;
            change(&mut lie);
            assert_eq!(difference(&full(), &lie).as_deref(), Some($path));
        }
    )*};
}

lies! {
    a_lie_about_the_set_is_seen: "relayerSetId", |r| r.relayerSetId += 1;
    a_lie_about_the_policy_is_seen: "policyDigest", |r| r.policyDigest = B256::ZERO;
    a_lie_about_the_time_is_seen: "issuedAt", |r| r.issuedAt += U40::ONE;
    a_lie_about_the_deadline_is_seen: "deadline", |r| r.deadline += U40::ONE;
    a_platform_left_out_is_seen: "platforms", |r| { r.platforms.pop(); };
    a_platform_added_is_seen: "platforms", |r| { let last = r.platforms[1].clone(); r.platforms.push(last); };
    a_lie_about_a_platform_is_seen: "platforms[1].platformId", |r| r.platforms[1].platformId = B256::ZERO;
    a_lie_about_a_provider_is_seen: "platforms[0].provider", |r| r.platforms[0].provider += 1;
    a_lie_about_custody_is_seen: "platforms[0].custody", |r| r.platforms[0].custody -= 1;
    a_lie_about_custodys_end_is_seen: "platforms[0].custodyExpiry", |r| r.platforms[0].custodyExpiry += U40::ONE;
    a_lie_about_a_platforms_nonce_is_seen: "platforms[0].statusNonce", |r| r.platforms[0].statusNonce += 1;
    a_grant_left_out_is_seen: "grants", |r| { r.grants.pop(); };
    a_grant_added_is_seen: "grants", |r| { let last = r.grants[1].clone(); r.grants.push(last); };
    grants_in_another_order_are_seen: "grants[0].operator", |r| r.grants.swap(0, 1);
    a_lie_about_the_operator_is_seen: "grants[1].operator", |r| r.grants[1].operator = Address::ZERO;
    a_lie_about_the_machine_is_seen: "grants[0].platformId", |r| r.grants[0].platformId = B256::ZERO;
    a_lie_about_the_instance_is_seen: "grants[0].instanceId", |r| r.grants[0].instanceId = B256::ZERO;
    a_lie_about_the_workload_is_seen: "grants[0].workloadId", |r| r.grants[0].workloadId = B256::ZERO;
    a_lie_about_the_binding_is_seen: "grants[0].binding", |r| r.grants[0].binding += 1;
    a_lie_about_a_grants_custody_is_seen: "grants[0].custody", |r| r.grants[0].custody += 1;
    a_lie_about_the_tcb_is_seen: "grants[0].tcb", |r| r.grants[0].tcb += 1;
    a_lie_about_the_tee_is_seen: "grants[0].teeClass", |r| r.grants[0].teeClass += 1;
    a_lie_about_the_flags_is_seen: "grants[0].flags", |r| r.grants[0].flags ^= 1;
    a_lie_about_the_evidences_time_is_seen: "grants[0].evidenceTime", |r| r.grants[0].evidenceTime += U40::ONE;
    a_lie_about_the_lifetime_is_seen: "grants[0].ttl", |r| r.grants[0].ttl += 1;
    a_lie_about_the_expiry_is_seen: "grants[0].expiry", |r| r.grants[0].expiry += U40::from(64);
    a_lie_about_the_digest_is_seen: "grants[0].digest", |r| r.grants[0].digest = B256::ZERO;
    a_lie_about_a_status_nonce_is_seen: "grants[0].statusNonce", |r| r.grants[0].statusNonce += 1;
    a_lie_in_a_renewal_is_seen: "renewals", |r| {
        let mut renewals = r.renewals.to_vec();
        *renewals.last_mut().unwrap() ^= 1;
        r.renewals = renewals.into();
    };
    a_renewal_left_out_is_seen: "renewals", |r| r.renewals = Bytes::new();
    a_lie_about_a_renewals_digest_is_seen: "digests", |r| r.digests[0] = B256::ZERO;
    a_lie_about_the_archive_is_seen: "archive", |r| r.archive = B256::ZERO;
}
