//! Scenario 2: a bare-metal host with a discrete TPM, and everything that is wrong with one that is not.

use alloy::primitives::B256;
use chassis_sim::{
    Seed,
    firmware::{Image, MeasuredBoot, Shape},
    host::{AkSpec, BareMetal, HostSpec, IakProof, Launch, Registrar},
    machine::MachineSpec,
    named,
};
use chassis_verifier::{
    Appraisal, Binding, CheckId, CustodyLevel, Endorsements, HexBytes, HostStack, Policy, Profile, Provider,
    appraise,
    bundle::{Bundle, Disclosure, Evidence, IakCertification, Tee, Tpm},
    challenge::{challenge, report_data},
    claims::{Algorithm, RegistrarClaims},
    tpm::HashAlg,
};

use super::quote::{RESTRICTED_SIGNING, tpmt_public, tpmt_signature};
use crate::world::{World, failed, tpm};

/// A provider of bare metal, whose registrar's key this is.
const REGISTRAR: &str = "registrar";
pub(super) const METAL: u16 = 2;

pub(super) fn world() -> World {
    let mut world = World::new();
    let launch = Launch::reviewed().pcrs(HostSpec::BANK);
    world.policy.providers.push(Provider {
        id: METAL,
        name: "Simulated Metal".into(),
        profile: Profile::BareMetal,
        roots: Vec::new(),
        registrars: vec![spki(Seed(42).key(REGISTRAR).public().0).into()],
        revoked_statements: Vec::new(),
        revoked_eks: Vec::new(),
        revoked_aks: Vec::new(),
        require_crl: false,
        host_registry: false,
        require_pzid: false,
        ak_certificate_custody: CustodyLevel::None,
    });
    world.policy.hosts.push(HostStack {
        name: "reviewed".into(),
        bank: HostSpec::BANK,
        pcr17: vec![hex::encode(launch.pcr17)],
        pcr18: vec![hex::encode(launch.pcr18)],
        checks_td_report: true,
        chooses_qualifying_data: true,
        locked: true,
    });
    world
}

/// `SubjectPublicKeyInfo` of a P-256 key.
fn spki(sec1: [u8; 65]) -> Vec<u8> {
    let head = "3059301306072a8648ce3d020106082a8648ce3d030107034200";
    [&hex::decode(head).unwrap()[..], &sec1].concat()
}

/// Who vouches for the key.
pub(super) enum By {
    Statement(Vec<u8>),
    Iak(IakProof),
    Nobody,
}

pub(super) fn statement(world: &World, host: &BareMetal, change: impl FnOnce(&mut RegistrarClaims)) -> By {
    let maker = world.cloud.tpm_manufacturer();
    let registered = Registrar::new(&maker)
        .register(host, world.cloud.now(), world.cloud.now() + 86_400)
        .unwrap();
    let mut claims = RegistrarClaims {
        ak_name: registered.ak_name,
        ek_cert_hash: registered.ek_cert_hash,
        platform_id: registered.platform_id,
        provider: METAL,
        zone: "hall 4".into(),
        not_after: registered.not_after,
    };
    change(&mut claims);
    By::Statement(signed(&claims, Seed(42)))
}

pub(super) fn signed(claims: &RegistrarClaims, seed: Seed) -> Vec<u8> {
    let sign = |message: &[u8]| {
        Ok::<_, chassis_verifier::ParseError>(seed.key(REGISTRAR).sign_raw(message).to_vec())
    };
    claims.sign_with(Algorithm::Es256, sign).unwrap()
}

