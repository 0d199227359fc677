//! Event logs that do not tell what was measured.

use alloy::primitives::B256;
use chassis_attester::Tpm;
use chassis_sim::{
    firmware::{Event, MeasuredBoot},
    machine::{Machine, MachineSpec},
};
use chassis_verifier::{
    Appraisal, Base64, Binding, CheckId, HexBytes, Outcome,
    bundle::{Bundle, Evidence, FurtherLog, FurtherLogKind, Tee},
    challenge::{AkName, challenge, report_data},
    eventlog::TcgLog,
};
use tss_esapi::{
    handles::PcrHandle,
    interface_types::{algorithm::HashingAlgorithm, session_handles::AuthSession},
    structures::{Digest, DigestValues},
};

use crate::world::{World, failed, tpm};

/// An honest bundle whose logs are of a boot that never was.
fn told_otherwise(change: impl FnOnce(&mut MeasuredBoot)) -> Appraisal {
    let world = World::new();
    let machine = world.boot(MachineSpec::new("a"));
    let mut boot = machine.measured_boot().clone();
    change(&mut boot);
    let bundle = world.tamper(&world.attest(&machine.parts()), |evidence| {
        tpm(evidence).event_log = Some(boot.tpm_log().into());
        *ccel(evidence) = boot.ccel().into();
    });
    world.appraise(&bundle, &machine)
}

#[track_caller]
fn neither_log_replays(appraisal: &Appraisal) {
    let failed = failed(appraisal);
    assert_eq!(
        failed,
        [CheckId::PcrReplay, CheckId::RtmrReplay],
        "{:#?}",
        appraisal.checks
    );
    assert_eq!(appraisal.verdict.binding, Binding::Quote);
    // That both logs agree is worth nothing then, and says so.
    let loader = appraisal
        .checks
        .iter()
        .find(|check| check.id.name() == "cross.rtmr1");
    let detail = &loader.expect("it ran").detail;
    assert!(
        detail.ends_with("not of what was quoted: see log.rtmrs, log.pcrs"),
        "{detail}"
    );
}

#[test]
fn a_dropped_event() {
    neither_log_replays(&told_otherwise(|boot| {
        let kernel = boot
            .events
            .iter()
            .rposition(|event| event.pcr() == Some(11))
            .expect("an event");
        boot.events.remove(kernel);
    }));
}

#[test]
fn an_appended_event() {
    neither_log_replays(&told_otherwise(|boot| {
        let last = boot.events.last().expect("an event").clone();
        boot.events.push(last);
    }));
}

#[test]
fn reordered_events() {
    neither_log_replays(&told_otherwise(|boot| {
        let first = boot
            .events
            .iter()
            .position(|event| event.pcr() == Some(11))
            .expect("an event");
        boot.events.swap(first, first + 3);
    }));
}

/// `EV_NO_ACTION` is the one type that matters: such a record extends nothing.
#[test]
fn an_event_retyped_to_no_action() {
    let appraisal = told_otherwise(|boot| {
        let separator = boot
            .events
            .iter_mut()
            .find(|event| event.pcr() == Some(7))
            .expect("an event");
        separator.kind = 3;
    });
    assert_eq!(
        failed(&appraisal),
        [CheckId::PcrReplay, CheckId::RtmrReplay],
        "{:#?}",
        appraisal.checks
    );
    assert_eq!(appraisal.verdict.binding, Binding::Quote);
}

/// The record of PCR 0 that only informs, made one that extends.
#[test]
fn an_event_retyped_from_no_action() {
    let world = World::new();
    let machine = world.boot(MachineSpec::new("a"));
    let bundle = world.tamper(&world.attest(&machine.parts()), |evidence| {
        let log = tpm(evidence).event_log.as_mut().unwrap();
        let parsed = TcgLog::parse(log).unwrap();
        let informs = parsed.events().iter().find(|event| !event.extends());
        let kind = informs.expect("a record").offset + 4;
        log.0[kind] = 0x08;
    });
    let appraisal = world.appraise(&bundle, &machine);
    assert_eq!(
        failed(&appraisal),
        [CheckId::PcrReplay],
        "{:#?}",
        appraisal.checks
    );
    assert_eq!(appraisal.verdict.binding, Binding::Quote);
}

/// Types and data are nobody's word: they change no verdict.
#[test]
fn any_other_retyping_changes_nothing() {
    let appraisal = told_otherwise(|boot| {
        for event in boot.events.iter_mut().filter(|event| event.kind != 3) {
            event.kind = 0x0d;
            event.data = b"something else".to_vec();
        }
    });
    assert_eq!(failed(&appraisal), []);
    assert_eq!(appraisal.verdict.binding, Binding::VirtualTpm);
}

#[test]
fn logs_of_another_machine() {
    let world = World::new();
    let machine = world.boot(MachineSpec::new("a"));
    let other = chassis_sim::firmware::Image::other_kernel();
    let other = MeasuredBoot::of(&other, &machine.spec().shape);
    let bundle = world.tamper(&world.attest(&machine.parts()), |evidence| {
        tpm(evidence).event_log = Some(other.tpm_log().into());
    });
    let appraisal = world.appraise(&bundle, &machine);
    assert_eq!(
        failed(&appraisal),
        [CheckId::PcrReplay, CheckId::CrossLoader, CheckId::CrossSystem],
        "{:#?}",
        appraisal.checks
    );
    assert_eq!(appraisal.verdict.binding, Binding::Quote);
}

