//! What an auditor may suppose.

use chassis_sim::machine::MachineSpec;
use chassis_verifier::{Appraiser, CheckId, bundle::Bundle};

use crate::world::{World, failed};

/// An auditor judges the rest of evidence whose copy has lost its consent: it must come to what was signed, and to no more.
#[test]
fn a_consent_is_supposed_on_demand_only() {
    let world = World::new();
    let machine = world.boot(MachineSpec::new("a"));
    let whole = world.attest(&machine.parts());
    let signed = world.appraise(&whole, &machine);
    let lost = Bundle {
        consent: vec![0; 65].into(),
        ..whole
    };
    let endorsements = world.cloud.endorsements(machine.td().pck());
    assert_eq!(failed(&world.appraise(&lost, &machine)), [CheckId::Consent]);
    let appraiser = Appraiser::new(&endorsements, &world.policy).unwrap();
    let appraiser = appraiser.danger_supposing_consent();
    let at = world.cloud.now() + 60;
    assert_eq!(appraiser.appraise(&lost, at).unwrap().digest(), signed.digest());
    let broken = world.tamper(&lost, |evidence| evidence.session_key_hash.0[0] ^= 1);
    assert!(!appraiser.appraise(&broken, at).unwrap().is_attestable());
}