/// A bundle as a node on this host would make it.
pub(super) fn bundle(world: &World, host: &BareMetal, by: By) -> Bundle {
    let anchor = named(&world.cloud.anchor());
    let challenge = challenge(&anchor, world.operator.address());
    let quote = host.td_quote(report_data(challenge, host.ak_name(), B256::ZERO));
    let quoted = host.agent().quote(challenge, &quote).unwrap();
    let mut tpm = Tpm {
        ak_public: quoted.ak_public.into(),
        attest: quoted.attest.into(),
        signature: quoted.signature.into(),
        pcrs: quoted.pcrs,
        event_log: None,
        ak_certificates: Vec::new(),
        iak_certification: None,
        registrar_statement: None,
        drtm_log: Some(quoted.drtm_log.into()).filter(|log: &chassis_verifier::Base64| !log.is_empty()),
    };
    match by {
        By::Statement(statement) => tpm.registrar_statement = Some(statement.into()),
        By::Iak(proof) => {
            tpm.ak_certificates = proof.certificates.into_iter().map(Into::into).collect();
            tpm.iak_certification = Some(IakCertification {
                iak_public: proof.iak_public.into(),
                attest: proof.attest.into(),
                signature: proof.signature.into(),
            });
        }
        By::Nobody => {}
    }
    let evidence = Evidence {
        version: 1,
        operator: world.operator.address(),
        disclosure: Disclosure::Public,
        anchor,
        session_key_hash: B256::ZERO,
        tee: Tee::Tdx {
            quote: quote.into(),
            ccel: Some(host.ccel().into()),
            hcl_report: None,
        },
        tpm: Some(tpm),
        custody: chassis_verifier::bundle::Custody::default(),
        logs: Vec::new(),
    };
    chassis_attester::consent(evidence, &world.operator).unwrap()
}

pub(super) fn judged(world: &World, policy: &Policy, host: &BareMetal, bundle: &Bundle) -> Appraisal {
    let endorsements = Endorsements {
        host_registry: Vec::new(),
        ..world.cloud.endorsements(host.td().pck())
    };
    appraise(bundle, &endorsements, policy, world.cloud.now() + 60).expect("readable evidence")
}

/// An honest host's evidence, vouched for by a registrar, after `change`.
pub(super) fn honest(change: impl FnOnce(HostSpec) -> HostSpec) -> (World, BareMetal, Bundle) {
    let world = world();
    let host = world.cloud.boot_host(change(HostSpec::new("a"))).unwrap();
    let by = statement(&world, &host, |_| ());
    let bundle = bundle(&world, &host, by);
    (world, host, bundle)
}

#[track_caller]
pub(super) fn refused(appraisal: &Appraisal, checks: &[CheckId]) {
    assert_eq!(failed(appraisal), checks, "{:#?}", appraisal.checks);
    assert!(appraisal.verdict.binding < Binding::Chassis);
    assert!(!appraisal.is_attestable());
}

#[test]
fn a_registered_host_reaches_chassis() {
    let (world, host, bundle) = honest(|spec| spec);
    let appraisal = judged(&world, &world.policy, &host, &bundle);
    assert_eq!(failed(&appraisal), [], "{:#?}", appraisal.checks);
    assert_eq!(appraisal.verdict.binding, Binding::Chassis);
    assert_eq!(appraisal.verdict.custody, CustodyLevel::Automated);
    assert_eq!(appraisal.result.provider, METAL);
    assert_ne!(appraisal.result.instanceId, B256::ZERO);
    assert!(appraisal.verdict.custody_expiry <= world.cloud.now() + 86_400);
    // What an image seals to a virtual TPM is not asked where there is none.
    let mut policy = world.policy.clone();
    policy.workloads[0].vtpm_sealed = false;
    assert_eq!(failed(&judged(&world, &policy, &host, &bundle)), []);
}

/// A provider whose IAKs count: the policy pins the root of their certificates.
fn world_of_iaks() -> World {
    let mut world = world();
    world.policy.providers[1].roots = vec![world.cloud.provider().root_der().into()];
    world.policy.providers.remove(0);
    world
}

