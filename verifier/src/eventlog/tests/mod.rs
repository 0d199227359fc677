//! Small logs, made by hand.

mod hostile;
mod ima;
mod readable;
mod replay;

use super::{Algorithm, Ccel, TcgLog, encode::Encoder};

const SHA256_AND_384: [Algorithm; 2] = [Algorithm::Sha256, Algorithm::Sha384];
const IPL: u32 = 0x0d;

/// A crypto-agile log of two records, neither of which begins or ends with `00` or `FF`.
fn two_records() -> (Vec<u8>, usize) {
    let mut log = Encoder::agile(&SHA256_AND_384);
    log.event(7, 4, &[0x11; 64], b"one");
    let second = log.bytes.len();
    log.event(9, IPL, &[0x22; 64], b"two");
    (log.bytes, second)
}

fn refusal(bytes: &[u8]) -> String {
    TcgLog::parse(bytes).unwrap_err().to_string()
}

#[test]
fn records_keep_register_type_digests_data_and_offset() {
    let (bytes, second) = two_records();
    let log = TcgLog::parse(&bytes).unwrap();
    assert_eq!(log.algorithms(), SHA256_AND_384);
    let [one, two] = log.events() else {
        panic!("{:?}", log.events())
    };
    assert_eq!((one.register, one.data), (7, &b"one"[..]));
    assert_eq!(one.event_type.to_string(), "EV_SEPARATOR");
    assert_eq!(two.offset, second);
    assert_eq!(two.digest(Algorithm::Sha256), Some(&[0x22; 32][..]));
    assert_eq!(two.sha384(), Some([0x22; 48]));
    assert_eq!(two.digest(Algorithm::Sha1), None);
}

#[test]
fn a_sha1_log_has_no_header_and_its_first_record_counts() {
    let mut log = Encoder::sha1();
    log.event(0, 8, &[0x11; 20], b"version");
    log.event(4, 4, &[0x22; 20], b"line");
    let log = TcgLog::parse(&log.bytes).unwrap();
    assert_eq!(log.algorithms(), [Algorithm::Sha1]);
    assert_eq!(log.events().len(), 2);
    assert!(log.replay(Algorithm::Sha384).is_none());
    assert!(log.sha384().is_none());
}

#[test]
fn digests_may_come_in_another_order_than_the_header() {
    let (mut bytes, second) = two_records();
    let record = second + 12;
    let (sha256, sha384) = (
        bytes[record..record + 34].to_vec(),
        bytes[record + 34..record + 84].to_vec(),
    );
    bytes[record..record + 84].copy_from_slice(&[sha384, sha256].concat());
    let log = TcgLog::parse(&bytes).unwrap();
    assert_eq!(log.events()[1].sha384(), Some([0x22; 48]));
}

#[test]
fn sm3_is_read_over_and_not_replayed() {
    let mut log = Encoder::agile(&[Algorithm::Sm3, Algorithm::Sha256]);
    log.event(1, 1, &[0x33; 64], b"x");
    let log = TcgLog::parse(&log.bytes).unwrap();
    assert!(log.replay(Algorithm::Sm3).is_none());
    let banks: Vec<_> = log.banks().iter().map(super::Registers::algorithm).collect();
    assert_eq!(banks, [Algorithm::Sha256]);
}

#[test]
fn padding_of_either_kind_is_passed_over() {
    let (bytes, _) = two_records();
    for fill in [0x00, 0xff] {
        for len in [1, 3, 31, 32, 33, 64, 4096] {
            let padded = [&bytes[..], &vec![fill; len]].concat();
            let log = TcgLog::parse(&padded).unwrap();
            assert_eq!((log.events().len(), log.content_len()), (2, bytes.len()));
        }
    }
}

#[test]
fn a_record_that_ends_in_zeros_is_no_padding() {
    let mut log = Encoder::agile(&SHA256_AND_384);
    log.event(0, 4, &[0; 64], &[0; 4]);
    assert_eq!(TcgLog::parse(&log.bytes).unwrap().events().len(), 1);
}

#[test]
fn a_ccel_must_be_crypto_agile_with_sha384() {
    let mut log = Encoder::agile(&[Algorithm::Sha256]);
    log.event(1, 1, &[1; 64], b"x");
    assert!(
        Ccel::parse(&log.bytes)
            .unwrap_err()
            .to_string()
            .contains("no SHA-384")
    );
    let mut log = Encoder::sha1();
    log.event(1, 1, &[1; 64], b"x");
    assert!(
        Ccel::parse(&log.bytes)
            .unwrap_err()
            .to_string()
            .contains("no SHA-384")
    );
}
