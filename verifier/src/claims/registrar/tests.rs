//! Statements broken in one place each.

use proptest::prelude::*;

use super::*;
use crate::claims::testing::{Entries, Message, Signer, announcing_too_much, bytes, cut_or_changed};

#[test]
fn a_statement_by_a_pinned_key_holds_until_its_last_second() {
    for signer in Signer::all() {
        let statement = RegistrarStatement::parse(&document(&claims(), &signer)).unwrap();
        assert_eq!(statement.claims(), &claims());
        let others = Signer::all().map(|other| other.pinned());
        let [a, b, c] = others.clone();
        let keys = [a, signer.pinned(), b, c];
        assert_eq!(statement.verify(&keys, 0), Ok(1));
        assert_eq!(statement.verify(&keys, NOT_AFTER), Ok(1));
        assert_eq!(
            statement.verify(&keys, NOT_AFTER + 1),
            Err(ClaimFault::Expired {
                not_after: NOT_AFTER,
                at: NOT_AFTER + 1
            })
        );
        assert_eq!(
            statement.verify(&others, 0),
            Err(ClaimFault::NotPinned { pinned: 3 })
        );
        assert_eq!(statement.verify(&[], 0), Err(ClaimFault::NotPinned { pinned: 0 }));
    }
}

/// Put together by hand; whoever writes a registrar in another language may check against it.
#[test]
fn the_payload_is_these_bytes() {
    let expected = [
        "a6",
        "647a6f6e65 68 6575312d72342d63",
        "66616b4e616d65 5822 000b",
        &"11".repeat(32),
        "686e6f744166746572 1a 6b49d200",
        "6870726f7669646572 187f",
        "6a656b4365727448617368 5820",
        &"22".repeat(32),
        "6a706c6174666f726d4964 5820",
        &"33".repeat(32),
    ];
    let expected = expected.concat().replace(' ', "");
    assert_eq!(hex::encode(claims().to_payload().unwrap()), expected);
    let keys: Vec<_> = payload_entries().iter().map(|(key, _)| bytes(key)).collect();
    assert!(keys.is_sorted(), "RFC 8949 §4.2.1 orders by the encoded key");
}

#[test]
fn nothing_verifies_that_is_cut_or_has_one_bit_changed() {
    let signer = Signer::new(Algorithm::EdDsa);
    let (document, keys) = (document(&claims(), &signer), [signer.pinned()]);
    for (index, bad) in cut_or_changed(&document).enumerate() {
        let verified = RegistrarStatement::parse(&bad).map(|statement| statement.verify(&keys, 0));
        assert_ne!(verified, Ok(Ok(0)), "{index}");
    }
    RegistrarStatement::parse(&[&document[..], &[0]].concat()).unwrap_err();
}

#[test]
fn a_registrars_other_signatures_are_no_statements() {
    let signer = Signer::new(Algorithm::Es256);
    let payload = claims().to_payload().unwrap();
    for use_of_key in [
        &b""[..],
        b"chassis/v1/registrar",
        b"chassis/v2/registrar-statement",
    ] {
        let document = Message::new(&signer, use_of_key, &payload).signed(&signer);
        let statement = RegistrarStatement::parse(&document).unwrap();
        assert_eq!(
            statement.verify(&[signer.pinned()], 0),
            Err(ClaimFault::NotPinned { pinned: 1 })
        );
    }
}

#[test]
fn each_value_is_signed() {
    let signer = Signer::new(Algorithm::Es256);
    let signature = signer.sign(&Message::new(&signer, AAD, &claims().to_payload().unwrap()).to_be_signed());
    let changes: [fn(&mut RegistrarClaims); 6] = [
        |claims| claims.ak_name.0[33] ^= 1,
        |claims| claims.ek_cert_hash.0[0] ^= 1,
        |claims| claims.platform_id.0[0] ^= 1,
        |claims| claims.provider = 1,
        |claims| claims.zone.clear(),
        |claims| claims.not_after += 1,
    ];
    for change in changes {
        let mut claims = claims();
        change(&mut claims);
        let message = Message::new(&signer, AAD, &claims.to_payload().unwrap());
        let statement = RegistrarStatement::parse(&message.with_signature(signature.clone())).unwrap();
        assert!(statement.verify(&[signer.pinned()], 0).is_err(), "{claims:?}");
    }
}