#[test]
fn a_host_whose_iak_the_provider_certified_reaches_chassis() {
    let world = world_of_iaks();
    let host = world.cloud.boot_host(HostSpec::new("a")).unwrap();
    let proof = host.iak_proof(world.cloud.provider()).unwrap();
    let good = bundle(&world, &host, By::Iak(proof.clone()));
    let appraisal = judged(&world, &world.policy, &host, &good);
    assert_eq!(failed(&appraisal), [], "{:#?}", appraisal.checks);
    assert_eq!(appraisal.verdict.binding, Binding::Chassis);
    // Custody is about the CPU, and an IAK is about a TPM.
    assert_eq!(appraisal.verdict.custody, CustodyLevel::None);

    let other = world.cloud.boot_host(HostSpec::new("b")).unwrap();
    let theirs = other.iak_proof(world.cloud.provider()).unwrap();
    let stolen = bundle(&world, &host, By::Iak(theirs));
    refused(&judged(&world, &world.policy, &host, &stolen), &[CheckId::HostAk]);
}

/// Who has a statement taken back may have an IAK to show instead.
#[test]
fn a_revoked_key_that_an_iak_certifies() {
    let mut world = world_of_iaks();
    let host = world.cloud.boot_host(HostSpec::new("a")).unwrap();
    let proof = host.iak_proof(world.cloud.provider()).unwrap();
    let bundle = bundle(&world, &host, By::Iak(proof));
    let revoked = host.ak_name().0;
    let mut other = revoked;
    other[33] ^= 1;
    world.policy.providers[0].revoked_aks = vec![HexBytes(other)];
    let appraisal = judged(&world, &world.policy, &host, &bundle);
    assert_eq!(failed(&appraisal), [], "{:#?}", appraisal.checks);
    world.policy.providers[0].revoked_aks.push(HexBytes(revoked));
    let appraisal = judged(&world, &world.policy, &host, &bundle);
    refused(&appraisal, &[CheckId::HostAk]);
    let check = appraisal.checks.iter().find(|check| check.id == CheckId::HostAk);
    assert_eq!(check.unwrap().rule.as_deref(), Some("provider[0].revoked_aks"));
    // The IAK's certificate alone names no instance.
    assert_eq!(appraisal.result.instanceId, B256::ZERO);
}

/// Its certificate speaks of the IAK's key alone. What else holds of it, the bundle says: that it signs whatever it is given,
/// or by another scheme than it did.
#[test]
fn an_iak_that_is_no_restricted_key_or_fixed_to_another_scheme() {
    let world = world_of_iaks();
    let host = world.cloud.boot_host(HostSpec::new("a")).unwrap();
    let proof = host.iak_proof(world.cloud.provider()).unwrap();
    // `TPMT_PUBLIC`: after 8 bytes a sized policy, the symmetric algorithm, the scheme and its hash.
    let policy = usize::from(u16::from_be_bytes([proof.iak_public[8], proof.iak_public[9]]));
    let restricted = (5, 0x01);
    let sha384 = (10 + policy + 5, 0x0b ^ 0x0c);
    for ((at, bits), says) in [(restricted, "the IAK: "), (sha384, "the IAK's certification: ")] {
        let mut proof = proof.clone();
        proof.iak_public[at] ^= bits;
        let bundle = bundle(&world, &host, By::Iak(proof));
        let appraisal = judged(&world, &world.policy, &host, &bundle);
        refused(&appraisal, &[CheckId::HostAk]);
        let check = appraisal.checks.iter().find(|check| check.id == CheckId::HostAk);
        let detail = &check.unwrap().detail;
        assert!(detail.starts_with(says), "{detail}");
        assert_eq!(appraisal.result.instanceId, B256::ZERO);
    }
}

