//! Whole machines, seen through the product's own attester and verifier.

use std::{fs, path::Path};

use alloy::primitives::B256;
use chassis_attester::{ClaimFiles, ConfigfsTsm, Request, Sources, SysLogs, TdQuoter, Tpm, collect, consent};
use chassis_sim::{
    firmware::{Image, Shape},
    intel::QuoteFormat,
    machine::{Machine, MachineSpec},
    named,
    tpm::{AK_CERTIFICATE, AK_TEMPLATE},
};
use chassis_verifier::{
    Accept, Appraisal, Binding, CheckId, CustodyLevel, HexBytes,
    bundle::{Bundle, Disclosure, Tee},
    eventlog::Ccel,
    td::TdQuote,
};
use tss_esapi::interface_types::algorithm::HashingAlgorithm;

use crate::world::{World, failed};

const PCRS: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

#[test]
fn an_honest_machine_is_bound_and_in_custody() {
    let world = World::new();
    let formats = [
        ("a", QuoteFormat::V4, Shape::SMALL),
        ("b", QuoteFormat::V5Td10, Shape::LARGE),
        ("c", QuoteFormat::V5Td15, Shape::SMALL),
    ];
    for (name, quote_format, shape) in formats {
        let machine = world.boot(MachineSpec {
            quote_format,
            shape,
            ..MachineSpec::new(name)
        });
        let appraisal = world.appraise(&world.attest(&machine.parts()), &machine);
        assert_eq!(failed(&appraisal), [], "{:#?}", appraisal.checks);
        assert_eq!(appraisal.verdict.binding, Binding::VirtualTpm);
        assert_eq!(appraisal.verdict.custody, CustodyLevel::Automated);
    }
}

#[test]
fn without_a_tpm_only_the_quote_counts() {
    let world = World::new();
    let machine = world.boot(MachineSpec::new("a"));
    let (td, logs) = (
        ConfigfsTsm::new(&machine.sys_root()),
        SysLogs::new(&machine.sys_root()),
    );
    let request = Request {
        anchor: named(&world.cloud.anchor()),
        operator: world.operator.address(),
        session_key_hash: B256::ZERO,
        disclosure: Disclosure::Public,
    };
    let evidence = collect(
        &Sources {
            td: &td,
            tpm: None,
            logs: &logs,
            claims: &ClaimFiles::default(),
        },
        &request,
    )
    .unwrap();
    let appraisal = world.appraise(&consent(evidence, &world.operator).unwrap(), &machine);
    assert_eq!(failed(&appraisal), [], "{:#?}", appraisal.checks);
    assert_eq!(appraisal.verdict.binding, Binding::Quote);
    assert_eq!(appraisal.verdict.custody, CustodyLevel::Automated);
}

/// What the running system extends is in no log, so the policy's entry must list it.
#[test]
fn rtmr3_is_zero_unless_the_workload_entry_lists_it() {
    let mut world = World::new();
    let machine = world.boot(MachineSpec {
        rtmr3: [3; 48],
        ..MachineSpec::new("a")
    });
    let bundle = world.attest(&machine.parts());
    let unlisted = world.appraise(&bundle, &machine);
    assert!(
        failed(&unlisted).contains(&CheckId::RtmrReplay),
        "{:#?}",
        unlisted.checks
    );
    assert_eq!(unlisted.verdict.binding, Binding::Quote);

    world.policy.workloads[0].rtmr3 = Accept::OneOf(vec![HexBytes([3; 48])]);
    let listed = world.appraise(&bundle, &machine);
    assert_eq!(failed(&listed), [], "{:#?}", listed.checks);
    assert_eq!(listed.verdict.binding, Binding::VirtualTpm);

    // Records in the CCEL are an explanation too, and a wrong one is none.
    let mut boot = machine.measured_boot().ccel();
    let log = Ccel::parse(&boot).unwrap();
    let at = log.events().iter().find(|event| event.extends()).unwrap().offset;
    let next = log
        .events()
        .iter()
        .find(|event| event.offset > at)
        .unwrap()
        .offset;
    let mut record = boot[at..next].to_vec();
    record[..4].copy_from_slice(&4_u32.to_le_bytes());
    boot.extend(record);
    let told = world.tamper(&bundle, |evidence| {
        let Tee::Tdx { ccel, .. } = &mut evidence.tee;
        *ccel = Some(boot.into());
    });
    let told = world.appraise(&told, &machine);
    assert_eq!(failed(&told), [CheckId::RtmrReplay], "{:#?}", told.checks);
}

