//! What a registrar states of a bare-metal host, and everything that is wrong with a statement that is not about it.

use alloy::primitives::B256;
use chassis_sim::{
    Seed,
    host::{HostSpec, Registrar},
};
use chassis_verifier::{
    CheckId, CustodyLevel, Endorsements, HexBytes, appraise,
    claims::{RegistrarClaims, RegistrarStatement},
};

use super::host::{By, METAL, bundle, honest, judged, refused, signed, statement, world};
use crate::world::failed;

#[test]
fn a_statement_about_another_key() {
    let world = world();
    let host = world.cloud.boot_host(HostSpec::new("a")).unwrap();
    let by = statement(&world, &host, |claims| claims.ak_name.0[33] ^= 1);
    let bundle = bundle(&world, &host, by);
    refused(&judged(&world, &world.policy, &host, &bundle), &[CheckId::HostAk]);
}

#[test]
fn a_statement_about_another_cpu() {
    let world = world();
    let host = world.cloud.boot_host(HostSpec::new("a")).unwrap();
    let by = statement(&world, &host, |claims| claims.platform_id.0[0] ^= 1);
    let another = bundle(&world, &host, by);
    let appraisal = judged(&world, &world.policy, &host, &another);
    refused(&appraisal, &[CheckId::HostPlatform, CheckId::Registrar]);
    assert_eq!(appraisal.verdict.custody, CustodyLevel::None);

    // Where no quote verifies, nobody knows the CPU: it is not the one of a statement that names none.
    let by = statement(&world, &host, |claims| claims.platform_id = B256::ZERO);
    let none = bundle(&world, &host, by);
    let endorsements = Endorsements {
        tdx_collateral: None,
        ..world.cloud.endorsements(host.td().pck())
    };
    let appraisal = appraise(&none, &endorsements, &world.policy, world.cloud.now() + 60).unwrap();
    assert_eq!(appraisal.result.platformId, B256::ZERO);
    assert!(failed(&appraisal).contains(&CheckId::HostPlatform));
}

/// Each registrar states what is with its own provider.
#[test]
fn a_statement_for_another_provider() {
    let world = world();
    let host = world.cloud.boot_host(HostSpec::new("a")).unwrap();
    let another = world.policy.providers[0].id;
    assert_ne!(another, METAL);
    let by = statement(&world, &host, |claims| claims.provider = another);
    let bundle = bundle(&world, &host, by);
    let appraisal = judged(&world, &world.policy, &host, &bundle);
    refused(&appraisal, &[CheckId::HostAk, CheckId::Registrar]);
    assert_eq!(appraisal.verdict.custody, CustodyLevel::None);
    assert_eq!(appraisal.result.provider, 0);
}

#[test]
fn a_statement_that_has_ended() {
    let world = world();
    let host = world.cloud.boot_host(HostSpec::new("a")).unwrap();
    let by = statement(&world, &host, |claims| claims.not_after = world.cloud.now());
    let bundle = bundle(&world, &host, by);
    refused(
        &judged(&world, &world.policy, &host, &bundle),
        &[CheckId::HostAk, CheckId::Registrar],
    );
}

#[test]
fn a_statement_by_a_registrar_nobody_pins() {
    let world = world();
    let host = world.cloud.boot_host(HostSpec::new("a")).unwrap();
    let By::Statement(good) = statement(&world, &host, |_| ()) else {
        unreachable!("a statement was asked for")
    };
    let claims = RegistrarStatement::parse(&good).unwrap().claims().clone();
    let forged = signed(&claims, Seed(43));
    let bundle = bundle(&world, &host, By::Statement(forged));
    refused(
        &judged(&world, &world.policy, &host, &bundle),
        &[CheckId::HostAk, CheckId::Registrar],
    );
}

#[test]
fn a_statement_that_was_taken_back() {
    let (mut world, host, bundle) = honest(|spec| spec);
    let statement = bundle
        .evidence
        .tpm
        .as_ref()
        .unwrap()
        .registrar_statement
        .clone()
        .unwrap();
    let id = RegistrarStatement::parse(&statement).unwrap().id();
    world.policy.providers[1].revoked_statements.push(id);
    refused(
        &judged(&world, &world.policy, &host, &bundle),
        &[CheckId::HostAk, CheckId::Registrar],
    );
}

/// A host is stated anew every week, each time under another id: what is revoked must take all of that with it.
#[test]
fn statements_about_a_revoked_tpm() {
    let (mut world, host, _) = honest(|spec| spec);
    let registered = Registrar::new(&world.cloud.tpm_manufacturer())
        .register(&host, world.cloud.now(), world.cloud.now() + 86_400)
        .unwrap();
    let bundles = [0, 1].map(|week| {
        let later = |claims: &mut RegistrarClaims| claims.not_after += week * 604_800;
        bundle(&world, &host, statement(&world, &host, later))
    });
    let lists = |ek: B256, ak: [u8; 34]| [(vec![ek], Vec::new()), (Vec::new(), vec![HexBytes(ak)])];
    let mut other = registered.ak_name.0;
    other[33] ^= 1;
    for (eks, aks) in lists(B256::repeat_byte(7), other) {
        let metal = &mut world.policy.providers[1];
        (metal.revoked_eks, metal.revoked_aks) = (eks, aks);
        for bundle in &bundles {
            let appraisal = judged(&world, &world.policy, &host, bundle);
            assert_eq!(failed(&appraisal), [], "{:#?}", appraisal.checks);
        }
    }
    for (eks, aks) in lists(registered.ek_cert_hash, registered.ak_name.0) {
        let metal = &mut world.policy.providers[1];
        (metal.revoked_eks, metal.revoked_aks) = (eks, aks);
        for bundle in &bundles {
            let appraisal = judged(&world, &world.policy, &host, bundle);
            refused(&appraisal, &[CheckId::HostAk, CheckId::Registrar]);
            assert_eq!(appraisal.verdict.custody, CustodyLevel::None);
        }
    }
}
