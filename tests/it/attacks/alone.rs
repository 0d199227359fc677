//! Attacks that one check alone stands against: everything else about them is as it should be.
//!
//! Most need somebody who is trusted to have failed as well, as a provider that certifies what is no TPM's key: such a key
//! signs what no TPM would.

use alloy::signers::local::PrivateKeySigner;
use chassis_attester::Tpm;
use chassis_sim::{
    Seed,
    machine::{Machine, MachineSpec},
};
use chassis_verifier::{
    Accept, Binding, CheckId, HexBytes,
    bundle::{self, Bundle},
    cross_check::SEPARATOR,
    sha256,
};
use tss_esapi::{
    handles::PcrHandle,
    interface_types::{algorithm::HashingAlgorithm, session_handles::AuthSession},
    structures::{Digest, DigestValues},
};

use super::quote::{RESTRICTED_SIGNING, signed_in_software, tpmt_signature};
use crate::world::{World, failed, tpm};

#[track_caller]
fn caught(world: &World, machine: &Machine, bundle: &Bundle, check: CheckId, left: Binding) {
    let appraisal = world.appraise(bundle, machine);
    assert_eq!(failed(&appraisal), [check], "{:#?}", appraisal.checks);
    assert_eq!(appraisal.verdict.binding, left);
}

/// A key that the provider certified for this instance, though no TPM has it. It signs what `change` makes of the evidence
/// and of what the machine's TPM said.
fn certified_in_software(
    world: &World,
    machine: &Machine,
    attributes: u32,
    change: impl FnOnce(&mut bundle::Tpm, &mut Vec<u8>),
) -> Bundle {
    let key = Seed(9).key("attestation key");
    let certificate = world.cloud.provider().ak_certificate(&key, machine.instance());
    let bundle = signed_in_software(world, machine, attributes, |_| ());
    world.tamper(&bundle, |evidence| {
        let tpm = tpm(evidence);
        tpm.ak_certificates[0] = certificate.into();
        let mut attest = tpm.attest.to_vec();
        change(tpm, &mut attest);
        tpm.signature = tpmt_signature(&key, &attest).into();
        tpm.attest = attest.into();
    })
}

/// The TPM's own quote for another challenge: here, another operator's.
fn for_another_operator(world: &mut World, machine: &Machine) -> bundle::Tpm {
    let own = world.operator.clone();
    world.operator = PrivateKeySigner::from_slice(&[8; 32]).unwrap();
    let theirs = world.attest(&machine.parts()).evidence.tpm.unwrap();
    world.operator = own;
    theirs
}

#[test]
fn a_tpm_quote_for_another_challenge() {
    let mut world = World::new();
    let machine = world.boot(MachineSpec::new("a"));
    let theirs = for_another_operator(&mut world, &machine);
    let bundle = world.tamper(&world.attest(&machine.parts()), |evidence| {
        tpm(evidence).attest = theirs.attest;
        tpm(evidence).signature = theirs.signature;
    });
    caught(&world, &machine, &bundle, CheckId::QualifyingData, Binding::Quote);
}

#[test]
fn the_keys_signature_over_another_quote() {
    let mut world = World::new();
    let machine = world.boot(MachineSpec::new("a"));
    let theirs = for_another_operator(&mut world, &machine);
    let bundle = world.tamper(&world.attest(&machine.parts()), |evidence| {
        tpm(evidence).signature = theirs.signature;
    });
    caught(&world, &machine, &bundle, CheckId::TpmSignature, Binding::Quote);
}

/// The control: as long as it signs the truth, nothing tells a certified key in software from a TPM's.
#[test]
fn a_certified_key_in_software_that_signs_the_truth() {
    let world = World::new();
    let machine = world.boot(MachineSpec::new("a"));
    let bundle = certified_in_software(&world, &machine, RESTRICTED_SIGNING, |_, _| ());
    let appraisal = world.appraise(&bundle, &machine);
    assert_eq!(failed(&appraisal), [], "{:#?}", appraisal.checks);
    assert_eq!(appraisal.verdict.binding, Binding::VirtualTpm);
}

#[test]
fn a_certified_key_that_signs_no_tpms_words() {
    let world = World::new();
    let machine = world.boot(MachineSpec::new("a"));
    let bundle = certified_in_software(&world, &machine, RESTRICTED_SIGNING, |_, attest| attest[0] ^= 1);
    caught(&world, &machine, &bundle, CheckId::TpmQuoteForm, Binding::Quote);
}