#[test]
fn a_payload_of_other_keys_is_refused() {
    let keys = [
        "zone",
        "akName",
        "notAfter",
        "provider",
        "ekCertHash",
        "platformId",
    ];
    for (index, key) in keys.into_iter().enumerate() {
        assert_eq!(refusal(|entries| drop(entries.remove(index))), key);
        assert_eq!(refusal(|entries| entries[index].0 = Value::from("other")), key);
        assert_eq!(refusal(|entries| entries[index].1 = Value::Null), key);
        let twice = refusal(|entries| entries.insert(index, entries[index].clone()));
        assert_eq!(twice, "key");
    }
    for key in [Value::from("platformName"), Value::from(1)] {
        let mut entries = payload_entries();
        entries.push((key, Value::Null));
        let error = parse_payload(&bytes(&Value::Map(entries))).unwrap_err();
        assert!(error.problem.contains("is not known"), "{error}");
    }
}

#[test]
fn a_second_spelling_of_the_payload_is_refused() {
    for (a, b) in [(0, 1), (2, 3), (4, 5), (0, 5)] {
        assert_eq!(
            refusal(|entries| entries.swap(a, b)),
            "payload",
            "{a} and {b} swapped"
        );
    }
    // notAfter in eight bytes where four do, and a map of indefinite length.
    let good = hex::encode(claims().to_payload().unwrap());
    let wide = good.replace("1a6b49d200", "1b000000006b49d200");
    let indefinite = format!("bf{}ff", &good[2..]);
    let trailing = format!("{good}00");
    for payload in [
        wide,
        indefinite,
        trailing,
        "a0".into(),
        "80".into(),
        String::new(),
    ] {
        assert_ne!(payload, good);
        parse_payload(&hex::decode(payload).unwrap()).unwrap_err();
    }
    let good = hex::decode(good).unwrap();
    parse_payload(&good).unwrap();
    for len in 0..good.len() {
        parse_payload(&good[..len]).unwrap_err();
    }
    for bad in announcing_too_much() {
        parse_payload(&bad).unwrap_err();
        parse_payload(&[&[0xa6, 0x64, 0x7a, 0x6f, 0x6e, 0x65], &bad[..]].concat()).unwrap_err();
    }
    parse_payload(&[0x81; 10_000]).unwrap_err();
}

#[test]
fn a_value_out_of_its_range_is_neither_read_nor_signed() {
    let set = |key: usize, value: Value| refusal(|entries| entries[key].1 = value);
    for provider in [0, 128, 0x1_0001, u64::MAX] {
        assert_eq!(set(3, Value::from(provider)), "provider", "{provider}");
    }
    assert_eq!(set(3, Value::from(-1)), "provider");
    assert_eq!(set(2, Value::from(-1)), "notAfter");
    for len in [0, 33, 35] {
        assert_eq!(
            set(1, Value::Bytes([vec![0, 0x0b], vec![1; len]].concat())),
            "akName"
        );
    }
    // A name by SHA-384, cut to size.
    assert_eq!(
        set(1, Value::Bytes([vec![0, 0x0c], vec![1; 32]].concat())),
        "akName"
    );
    for len in [0, 31, 33] {
        assert_eq!(set(4, Value::Bytes(vec![1; len])), "ekCertHash");
        assert_eq!(set(5, Value::Bytes(vec![1; len])), "platformId");
    }
    // Bytes, not characters.
    assert_eq!(set(0, Value::from("é".repeat(33))), "zone");

    let changes: [fn(&mut RegistrarClaims); 4] = [
        |claims| claims.provider = 0,
        |claims| claims.provider = 128,
        |claims| claims.zone = "z".repeat(65),
        |claims| claims.ak_name = AkName::NONE,
    ];
    for change in changes {
        let mut claims = claims();
        change(&mut claims);
        let signed = claims.sign_with(Algorithm::Es256, |_| -> Result<_, ParseError> {
            panic!("signed")
        });
        signed.unwrap_err();
    }
}

