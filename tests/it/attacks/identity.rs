//! Keys that no provider vouches for, or not in this way.

use alloy::primitives::B256;
use chassis_sim::{machine::MachineSpec, tpm::create_ak};
use chassis_verifier::{
    Binding, CheckId, CustodyLevel,
    bundle::{Bundle, DEFAULT_LIMIT, IakCertification},
};

use crate::world::{World, failed, tpm};

#[test]
fn an_ek_certificate_for_an_ak() {
    let world = World::new();
    let machine = world.boot(MachineSpec::new("a"));
    let key = create_ak(&machine.tcti()).unwrap();
    let certificate = world.cloud.provider().ek_certificate(&key, machine.instance());
    let bundle = world.tamper(&world.attest(&machine.parts()), |evidence| {
        tpm(evidence).ak_certificates[0] = certificate.into();
    });
    let appraisal = world.appraise(&bundle, &machine);
    assert_eq!(failed(&appraisal), [CheckId::AkKeyUsage]);
    assert_eq!(appraisal.verdict.binding, Binding::Quote);
}

#[test]
fn the_certificate_of_another_instance() {
    let world = World::new();
    let (machine, other) = (
        world.boot(MachineSpec::new("a")),
        world.boot(MachineSpec::new("b")),
    );
    let bundle = world.tamper(&world.attest(&machine.parts()), |evidence| {
        tpm(evidence).ak_certificates[0] = other.ak_certificate().to_vec().into();
    });
    let appraisal = world.appraise(&bundle, &machine);
    assert_eq!(failed(&appraisal), [CheckId::AkKey]);
    assert_eq!(appraisal.verdict.binding, Binding::Quote);
}

/// On a host a certificate may speak of an IAK. Were it to do so here, any rented machine's would do for any key.
#[test]
fn a_rented_machines_key_passed_as_an_iak() {
    let world = World::new();
    let (machine, rented) = (
        world.boot(MachineSpec::new("a")),
        world.boot(MachineSpec::new("b")),
    );
    let mut rented = world.attest(&rented.parts()).evidence;
    let bundle = world.tamper(&world.attest(&machine.parts()), |evidence| {
        let theirs = tpm(&mut rented);
        tpm(evidence).ak_certificates.clone_from(&theirs.ak_certificates);
        tpm(evidence).iak_certification = Some(IakCertification {
            iak_public: theirs.ak_public.clone(),
            attest: theirs.attest.clone(),
            signature: theirs.signature.clone(),
        });
    });
    let appraisal = world.appraise(&bundle, &machine);
    assert_eq!(
        failed(&appraisal),
        [CheckId::AkKey, CheckId::Parts],
        "{:#?}",
        appraisal.checks
    );
    assert_eq!(appraisal.result.instanceId, B256::ZERO);
    assert_eq!(appraisal.verdict.binding, Binding::Quote);
}

#[test]
fn a_provider_of_ones_own() {
    let world = World::new();
    let machine = world.boot(MachineSpec::new("a").in_basement());
    let appraisal = world.appraise(&world.attest(&machine.parts()), &machine);
    assert_eq!(failed(&appraisal), [CheckId::AkChain], "{:#?}", appraisal.checks);
    assert_eq!(appraisal.verdict.binding, Binding::Quote);
    assert_eq!(appraisal.verdict.custody, CustodyLevel::None);
}

#[test]
fn a_machine_that_is_not_production() {
    let world = World::new();
    let machine = world.boot(MachineSpec {
        is_production: false,
        ..MachineSpec::new("a")
    });
    let appraisal = world.appraise(&world.attest(&machine.parts()), &machine);
    assert_eq!(failed(&appraisal), [CheckId::AkInstance]);
    assert_eq!(appraisal.verdict.binding, Binding::Quote);
    assert_eq!(appraisal.result.instanceId, B256::ZERO);
}

#[test]
fn an_intermediate_that_the_root_revoked() {
    let world = World::new();
    let machine = world.boot(MachineSpec::new("a"));
    let bundle = world.attest(&machine.parts());
    let mut endorsements = world.cloud.endorsements(machine.td().pck());
    endorsements.provider_crls[0] = world.cloud.provider_crl_without_intermediate();
    let appraisal = world.appraise_with(&bundle, &endorsements);
    assert_eq!(failed(&appraisal), [CheckId::AkChain], "{:#?}", appraisal.checks);
    assert_eq!(appraisal.verdict.binding, Binding::Quote);
}

/// Without its issuers' lists, nobody says that none of the certificates was revoked since.
#[test]
fn a_chain_without_the_lists_that_are_asked_for() {
    let mut world = World::new();
    world.policy.providers[0].require_crl = true;
    let machine = world.boot(MachineSpec::new("a"));
    let bundle = world.attest(&machine.parts());
    let mut endorsements = world.cloud.endorsements(machine.td().pck());
    assert_eq!(failed(&world.appraise_with(&bundle, &endorsements)), []);
    endorsements.provider_crls.pop();
    let appraisal = world.appraise_with(&bundle, &endorsements);
    assert_eq!(failed(&appraisal), [CheckId::AkChain], "{:#?}", appraisal.checks);
    assert_eq!(appraisal.verdict.binding, Binding::Quote);
}

#[test]
fn a_chain_longer_than_any_that_verifies() {
    let world = World::new();
    let machine = world.boot(MachineSpec::new("a"));
    let honest = world.attest(&machine.parts());
    for links in [5, 16] {
        let bundle = world.tamper(&honest, |evidence| {
            let link = tpm(evidence).ak_certificates[1].clone();
            tpm(evidence).ak_certificates.resize(links, link);
        });
        let appraisal = world.appraise(&bundle, &machine);
        assert_eq!(failed(&appraisal), [CheckId::AkChain]);
    }
}

#[test]
fn a_chain_of_ten_thousand_links() {
    let world = World::new();
    let machine = world.boot(MachineSpec::new("a"));
    let honest = world.attest(&machine.parts());
    for links in [17, 10_000] {
        let bundle = world.tampered(&honest, |evidence| {
            let link = vec![0x30].into();
            tpm(evidence).ak_certificates.resize(links, link);
        });
        let error = Bundle::parse(&bundle, DEFAULT_LIMIT).unwrap_err();
        assert!(error.to_string().contains("a list of more than 16"), "{error}");
    }
}

/// A key in software can sign anything. Neither its own certificate nor a genuine one makes it a TPM's.
#[test]
fn a_key_made_in_software() {
    let world = World::new();
    let machine = world.boot(MachineSpec::new("a"));
    let bundle = super::quote::signed_in_software(&world, &machine, super::quote::RESTRICTED_SIGNING, |_| ());
    let appraisal = world.appraise(&bundle, &machine);
    assert_eq!(failed(&appraisal), [CheckId::AkKey]);
    assert_eq!(appraisal.verdict.binding, Binding::Quote);
}
