//! Reports made here, each with one thing wrong. Azure's own are in `tests/azure.rs`.

mod envelope;
mod json;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::*;
use crate::sha256;

#[test]
fn a_report_says_what_is_in_it() {
    let bytes = Sample::new().bytes();
    let report = HclReport::parse(&bytes).unwrap();
    assert_eq!(report.user_data(), &[0xab; 64]);
    assert_eq!(
        report.ak(),
        &PublicKey::Rsa {
            n: vec![0xd7; 256].into(),
            e: 65537
        }
    );
    let settings = &report.variable_data().vm_configuration;
    assert_eq!(settings.vm_unique_id, "3c18c97a");
    assert!(settings.secure_boot && settings.tpm_enabled);
    assert!(!settings.console_enabled && !settings.tpm_persisted);
    assert_eq!(settings.filtered_vpci_devices_allowed, Some(false));
    assert_eq!(settings.interactive_console_enabled, None);

    let td = report.td_report();
    assert_eq!((td.len(), td.report_data()), (TdReport::LEN, &[0x11; 64]));
    assert_eq!(td.owner(), &[0x77; 48]);
    let measured = td.measurements();
    assert_eq!(measured.mrseam.0, [0x22; 48]);
    assert_eq!(
        (measured.td_attributes.0, measured.xfam.0),
        ([0x33; 8], [0x44; 8])
    );
    assert_eq!(measured.mrtd.0, [0x55; 48]);
    assert_eq!(
        measured.rtmrs.map(|rtmr| rtmr.0),
        [[0x60; 48], [0x61; 48], [0x62; 48], [0x63; 48]]
    );
    let json = serde_json::to_value(report.variable_data()).unwrap();
    assert_eq!(json["userData"], "ab".repeat(64));
    assert_eq!(json["vmConfiguration"]["secure-boot"], true);
}

#[test]
fn a_quote_speaks_for_variable_data_by_its_digest_and_zeros() {
    let bytes = Sample::new().bytes();
    let report = HclReport::parse(&bytes).unwrap();
    let mut report_data = [0; 64];
    report_data[..32].copy_from_slice(sha256(report.variable_bytes()).as_slice());
    report.check_binding(&report_data).unwrap();

    for at in 0..64 {
        let mut other = report_data;
        other[at] ^= 1;
        let fault = report.check_binding(&other).unwrap_err();
        assert!(matches!(fault, HclFault::Binding { .. }), "byte {at}");
    }
    // The unauthenticated TDREPORT's own report data does not count.
    report
        .check_binding(report.td_report().report_data())
        .unwrap_err();

    let json = Sample::new().json.replace("3c18c97a", "3c18c97b");
    let bytes = Sample::of(json).bytes();
    let other = HclReport::parse(&bytes).unwrap();
    other.check_binding(&report_data).unwrap_err();
    assert_eq!(other.check_user_data(&[0xab; 64]), Ok(()));
}

#[test]
fn the_ak_is_the_key_that_is_named() {
    let bytes = Sample::new().bytes();
    let report = HclReport::parse(&bytes).unwrap();
    report.check_ak(&rsa_area(&[0xd7; 256], 0)).unwrap();
    let mut other = [0xd7; 256];
    other[255] ^= 2;
    for ak in [
        rsa_area(&other, 0),
        rsa_area(&[0xd7; 256], 3),
        rsa_area(&[0xd7; 384], 0),
    ] {
        let fault = report.check_ak(&ak).unwrap_err();
        assert!(matches!(fault, HclFault::Ak { .. }), "{fault}");
    }
}

#[test]
fn user_data_is_compared_whole() {
    let bytes = Sample::new().bytes();
    let report = HclReport::parse(&bytes).unwrap();
    report.check_user_data(&[0xab; 64]).unwrap();
    for at in 0..64 {
        let mut other = [0xab; 64];
        other[at] ^= 0x80;
        let fault = report.check_user_data(&other).unwrap_err();
        assert!(matches!(fault, HclFault::UserData { .. }), "byte {at}");
    }
}

/// A report whose every part can be changed; its sizes are right.
struct Sample {
    td_report: Vec<u8>,
    json: String,
    padding: usize,
}

impl Sample {
    fn new() -> Self {
        Self::of(variable_data().to_string())
    }

    fn of(json: String) -> Self {
        Self {
            td_report: td_report(),
            json,
            padding: 168,
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let json = self.json.as_bytes();
        let len = u32::try_from(json.len()).unwrap();
        let words = |words: &[u32]| {
            words
                .iter()
                .copied()
                .flat_map(u32::to_le_bytes)
                .collect::<Vec<_>>()
        };
        [
            b"HCLA",
            &words(&[2, JSON_OFFSET + len, 2, 0, 0, 0, 0])[..],
            &self.td_report,
            &[0; 160],
            &words(&[20 + len, 1, 4, 1, len]),
            json,
            &vec![0; self.padding],
        ]
        .concat()
    }
}

fn td_report() -> Vec<u8> {
    let mut bytes = vec![0xee; 1024];
    bytes[0] = 0x81;
    for (at, len, byte) in [
        (128, 64, 0x11),
        (280, 48, 0x22),
        (512, 8, 0x33),
        (520, 8, 0x44),
        (528, 48, 0x55),
        (624, 48, 0x77),
        (720, 48, 0x60),
        (768, 48, 0x61),
        (816, 48, 0x62),
        (864, 48, 0x63),
    ] {
        bytes[at..at + len].fill(byte);
    }
    bytes
}

fn variable_data() -> Value {
    let key = |kid: &str, operation: &str, byte: u8| {
        let n = URL_SAFE_NO_PAD.encode([byte; 256]);
        json!({ "kid": kid, "key_ops": [operation], "kty": "RSA", "e": "AQAB", "n": n })
    };
    json!({
        "keys": [key("HCLAkPub", "sign", 0xd7), key("HCLEkPub", "encrypt", 0xc8)],
        "vm-configuration": {
            "root-cert-thumbprint": "",
            "console-enabled": false,
            "secure-boot": true,
            "tpm-enabled": true,
            "tpm-persisted": false,
            "filtered-vpci-devices-allowed": false,
            "vmUniqueId": "3c18c97a",
        },
        "user-data": "ab".repeat(64),
    })
}

fn rsa_area(n: &[u8], exponent: u32) -> Public {
    let bits = u16::try_from(n.len() * 8).unwrap();
    let len = u16::try_from(n.len()).unwrap();
    let area = [
        &hex::decode("0001000b00050472000000100014000b").unwrap()[..],
        &bits.to_be_bytes(),
        &exponent.to_be_bytes(),
        &len.to_be_bytes(),
        n,
    ];
    Public::parse(&area.concat()).unwrap()
}

const JSON_OFFSET: u32 = 1236;
