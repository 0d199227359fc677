//! Documents broken in one place each.

use proptest::prelude::*;

use super::*;
use crate::claims::testing::{
    Entries, Message, Signer, announcing_too_much, bytes, cut_or_changed, entries, map,
};

#[test]
fn each_algorithm_verifies_tagged_and_untagged() {
    for signer in Signer::all() {
        let message = Message::new(&signer, AAD, PAYLOAD);
        let signature = signer.sign(&message.to_be_signed());
        for document in [
            message.with_signature(signature.clone()),
            bytes(&message.untagged(signature)),
        ] {
            let parsed = parse(&document).unwrap();
            assert_eq!(parsed.verify(&signer.pinned(), AAD), Ok(()));
            assert_eq!(parsed.payload(), PAYLOAD);
            assert_eq!(parsed.id(AAD), sha256(&message.to_be_signed()));
        }
    }
}

#[test]
fn what_is_encoded_here_verifies() {
    for signer in Signer::all() {
        let mut signature = vec![];
        let sign = |message: &[u8]| {
            signature = signer.sign(message);
            Ok::<_, ParseError>(signature.clone())
        };
        let document = Sign1::sign("X", signer.algorithm, AAD, PAYLOAD.into(), sign).unwrap();
        assert_eq!(parse(&document).unwrap().verify(&signer.pinned(), AAD), Ok(()));
        let message = Message::new(&signer, AAD, PAYLOAD);
        assert_eq!(document, message.with_signature(signature));
    }
}

#[test]
fn esp384_is_es384_by_another_number() {
    let signer = Signer::new(Algorithm::Es384);
    let mut message = Message::new(&signer, AAD, PAYLOAD);
    message.protected = map([(1, Value::from(-51))]);
    assert_eq!(
        parse(&message.signed(&signer))
            .unwrap()
            .verify(&signer.pinned(), AAD),
        Ok(())
    );
}

#[test]
fn nothing_verifies_that_is_cut_or_has_one_bit_changed() {
    for signer in Signer::all() {
        let (document, key) = (
            Message::new(&signer, AAD, PAYLOAD).signed(&signer),
            signer.pinned(),
        );
        for (index, bad) in cut_or_changed(&document).enumerate() {
            let verified = parse(&bad).map(|parsed| parsed.verify(&key, AAD));
            assert_ne!(verified, Ok(Ok(())), "{index} of {}", signer.algorithm);
        }
    }
}

#[test]
fn another_key_another_use_or_another_payload_does_not_verify() {
    for signer in Signer::all() {
        let message = Message::new(&signer, AAD, PAYLOAD);
        let parsed = parse(&message.signed(&signer)).unwrap();
        let other = Signer::new(signer.algorithm).pinned();
        assert_eq!(parsed.verify(&other, AAD), Err(ClaimFault::Signature));
        assert_eq!(parsed.verify(&signer.pinned(), b""), Err(ClaimFault::Signature));
        assert_ne!(parsed.id(AAD), parsed.id(b""));

        let mut altered = message.clone();
        altered.payload = b"paylaod".into();
        let altered = altered.with_signature(signer.sign(&message.to_be_signed()));
        assert_eq!(
            parse(&altered).unwrap().verify(&signer.pinned(), AAD),
            Err(ClaimFault::Signature)
        );
    }
}

#[test]
fn a_key_signs_by_its_own_algorithm_only() {
    for signer in Signer::all() {
        for key in Signer::all()
            .iter()
            .filter(|key| key.algorithm != signer.algorithm)
        {
            let parsed = parse(&Message::new(&signer, AAD, PAYLOAD).signed(&signer)).unwrap();
            let fault = parsed.verify(&key.pinned(), AAD);
            assert!(matches!(fault, Err(ClaimFault::Algorithm { .. })), "{fault:?}");
            // Honestly signed by the key, but under the other's name.
            let mut message = Message::new(key, AAD, PAYLOAD);
            message.protected = map([(1, signer.alg())]);
            let fault = parse(&message.signed(key)).unwrap().verify(&key.pinned(), AAD);
            assert!(matches!(fault, Err(ClaimFault::Algorithm { .. })), "{fault:?}");
        }
    }
}

#[test]
fn other_algorithms_are_refused() {
    // Reserved, HMAC, ES512, RS256, RS1, ES256K, Ed448, AES-GCM, private use.
    for alg in [0, 5, -36, -257, -65535, -47, -53, 1, -65537] {
        assert_eq!(
            refusal(|message| message.protected = map([(1, Value::from(alg))])),
            "alg",
            "{alg}"
        );
    }
    assert_eq!(
        refusal(|message| message.protected = map([(1, Value::from(4242))])),
        "COSE_Sign1"
    );
    for alg in ["none", "ES256", ""] {
        assert_eq!(
            refusal(|message| message.protected = map([(1, Value::from(alg))])),
            "alg",
            "{alg}"
        );
    }
}

