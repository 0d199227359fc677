//! TPM quotes that are not what they claim.

use chassis_attester::{QUOTED_PCRS, Tpm};
use chassis_sim::{
    Key, Seed,
    firmware::{Image, MeasuredBoot},
    machine::{Machine, MachineSpec},
    tpm::AK_TEMPLATE,
};
use chassis_verifier::{
    Appraisal, Base64, Binding, CheckId, CustodyLevel,
    bundle::{self, Bundle, Evidence, Tee},
    challenge::{AkName, challenge, qualifying_data, report_data},
    eventlog::{Algorithm, Digest, TcgLog},
};
use tss_esapi::{
    interface_types::algorithm::HashingAlgorithm,
    structures::{Data, PcrSelectionList, PcrSlot, SignatureScheme},
    traits::Marshall as _,
};

use crate::world::{World, failed, tpm};

#[test]
fn a_quote_by_another_key() {
    let world = World::new();
    let (machine, other) = (
        world.boot(MachineSpec::new("a")),
        world.boot(MachineSpec::new("b")),
    );
    let theirs = world.attest(&other.parts()).evidence.tpm.unwrap();
    let bundle = world.tamper(&world.attest(&machine.parts()), |evidence| {
        tpm(evidence).attest = theirs.attest;
        tpm(evidence).signature = theirs.signature;
    });
    let failed = failed(&world.appraise(&bundle, &machine));
    assert_eq!(failed, [CheckId::QualifyingData, CheckId::TpmSignature]);
}

/// What a key that is not restricted signs for anybody who asks: everything right but the TPM's own mark.
#[test]
fn an_attest_without_the_tpms_magic() {
    let world = World::new();
    let machine = world.boot(MachineSpec::new("a"));
    let bundle = signed_in_software(&world, &machine, RESTRICTED_SIGNING, |attest| attest[0] ^= 1);
    let failed = failed(&world.appraise(&bundle, &machine));
    assert_eq!(failed, [CheckId::TpmQuoteForm, CheckId::AkKey]);
}

#[test]
fn values_that_were_not_quoted() {
    let world = World::new();
    let machine = world.boot(MachineSpec::new("a"));
    let bundle = world.tamper(&world.attest(&machine.parts()), |evidence| {
        tpm(evidence).pcrs[4].value = vec![0; 48].into();
    });
    let appraisal = world.appraise(&bundle, &machine);
    assert_eq!(
        failed(&appraisal),
        [CheckId::TpmPcrDigest, CheckId::PcrReplay],
        "{:#?}",
        appraisal.checks
    );
    assert_eq!(appraisal.verdict.binding, Binding::Quote);
}

#[test]
fn a_session_key_of_somebody_else() {
    let world = World::new();
    let machine = world.boot(MachineSpec::new("a"));
    let bundle = world.tamper(&world.attest(&machine.parts()), |evidence| {
        evidence.session_key_hash = alloy::primitives::B256::repeat_byte(1);
    });
    let appraisal = world.appraise(&bundle, &machine);
    assert_eq!(failed(&appraisal), [CheckId::ReportData]);
    assert_eq!(appraisal.verdict.binding, Binding::None);
}

/// TD and CCEL of a reviewed machine, and the TPM of one that runs something else. Each record of the log has the digest that
/// this TPM extended in the SHA-256 bank, which it quotes, and in the SHA-384 bank the reviewed machine's: so the log explains
/// what was quoted, and agrees with the CCEL.
fn spliced(told: impl FnOnce(&mut bundle::Tpm, &MeasuredBoot)) -> Appraisal {
    let world = World::new();
    let reviewed = world.boot(MachineSpec::new("a"));
    let rented = world.boot(MachineSpec::new("b").image(Image::other_kernel()));
    let log = reviewed.measured_boot().spliced(rented.measured_boot());
    let bundle = requoted(&world, &reviewed, &rented, HashingAlgorithm::Sha256, &QUOTED_PCRS);
    let bundle = world.tamper(&bundle, |evidence| {
        let tpm = tpm(evidence);
        let replayed = TcgLog::parse(&log).unwrap().replay(Algorithm::Sha256).unwrap();
        for pcr in &tpm.pcrs {
            let replayed = replayed.get(pcr.index.into()).map(Digest::as_slice);
            assert_eq!(replayed, Some(&pcr.value[..]), "PCR {}", pcr.index);
        }
        tpm.event_log = Some(log.into());
        told(tpm, reviewed.measured_boot());
    });
    let appraisal = world.appraise(&bundle, &reviewed);
    assert_eq!(appraisal.verdict.binding, Binding::Quote);
    appraisal
}

