//! Attests about keys, as a software TPM (swtpm 0.7.1) signed them.

use super::*;

/// `TPM2_Certify` of the key [`NAME`] names.
const CERTIFY: &str = "ff54434780170022000bb418f3e117639ec333cb037e0e69ab6772690d5f007e8f92ab460ed099b98f9400029009\
    00000000000004c00000000200000000012019102300163636\
    0022000b6f73866e2633c423b6ed384b76e255f571719bea300b063b355e8970691293d7\
    0022000b8edbdf2bd6cfe6b9e474c1d608b41df083a6f4e2f726f243a39d82978e23f192";
/// `TPM2_CertifyCreation` of the same.
const CREATION: &str = "ff544347801a0022000bb418f3e117639ec333cb037e0e69ab6772690d5f007e8f92ab460ed099b98f9400029009\
    00000000000004c10000000200000000012019102300163636\
    0022000b6f73866e2633c423b6ed384b76e255f571719bea300b063b355e8970691293d7\
    002028d026fafd749106743e27c4280551585e5d17668eb521835ed60127effc05d4";
const NAME: &str = "000b6f73866e2633c423b6ed384b76e255f571719bea300b063b355e8970691293d7";

#[test]
fn a_certification_is_read_whole() {
    let attest = parsed(CERTIFY);
    let certification = attest.certification().unwrap();
    assert_eq!(
        hex::encode(&certification.qualified_signer),
        "000bb418f3e117639ec333cb037e0e69ab6772690d5f007e8f92ab460ed099b98f94"
    );
    assert_eq!(certification.extra_data[..], [0x90, 0x09]);
    assert_eq!(
        (certification.clock.clock, certification.clock.reset_count),
        (0x4c0, 2)
    );
    assert_eq!(certification.firmware_version, 0x2019_1023_0016_3636);
    assert_eq!(hex::encode(&certification.name), NAME);
    assert_eq!(
        hex::encode(&certification.qualified_name),
        "000b8edbdf2bd6cfe6b9e474c1d608b41df083a6f4e2f726f243a39d82978e23f192"
    );
    assert_eq!(attest.creation(), None);
}

#[test]
fn a_creation_is_read_whole() {
    let attest = parsed(CREATION);
    let creation = attest.creation().unwrap();
    assert_eq!(creation.extra_data[..], [0x90, 0x09]);
    assert_eq!((creation.clock.clock, creation.clock.reset_count), (0x4c1, 2));
    assert_eq!(hex::encode(&creation.object_name), NAME);
    assert_eq!(
        hex::encode(&creation.creation_hash),
        "28d026fafd749106743e27c4280551585e5d17668eb521835ed60127effc05d4"
    );
    assert_eq!(attest.certification(), None);
}

#[test]
fn either_names_the_certified_key_and_neither_is_a_quote() {
    for (bytes, kind) in [(CERTIFY, Attest::CERTIFY), (CREATION, Attest::CREATION)] {
        let attest = parsed(bytes);
        assert_eq!(attest.certified_name().map(hex::encode).as_deref(), Some(NAME));
        assert_eq!(attest.quote(), None);
        assert_eq!(attest.check_magic(), Ok(()));
        assert_eq!(attest.check_kind(), Err(QuoteFault::Kind(kind)));
    }
}

#[test]
fn without_the_magic_nothing_is_certified() {
    for bytes in [CERTIFY, CREATION] {
        let mut bytes = hex::decode(bytes).unwrap();
        bytes[0] = 0;
        let forged = Attest::parse(&bytes).unwrap();
        assert_eq!(forged.certified_name(), None);
        assert!(forged.check_magic().is_err());
    }
}

/// `TPM_ST_ATTEST_NV` holds a name too: that of an NV index, with whatever its owner wrote there.
#[test]
fn another_type_certifies_nothing() {
    let mut bytes = hex::decode(CERTIFY).unwrap();
    bytes[4..6].copy_from_slice(&[0x80, 0x14]);
    assert_eq!(Attest::parse(&bytes).unwrap().certified_name(), None);
}

#[test]
fn cut_anywhere_or_with_a_byte_more_neither_parses() {
    for bytes in [CERTIFY, CREATION] {
        let bytes = hex::decode(bytes).unwrap();
        for len in 0..bytes.len() {
            Attest::parse(&bytes[..len]).unwrap_err();
        }
        assert_eq!(
            Attest::parse(&[&bytes[..], &[0]].concat()).unwrap_err().field,
            "end"
        );
    }
}

#[test]
fn a_length_beyond_the_end_names_the_field() {
    for (bytes, offset, field) in [
        (CERTIFY, 71, "name"),
        (CERTIFY, 107, "qualifiedName"),
        (CREATION, 71, "objectName"),
        (CREATION, 107, "creationHash"),
    ] {
        let mut bytes = hex::decode(bytes).unwrap();
        bytes[offset..offset + 2].fill(0xff);
        assert_eq!(Attest::parse(&bytes).unwrap_err().field, field);
    }
}

#[test]
fn people_see_what_an_attest_is_about() {
    let json = |bytes| serde_json::to_value(parsed(bytes)).unwrap();
    assert_eq!(json(CERTIFY)["kind"], "0x8017");
    assert_eq!(json(CERTIFY)["certification"]["name"], format!("0x{NAME}"));
    assert_eq!(json(CREATION)["creation"]["objectName"], format!("0x{NAME}"));
    assert_eq!(json("000000008017").as_object().unwrap().len(), 2);
}

fn parsed(bytes: &str) -> Attest {
    Attest::parse(&hex::decode(bytes).unwrap()).unwrap()
}