#[test]
fn the_algorithm_must_be_protected_and_in_one_place() {
    let alg = || entries([(1, Value::from(-7))]);
    assert_eq!(
        refusal(|message| {
            message.protected = vec![];
            message.unprotected = alg();
        }),
        "CBOR"
    );
    assert_eq!(
        refusal(|message| {
            message.protected = bytes(&Value::Map(vec![]));
            message.unprotected = alg();
        }),
        "alg"
    );
    assert_eq!(
        refusal(|message| message.protected = map([(4, Value::Bytes(vec![1]))])),
        "alg"
    );
    assert_eq!(refusal(|message| message.unprotected = alg()), "header");
    let unprotected = entries([(33, Value::Bytes(vec![1]))]);
    assert_eq!(
        refusal(|message| {
            message.protected = map([(1, Value::from(-7)), (33, Value::Bytes(vec![1]))]);
            message.unprotected = unprotected;
        }),
        "header"
    );
}

#[test]
fn a_critical_parameter_is_refused_wherever_it_is() {
    let crit = || Value::Array(vec![Value::from(33)]);
    let with = |crit| map([(1, Value::from(-7)), (2, crit), (33, Value::Bytes(vec![1]))]);
    assert_eq!(refusal(|message| message.protected = with(crit())), "crit");
    assert_eq!(
        refusal(|message| message.unprotected = entries([(2, crit())])),
        "crit"
    );
    // Empty is not a way around.
    assert_eq!(
        refusal(|message| message.protected = with(Value::Array(vec![]))),
        "COSE_Sign1"
    );
}

#[test]
fn a_countersignature_is_refused_before_anything_follows_it() {
    assert_eq!(
        refusal(|message| message.unprotected = countersigned(1)),
        "countersignature"
    );
    assert_eq!(
        refusal(|message| message.protected = map([(1, Value::from(-7)), (7, Value::Null)])),
        "countersignature"
    );
}

/// Without the check, `coset` runs out of stack here.
#[test]
fn countersigned_countersignatures_do_not_exhaust_the_stack() {
    let deep = countersigned(5_000);
    assert!(bytes(&Value::Map(deep.clone())).len() < COSE_LIMIT);
    assert_eq!(refusal(|message| message.unprotected = deep), "countersignature");
}

#[test]
fn headers_are_held_to_one_spelling() {
    for protected in [
        "a2010101 26",
        "a10126 00",
        "bf0126ff",
        "a1180126",
        "a1013806",
        "80",
        "41a0",
        "a1f526",
    ] {
        let protected = hex::decode(protected.replace(' ', "")).unwrap();
        refusal(|message| message.protected = protected);
    }
    assert_eq!(
        refusal(|message| message.unprotected =
            [entries([(33, Value::Null)]), entries([(33, Value::Null)])].concat()),
        "key"
    );
}

#[test]
fn another_shape_is_refused() {
    let signer = Signer::new(Algorithm::Es256);
    let message = Message::new(&signer, AAD, PAYLOAD);
    let Value::Array(parts) = message.untagged(vec![0; 64]) else {
        unreachable!()
    };
    let with = |index: usize, part: Value| {
        let mut parts = parts.clone();
        parts[index] = part;
        bytes(&Value::Array(parts))
    };
    for value in [
        Value::Null,
        Value::from(1),
        Value::from("x"),
        Value::Array(vec![]),
    ] {
        for index in 0..4 {
            parse(&with(index, value.clone())).unwrap_err();
        }
    }
    assert_eq!(parse(&with(2, Value::Null)).unwrap_err().field, "payload");
    parse(&with(1, Value::Bytes(vec![0xa0]))).unwrap_err();
    for len in [0, 1, 3, 5] {
        let mut parts = parts.clone();
        parts.resize(len, Value::Bytes(vec![]));
        parse(&bytes(&Value::Array(parts))).unwrap_err();
    }
    let document = message.signed(&signer);
    parse(&[&document[..], &[0]].concat()).unwrap_err();
    // COSE_Sign's tag, a tag too many, CWT's tag outside.
    for tag in [98, 18, 61, 17] {
        let value = decode(&document);
        parse(&bytes(&Value::Tag(tag, Box::new(value)))).unwrap_err();
    }
    parse(&bytes(&Value::Tag(98, Box::new(message.untagged(vec![0; 64]))))).unwrap_err();
}

