//! When the attestation key can be used.

use chassis_sim::host::{AkSpec, Authorization, BareMetal, HostSpec, Launch, LaunchPcrs, Seal};
use chassis_verifier::{
    host::{HostFault, check_ak_policy, policy_digest},
    tpm::{HashAlg, Public},
};

use super::{quoted, says, world_challenge};
use crate::world::World;

#[test]
fn the_tpm_and_the_verifier_agree_on_the_policy() {
    let world = World::new();
    for (bank, pcrs) in [
        (HashAlg::Sha256, Launch::reviewed().pcrs(HashAlg::Sha256)),
        (HashAlg::Sha384, Launch::other_mle().pcrs(HashAlg::Sha384)),
        (HashAlg::Sha384, LaunchPcrs::never_launched(HashAlg::Sha384)),
    ] {
        // A trial session computes the policy of values that the host does not have.
        let host = world
            .cloud
            .boot_host(HostSpec::new("a").ak(AkSpec::sealed_to(pcrs.clone())))
            .unwrap();
        let ak = Public::parse(host.ak_public()).unwrap();
        assert_eq!(ak.auth_policy[..], policy_digest(bank, &pcrs.pcr17, &pcrs.pcr18));
        assert_eq!(check_ak_policy(&ak, bank, &pcrs.pcr17, &pcrs.pcr18), Ok(()));
        assert!(ak.violations().is_empty());
    }
}

#[test]
fn a_sealed_key_refuses_after_another_launch_or_none() {
    let world = World::new();
    let mut host = world.cloud.boot_host(HostSpec::new("a")).unwrap();
    let (honest, _) = quoted(&world, &host);
    for launch in [Some(Launch::other_mle()), None] {
        host.reboot(launch).unwrap();
        // The very same key is in the TPM; only its use is refused.
        let td_quote = host.td_quote([0; 64]);
        let refused = host.agent().quote(world_challenge(&world), &td_quote);
        assert!(says(&refused, "policy"), "{refused:?}");
        let refused = host.agent().quote_as(Authorization::Password, [0; 32]);
        assert!(refused.is_err(), "userWithAuth is clear");
    }
    host.reboot(Some(Launch::reviewed())).unwrap();
    let (again, _) = quoted(&world, &host);
    assert_eq!(again.ak_public, honest.ak_public);
    assert_eq!(again.pcrs, honest.pcrs);
}

#[test]
fn a_key_with_a_password_quotes_whatever_was_launched_and_fails_for_it() {
    let world = World::new();
    let ak = AkSpec {
        user_with_auth: true,
        ..HostSpec::new("a").ak
    };
    let spec = HostSpec::new("a").ak(ak).launch(Some(Launch::other_mle()));
    let host = world.cloud.boot_host(spec).unwrap();
    assert!(
        host.agent().quote_anything([0; 32]).is_err(),
        "by its policy it refuses"
    );
    let quote = host.agent().quote_as(Authorization::Password, [0; 32]).unwrap();
    let other = Launch::other_mle().pcrs(HashAlg::Sha384);
    assert_eq!(quote.pcrs[0].value[..], other.pcr17);
    let ak = Public::parse(&quote.ak_public).unwrap();
    let pcrs = Launch::reviewed().pcrs(HashAlg::Sha384);
    assert_eq!(
        check_ak_policy(&ak, HashAlg::Sha384, &pcrs.pcr17, &pcrs.pcr18),
        Err(HostFault::UserWithAuth)
    );
}

#[test]
fn a_key_without_a_policy_fails() {
    let world = World::new();
    let pcrs = Launch::reviewed().pcrs(HashAlg::Sha384);
    let fault = |host: &BareMetal| {
        let ak = Public::parse(host.ak_public()).unwrap();
        check_ak_policy(&ak, HashAlg::Sha384, &pcrs.pcr17, &pcrs.pcr18)
    };
    let host = world
        .cloud
        .boot_host(HostSpec::new("a").ak(AkSpec::unsealed()))
        .unwrap();
    host.agent().quote_anything([0; 32]).unwrap();
    assert_eq!(fault(&host), Err(HostFault::UserWithAuth));
    drop(host);
    let useless = AkSpec {
        seal: Seal::Nothing,
        user_with_auth: false,
    };
    let host = world.cloud.boot_host(HostSpec::new("a").ak(useless)).unwrap();
    for authorization in [Authorization::Password, Authorization::Policy(HashAlg::Sha384)] {
        assert!(host.agent().quote_as(authorization, [0; 32]).is_err());
    }
    assert_eq!(fault(&host), Err(HostFault::NoPolicy));
}