#[test]
fn sha384_digests_spliced_under_a_sha256_quote() {
    let appraisal = spliced(|_, _| ());
    let checks = [
        CheckId::TpmSelection,
        CheckId::TpmPcrDigest,
        CheckId::PcrReplay,
        CheckId::Pcr0,
    ];
    assert_eq!(failed(&appraisal), checks, "{:#?}", appraisal.checks);
}

/// Logs and cross-check have nothing to object to: what is left is what the TPM signed.
#[test]
fn sha384_values_told_with_them() {
    let appraisal = spliced(|tpm, reviewed| {
        for (pcr, value) in tpm.pcrs.iter_mut().zip(reviewed.pcrs_sha384()) {
            pcr.value = value.to_vec().into();
        }
    });
    let checks = [CheckId::TpmSelection, CheckId::TpmPcrDigest];
    assert_eq!(failed(&appraisal), checks, "{:#?}", appraisal.checks);
}

#[test]
fn a_smaller_selection() {
    let world = World::new();
    let machine = world.boot(MachineSpec::new("a"));
    let bundle = requoted(
        &world,
        &machine,
        &machine,
        HashingAlgorithm::Sha384,
        &QUOTED_PCRS[..8],
    );
    let appraisal = world.appraise(&bundle, &machine);
    assert_eq!(
        failed(&appraisal),
        [CheckId::TpmSelection, CheckId::TpmPcrDigest, CheckId::PcrReplay],
        "{:#?}",
        appraisal.checks
    );
    assert_eq!(appraisal.verdict.binding, Binding::Quote);
}

/// TD and CCEL of one machine, TPM of another, honestly bound; then quoted again over other PCRs.
fn requoted(world: &World, td: &Machine, rented: &Machine, bank: HashingAlgorithm, pcrs: &[u8]) -> Bundle {
    let bundle = world.attest(&world.join(td, rented));
    world.tamper(&bundle, |evidence| requote(evidence, rented, bank, pcrs))
}

/// Has the TPM of `machine` quote these PCRs for the evidence as it is.
fn requote(evidence: &mut Evidence, machine: &Machine, bank: HashingAlgorithm, pcrs: &[u8]) {
    let challenge = challenge(&evidence.anchor, evidence.operator);
    let extra_data = qualifying_data(challenge, td_quote(evidence)).to_vec();
    let slots: Vec<_> = pcrs
        .iter()
        .map(|&pcr| PcrSlot::try_from(1_u32 << pcr).expect("a PCR"))
        .collect();
    let selection = PcrSelectionList::builder()
        .with_selection(bank, &slots)
        .build()
        .expect("a selection");
    let mut client = Tpm::open(&machine.tcti()).expect("a TPM");
    let template = client.read_nv(AK_TEMPLATE).expect("NV").expect("a template");
    let key = client.create_endorsement_primary(&template).expect("the AK");
    let data = Data::try_from(extra_data).expect("32 bytes");
    let (attest, signature) = client
        .context()
        .quote(key.handle, data, SignatureScheme::Null, selection)
        .expect("a quote");
    let tpm = tpm(evidence);
    tpm.attest = attest.marshall().expect("a quote").into();
    tpm.signature = signature.marshall().expect("a signature").into();
    tpm.pcrs = client.read_pcrs(bank, pcrs).expect("PCRs");
}

/// Whoever has the keys of a genuine CPU quotes the registers of the machine that he rents. Logs and both quotes agree, each
/// names the other: what is left is that nobody lists that CPU.
#[test]
fn a_td_quote_forged_by_another_cpus_keys() {
    let world = World::new();
    let rented = world.boot(MachineSpec::new("a"));
    let unreviewed = MachineSpec::new("b").image(Image::distribution());
    let forger = world.boot(unreviewed.in_basement());
    let impostor = forger.td().claiming(*rented.td().report());
    let bundle = world.tamper(&world.attest(&rented.parts()), |evidence| {
        let challenge = challenge(&evidence.anchor, evidence.operator);
        let ak = AkName::of(&tpm(evidence).ak_public);
        let named = report_data(challenge, ak, evidence.session_key_hash);
        *td_quote(evidence) = impostor.quote(named).into();
        requote(evidence, &rented, HashingAlgorithm::Sha384, &QUOTED_PCRS);
    });
    let appraisal = world.appraise(&bundle, &forger);
    assert_eq!(
        failed(&appraisal),
        [CheckId::HostRegistry],
        "{:#?}",
        appraisal.checks
    );
    assert_eq!(appraisal.verdict.custody, CustodyLevel::None);
}

