//! Documents made to mislead or to exhaust.

use proptest::prelude::*;

use super::*;
use crate::claims::testing::announcing_too_much;

/// Certificates and their own signatures are left out: a bit in them is the chain's affair, and slow.
#[test]
fn nothing_verifies_that_has_one_signed_bit_changed() {
    let pki = Pki::new();
    let message = Draft::default().message(&pki);
    let document = message.signed(&pki.signer);
    let mut tried = 0;
    for part in [&message.protected, &message.payload] {
        let at = document
            .windows(part.len())
            .position(|window| window == part)
            .unwrap();
        for bit in at * 8..(at + part.len()) * 8 {
            let mut bad = document.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let Ok(poe) = Poe::parse(&bad) else { continue };
            assert!(poe.verify(&[&pki.root], &[], AT).is_err(), "bit {bit}");
            tried += 1;
        }
    }
    assert!(tried > 100, "{tried} of them could be read at all");
}

#[test]
fn nothing_parses_that_is_cut() {
    let pki = Pki::new();
    let document = Draft::default().message(&pki).signed(&pki.signer);
    for len in 0..document.len() {
        Poe::parse(&document[..len]).unwrap_err();
    }
    Poe::parse(&[&document[..], &[0]].concat()).unwrap_err();
    // So are the parts that are documents of their own.
    let parts = [Draft::default().payload(), Draft::default().comid()];
    for bad in parts
        .iter()
        .flat_map(|part| (0..part.len()).map(|len| part[..len].to_vec()))
    {
        with_payload(&pki, &bad).unwrap_err();
        with_comid(&pki, bad).unwrap_err();
    }
    for part in &parts {
        with_payload(&pki, &[&part[..], &[0]].concat()).unwrap_err();
    }
    with_payload(&pki, &Draft::default().payload()).unwrap();
    with_comid(&pki, Draft::default().comid()).unwrap();
    with_comid(&pki, [Draft::default().comid(), vec![0]].concat()).unwrap_err();
}

#[test]
fn lengths_and_nesting_that_are_not_there_are_refused_inside_too() {
    let pki = Pki::new();
    let deep = [&[0x81; 10_000][..], &[0x00]].concat();
    for bad in announcing_too_much().into_iter().chain([deep]) {
        with_payload(&pki, &bad).unwrap_err();
        with_payload(&pki, &[&[0xd9, 0x01, 0xf5], &bad[..]].concat()).unwrap_err();
        with_comid(&pki, bad.clone()).unwrap_err();
        Poe::parse(&bad).unwrap_err();
    }
}

#[test]
fn a_document_of_64_kib_is_the_largest() {
    let pki = Pki::new();
    let of_size = |size: usize| {
        let mut message = Draft::default().message(&pki);
        message
            .unprotected
            .push((Value::from("x"), Value::Bytes(vec![0; 1 << 15])));
        let overhead = message.signed(&pki.signer).len() - (1 << 15);
        message.unprotected[1].1 = Value::Bytes(vec![0; size - overhead]);
        message.signed(&pki.signer)
    };
    Poe::parse(&of_size(64 << 10))
        .unwrap()
        .verify(&[&pki.root], &[], AT)
        .unwrap();
    assert_eq!(Poe::parse(&of_size((64 << 10) + 1)).unwrap_err().field, "size");
}

proptest! {
    #[test]
    fn arbitrary_bytes_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Poe::parse(&bytes);
    }

    #[test]
    fn arbitrary_changes_do_no_harm(
        at in any::<prop::sample::Index>(),
        put in proptest::collection::vec(any::<u8>(), 0..20),
        inside in any::<bool>(),
    ) {
        let pki = Pki::new();
        let mut part = if inside { Draft::default().comid() } else { Draft::default().payload() };
        let from = at.index(part.len());
        let until = (from + put.len()).min(part.len());
        part.splice(from..until, put);
        let parsed = if inside { with_comid(&pki, part) } else { with_payload(&pki, &part) };
        if let Ok(poe) = parsed {
            poe.verify(&[&pki.root], &[], AT).ok();
        }
    }
}

fn with_payload(pki: &Pki, payload: &[u8]) -> Result<Poe, crate::ParseError> {
    let mut message = Draft::default().message(pki);
    message.payload = payload.into();
    Poe::parse(&message.signed(&pki.signer))
}

fn with_comid(pki: &Pki, comid: Vec<u8>) -> Result<Poe, crate::ParseError> {
    let tags = Value::Array(vec![Value::Tag(506, Box::new(Value::Bytes(comid)))]);
    let draft = Draft {
        corim: entries([(1, tags)]),
        ..Draft::default()
    };
    Poe::parse(&draft.message(pki).signed(&pki.signer))
}
