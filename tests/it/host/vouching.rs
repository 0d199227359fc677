//! Who says that the attestation key is in a TPM the provider knows.

use chassis_sim::{
    Seed,
    host::{HostSpec, Launch, Manufacturer, Registrar},
};
use chassis_verifier::{
    ak::{AkCertificate, verify_chain},
    challenge::AkName,
    host::{HostFault, check_certified_name},
    platform_id, sha256,
    tpm::{Attest, Public, QuoteFault, Signature},
};

use super::{quoted, says};
use crate::world::World;

#[test]
fn a_registrar_finds_the_attestation_key_in_the_tpm_he_racked() {
    let world = World::new();
    let maker = world.cloud.tpm_manufacturer();
    let host = world.cloud.boot_host(HostSpec::new("a")).unwrap();
    let (now, later) = (world.cloud.now(), world.cloud.now() + 86_400);
    let registration = Registrar::new(&maker).register(&host, now, later).unwrap();
    assert_eq!(registration.ak_name, host.ak_name());
    assert_eq!(
        registration.ek_cert_hash,
        sha256(&host.endorsement().ek_certificate)
    );
    assert_eq!(registration.platform_id, platform_id(&host.td().pck().ppid));
    assert_eq!(registration.not_after, later);
    // The same host after a reboot, launched otherwise: its TPM still holds that key.
    drop(host);
    let host = world
        .cloud
        .boot_host(HostSpec::new("a").launch(Some(Launch::other_mle())))
        .unwrap();
    assert_eq!(
        Registrar::new(&maker).register(&host, now, later).unwrap(),
        registration
    );
}

#[test]
fn a_registrar_refuses_keys_that_are_not_in_the_tpm() {
    let world = World::new();
    let maker = world.cloud.tpm_manufacturer();
    let registrar = Registrar::new(&maker);
    let (a, b) = (
        world.cloud.boot_host(HostSpec::new("a")).unwrap(),
        world.cloud.boot_host(HostSpec::new("b")).unwrap(),
    );
    let now = world.cloud.now();
    // Another host's key, and one made in software that says all the right things of itself.
    let software = with_key(a.ak_public(), Seed(7).key("software AK").public_xy());
    assert!(Public::parse(&software).unwrap().violations().is_empty());
    for ak in [b.ak_public(), &software] {
        let refused = registrar.register_ak(&a, ak, now, now);
        assert!(says(&refused, "activating"), "{refused:?}");
    }
    // One that admits where it comes from.
    let mut exportable = a.ak_public().to_vec();
    exportable[7] &= !0x02;
    let refused = registrar.register_ak(&a, &exportable, now, now);
    assert!(says(&refused, "fixedTPM is clear"), "{refused:?}");
    // A TPM by somebody who calls himself a maker.
    let other_maker = Manufacturer::new(Seed(7));
    let refused = Registrar::new(&other_maker).register(&a, now, now);
    assert!(says(&refused, "the endorsement key's certificate"), "{refused:?}");
}

#[test]
fn an_identity_key_vouches_for_the_attestation_key() {
    let world = World::new();
    let (a, b) = (
        world.cloud.boot_host(HostSpec::new("a")).unwrap(),
        world.cloud.boot_host(HostSpec::new("b")).unwrap(),
    );
    let proof = a.iak_proof(world.cloud.provider()).unwrap();
    let root = world.cloud.provider().root_der();
    let [leaf, intermediate] = &proof.certificates[..] else {
        panic!("{}", proof.certificates.len())
    };
    verify_chain(leaf, &[intermediate], &[&root], &[], world.cloud.now()).unwrap();
    let certificate = AkCertificate::parse(leaf).unwrap();
    certificate.check_key_usage().unwrap();
    let iak = Public::parse(&proof.iak_public).unwrap();
    assert!(iak.violations().is_empty());
    certificate.check_key(&iak).unwrap();
    let signature = Signature::parse(&proof.signature).unwrap();
    signature
        .verify_by_key(&certificate.public_key().unwrap(), &proof.attest)
        .unwrap();
    let attest = Attest::parse(&proof.attest).unwrap();
    assert_eq!(check_certified_name(&attest, a.ak_name()), Ok(()));

    // It says nothing of another host's key, nor of itself, and another host's says nothing here.
    for name in [b.ak_name(), AkName::of(&proof.iak_public)] {
        let fault = check_certified_name(&attest, name);
        assert!(matches!(fault, Err(HostFault::OtherKey { .. })), "{fault:?}");
    }
    let other = b.iak_proof(world.cloud.provider()).unwrap();
    let fault = Signature::parse(&other.signature)
        .unwrap()
        .verify_by_key(&certificate.public_key().unwrap(), &other.attest);
    assert!(matches!(fault, Err(QuoteFault::Signature { .. })), "{fault:?}");
    // The attestation key's own quote certifies no key.
    let (quote, _) = quoted(&world, &a);
    assert_eq!(
        check_certified_name(&Attest::parse(&quote.attest).unwrap(), a.ak_name()),
        Err(HostFault::NotCertification(Attest::QUOTE))
    );
}

#[test]
fn an_endorsement_certificate_is_no_proof_of_an_attestation_key() {
    let world = World::new();
    let host = world.cloud.boot_host(HostSpec::new("a")).unwrap();
    let maker = world.cloud.tpm_manufacturer();
    let der = &host.endorsement().ek_certificate;
    let ak = Public::parse(host.ak_public()).unwrap();
    let certificate = AkCertificate::parse(der).unwrap();
    assert!(certificate.check_key_usage().is_err());
    assert!(certificate.check_key(&ak).is_err());
    let verify =
        |root: &[u8]| verify_chain(der, &[&maker.intermediate_der()], &[root], &[], world.cloud.now());
    assert!(verify(&maker.root_der()).is_ok(), "it is genuine");
    assert!(verify(&world.cloud.provider().root_der()).is_err());
}

/// The area of a P-256 key sealed by a SHA-256 policy, with another point.
fn with_key(area: &[u8], xy: [u8; 64]) -> Vec<u8> {
    // Type, nameAlg, attributes, policy; symmetric, scheme, its hash, curve, kdf.
    let head = 2 + 2 + 4 + (2 + 32) + 5 * 2;
    let (x, y) = xy.split_at(32);
    [&area[..head], &[0, 32], x, &[0, 32], y].concat()
}
