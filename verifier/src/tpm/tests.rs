//! Structures, cut and bent at every field.

use proptest::prelude::*;

use super::*;
use crate::{Base64, bundle::PcrValue};

#[test]
fn a_p256_area_is_read_whole() {
    let public = Public::parse(&area()).unwrap();
    assert!(public.attributes.has(Attributes::RESTRICTED | Attributes::SIGN));
    assert_eq!(public.auth_policy[..], [0xaa, 0xbb]);
    let scheme = Scheme {
        kind: SchemeKind::Ecdsa,
        hash: HashAlg::Sha256,
    };
    assert_eq!(public.scheme, Some(scheme));
    let PublicKey::EcP256 { x, y } = &public.key else {
        panic!("{:?}", public.key);
    };
    assert_eq!(x[..], [0x11; 32]);
    assert_eq!(
        y[..2],
        [0x00, 0x22],
        "a shortened coordinate is padded on the left"
    );
    assert_eq!(public.name(), Some(crate::challenge::AkName::of(&area())));
    assert!(public.violations().is_empty());
    let json = serde_json::to_value(&public).unwrap();
    assert_eq!(json["attributes"][4], "restricted");
    assert_eq!(json["authPolicy"], "0xaabb");
}

#[test]
fn an_area_cut_anywhere_or_with_a_byte_more_does_not_parse() {
    let area = area();
    for len in 0..area.len() {
        Public::parse(&area[..len]).unwrap_err();
    }
    assert_eq!(
        Public::parse(&[&area[..], &[0]].concat()).unwrap_err().field,
        "end"
    );
}

#[test]
fn an_area_of_another_kind_names_the_field() {
    for (offset, bytes, field) in [
        (0, "0008", "type"),         // KEYEDHASH
        (0, "0001", "keyBits"),      // RSA, where a curve stands
        (8, "ffff", "authPolicy"),   // a length beyond the end
        (14, "001a", "scheme"),      // ECDAA
        (16, "0012", "scheme hash"), // SM3
        (18, "0004", "curveID"),     // P-384
        (20, "0020", "kdf"),         // KDF1
        (22, "0021", "unique x"),    // longer than P-256's
        (22, "ffff", "unique x"),    // a length beyond the end
        (14, "0014", "scheme"),      // RSASSA on an ECC key
    ] {
        let error = Public::parse(&patched(&area(), offset, bytes)).unwrap_err();
        assert_eq!(error.field, field, "{error}");
    }
}

#[test]
fn an_rsa_modulus_must_have_the_stated_length() {
    let area = |bits: u16, modulus: &[u8]| {
        let head = hex::decode("0001000b00050072000000100014000b").unwrap();
        let len = u16::try_from(modulus.len()).unwrap().to_be_bytes();
        Public::parse(&[&head[..], &bits.to_be_bytes(), &[0; 4], &len, modulus].concat())
    };
    let PublicKey::Rsa { e, .. } = area(2048, &[0xff; 256]).unwrap().key else {
        panic!("not RSA");
    };
    assert_eq!(e, 65537);
    area(4096, &[0xff; 512]).unwrap();
    for (bits, modulus) in [(1024, &[0xff; 128][..]), (8192, &[0xff; 1024])] {
        assert_eq!(area(bits, modulus).unwrap_err().field, "keyBits");
    }
    for modulus in [&[0xff; 255][..], &[0xff; 257], &[0x7f; 256], &[]] {
        assert_eq!(area(2048, modulus).unwrap_err().field, "unique");
    }
}

#[test]
fn each_missing_attribute_is_named() {
    let violations = |offset, bytes| {
        Public::parse(&patched(&area(), offset, bytes))
            .unwrap()
            .violations()
    };
    assert_eq!(violations(4, "00050070"), ["fixedTPM is clear"]);
    assert_eq!(violations(4, "00050062"), ["fixedParent is clear"]);
    assert_eq!(violations(4, "00050052"), ["sensitiveDataOrigin is clear"]);
    assert_eq!(violations(4, "00040072"), ["restricted is clear"]);
    assert_eq!(violations(4, "00010072"), ["sign is clear"]);
    assert_eq!(violations(4, "00070072"), ["decrypt is set"]);
    assert_eq!(violations(2, "000c"), ["nameAlg is not SHA-256"]);
    // An endorsement key's: restricted decryption, AES, no scheme. It can be read, and fails as what it is.
    let endorsement = "0023000b000300b2 0000 0006 0080 0043 0010 0003 0010 0001 11 0001 22".replace(' ', "");
    let endorsement = Public::parse(&hex::decode(endorsement).unwrap()).unwrap();
    assert_eq!(
        endorsement.violations(),
        [
            "sign is clear",
            "decrypt is set",
            "symmetric is not null",
            "no signing scheme is fixed"
        ]
    );
}

#[test]
fn a_quote_is_read_whole() {
    let attest = Attest::parse(&attest()).unwrap();
    attest.check_magic().unwrap();
    attest.check_kind().unwrap();
    let quote = attest.quote().unwrap();
    assert_eq!(quote.qualified_signer[..], [0x00, 0x0b]);
    assert_eq!(quote.extra_data[..], [0x90, 0x09]);
    assert_eq!(quote.clock.clock, 7);
    assert_eq!((quote.clock.reset_count, quote.clock.restart_count), (2, 3));
    assert_eq!(quote.firmware_version, 0x2016_0511_0016_2800);
    assert_eq!(quote.selections, [PcrSelection::new(HashAlg::Sha384, [0, 9, 23])]);
    assert_eq!(quote.selections[0].to_string(), "SHA-384 {0, 9, 23}");
}