#[test]
fn what_may_be_empty_or_extreme_is_read() {
    let signer = Signer::new(Algorithm::Es384);
    for zone in [String::new(), "z".repeat(64), "é".repeat(32)] {
        for provider in [1, 127] {
            for not_after in [0, 23, 24, u64::MAX] {
                let claims = RegistrarClaims {
                    zone: zone.clone(),
                    provider,
                    not_after,
                    ..claims()
                };
                let statement = RegistrarStatement::parse(&document(&claims, &signer)).unwrap();
                assert_eq!(statement.claims(), &claims);
                assert_eq!(statement.verify(&[signer.pinned()], not_after), Ok(0));
            }
        }
    }
}

#[test]
fn a_signer_that_fails_is_heard() {
    #[derive(Debug, PartialEq)]
    struct Failed;
    impl From<ParseError> for Failed {
        fn from(error: ParseError) -> Self {
            panic!("{error}")
        }
    }
    assert_eq!(claims().sign_with(Algorithm::Es256, |_| Err(Failed)), Err(Failed));
}

#[test]
fn the_name_to_revoke_it_by_is_not_the_documents_digest() {
    let signer = Signer::new(Algorithm::Es256);
    let [a, b] = [(); 2].map(|()| document(&claims(), &signer));
    assert_ne!(a, b, "ring's ECDSA nonces are random");
    let [a, b] = [a, b].map(|document| RegistrarStatement::parse(&document).unwrap().id());
    assert_eq!(a, b);
    let other = RegistrarClaims {
        provider: 9,
        ..claims()
    };
    assert_ne!(
        RegistrarStatement::parse(&document(&other, &signer))
            .unwrap()
            .id(),
        a
    );
}

proptest! {
    #[test]
    fn arbitrary_bytes_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = RegistrarStatement::parse(&bytes);
        let _ = parse_payload(&bytes);
    }

    #[test]
    fn arbitrary_claims_are_read_as_they_were_written(
        (provider, zone, not_after) in (1..=127_u16, "\\PC{0,16}", any::<u64>()),
        hashes in any::<[[u8; 32]; 3]>(),
    ) {
        let [ak, ek, platform] = hashes;
        let claims = RegistrarClaims {
            ak_name: AkName::of(&ak),
            ek_cert_hash: B256::from(ek),
            platform_id: B256::from(platform),
            provider, zone, not_after,
        };
        let document = claims.sign_with(Algorithm::EdDsa, |_| Ok::<_, ParseError>(vec![0; 64])).unwrap();
        let statement = RegistrarStatement::parse(&document).unwrap();
        prop_assert_eq!(statement.claims(), &claims);
    }
}

/// The field complained about, once `change` is made to a good payload.
fn refusal(change: impl FnOnce(&mut Entries)) -> &'static str {
    let mut entries = payload_entries();
    parse_payload(&bytes(&Value::Map(entries.clone()))).unwrap();
    change(&mut entries);
    parse_payload(&bytes(&Value::Map(entries))).unwrap_err().field
}

fn payload_entries() -> Entries {
    let payload = claims().to_payload().unwrap();
    cbor::decode(WHAT, &payload).unwrap().into_map().unwrap()
}

fn parse_payload(payload: &[u8]) -> Result<RegistrarStatement, ParseError> {
    let signer = Signer::new(Algorithm::EdDsa);
    RegistrarStatement::parse(&Message::new(&signer, AAD, payload).signed(&signer))
}

fn document(claims: &RegistrarClaims, signer: &Signer) -> Vec<u8> {
    let sign = |message: &[u8]| Ok::<_, ParseError>(signer.sign(message));
    claims.sign_with(signer.algorithm, sign).unwrap()
}

fn claims() -> RegistrarClaims {
    let mut ak_name = AkName([0x11; 34]);
    ak_name.0[..2].copy_from_slice(&[0x00, 0x0b]);
    RegistrarClaims {
        ak_name,
        ek_cert_hash: B256::repeat_byte(0x22),
        platform_id: B256::repeat_byte(0x33),
        provider: 127,
        zone: "eu1-r4-c".into(),
        not_after: NOT_AFTER,
    }
}

const NOT_AFTER: u64 = 1_800_000_000;
