use std::cell::Cell;

use p256::ecdsa::{Signature, SigningKey, signature::Signer as _};
use rustls_pki_types::{InvalidSignature, SignatureVerificationAlgorithm as _};

use super::{CURRENT, LIMIT, Memo, algorithm::Remembering, all_algorithms, entry, remembered, scope};

/// What a signature is.
const GOOD: bool = true;
const BAD: bool = false;

/// What [`answer`] is: whether it verified, and whether that was asked.
const ACCEPTED: (bool, bool) = (true, true);
const REMEMBERED: (bool, bool) = (true, false);
const REFUSED: (bool, bool) = (false, true);

const PARTS: [&[u8]; 3] = [b"key", b"message", b"signature"];

#[test]
fn a_signature_that_verified_is_not_verified_again() {
    scope(|| {
        assert_eq!(answer(0, PARTS, GOOD), ACCEPTED);
        assert_eq!(answer(0, PARTS, BAD), REMEMBERED);
    });
}

#[test]
fn another_key_message_signature_or_algorithm_is_another_signature() {
    scope(|| {
        assert_eq!(answer(0, PARTS, GOOD), ACCEPTED);
        for place in 0..3 {
            let mut parts = PARTS;
            parts[place] = b"another";
            assert_eq!(answer(0, parts, BAD), REFUSED);
        }
        assert_eq!(answer(1, PARTS, BAD), REFUSED);
    });
}

#[test]
fn parts_that_join_alike_are_told_apart() {
    scope(|| {
        assert_eq!(answer(0, [b"ab", b"cd", b"ef"], GOOD), ACCEPTED);
        for parts in [
            [b"a".as_slice(), b"bcd", b"ef"],
            [b"ab", b"c", b"def"],
            [b"abcd", b"", b"ef"],
        ] {
            assert_eq!(answer(0, parts, BAD), REFUSED);
        }
    });
}

#[test]
fn a_failure_is_not_remembered() {
    scope(|| {
        assert_eq!(answer(0, PARTS, BAD), REFUSED);
        assert_eq!(answer(0, PARTS, BAD), REFUSED);
        assert_eq!(answer(0, PARTS, GOOD), ACCEPTED);
    });
}

#[test]
fn nothing_outlives_its_scope() {
    assert_eq!(answer(0, PARTS, GOOD), ACCEPTED);
    assert_eq!(answer(0, PARTS, BAD), REFUSED);
    scope(|| {
        scope(|| answer(0, PARTS, GOOD));
        assert_eq!(answer(0, PARTS, BAD), REMEMBERED);
    });
    let _ = std::panic::catch_unwind(|| {
        scope(|| {
            let _ = answer(0, PARTS, GOOD);
            panic!("in the middle of it");
        });
    });
    assert!(CURRENT.with_borrow(Option::is_none));
    scope(|| {
        assert_eq!(answer(0, PARTS, BAD), REFUSED);
        let other = std::thread::spawn(|| answer(0, PARTS, BAD));
        assert_eq!(other.join().unwrap(), REFUSED);
    });
}

#[test]
fn one_that_is_kept_serves_scope_after_scope_on_any_thread() {
    let memo = Memo::default();
    memo.scope(|| assert_eq!(answer(0, PARTS, GOOD), ACCEPTED));
    assert_eq!(answer(0, PARTS, BAD), REFUSED, "outside of its scope");
    let again = memo.clone();
    let other = std::thread::spawn(move || again.scope(|| answer(0, PARTS, BAD)));
    assert_eq!(other.join().unwrap(), REMEMBERED);
    // What an appraisal opens within it is this one.
    memo.scope(|| scope(|| assert_eq!(answer(0, PARTS, BAD), REMEMBERED)));
    scope(|| assert_eq!(answer(0, PARTS, BAD), REFUSED, "another memo"));
}

#[test]
fn it_does_not_grow_beyond_its_limit() {
    scope(|| {
        for number in 0..=LIMIT as u64 {
            let _ = answer(0, [b"key", &number.to_be_bytes(), b"signature"], GOOD);
            assert!(CURRENT.with_borrow(|memo| memo.as_ref().unwrap().verified().len()) <= LIMIT);
        }
        assert_eq!(
            answer(0, [b"key", &(LIMIT as u64).to_be_bytes(), b"signature"], GOOD),
            REMEMBERED
        );
        assert_eq!(answer(0, [b"key", &[0; 8], b"signature"], GOOD), ACCEPTED);
    });
}

/// The entry's layout: number ‖ (length ‖ part)×3, nothing left out.
#[test]
fn every_byte_of_every_part_counts() {
    let (key, message, signature) = ([1; 65], [2; 300], [3; 72]);
    let whole = entry(7, [&key, &message, &signature]);
    for at in 0..key.len() + message.len() + signature.len() {
        let mut joined = [&key[..], &message, &signature].concat();
        joined[at] ^= 1;
        let (changed_key, rest) = joined.split_at(key.len());
        let (changed_message, changed_signature) = rest.split_at(message.len());
        assert_ne!(entry(7, [changed_key, changed_message, changed_signature]), whole);
    }
}

#[test]
fn real_signatures_verify_as_without_it() {
    let key = SigningKey::from_slice(&[7; 32]).unwrap();
    let public = key.verifying_key().to_encoded_point(false);
    let other = SigningKey::from_slice(&[8; 32])
        .unwrap()
        .verifying_key()
        .to_encoded_point(false);
    let signature: Signature = key.sign(b"message");
    let der = signature.to_der();
    let remembering = Remembering {
        number: 0,
        algorithm: webpki::ring::ECDSA_P256_SHA256,
    };
    let with_sha384 = Remembering {
        number: 1,
        algorithm: webpki::ring::ECDSA_P256_SHA384,
    };
    scope(|| {
        for _ in 0..2 {
            remembering
                .verify_signature(public.as_bytes(), b"message", der.as_bytes())
                .unwrap();
            remembering
                .verify_signature(other.as_bytes(), b"message", der.as_bytes())
                .unwrap_err();
            remembering
                .verify_signature(public.as_bytes(), b"massage", der.as_bytes())
                .unwrap_err();
            remembering
                .verify_signature(public.as_bytes(), b"message", &der.as_bytes()[1..])
                .unwrap_err();
            with_sha384
                .verify_signature(public.as_bytes(), b"message", der.as_bytes())
                .unwrap_err();
        }
    });
}

#[test]
fn all_algorithms_are_webpkis_each_with_its_own_number() {
    let ids = |algorithm: &dyn rustls_pki_types::SignatureVerificationAlgorithm| {
        (algorithm.public_key_alg_id(), algorithm.signature_alg_id())
    };
    let ours: Vec<_> = all_algorithms().into_iter().map(ids).collect();
    let theirs: Vec<_> = webpki::ALL_VERIFICATION_ALGS
        .iter()
        .map(|algorithm| ids(*algorithm))
        .collect();
    assert_eq!(ours, theirs);
    // Numbers are places in the list; the last is `dcap-qvl`'s.
    assert!(ours.len() < usize::from(u8::MAX));
}

/// What a memo says of a signature that is `good` or not.
fn answer(algorithm: u8, parts: [&[u8]; 3], good: bool) -> (bool, bool) {
    let asked = Cell::new(false);
    let result = remembered(algorithm, parts, || {
        asked.set(true);
        good.then_some(()).ok_or(InvalidSignature)
    });
    (result.is_ok(), asked.get())
}