/// What only firmware measures does not come after the boot.
#[test]
fn a_firmware_event_in_a_further_log() {
    let world = World::new();
    let machine = world.boot(MachineSpec::new("a"));
    let mut boot = machine.measured_boot().clone();
    let firmware = boot
        .events
        .iter()
        .rposition(|event| event.pcr() == Some(0) && event.kind != 3)
        .expect("an event");
    let mut later = boot.clone();
    later.events = vec![boot.events.remove(firmware)];
    let bundle = world.tamper(&world.attest(&machine.parts()), |evidence| {
        tpm(evidence).event_log = Some(boot.tpm_log().into());
        evidence.logs = vec![further(later.tpm_log())];
    });
    let appraisal = world.appraise(&bundle, &machine);
    assert_eq!(
        failed(&appraisal),
        [CheckId::CrossSystem],
        "{:#?}",
        appraisal.checks
    );
    assert_eq!(appraisal.verdict.binding, Binding::Quote);
}

/// A machine on which a program measured something after the boot, and a log that tells.
fn measured_later(world: &World, pcr: u8) -> (Machine, Bundle, [u8; 48]) {
    let machine = world.boot(MachineSpec::new("a"));
    let event = Event::both(pcr, 0x0d, "a program", "a program");
    let digest = event.sha384();
    let mut digests = DigestValues::new();
    for bank in [HashingAlgorithm::Sha256, HashingAlgorithm::Sha384] {
        let value = match bank {
            HashingAlgorithm::Sha256 => event.sha256().to_vec(),
            _ => digest.to_vec(),
        };
        digests.set(bank, Digest::try_from(value).unwrap());
    }
    let mut client = Tpm::open(&machine.tcti()).unwrap();
    client
        .context()
        .execute_with_session(Some(AuthSession::Password), |context| {
            context.pcr_extend(PcrHandle::try_from(u32::from(pcr)).unwrap(), digests)
        })
        .unwrap();
    drop(client);
    let later = MeasuredBoot { events: vec![event] };
    let bundle = world.tamper(&world.attest(&machine.parts()), |evidence| {
        evidence.logs = vec![further(later.tpm_log())];
    });
    (machine, bundle, digest)
}

#[test]
fn a_further_log_that_the_policy_lists() {
    for pcr in [8, 15] {
        let mut world = World::new();
        let (machine, bundle, digest) = measured_later(&world, pcr);
        world.policy.workloads[0].tpm_only.push(HexBytes(digest));
        let appraisal = world.appraise(&bundle, &machine);
        assert_eq!(failed(&appraisal), [], "PCR {pcr}: {:#?}", appraisal.checks);
        assert_eq!(appraisal.verdict.binding, Binding::VirtualTpm);
    }
}

#[test]
fn an_unlisted_record_in_a_further_log() {
    for pcr in [8, 15] {
        let world = World::new();
        let (machine, bundle, _) = measured_later(&world, pcr);
        let appraisal = world.appraise(&bundle, &machine);
        assert_eq!(
            failed(&appraisal),
            [CheckId::CrossSystem],
            "PCR {pcr}: {:#?}",
            appraisal.checks
        );
        assert_eq!(appraisal.verdict.binding, Binding::Quote);
    }
}

/// Nothing is explained by it, and so nobody looks at it.
#[test]
fn a_further_log_without_a_tpm() {
    let world = World::new();
    let machine = world.boot(MachineSpec::new("a"));
    let log = machine.measured_boot().tpm_log();
    let bundle = world.tamper(&world.attest(&machine.parts()), |evidence| {
        evidence.tpm = None;
        evidence.logs = vec![further(log)];
        let challenge = challenge(&evidence.anchor, evidence.operator);
        let named = report_data(challenge, AkName::NONE, B256::ZERO);
        let Tee::Tdx { quote, .. } = &mut evidence.tee;
        *quote = machine.td_quote(named).into();
    });
    let appraisal = world.appraise(&bundle, &machine);
    assert_eq!(failed(&appraisal), [CheckId::Parts], "{:#?}", appraisal.checks);
}

#[test]
fn padding_is_no_event_and_other_bytes_are() {
    let world = World::new();
    let machine = world.boot(MachineSpec::new("a"));
    let honest = world.attest(&machine.parts());
    for (fill, readable) in [(0x00, true), (0xff, true), (0x41, false)] {
        let bundle = world.tamper(&honest, |evidence| {
            ccel(evidence).0.extend([fill; 4096]);
            tpm(evidence).event_log.as_mut().unwrap().0.extend([fill; 4096]);
        });
        match world.try_appraise(&bundle, &machine) {
            Ok(appraisal) => {
                assert!(readable, "{fill}");
                assert!(
                    appraisal
                        .checks
                        .iter()
                        .all(|check| check.outcome != Outcome::Fail)
                );
            }
            Err(error) => assert!(!readable, "{fill}: {error}"),
        }
    }
}

fn further(log: Vec<u8>) -> FurtherLog {
    FurtherLog {
        kind: FurtherLogKind::Tcg2,
        data: log.into(),
    }
}

fn ccel(evidence: &mut Evidence) -> &mut Base64 {
    let Tee::Tdx { ccel, .. } = &mut evidence.tee;
    ccel.as_mut().expect("a CCEL")
}
