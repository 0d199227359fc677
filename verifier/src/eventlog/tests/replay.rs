//! What records do to registers.

use ring::digest::{SHA384, digest};

use super::{super::Registers, *};

fn extended(value: [u8; 48], by: [u8; 48]) -> [u8; 48] {
    digest(&SHA384, &[value, by].concat())
        .as_ref()
        .try_into()
        .unwrap()
}

fn sha384(log: &Encoder) -> Registers {
    TcgLog::parse(&log.bytes)
        .unwrap()
        .replay(Algorithm::Sha384)
        .unwrap()
}

fn value(registers: &Registers, register: usize) -> [u8; 48] {
    registers.get(register).unwrap().to_array().unwrap()
}

fn locality(log: &mut Encoder, locality: u8) {
    log.event(0, 3, &[0; 64], &[&b"StartupLocality\0"[..], &[locality]].concat());
}

#[test]
fn records_extend_in_order_and_the_rest_holds_its_reset_value() {
    let mut log = Encoder::agile(&SHA256_AND_384);
    log.event(7, 1, &[1; 64], b"a");
    log.event(7, 1, &[2; 64], b"b");
    let registers = sha384(&log);
    assert_eq!(
        value(&registers, 7),
        extended(extended([0; 48], [1; 48]), [2; 48])
    );
    assert!(registers.had_events(7) && !registers.had_events(6) && !registers.had_events(24));
    for pcr in (0..24).filter(|pcr| *pcr != 7) {
        let reset = if (17..=22).contains(&pcr) { 0xff } else { 0 };
        assert_eq!(value(&registers, pcr), [reset; 48], "PCR {pcr}");
    }
    assert!(registers.get(24).is_none());
}

#[test]
fn a_dynamic_launch_begins_at_zero() {
    let mut log = Encoder::agile(&SHA256_AND_384);
    log.event(17, 1, &[1; 64], b"x");
    assert_eq!(value(&sha384(&log), 17), extended([0; 48], [1; 48]));
}

#[test]
fn no_action_never_extends_whatever_digest_it_carries() {
    let mut log = Encoder::agile(&SHA256_AND_384);
    log.event(7, 3, &[1; 64], b"Spec ID Event03\0 not in front");
    let registers = sha384(&log);
    assert_eq!(value(&registers, 7), [0; 48]);
    assert!(!registers.had_events(7));
}

#[test]
fn startup_locality_moves_the_start_of_pcr_0() {
    for given in [0, 3, 4] {
        let mut log = Encoder::agile(&SHA256_AND_384);
        locality(&mut log, given);
        let mut start = [0; 48];
        start[47] = given;
        assert_eq!(value(&sha384(&log), 0), start);
        assert!(!sha384(&log).had_events(0));
        log.event(0, 8, &[1; 64], b"x");
        assert_eq!(value(&sha384(&log), 0), extended(start, [1; 48]));
        assert_eq!(TcgLog::parse(&log.bytes).unwrap().startup_locality(), given);
    }
}

#[test]
fn startup_locality_where_it_cannot_be_true_fails() {
    let mut impossible = Encoder::agile(&SHA256_AND_384);
    locality(&mut impossible, 2);
    assert!(refusal(&impossible.bytes).contains("2 cannot start a TPM"));

    let mut twice = Encoder::agile(&SHA256_AND_384);
    locality(&mut twice, 3);
    locality(&mut twice, 3);
    assert!(refusal(&twice.bytes).contains("a second one"));

    let mut late = Encoder::agile(&SHA256_AND_384);
    late.event(0, 8, &[1; 64], b"x");
    locality(&mut late, 3);
    assert!(refusal(&late.bytes).contains("after PCR 0's first event"));

    for data in [&b"StartupLocality\0"[..], b"StartupLocality\0\x03\x00"] {
        let mut malformed = Encoder::agile(&SHA256_AND_384);
        malformed.event(0, 3, &[0; 64], data);
        refusal(&malformed.bytes);
    }
}

#[test]
fn startup_locality_outside_pcr_0_or_as_another_type_does_nothing() {
    for (register, event_type) in [(1, 3), (0, 1)] {
        let mut log = Encoder::agile(&SHA256_AND_384);
        log.event(register, event_type, &[1; 64], b"StartupLocality\0\x03");
        assert_eq!(TcgLog::parse(&log.bytes).unwrap().startup_locality(), 0);
    }
}

#[test]
fn td_registers_are_counted_from_one_and_mrtd_is_left_alone() {
    let mut log = Encoder::agile(&[Algorithm::Sha384]);
    for register in 0..=4u8 {
        log.event(register.into(), 1, &[register; 64], b"x");
    }
    let ccel = Ccel::parse(&log.bytes).unwrap();
    assert_eq!(ccel.rtmrs(), [1, 2, 3, 4].map(|by| extended([0; 48], [by; 48])));
    assert_eq!(
        Ccel::parse(&Encoder::agile(&[Algorithm::Sha384]).bytes)
            .unwrap()
            .rtmrs(),
        [[0; 48]; 4]
    );
}

#[test]
fn a_further_log_continues_where_the_boot_log_ended() {
    let mut boot = Encoder::agile(&SHA256_AND_384);
    boot.event(11, IPL, &[1; 64], b"boot");
    let mut further = Encoder::agile(&[Algorithm::Sha384]);
    further.event(11, IPL, &[2; 64], b"later");
    let mut registers = sha384(&boot);
    let further = TcgLog::parse(&further.bytes).unwrap();
    assert!(further.continue_replay(&mut registers).is_some());
    assert_eq!(
        value(&registers, 11),
        extended(extended([0; 48], [1; 48]), [2; 48])
    );

    let mut sha256 = TcgLog::parse(&boot.bytes)
        .unwrap()
        .replay(Algorithm::Sha256)
        .unwrap();
    let before = sha256.clone();
    assert!(further.continue_replay(&mut sha256).is_none());
    assert_eq!(sha256, before);
}
