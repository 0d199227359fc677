//! The instance extension, cut and bent.

use proptest::prelude::*;

use super::{InstanceIdentity, SecurityProperties};

#[test]
fn an_instance_number_may_exceed_i64() {
    let identity = InstanceIdentity::parse(&extension(&PRODUCTION)).unwrap();
    assert_eq!(identity.zone, "z");
    assert_eq!(identity.project_number, 5);
    assert_eq!(identity.project_id, "p");
    assert_eq!(identity.instance_id, 0xffff_ffff_ffff_fffe);
    assert_eq!(identity.instance_name, "n");
    assert!(identity.is_production());
    let json = serde_json::to_value(&identity).unwrap();
    assert_eq!(json["instanceId"], "18446744073709551614");
}

#[test]
fn production_is_said_or_it_is_not() {
    let production = |security: &[u8]| InstanceIdentity::parse(&extension(security)).unwrap();
    assert!(!production(&[]).is_production());
    assert_eq!(production(&[]).security, None);
    let silent = production(&hex::decode("a0023000").unwrap());
    assert_eq!(silent.security, Some(SecurityProperties::default()));
    let denied = production(&hex::decode("a0073005a103010100").unwrap());
    assert!(!denied.is_production());
}

#[test]
fn an_extension_cut_anywhere_does_not_parse() {
    let whole = extension(&PRODUCTION);
    for len in 0..whole.len() {
        InstanceIdentity::parse(&whole[..len]).unwrap_err();
    }
}

#[test]
fn bent_extensions_name_the_field() {
    for (der, field) in [
        ("30847fffffff0c017a", "CloudComputeInstanceIdentifier"), // 2 GiB
        ("30060c847fffffff", "zone"),
        ("3003130161", "zone"),                                    // PrintableString
        ("30060c017a0201ff", "projectNumber"),                     // negative
        ("30100c017a020b0100000000000000000000", "projectNumber"), // beyond u64
        ("30070c017a02020005", "projectNumber"),                   // not the shortest
        ("3000ff", "end"),
    ] {
        let error = InstanceIdentity::parse(&hex::decode(der).unwrap()).unwrap_err();
        assert_eq!(error.field, field, "{der}: {error}");
    }
    for (security, field) in [
        (wrapped("a1030101ffa2030101"), "securityProperties"),
        (wrapped("a2030101ffa1030101ff"), "securityProperties"), // not in order
        (wrapped("a1030101ffa1030101ff"), "securityProperties"), // twice
        (wrapped("a6030101ff"), "securityProperties"),           // not known
        (wrapped("81030101ff"), "securityProperties"),           // not constructed
        (wrapped("a103010101"), "isProduction"),                 // neither 00 nor FF
        (wrapped("a1030201ff"), "isProduction"),                 // an INTEGER
        (wrapped("a1050101ff0500"), "end"),
        ("a009 3005a1030101ff 0500".into(), "end"),
        ("a007 3005a1030101ff 0500".into(), "end"),
        ("a107 3005a1030101ff".into(), "securityProperties"),
    ] {
        let der = hex::decode(security.replace(' ', "")).unwrap();
        let error = InstanceIdentity::parse(&extension(&der)).unwrap_err();
        assert_eq!(error.field, field, "{security}: {error}");
    }
}

/// It made the parser panic, and with it whoever appraised a bundle with such a certificate.
#[test]
fn a_boolean_without_content_does_not_parse() {
    for property in ["a1020100", "a1020500"] {
        let der = hex::decode(wrapped(property)).unwrap();
        let error = InstanceIdentity::parse(&extension(&der)).unwrap_err();
        assert_eq!((error.field, &*error.problem), ("isProduction", "no content"));
    }
}

fn wrapped(properties: &str) -> String {
    let len = properties.len() / 2;
    format!("a0{:02x}30{len:02x}{properties}", len + 2)
}

proptest! {
    #[test]
    fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..80), start in 0..40_usize) {
        let valid = extension(&PRODUCTION);
        let _ = InstanceIdentity::parse(&[&valid[..start.min(valid.len())], &bytes[..]].concat());
        let _ = super::AkCertificate::parse(&bytes);
    }
}

const PRODUCTION: [u8; 9] = [0xa0, 0x07, 0x30, 0x05, 0xa1, 0x03, 0x01, 0x01, 0xff];

pub(super) fn extension(security: &[u8]) -> Vec<u8> {
    let mut fields = hex::decode("0c017a0201050c0170020900fffffffffffffffe0c016e").unwrap();
    fields.extend(security);
    [&[0x30, u8::try_from(fields.len()).unwrap()], &fields[..]].concat()
}