#[test]
fn a_document_beyond_the_limit_is_not_looked_at() {
    let signer = Signer::new(Algorithm::Es256);
    let of_size = |size: usize| {
        let overhead = Message::new(&signer, AAD, &vec![0; 1 << 15])
            .signed(&signer)
            .len()
            - (1 << 15);
        Message::new(&signer, AAD, &vec![0; size - overhead]).signed(&signer)
    };
    let largest = of_size(COSE_LIMIT);
    assert_eq!(largest.len(), COSE_LIMIT);
    assert_eq!(parse(&largest).unwrap().verify(&signer.pinned(), AAD), Ok(()));
    assert_eq!(parse(&of_size(COSE_LIMIT + 1)).unwrap_err().field, "size");
}

#[test]
fn lengths_that_are_not_there_are_refused_everywhere() {
    let headers = [
        &[][..],
        &[0xd2],
        &[0xd2, 0x84],
        &[0xd2, 0x84, 0x43, 0xa1, 0x01, 0x26],
        &[0xd2, 0x84, 0x43, 0xa1, 0x01, 0x26, 0xa0],
    ];
    for bytes in announcing_too_much() {
        for header in headers {
            parse(&[header, &bytes].concat()).unwrap_err();
        }
        refusal(|message| message.protected.clone_from(&bytes));
    }
}

#[test]
fn a_pinned_key_has_one_encoding() {
    for signer in Signer::all() {
        let spki = signer.spki();
        let key = PinnedKey::from_spki(&spki).unwrap();
        assert_eq!(Ok(key), PinnedKey::from_spki(&spki));
        for len in 0..spki.len() {
            PinnedKey::from_spki(&spki[..len]).unwrap_err();
        }
        PinnedKey::from_spki(&[&spki[..], &[0]].concat()).unwrap_err();
        let prefix = spki.len() - signer.pinned().kind().public_len();
        for bit in 0..prefix * 8 {
            let mut other = spki.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            PinnedKey::from_spki(&other).unwrap_err();
        }
    }
    let p256 = Signer::new(Algorithm::Es256).spki();
    let compressed = hex::decode("3039301306072a8648ce3d020106082a8648ce3d030107032200").unwrap();
    PinnedKey::from_spki(&[&compressed[..], &[0x02], &p256[27..59]].concat()).unwrap_err();
    let mut marked = p256.clone();
    marked[26] = 0x02;
    PinnedKey::from_spki(&marked).unwrap_err();
}

#[test]
fn with_a_point_off_the_curve_nothing_verifies() {
    let signer = Signer::new(Algorithm::Es256);
    let mut spki = signer.spki();
    *spki.last_mut().unwrap() ^= 1;
    let key = PinnedKey::from_spki(&spki).unwrap();
    let parsed = parse(&Message::new(&signer, AAD, PAYLOAD).signed(&signer)).unwrap();
    assert_eq!(parsed.verify(&key, AAD), Err(ClaimFault::Signature));
}

proptest! {
    #[test]
    fn arbitrary_bytes_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&bytes);
        let _ = PinnedKey::from_spki(&bytes);
    }

    #[test]
    fn arbitrary_headers_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let signer = Signer::new(Algorithm::EdDsa);
        let mut message = Message::new(&signer, AAD, PAYLOAD);
        message.protected = bytes;
        let _ = parse(&message.with_signature(vec![0; 64]));
    }
}

/// The field that is complained about, once `change` is made to a good ES256 document.
fn refusal(change: impl FnOnce(&mut Message)) -> &'static str {
    let signer = Signer::new(Algorithm::Es256);
    let mut message = Message::new(&signer, AAD, PAYLOAD);
    parse(&message.signed(&signer)).unwrap();
    change(&mut message);
    parse(&message.signed(&signer)).unwrap_err().field
}

/// A header with a countersignature, whose protected header has a countersignature, and so on.
fn countersigned(depth: usize) -> Entries {
    let mut header = vec![];
    for _ in 0..depth {
        let signature = [
            Value::Bytes(bytes(&Value::Map(header))),
            Value::Map(vec![]),
            Value::Bytes(vec![]),
        ];
        header = entries([(7, Value::Array(signature.into()))]);
    }
    header
}

fn parse(bytes: &[u8]) -> Result<Sign1, ParseError> {
    Sign1::parse("X", bytes)
}

fn decode(bytes: &[u8]) -> Value {
    cbor::decode("X", bytes).unwrap()
}

const AAD: &[u8] = b"use";
const PAYLOAD: &[u8] = b"payload";