/// A device identity signs whatever it is given, so a certification of a key by it says nothing. It would only have to say of itself
/// that it is restricted.
#[test]
fn a_device_identity_passed_as_an_iak() {
    let mut world = world_of_iaks();
    world.policy.providers[0].registrars.clear();
    world.policy.providers[0].ak_certificate_custody = CustodyLevel::Automated;
    let host = world.cloud.boot_host(HostSpec::new("a")).unwrap();
    let identity = Seed(9).key("IDevID");
    let mut proof = host.iak_proof(world.cloud.provider()).unwrap();
    proof.iak_public = tpmt_public(&identity, RESTRICTED_SIGNING);
    proof.signature = tpmt_signature(&identity, &proof.attest);
    proof.certificates[0] = world.cloud.provider().idevid_certificate(&identity, "a");
    let bundle = bundle(&world, &host, By::Iak(proof));
    let appraisal = judged(&world, &world.policy, &host, &bundle);
    refused(&appraisal, &[CheckId::AkKeyUsage, CheckId::HostAk]);
    assert_eq!(appraisal.verdict.custody, CustodyLevel::None);
}

/// The quoted bank holds what it holds after power-on, and the key is sealed to that.
#[test]
fn a_host_that_never_launched() {
    let never = chassis_sim::host::LaunchPcrs::never_launched(HostSpec::BANK);
    let (world, host, bundle) = honest(|spec| spec.launch(None).ak(AkSpec::sealed_to(never)));
    refused(
        &judged(&world, &world.policy, &host, &bundle),
        &[CheckId::HostPcrs],
    );
}

#[test]
fn a_host_that_launched_something_else() {
    let other = Launch::other_mle();
    let seal = AkSpec::sealed_to(other.pcrs(HostSpec::BANK));
    let (world, host, bundle) = honest(|spec| spec.launch(Some(other)).ak(seal));
    refused(
        &judged(&world, &world.policy, &host, &bundle),
        &[CheckId::HostPcrs],
    );
}

#[test]
fn a_launch_quoted_in_another_bank() {
    let (world, host, bundle) = honest(|spec| HostSpec {
        quoted_bank: HashAlg::Sha256,
        ..spec
    });
    refused(
        &judged(&world, &world.policy, &host, &bundle),
        &[CheckId::TpmSelection, CheckId::TpmPcrDigest, CheckId::HostPcrs],
    );
}

/// Software that fills the other bank only leaves this one as the CPU did.
#[test]
fn a_launch_measured_in_another_bank_only() {
    let (world, host, bundle) = honest(|spec| HostSpec {
        banks: vec![HashAlg::Sha256],
        ak: AkSpec::unsealed(),
        ..spec
    });
    refused(
        &judged(&world, &world.policy, &host, &bundle),
        &[CheckId::HostPcrs],
    );
}

#[test]
fn a_key_that_its_password_opens() {
    let (world, host, bundle) = honest(|spec| {
        let ak = AkSpec {
            user_with_auth: true,
            ..spec.ak.clone()
        };
        spec.ak(ak)
    });
    refused(
        &judged(&world, &world.policy, &host, &bundle),
        &[CheckId::HostAkPolicy],
    );
}

#[test]
fn a_key_without_a_policy() {
    let (world, host, bundle) = honest(|spec| spec.ak(AkSpec::unsealed()));
    let appraisal = judged(&world, &world.policy, &host, &bundle);
    refused(&appraisal, &[CheckId::HostAkPolicy]);
    assert_eq!(appraisal.result.instanceId, B256::ZERO);
}

#[test]
fn an_ek_certificate_is_no_proof_of_an_ak() {
    let world = world();
    let host = world.cloud.boot_host(HostSpec::new("a")).unwrap();
    let bundle = bundle(&world, &host, By::Nobody);
    let with_ek = world.tamper(&bundle, |evidence| {
        tpm(evidence).ak_certificates = vec![host.endorsement().ek_certificate.clone().into()];
    });
    let appraisal = judged(&world, &world.policy, &host, &with_ek);
    let checks = [
        CheckId::AkChain,
        CheckId::AkKeyUsage,
        CheckId::AkKey,
        CheckId::HostAk,
    ];
    refused(&appraisal, &checks);
    assert_eq!(appraisal.verdict.binding, Binding::Quote);
}

