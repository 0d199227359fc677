//! Evidence of another time, chain, registry or operator.

use alloy::signers::{SignerSync as _, local::PrivateKeySigner};
use chassis_sim::machine::{Machine, MachineSpec};
use chassis_verifier::{
    AnchorClaim, Binding, CheckId, Endorsements, appraise,
    bundle::{Bundle, DEFAULT_LIMIT},
    enrolment_hash,
};

use crate::world::{World, failed};

/// An honest bundle, appraised by a relayer that sees another block.
#[track_caller]
fn seen_otherwise(change: impl FnOnce(&mut AnchorClaim), check: CheckId) {
    let world = World::new();
    let (machine, bundle) = honest(&world);
    let mut endorsements = world.cloud.endorsements(machine.td().pck());
    change(&mut endorsements.anchor);
    nothing_holds(&world, &bundle, &endorsements, &[check]);
}

#[test]
fn a_reorged_block() {
    seen_otherwise(|anchor| anchor.hash.0[0] ^= 1, CheckId::Anchor);
}

#[test]
fn a_block_that_is_not_final() {
    seen_otherwise(|anchor| anchor.number -= 1, CheckId::Anchor);
}

#[test]
fn another_chain() {
    seen_otherwise(|anchor| anchor.chain_id = 1, CheckId::Anchor);
}

#[test]
fn another_registry() {
    seen_otherwise(|anchor| anchor.registry.0[0] ^= 1, CheckId::Anchor);
}

#[test]
fn an_old_block() {
    seen_otherwise(|anchor| anchor.timestamp -= 7200, CheckId::Age);
}

#[test]
fn a_block_of_the_future() {
    seen_otherwise(|anchor| anchor.timestamp += 3600, CheckId::Age);
}

#[test]
fn consent_by_somebody_else() {
    let world = World::new();
    let (machine, mut bundle) = honest(&world);
    let hash = enrolment_hash(&bundle.evidence.anchor, bundle.digest);
    bundle.consent = stranger()
        .sign_hash_sync(&hash)
        .unwrap()
        .as_bytes()
        .to_vec()
        .into();
    nothing_holds(
        &world,
        &bundle,
        &world.cloud.endorsements(machine.td().pck()),
        &[CheckId::Consent],
    );
}

/// Somebody finds an archived bundle and claims it for his own address.
#[test]
fn a_bundle_replayed_for_another_operator() {
    let world = World::new();
    let (machine, bundle) = honest(&world);
    let thief = stranger();
    let mut evidence = bundle.evidence;
    evidence.operator = thief.address();
    let stolen = chassis_attester::consent(evidence, &thief).unwrap();
    let endorsements = world.cloud.endorsements(machine.td().pck());
    let checks = [CheckId::ReportData, CheckId::QualifyingData];
    nothing_holds(&world, &stolen, &endorsements, &checks);
}

#[test]
fn the_high_s_twin_of_a_consent() {
    let world = World::new();
    let (machine, mut bundle) = honest(&world);
    let mut raw = bundle.consent.to_vec();
    let s = order_minus(&raw[32..64]);
    raw[32..64].copy_from_slice(&s);
    raw[64] = 55 - raw[64];
    bundle.consent = raw.into();
    nothing_holds(
        &world,
        &bundle,
        &world.cloud.endorsements(machine.td().pck()),
        &[CheckId::Consent],
    );
}

#[test]
fn a_twin_that_is_not_canonical() {
    let world = World::new();
    let (_machine, bundle) = honest(&world);
    let json = String::from_utf8(bundle.to_json().unwrap()).unwrap();
    assert!(Bundle::parse(json.as_bytes(), DEFAULT_LIMIT).is_ok());
    let twins = [
        json.replacen(r#""evidence":{"#, r#""evidence":{ "#, 1),
        json.replacen(r#""version":1"#, r#""version":1.0"#, 1),
        json.replacen(r#""version":1"#, r#""version":1,"version":1"#, 1),
        json.replacen(r#""version":1"#, r#""version":1,"zone":"a""#, 1),
        format!("{json} {{}}"),
    ];
    for twin in twins {
        assert_ne!(twin, json);
        assert!(Bundle::parse(twin.as_bytes(), DEFAULT_LIMIT).is_err());
    }
}

fn honest(world: &World) -> (Machine, Bundle) {
    let machine = world.boot(MachineSpec::new("a"));
    let bundle = world.attest(&machine.parts());
    (machine, bundle)
}

fn stranger() -> PrivateKeySigner {
    PrivateKeySigner::from_slice(&[8; 32]).expect("a key")
}

#[track_caller]
fn nothing_holds(world: &World, bundle: &Bundle, endorsements: &Endorsements, checks: &[CheckId]) {
    let appraisal = appraise(bundle, endorsements, &world.policy, world.cloud.now() + 60).expect("readable");
    assert_eq!(failed(&appraisal), checks, "{:#?}", appraisal.checks);
    assert_eq!(appraisal.verdict.binding, Binding::None);
}

/// `n - s` on secp256k1.
fn order_minus(s: &[u8]) -> [u8; 32] {
    use alloy::primitives::{U256, uint};
    const N: U256 = uint!(0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141_U256);
    (N - U256::from_be_slice(s)).to_be_bytes()
}