#[test]
fn a_certified_key_that_is_not_restricted() {
    let world = World::new();
    let machine = world.boot(MachineSpec::new("a"));
    let unrestricted = RESTRICTED_SIGNING & !(1 << 16);
    let bundle = certified_in_software(&world, &machine, unrestricted, |_, _| ());
    caught(&world, &machine, &bundle, CheckId::AkAttributes, Binding::Quote);
}

/// The digest is over what was demanded; what is selected says otherwise.
#[test]
fn a_selection_that_its_digest_is_not_over() {
    let world = World::new();
    let machine = world.boot(MachineSpec::new("a"));
    let bundle = certified_in_software(&world, &machine, RESTRICTED_SIGNING, |_, attest| {
        let selection = [0, 0, 0, 1, 0, 0x0c, 3, 0xff, 0xff, 0];
        let at = attest.windows(10).position(|window| window == selection).unwrap();
        attest[at + 9] = 1;
    });
    caught(&world, &machine, &bundle, CheckId::TpmSelection, Binding::Quote);
}

/// The values are the ones that the logs explain; quoted were others.
#[test]
fn values_that_the_logs_explain_and_nobody_quoted() {
    let world = World::new();
    let machine = world.boot(MachineSpec::new("a"));
    let bundle = certified_in_software(&world, &machine, RESTRICTED_SIGNING, |_, attest| {
        *attest.last_mut().unwrap() ^= 1;
    });
    caught(&world, &machine, &bundle, CheckId::TpmPcrDigest, Binding::Quote);
}

/// Something ran after boot and was measured, and no log tells what.
#[test]
fn a_pcr_that_was_extended_off_the_record() {
    let world = World::new();
    let machine = world.boot(MachineSpec::new("a"));
    let mut digests = DigestValues::new();
    digests.set(HashingAlgorithm::Sha384, Digest::try_from(vec![7; 48]).unwrap());
    let mut client = Tpm::open(&machine.tcti()).unwrap();
    client
        .context()
        .execute_with_session(Some(AuthSession::Password), |context| {
            context.pcr_extend(PcrHandle::Pcr15, digests)
        })
        .unwrap();
    drop(client);
    let bundle = world.attest(&machine.parts());
    caught(&world, &machine, &bundle, CheckId::PcrReplay, Binding::Quote);
}

/// Values and log of the TPM agree with each other; the TD's log has a loader more.
#[test]
fn a_tpm_that_measured_another_loader() {
    let world = World::new();
    let machine = world.boot(MachineSpec::new("a"));
    let mut boot = machine.measured_boot().clone();
    let loader = boot
        .events
        .iter()
        .rposition(|event| event.pcr() == Some(4) && event.sha384() != SEPARATOR)
        .unwrap();
    boot.events.remove(loader);
    let bundle = certified_in_software(&world, &machine, RESTRICTED_SIGNING, |tpm, attest| {
        tpm.event_log = Some(boot.tpm_log().into());
        tpm.pcrs[4].value = boot.pcrs_sha384()[4].to_vec().into();
        let values: Vec<_> = tpm.pcrs.iter().flat_map(|pcr| pcr.value.to_vec()).collect();
        let digest = attest.len() - 32;
        attest[digest..].copy_from_slice(sha256(&values).as_slice());
    });
    caught(&world, &machine, &bundle, CheckId::CrossLoader, Binding::Quote);
}

/// The kernel's stub tells the TPM alone what it was given, so both logs and all registers agree with an image whose kernel is
/// the reviewed one. The policy's list is what they are compared with.
#[test]
fn another_command_line_or_initrd_that_only_the_tpm_was_told() {
    let mut world = World::new();
    let machine = world.boot(MachineSpec::new("a"));
    let bundle = world.attest(&machine.parts());
    let reviewed = world.policy.workloads[0].tpm_only.clone();
    assert_eq!(reviewed.len(), 2);
    for told in 0..2 {
        world.policy.workloads[0].tpm_only.clone_from(&reviewed);
        world.policy.workloads[0].tpm_only[told] = HexBytes([7; 48]);
        caught(&world, &machine, &bundle, CheckId::CrossSystem, Binding::Quote);
    }
}

/// Whatever a policy lists, the host reads such a TD's memory.
#[test]
fn a_debug_td_that_the_policy_lists() {
    let mut world = World::new();
    let td_attributes = ((1_u64 << 28) | 1).to_le_bytes();
    world.policy.workloads[0].td_attributes = Accept::OneOf(vec![HexBytes(td_attributes)]);
    let machine = world.boot(MachineSpec {
        td_attributes,
        ..MachineSpec::new("a")
    });
    let bundle = world.attest(&machine.parts());
    caught(&world, &machine, &bundle, CheckId::TdDebug, Binding::None);
}