#[test]
fn an_attest_without_the_magic_is_refused_by_its_own_check() {
    let forged = Attest::parse(&patched(&attest(), 0, "00000000")).unwrap();
    assert_eq!(forged.check_magic(), Err(QuoteFault::Magic(0)));
    assert_eq!(forged.check_kind(), Ok(()));
    assert_eq!(forged.quote(), None, "nothing of it is to be believed");
    // Whatever else a caller had signed may follow.
    Attest::parse(&hex::decode("000000008018ff").unwrap())
        .unwrap()
        .check_magic()
        .unwrap_err();
}

#[test]
fn another_attest_than_a_quote_is_refused_by_its_own_check() {
    let time = Attest::parse(&patched(&attest(), 4, "8019")).unwrap();
    assert_eq!(time.check_kind(), Err(QuoteFault::Kind(0x8019)));
    assert_eq!(time.check_magic(), Ok(()));
    assert_eq!(time.quote(), None);
}

#[test]
fn a_quote_cut_anywhere_or_with_a_byte_more_does_not_parse() {
    let attest = attest();
    for len in 0..attest.len() {
        Attest::parse(&attest[..len]).unwrap_err();
    }
    assert_eq!(
        Attest::parse(&[&attest[..], &[0]].concat()).unwrap_err().field,
        "end"
    );
}

#[test]
fn lengths_beyond_the_end_name_the_field() {
    for (offset, bytes, field) in [
        (6, "ffff", "qualifiedSigner"),
        (10, "ffff", "extraData"),
        (30, "02", "safe"),
        (39, "7fffffff", "pcrSelect count"),
        (39, "00000002", "sizeofSelect"), // the digest's length is read as a second bank
        (45, "05", "sizeofSelect"),
        (49, "ffff", "pcrDigest"),
    ] {
        let error = Attest::parse(&patched(&attest(), offset, bytes)).unwrap_err();
        assert_eq!(error.field, field, "{error}");
    }
}

#[test]
fn the_selection_is_exactly_the_wanted_one() {
    let attest = Attest::parse(&attest()).unwrap();
    let mut quote = attest.quote().unwrap().clone();
    let wanted = PcrSelection::new(HashAlg::Sha384, [0, 9, 23]);
    check_selection(&quote, wanted).unwrap();
    for other in [
        PcrSelection::new(HashAlg::Sha256, [0, 9, 23]),
        PcrSelection::new(HashAlg::Sha384, [0, 9]),
        PcrSelection::new(HashAlg::Sha384, [0, 9, 10, 23]),
    ] {
        let fault = check_selection(&quote, other).unwrap_err();
        assert!(matches!(fault, QuoteFault::Selection { .. }), "{fault}");
    }
    quote.selections.push(PcrSelection { alg: 0x000b, mask: 0 });
    assert_eq!(check_selection(&quote, wanted), Err(QuoteFault::Banks(2)));
    quote.selections.clear();
    assert_eq!(check_selection(&quote, wanted), Err(QuoteFault::Banks(0)));
}

#[test]
fn values_are_complete_ascending_and_of_the_banks_length() {
    let wanted = PcrSelection::new(HashAlg::Sha384, [0, 9]);
    let value = |index, len| PcrValue {
        index,
        value: Base64(vec![0; len]),
    };
    check_values(&[value(0, 48), value(9, 48)], wanted).unwrap();
    for given in [
        &[value(0, 48)][..],
        &[value(9, 48), value(0, 48)],
        &[value(0, 48), value(0, 48), value(9, 48)],
        &[value(0, 48), value(9, 48), value(10, 48)],
        &[value(0, 48), value(10, 48)],
    ] {
        let fault = check_values(given, wanted).unwrap_err();
        assert!(matches!(fault, QuoteFault::Indices { .. }), "{fault}");
    }
    // As many bytes in all, but cut elsewhere.
    let shifted = check_values(&[value(0, 47), value(9, 49)], wanted);
    assert_eq!(
        shifted.unwrap_err().to_string(),
        "PCR 0 has 47 bytes, a SHA-384 value has 48"
    );
    let unknown = check_values(&[], PcrSelection { alg: 0x12, mask: 0 });
    assert_eq!(unknown, Err(QuoteFault::Bank(0x12)));
}

proptest! {
    #[test]
    fn no_bytes_make_a_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), start in 0..24_usize) {
        for valid in [area(), attest(), hex::decode("0018000b0001010001").unwrap()] {
            let start = start.min(valid.len());
            let mixed = [&valid[..start], &bytes[..]].concat();
            let _ = (Public::parse(&mixed), Attest::parse(&mixed), Signature::parse(&mixed));
        }
    }
}

fn patched(bytes: &[u8], offset: usize, patch: &str) -> Vec<u8> {
    let patch = hex::decode(patch).unwrap();
    let mut bytes = bytes.to_vec();
    bytes[offset..offset + patch.len()].copy_from_slice(&patch);
    bytes
}

fn area() -> Vec<u8> {
    let head = "0023 000b 00050072 0002 aabb 0010 0018 000b 0003 0010 0020";
    let mut area = hex::decode(head.replace(' ', "")).unwrap();
    area.extend([0x11; 32]);
    area.extend([0x00, 31]);
    area.extend([0x22; 31]);
    area
}

fn attest() -> Vec<u8> {
    let text = "ff544347 8018 0002 000b 0002 9009 \
        0000000000000007 00000002 00000003 01 2016051100162800 \
        00000001 000c 03 010280 0020";
    let mut attest = hex::decode(text.replace(' ', "")).unwrap();
    attest.extend([0x33; 32]);
    attest
}
