//! What comes on chain beside the verdict on binding and custody.

use alloy::primitives::B256;
use chassis_sim::machine::MachineSpec;
use chassis_verifier::{
    Binding, CheckId, KeyHome, appraise,
    bundle::Tee,
    challenge::{AkName, challenge, report_data},
};

use crate::world::{World, failed};

/// That the image keeps the key inside, its entry says; that this is the image, the binding.
#[test]
fn a_key_is_in_the_td_where_the_entry_says_so_and_the_td_is_bound() {
    let mut world = World::new();
    let machine = world.boot(MachineSpec::new("a"));
    let bound = world.attest(&machine.parts());
    let alone = world.tamper(&bound, |evidence| {
        evidence.tpm = None;
        let challenge = challenge(&evidence.anchor, evidence.operator);
        let named = report_data(challenge, AkName::NONE, B256::ZERO);
        let Tee::Tdx { quote, .. } = &mut evidence.tee;
        *quote = machine.td_quote(named).into();
    });
    for (key, bundle, binding, inside) in [
        (KeyHome::InTd, &bound, Binding::VirtualTpm, true),
        (KeyHome::InTd, &alone, Binding::Quote, false),
        (KeyHome::External, &bound, Binding::VirtualTpm, false),
    ] {
        world.policy.workloads[0].operator_key = key;
        let appraisal = world.appraise(bundle, &machine);
        assert_eq!(failed(&appraisal), [], "{:#?}", appraisal.checks);
        assert_eq!(appraisal.verdict.binding, binding);
        let said = (appraisal.verdict.key_in_td, appraisal.result.flags);
        assert_eq!(said, (inside, u8::from(inside)), "{key:?}");
    }
}

/// It has 40 bits for a time, and adds lifetimes to it.
#[test]
fn times_that_the_registry_cannot_count_are_refused() {
    const LATEST: u64 = (1 << 40) - (1 << 33);
    let world = World::new();
    let machine = world.boot(MachineSpec::new("a"));
    let bundle = world.attest(&machine.parts());
    let at = |as_of, timestamp| {
        let mut endorsements = world.cloud.endorsements(machine.td().pck());
        endorsements.anchor.timestamp = timestamp;
        appraise(&bundle, &endorsements, &world.policy, as_of)
    };
    at(LATEST, LATEST).unwrap();
    for (as_of, timestamp) in [(LATEST + 1, 0), (0, LATEST + 1), (u64::MAX, u64::MAX)] {
        let error = at(as_of, timestamp).unwrap_err().to_string();
        assert!(error.contains("beyond what the registry can count"), "{error}");
    }
}

/// A list out of date says nothing about who was revoked since.
#[test]
fn an_attestation_ends_with_the_revocation_lists_behind_it() {
    let world = World::new();
    let machine = world.boot(MachineSpec::new("a"));
    let bundle = world.attest(&machine.parts());
    // The provider's: a day old, for a week. Intel's hold for longer.
    let until = world.cloud.now() + 6 * 86_400;
    let mut endorsements = world.cloud.endorsements(machine.td().pck());
    endorsements.anchor.timestamp = until - 1_000;
    let at = |as_of| appraise(&bundle, &endorsements, &world.policy, as_of).unwrap();
    let appraisal = at(until - 900);
    assert_eq!(failed(&appraisal), [], "{:#?}", appraisal.checks);
    assert_eq!(appraisal.verdict.expiry, until & !63);
    assert_eq!(failed(&at(until + 1)), [CheckId::AkChain]);
}