#[test]
fn a_drtm_log_of_another_launch() {
    let (world, host, good) = honest(|spec| spec);
    for log in [Some(Launch::other_mle().log().into()), None] {
        let bundle = world.tamper(&good, |evidence| tpm(evidence).drtm_log = log);
        refused(
            &judged(&world, &world.policy, &host, &bundle),
            &[CheckId::HostLog],
        );
    }
}

/// A host's TPM measures nothing of the TD, so only its own registers stand against this.
#[test]
fn a_ccel_of_another_boot() {
    let (world, host, good) = honest(|spec| spec);
    let ccel = MeasuredBoot::of(&Image::other_kernel(), &Shape::SMALL).ccel();
    let bundle = world.tamper(&good, |evidence| {
        let Tee::Tdx { ccel: told, .. } = &mut evidence.tee;
        *told = Some(ccel.into());
    });
    refused(
        &judged(&world, &world.policy, &host, &bundle),
        &[CheckId::RtmrReplay],
    );
}

#[test]
fn a_td_that_nobody_reviewed() {
    let (mut world, host, bundle) = honest(|spec| spec);
    world.policy.workloads.clear();
    refused(
        &judged(&world, &world.policy, &host, &bundle),
        &[CheckId::Workload],
    );
}

#[test]
fn a_stack_that_can_be_told_what_to_quote() {
    let (mut world, host, bundle) = honest(|spec| spec);
    for gap in 0..3 {
        let stack = &mut world.policy.hosts[0];
        (
            stack.checks_td_report,
            stack.chooses_qualifying_data,
            stack.locked,
        ) = (gap != 0, gap != 1, gap != 2);
        refused(
            &judged(&world, &world.policy, &host, &bundle),
            &[CheckId::HostStack],
        );
    }
}

/// The TD of one machine, the TPM of another host, whose agent would not have quoted for it.
#[test]
fn a_td_on_another_machine_than_the_host() {
    let world = world();
    let host = world.cloud.boot_host(HostSpec::new("a")).unwrap();
    let elsewhere = world.boot(MachineSpec::new("basement").in_basement());
    let anchor = named(&world.cloud.anchor());
    let challenge = challenge(&anchor, world.operator.address());
    let quote = elsewhere.td_quote(report_data(challenge, host.ak_name(), B256::ZERO));
    assert!(host.agent().quote(challenge, &quote).is_err());
    // An agent that quoted all the same: the registrar's statement is about the host's CPU, not that one.
    let extra_data = chassis_verifier::challenge::qualifying_data(challenge, &quote);
    let quoted = host.agent().quote_anything(extra_data).unwrap();
    let by = statement(&world, &host, |_| ());
    let joined = world.tamper(&bundle(&world, &host, by), |evidence| {
        let ccel = elsewhere.measured_boot().ccel();
        evidence.tee = Tee::Tdx {
            quote: quote.into(),
            ccel: Some(ccel.into()),
            hcl_report: None,
        };
        tpm(evidence).attest = quoted.attest.into();
        tpm(evidence).signature = quoted.signature.into();
    });
    let appraisal = judged(&world, &world.policy, &host, &joined);
    refused(&appraisal, &[CheckId::HostPlatform, CheckId::Registrar]);
    assert_eq!(appraisal.verdict.custody, CustodyLevel::None);
}

/// Two words about one key could be two providers'.
#[test]
fn a_registrar_and_an_iak_at_once() {
    let (world, host, good) = honest(|spec| spec);
    let proof = host.iak_proof(world.cloud.provider()).unwrap();
    let both = world.tamper(&good, |evidence| {
        tpm(evidence).iak_certification = Some(IakCertification {
            iak_public: proof.iak_public.into(),
            attest: proof.attest.into(),
            signature: proof.signature.into(),
        });
    });
    refused(&judged(&world, &world.policy, &host, &both), &[CheckId::Parts]);
}