/// `fixedTPM`, `fixedParent`, `sensitiveDataOrigin`, `userWithAuth`, `restricted`, `sign`.
pub(super) const RESTRICTED_SIGNING: u32 = 0x0005_0072;

/// Such a key signs an attest that only looks like one. It says so itself; what it is, the certificate knows.
#[test]
fn a_key_that_is_not_restricted() {
    let world = World::new();
    let machine = world.boot(MachineSpec::new("a"));
    let unrestricted = RESTRICTED_SIGNING & !(1 << 16);
    let bundle = signed_in_software(&world, &machine, unrestricted, |_| ());
    let failed = failed(&world.appraise(&bundle, &machine));
    assert_eq!(failed, [CheckId::AkAttributes, CheckId::AkKey]);
}

/// Evidence with a genuine TD quote that names a key in software, which signs what the machine's TPM said, after `change`.
/// The certificate is still the machine's.
pub(super) fn signed_in_software(
    world: &World,
    machine: &Machine,
    attributes: u32,
    change: impl FnOnce(&mut Vec<u8>),
) -> Bundle {
    let key = Seed(9).key("attestation key");
    let public = tpmt_public(&key, attributes);
    world.tamper(&world.attest(&machine.parts()), |evidence| {
        let challenge = challenge(&evidence.anchor, evidence.operator);
        let before = qualifying_data(challenge, td_quote(evidence));
        let named = report_data(challenge, AkName::of(&public), evidence.session_key_hash);
        *td_quote(evidence) = machine.td_quote(named).into();
        let after = qualifying_data(challenge, td_quote(evidence));
        let tpm = tpm(evidence);
        let mut attest = tpm.attest.to_vec();
        let at = attest
            .windows(32)
            .position(|window| window == before)
            .expect("extraData");
        attest[at..at + 32].copy_from_slice(&after);
        change(&mut attest);
        tpm.signature = tpmt_signature(&key, &attest).into();
        tpm.attest = attest.into();
        tpm.ak_public = public.into();
    })
}

/// `TPMT_SIGNATURE`, by ECDSA with SHA-256.
pub(super) fn tpmt_signature(key: &Key, attest: &[u8]) -> Vec<u8> {
    let signature = key.sign_raw(attest);
    let (r, s) = signature.split_at(32);
    [&[0x00, 0x18, 0x00, 0x0b, 0, 32], r, &[0, 32], s].concat()
}

/// `TPMT_PUBLIC` of a key that claims to be a restricted signing key of a TPM.
pub(super) fn tpmt_public(key: &Key, attributes: u32) -> Vec<u8> {
    let xy = key.public_xy();
    let (x, y) = xy.split_at(32);
    // ECC, nameAlg SHA-256, attributes, no policy; no symmetric algorithm, ECDSA with SHA-256, P-256, no key derivation.
    let (kind, attributes) = ([0, 0x23, 0, 0x0b], attributes.to_be_bytes());
    let parameters = [0, 0, 0, 0x10, 0, 0x18, 0, 0x0b, 0, 0x03, 0, 0x10];
    [&kind[..], &attributes, &parameters, &[0, 32], x, &[0, 32], y].concat()
}

fn td_quote(evidence: &mut Evidence) -> &mut Base64 {
    let Tee::Tdx { quote, .. } = &mut evidence.tee;
    quote
}

/// What is signed over but not looked at would seem to count.
#[test]
fn a_part_that_is_not_appraised() {
    let world = World::new();
    let machine = world.boot(MachineSpec::new("a"));
    let bundle = world.tamper(&world.attest(&machine.parts()), |evidence| {
        tpm(evidence).drtm_log = Some(chassis_sim::host::Launch::reviewed().log().into());
    });
    let appraisal = world.appraise(&bundle, &machine);
    assert_eq!(failed(&appraisal), [CheckId::Parts]);
    assert_eq!(appraisal.verdict.binding, Binding::Quote);
}
