//! The cross-check on logs of real machines: two Google TDX vTPMs, each with the CCEL its machine would have written.
//!
//! No public evidence has both logs of one machine, so the CCEL is made by the rules, as bytes, and read, replayed and
//! compared as any other.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

#[path = "../common/mod.rs"]
mod common;
mod edits;
mod machine;
mod messages;
mod random;
mod retyping;
mod written;

use chassis_verifier::{
    cross_check::{Class, Exceptions, Reason, SEPARATOR, learn, td_measured, tpm_measured},
    eventlog::{Ccel, TcgLog},
};
use common::fixture;
use machine::{COS_113, GRUB, Machine, Side, UKI, compare};
use written::{Record, Written};

#[test]
fn logs_written_again_are_byte_for_byte_the_real_ones() {
    for name in [GRUB, UKI] {
        let Some(bytes) = fixture(name) else { return };
        let log = TcgLog::parse(&bytes).unwrap();
        assert!(Written::of(&log, &bytes).bytes() == bytes, "{name}");
    }
    let bytes = fixture(COS_113).unwrap();
    let written = Written::of(&Ccel::parse(&bytes).unwrap(), &bytes);
    assert!(written.padded() == bytes);
}

#[test]
fn a_google_tdx_machine_and_its_counterpart_pass() {
    for (name, pairs, tpm_only) in [(GRUB, [16, 8, 66], [1, 4, 0]), (UKI, [14, 7, 12], [1, 4, 2])] {
        let Some(machine) = Machine::of(name) else { return };
        let answer = machine.answer();
        assert!(answer.replays);
        assert_eq!(answer.crossed.mismatch(), None, "{name}");
        let (tpm, td) = (machine.tpm.bytes(), machine.td.padded());
        let (tpm, td) = (TcgLog::parse(&tpm).unwrap(), Ccel::parse(&td).unwrap());
        let padded = compare(&tpm, &td, &machine.exceptions);
        assert_eq!(padded, answer.crossed);
        let matched = padded.classes.map(|(_, class)| class.unwrap());
        assert_eq!(matched.map(|class| class.pairs), pairs, "{name}");
        assert_eq!(matched.map(|class| class.tpm_only), tpm_only, "{name}");
        assert_eq!(matched.map(|class| class.td_only), [2, 0, 0], "{name}");
    }
}

#[test]
fn two_machines_that_booted_different_images_differ_in_every_class() {
    let (Some(mut grub), Some(uki)) = (Machine::of(GRUB), Machine::of(UKI)) else {
        return;
    };
    grub.td = uki.td;
    grub.exceptions.tpm_only.extend(uki.exceptions.tpm_only);
    let crossed = grub.requoted().answer().crossed;
    assert!(crossed.classes.iter().all(|(_, class)| class.is_err()));
    let first = crossed.mismatch().unwrap();
    assert_eq!(first.reason, Reason::Differ);
    assert_eq!(first.tpm.as_ref().unwrap().what, "PCR 7: Secure Boot: on");
    assert_eq!(first.td.as_ref().unwrap().what, "RTMR0: Secure Boot: off");
}

#[test]
fn each_listed_record_of_the_efi_stub_must_be_listed() {
    let Some(machine) = Machine::of(UKI) else { return };
    assert_eq!(machine.exceptions.tpm_only.len(), 2);
    for digest in &machine.exceptions.tpm_only {
        let mut without = machine.clone();
        without.exceptions.tpm_only.remove(digest);
        let crossed = without.answer().crossed;
        let mismatch = crossed.mismatch().unwrap();
        assert_eq!((mismatch.class, mismatch.reason), (Class::Rtmr2, Reason::OnlyTpm));
    }
}

/// It stands at the end of RTMR2 in the TPM log. In the CCEL it is excused there, where it meets its twin, and nowhere else.
#[test]
fn a_digest_listed_for_the_tpm_excuses_nothing_in_the_ccel() {
    let Some(machine) = Machine::of(UKI) else { return };
    let of_rtmr2 = |record: &Record| Side::Td.class(record) == Some(Class::Rtmr2);
    let records = &machine.td.records;
    let end = 1 + records.iter().rposition(of_rtmr2).unwrap();
    for digest in &machine.exceptions.tpm_only {
        for at in 0..=records.len() {
            for register in 1..=3 {
                let mut other = machine.clone();
                let added = records[2].with(register, *digest);
                other.td.records.insert(at, added);
                let meets_its_twin = register == 3 && at >= end;
                assert_eq!(
                    other.answer().crossed.passed(),
                    meets_its_twin,
                    "{at} in {register}"
                );
            }
        }
    }
}

#[test]
fn the_cos_113_ccel_has_the_shape_the_counterpart_copies() {
    let Some(bytes) = fixture(COS_113) else { return };
    let log = Ccel::parse(&bytes).unwrap();
    let td = td_measured(&log);
    let separators = |class| {
        td.iter()
            .filter(|event| event.class == class && event.digest == SEPARATOR)
            .count()
    };
    assert_eq!(Class::ALL.map(separators), [1, 1, 0]);
    assert!(td[0].what.to_string().contains("TD HOB") && td[1].what.to_string().contains("firmware volume"));
    let has = |text: &str| td.iter().any(|event| event.what.to_string().starts_with(text));
    assert!(has("RTMR0: Secure Boot dbx"));
    assert!(has("RTMR1: GPT (partition table)"));
    assert!(has("RTMR2: kernel command line: /syslinux/vmlinuz.A"));
}

#[test]
fn what_a_machine_teaches_is_what_only_one_side_measures() {
    for name in [GRUB, UKI] {
        let Some(machine) = Machine::of(name) else { return };
        let (tpm, td) = (machine.tpm.bytes(), machine.td.bytes());
        let (tpm, td) = (TcgLog::parse(&tpm).unwrap(), Ccel::parse(&td).unwrap());
        let measured = (tpm_measured(&tpm).unwrap(), td_measured(&td));
        let learned = learn(&measured.0, &measured.1, &[]).unwrap();
        let exceptions = Exceptions::from(&learned);
        assert!(compare(&tpm, &td, &exceptions).passed(), "{name}");
        assert_eq!(exceptions.tpm_only, machine.exceptions.tpm_only, "{name}");
        assert!(learned.td_only.is_empty(), "{name}");
    }
}