#[test]
fn only_a_policy_that_names_the_roots_trusts_them() {
    let mut world = World::new();
    let machine = world.boot(MachineSpec::new("a"));
    let bundle = world.attest(&machine.parts());
    let policy = world.policy.clone();

    world.policy.danger_intel_root = None;
    let appraisal = world.appraise(&bundle, &machine);
    assert!(
        failed(&appraisal).contains(&CheckId::TdQuote),
        "{:#?}",
        appraisal.checks
    );
    assert_eq!(appraisal.verdict.binding, Binding::None);
    // Where the policy names no root, no line of it decided.
    let rule = |appraisal: &Appraisal| {
        let quote = appraisal.checks.iter().find(|check| check.id == CheckId::TdQuote);
        quote.unwrap().rule.clone()
    };
    assert_eq!(rule(&appraisal), None);

    world.policy = policy;
    world.policy.providers.clear();
    let appraisal = world.appraise(&bundle, &machine);
    assert_eq!(rule(&appraisal).as_deref(), Some("danger_intel_root"));
    assert!(
        failed(&appraisal).contains(&CheckId::AkChain),
        "{:#?}",
        appraisal.checks
    );
    assert_eq!(appraisal.verdict.binding, Binding::Quote);
    assert_eq!(appraisal.verdict.custody, CustodyLevel::None);

    // And no product crate can know a root made here.
    for manifest in [
        include_str!("../../verifier/Cargo.toml"),
        include_str!("../../attester/Cargo.toml"),
        include_str!("../../relayer/Cargo.toml"),
    ] {
        assert!(!manifest.contains("chassis-tests"));
    }
}

#[test]
fn the_tpm_holds_what_its_log_says_and_the_key_its_provider_certified() {
    let world = World::new();
    let machine = world.boot(MachineSpec::new("a"));
    let mut tpm = Tpm::open(&machine.tcti()).unwrap();
    let values = |tpm: &mut Tpm, bank| -> Vec<Vec<u8>> {
        let pcrs = tpm.read_pcrs(bank, &PCRS).unwrap();
        pcrs.into_iter().map(|pcr| pcr.value.to_vec()).collect()
    };
    let boot = machine.measured_boot();
    assert_eq!(values(&mut tpm, HashingAlgorithm::Sha384), boot.pcrs_sha384());
    assert_eq!(values(&mut tpm, HashingAlgorithm::Sha256), boot.pcrs_sha256());
    assert_eq!(
        tpm.read_nv(AK_CERTIFICATE).unwrap().unwrap(),
        machine.ak_certificate()
    );
    let template = tpm.read_nv(AK_TEMPLATE).unwrap().unwrap();
    // Three transient slots: more keys than that, one after the other.
    for _ in 0..5 {
        drop(tpm);
        tpm = Tpm::open(&machine.tcti()).unwrap();
        tpm.create_endorsement_primary(&template).unwrap();
    }
}

#[test]
fn configfs_tsm_answers_as_the_td() {
    let world = World::new();
    let machine = world.boot(MachineSpec::new("a"));
    let tsm = ConfigfsTsm::new(&machine.sys_root());
    for report_data in [[1; 64], [2; 64]] {
        let quote = tsm.quote(report_data).unwrap().quote;
        assert_eq!(quote, machine.td_quote(report_data));
        let parsed = TdQuote::parse(&quote).unwrap();
        assert_eq!(parsed.report_data(), &report_data);
        assert_eq!(
            parsed.measurements().rtmrs.map(|rtmr| rtmr.0),
            machine.measured_boot().rtmrs()
        );
    }
    let entries = fs::read_dir(machine.sys_root().join("sys/kernel/config/tsm/report")).unwrap();
    assert_eq!(entries.count(), 0);
}

#[test]
fn a_reboot_keeps_the_machine_and_changes_what_it_runs() {
    let world = World::new();
    let mut machine = world.boot(MachineSpec::new("a"));
    let before = world.attest(&machine.parts());
    machine.reboot(Image::other_kernel()).unwrap();
    let other = world.attest(&machine.parts());
    let appraisal = world.appraise(&other, &machine);
    assert_eq!(
        appraisal.verdict.binding,
        Binding::Quote,
        "{:#?}",
        appraisal.checks
    );
    machine.reboot(Image::reviewed()).unwrap();
    let after = world.attest(&machine.parts());
    assert_eq!(
        world.appraise(&after, &machine).verdict.binding,
        Binding::VirtualTpm
    );
    let ak = |bundle: &Bundle| bundle.evidence.tpm.clone().unwrap().ak_public;
    assert_eq!((ak(&before), ak(&other)), (ak(&after), ak(&after)));
}

#[test]
fn a_machine_turned_off_and_booted_again_is_the_same() {
    let world = World::new();
    let certificate = world.boot(MachineSpec::new("a")).ak_certificate().to_vec();
    let again = world.boot(MachineSpec::new("a"));
    assert_eq!(again.ak_certificate(), certificate);
    drop(again);
    // Another zone is another instance, so another TPM.
    let moved = world.boot(MachineSpec::new("a").zone("europe-west4-b"));
    assert_ne!(moved.ak_certificate(), certificate);
    let appraisal = world.appraise(&world.attest(&moved.parts()), &moved);
    assert_eq!(failed(&appraisal), [], "{:#?}", appraisal.checks);
}

#[test]
fn nothing_is_left_running() {
    let world = World::new();
    let machines: Vec<Machine> = ["a", "b"]
        .iter()
        .map(|name| world.boot(MachineSpec::new(name)))
        .collect();
    let pids: Vec<u32> = machines.iter().map(Machine::tpm_pid).collect();
    assert!(pids.iter().all(|pid| Path::new(&format!("/proc/{pid}")).exists()));
    drop(machines);
    assert!(
        pids.iter()
            .all(|pid| !Path::new(&format!("/proc/{pid}")).exists())
    );
}
