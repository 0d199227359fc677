//! Logs made to mislead or to exhaust.

use proptest::prelude::*;

use super::{super::MAX_EVENTS, *};

#[test]
fn a_log_cut_anywhere_but_between_records_fails() {
    let (bytes, second) = two_records();
    let header = bytes.len() - 2 * (bytes.len() - second);
    for len in 0..bytes.len() {
        let parsed = TcgLog::parse(&bytes[..len]);
        assert_eq!(parsed.is_ok(), len == header || len == second, "cut at {len}");
    }
    let mut log = Encoder::sha1();
    log.event(7, 4, &[0x11; 20], b"one");
    for len in 0..log.bytes.len() {
        assert!(TcgLog::parse(&log.bytes[..len]).is_err(), "cut at {len}");
    }
}

#[test]
fn trailing_bytes_that_are_no_padding_fail() {
    let (bytes, _) = two_records();
    for tail in [
        &b"\x01"[..],
        b"garbage",
        b"\x00\xff",
        b"\xff\xff\x00\x00\x00",
        &[0x07; 64],
    ] {
        assert!(TcgLog::parse(&[&bytes[..], tail].concat()).is_err(), "{tail:?}");
    }
    assert!(refusal(&vec![0; 65536]).contains("nothing but padding"));
    assert!(refusal(&vec![0xff; 65536]).contains("nothing but padding"));
    assert!(refusal(&[]).contains("nothing but padding"));
}

#[test]
fn digest_counts_other_than_the_headers_fail() {
    let (bytes, second) = two_records();
    for count in [0u32, 1, 3, u32::MAX] {
        let mut bytes = bytes.clone();
        bytes[second + 8..second + 12].copy_from_slice(&count.to_le_bytes());
        assert!(refusal(&bytes).contains("the header announces 2"), "{count}");
    }
}

#[test]
fn an_error_names_the_offset_at_which_its_field_begins() {
    let (bytes, second) = two_records();
    for (at, patch, field) in [
        (second, &24_u32.to_le_bytes()[..], "register"),
        (second + 8, &3_u32.to_le_bytes(), "digests.count"),
        (second + 12, &0x7777_u16.to_le_bytes(), "digests.hashAlg"),
    ] {
        let mut bytes = bytes.clone();
        bytes[at..at + patch.len()].copy_from_slice(patch);
        let refusal = refusal(&bytes);
        assert!(
            refusal.contains(&format!(": {field} at offset {at}: ")),
            "{refusal}"
        );
    }
}

#[test]
fn an_algorithm_unknown_or_twice_fails() {
    let (bytes, second) = two_records();
    // SM3 has SHA-256's length, so that only its name is wrong.
    for id in [0x0004u16, 0x0012, 0x7777] {
        let mut bytes = bytes.clone();
        bytes[second + 12..second + 14].copy_from_slice(&id.to_le_bytes());
        assert!(refusal(&bytes).contains(&format!("0x{id:04x} is not in the header")));
    }
    let mut log = Encoder::agile(&[Algorithm::Sha256, Algorithm::Sm3]);
    log.event(1, 1, &[0x33; 64], b"x");
    let sm3 = log.bytes.len() - (2 + 32 + 4 + 1);
    log.bytes[sm3] = 0x0b;
    assert!(refusal(&log.bytes).contains("sha256 twice in one record"));
}

#[test]
fn headers_that_announce_nonsense_fail() {
    let refused = |announced: &[(u16, usize)]| {
        let mut log = Encoder::sha1();
        log.event(0, 3, &[0; 20], &Encoder::header(announced));
        refusal(&log.bytes)
    };
    assert!(refused(&[]).contains("no algorithm"));
    assert!(refused(&[(0x7777, 32)]).contains("unknown algorithm 0x7777"));
    assert!(refused(&[(0x000b, 0)]).contains("0 bytes for sha256"));
    assert!(refused(&[(0x000c, 32)]).contains("32 bytes for sha384"));
    assert!(refused(&[(0x000b, 32), (0x000b, 32)]).contains("sha256 twice"));
    let good = Encoder::header(&[(0x000b, 32)]);
    for (header, problem) in [
        ([&good[..], &[1]].concat(), "trailing"),
        (good[..good.len() - 1].to_vec(), "vendorInfoSize"),
        (
            [&good[..24], &[0xff; 4], &good[28..]].concat(),
            "2 bytes announced, 1 remain",
        ),
        ([&good[..good.len() - 1], &[200]].concat(), "200 bytes announced"),
    ] {
        let mut log = Encoder::sha1();
        log.event(0, 3, &[0; 20], &header);
        assert!(
            refusal(&log.bytes).contains(problem),
            "{problem}: {}",
            refusal(&log.bytes)
        );
    }
}

#[test]
fn registers_that_do_not_exist_fail_where_they_would_be_extended() {
    for (register, event_type, ok) in [
        (23, 1, true),
        (24, 1, false),
        (u32::MAX, 1, false),
        (u32::MAX, 3, true),
    ] {
        let mut log = Encoder::agile(&SHA256_AND_384);
        log.event(register, event_type, &[1; 64], b"x");
        assert_eq!(TcgLog::parse(&log.bytes).is_ok(), ok, "{register} {event_type}");
    }
    for (register, ok) in [(0, true), (4, true), (5, false)] {
        let mut log = Encoder::agile(&[Algorithm::Sha384]);
        log.event(register, 1, &[1; 64], b"x");
        assert_eq!(Ccel::parse(&log.bytes).is_ok(), ok, "{register}");
    }
}

#[test]
fn a_log_bomb_stops_at_the_limit() {
    let mut log = Encoder::sha1();
    for _ in 0..MAX_EVENTS {
        log.event(8, IPL, &[1; 20], b"");
    }
    assert_eq!(
        TcgLog::parse(&[&log.bytes[..], b"\0"].concat())
            .unwrap()
            .events()
            .len(),
        MAX_EVENTS
    );
    let bomb = log.bytes.repeat(4 * 1024 * 1024 / log.bytes.len());
    assert!(refusal(&[&bomb[..], b"\x01"].concat()).contains("more than 16384 records"));
}

#[test]
fn two_gib_lengths_cost_nothing() {
    let (bytes, second) = two_records();
    for (at, len) in [
        (second - 7, 0x8000_0000u32),
        (second - 7, u32::MAX),
        (28, u32::MAX),
    ] {
        let mut bytes = bytes.clone();
        bytes[at..at + 4].copy_from_slice(&len.to_le_bytes());
        assert!(refusal(&bytes).contains("announced"), "{at}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..600),
        at in 0usize..600,
        with in prop::collection::vec(any::<u8>(), 0..12),
    ) {
        let mut damaged = two_records().0;
        let at = at % damaged.len();
        let end = (at + with.len()).min(damaged.len());
        damaged.splice(at..end, with);
        for bytes in [&bytes, &damaged] {
            if let Ok(log) = TcgLog::parse(bytes) {
                prop_assert!(log.content_len() <= bytes.len());
                log.view();
            }
            if let Ok(log) = Ccel::parse(bytes) {
                log.view();
            }
        }
    }
}
