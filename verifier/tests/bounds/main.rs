//! What hostile input costs: memory of at most four times its size at any time, and work in proportion to it.
//!
//! Memory is what `dhat` counts on the heap. Time is not tested, but where a reader stopped is; `cargo bench -p
//! chassis-verifier --bench hostile` shows the time.
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, reason = "tests")]

mod appraisal;
#[path = "../common/hostile.rs"]
mod hostile;
mod memory;

use chassis_verifier::{
    Endorsements, Error,
    ak::{AkCertificate, verify_chain},
    bundle::{Bundle, DEFAULT_LIMIT},
    cross_check::{ima_measured, td_measured, tpm_measured},
    eventlog::{Ccel, ImaLog, MAX_EVENTS, TcgLog},
    td::TdQuote,
    tpm::{Attest, Public, Signature},
};
use memory::{SLACK, peak, within};

/// Records in logs that are read: one more than a power of two, where a growing list has the most room to spare, and
/// as many as there may be.
const RECORDS: [usize; 4] = [100, 1_025, 8_193, MAX_EVENTS];

#[test]
fn logs_of_the_smallest_records() {
    for records in RECORDS {
        let log = hostile::sha1_log(records);
        within("SHA-1 log", log.len(), || TcgLog::parse(&log).unwrap());

        let log = hostile::sha384_log(8, records);
        within("TPM log", log.len(), || {
            tpm_measured(&TcgLog::parse(&log).unwrap()).unwrap()
        });

        let log = hostile::sha384_log(3, records);
        within("CCEL", log.len(), || td_measured(&Ccel::parse(&log).unwrap()));

        let (list, boot) = (hostile::ima_list(records), hostile::sha384_log(8, 1));
        let boot = TcgLog::parse(&boot).unwrap();
        let measured = within("IMA list", list.len(), || {
            let list = ImaLog::parse(&list).unwrap();
            ima_measured(&list, &boot).count()
        });
        assert_eq!(measured, records);
    }
}

#[test]
fn a_log_bomb_is_left_at_the_record_too_many() {
    let log = hostile::sha1_log(DEFAULT_LIMIT / 32);
    let error = within("log bomb", log.len(), || TcgLog::parse(&log).unwrap_err());
    assert_eq!((error.field, error.offset), ("events", Some(MAX_EVENTS * 32)));

    let list = hostile::ima_list(DEFAULT_LIMIT / 32);
    let error = within("list bomb", list.len(), || ImaLog::parse(&list).unwrap_err());
    assert_eq!((error.field, error.offset), ("records", Some(MAX_EVENTS * 32)));
}

#[test]
fn a_padded_log_takes_what_its_records_take() {
    for padding in [0, 0xff] {
        let log = [hostile::sha384_log(1, 100), vec![padding; DEFAULT_LIMIT]].concat();
        let (held, ccel) = peak(|| Ccel::parse(&log).unwrap());
        assert_eq!(ccel.events().len(), 100);
        assert!(held < 20_000, "{held} bytes");
    }
}

#[test]
fn hostile_bundles() {
    for (name, document) in hostile::bundles() {
        let error = within(name, document.len(), || {
            Bundle::parse(&document, DEFAULT_LIMIT).unwrap_err()
        });
        assert!(matches!(error, Error::Json(_)), "{name}: {error}");
        assert!(error.to_string().len() < 400, "{name}: an endless message");
    }
}

#[test]
fn hostile_endorsements() {
    for (name, document) in hostile::endorsements() {
        let set = within(name, document.len(), || Endorsements::parse(&document));
        match set {
            Ok(set) => drop(within(name, document.len(), || set.digest().unwrap())),
            Err(error) => assert!(error.to_string().len() < 400, "{name}: an endless message"),
        }
    }
}

#[test]
fn lengths_beyond_the_end_take_nothing() {
    let mut quote = vec![4, 0, 2, 0, 0x81, 0, 0, 0];
    quote.resize(48 + 584, 0);
    quote.extend(0x000f_ffff_u32.to_le_bytes());
    let (held, _) = peak(|| TdQuote::parse(&quote).unwrap_err());
    assert!(held < SLACK, "quote: {held} bytes");
    let (held, ()) = peak(|| {
        Attest::parse(b"\xffTCG\x80\x18\xff\xff").unwrap_err();
        Signature::parse(&[0, 0x14, 0, 0x0b, 0xff, 0xff]).unwrap_err();
        Public::parse(&[0, 1, 0, 0x0b, 0, 0, 0, 0, 0xff, 0xff]).unwrap_err();
    });
    assert!(held < SLACK, "TPM structures: {held} bytes");
}

#[test]
fn tpm_structures_of_the_greatest_size() {
    let filler = vec![7; 0xffff];
    let behind = |front: &[u8]| [front, &filler].concat();
    let signature = behind(&[0, 0x14, 0, 0x0b, 0xff, 0xff]);
    within("TPMT_SIGNATURE", signature.len(), || {
        Signature::parse(&signature).unwrap()
    });
    let public = behind(&[0, 1, 0, 0x0b, 0, 0, 0, 0, 0xff, 0xff]);
    within("TPMT_PUBLIC", public.len(), || {
        Public::parse(&public).unwrap_err()
    });
    let attest = behind(b"\xffTCG\x80\x18\xff\xff");
    within("TPMS_ATTEST", attest.len(), || {
        Attest::parse(&attest).unwrap_err()
    });
}

/// The one thing that takes more than its size, so its size has a limit.
#[test]
fn a_certificate_takes_at_most_half_a_mebibyte() {
    let certificate = hostile::certificate();
    assert!((8_000..=8 << 10).contains(&certificate.len()));
    let (held, _) = peak(|| AkCertificate::parse(&certificate).unwrap());
    assert!((100 << 10..512 << 10).contains(&held), "{held} bytes");
    let larger = [&certificate[..], &[0; 512]].concat();
    let (held, _) = peak(|| AkCertificate::parse(&larger).unwrap_err());
    assert!(held < SLACK, "{held} bytes");
}

#[test]
fn a_crl_of_many_entries_is_read_where_it_stands() {
    let (root, leaf) = memory::chain();
    let crl = hostile::crl(200_000);
    let verify = |crls: &[&[u8]]| verify_chain(&leaf, &[], &[&root], crls, 1_750_000_000).unwrap();
    let (without, _) = peak(|| verify(&[]));
    let (held, verified) = peak(|| verify(&[&crl]));
    assert_eq!(verified.revocation.uncovered, 1);
    assert!(held < without + SLACK, "{held} bytes, {without} without it");
}
