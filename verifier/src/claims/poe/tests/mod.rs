//! Endorsements made from their parts, by an issuer under a test root.

mod hostile;
mod shape;
mod trust;

use ciborium::value::Value;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, SerialNumber,
    date_time_ymd,
};

use super::*;
use crate::claims::{
    Algorithm,
    testing::{Entries, Message, Signer, bytes, entries},
};

#[test]
fn a_good_endorsement_says_what_was_endorsed() {
    let pki = Pki::new();
    let poe = Draft::default().poe(&pki);
    assert_eq!(poe.piid(), PIID);
    assert!(poe.matches(&PIID));
    assert_eq!(poe.owner(), "csp.example");
    assert_eq!(poe.issuer(), "issuer.example");
    assert_eq!(poe.validity(), (NOT_BEFORE, NOT_AFTER));
    assert_eq!(poe.certificate(), pki.leaf);
    let verified = poe.verify(&[&pki.root], &[], AT).unwrap();
    assert_eq!((verified.root, verified.not_after), (0, NOT_AFTER));
    assert_eq!(verified.revocation.uncovered, 2);
}

#[test]
fn an_instance_id_matches_whole_or_not_at_all() {
    let pki = Pki::new();
    let long: Vec<u8> = (0..32).collect();
    for piid in [long[..16].to_vec(), long.clone()] {
        let mut draft = Draft::default();
        draft.condition.mval = entries([(-101, Value::Bytes(piid.clone()))]);
        let poe = draft.poe(&pki);
        poe.verify(&[&pki.root], &[], AT).unwrap();
        assert!(poe.matches(&piid));
        let mut other = piid.clone();
        *other.last_mut().unwrap() ^= 1;
        assert!(!poe.matches(&other));
        for len in 0..=32 {
            assert_eq!(
                poe.matches(&long[..len]),
                len == piid.len(),
                "{len} of {}",
                piid.len()
            );
        }
        assert!(!poe.matches(&[&piid[..], &[0; 16]].concat()));
    }
}

/// Why [`Poe::id`] is not the document's digest.
#[test]
fn the_name_to_revoke_it_by_is_the_same_for_every_variant_of_the_document() {
    let pki = Pki::new();
    let message = Draft::default().message(&pki);
    let signature = pki.signer.sign(&message.to_be_signed());
    let twin = [&signature[..48], &negated(&signature[48..])].concat();
    assert_ne!(twin, signature);
    let mut decorated = message.clone();
    decorated.unprotected.push((Value::from("x"), Value::from("y")));
    let mut with_root = message.clone();
    with_root.unprotected = entries([(33, chain(&[&pki.leaf, &pki.intermediate, &pki.root]))]);
    let variants = [
        message.with_signature(signature.clone()),
        message.with_signature(twin),
        message.signed(&pki.signer),
        bytes(&message.untagged(signature.clone())),
        decorated.with_signature(signature.clone()),
        with_root.with_signature(signature),
    ];
    let poes: Vec<_> = variants
        .iter()
        .map(|document| Poe::parse(document).unwrap())
        .collect();
    for (index, poe) in poes.iter().enumerate() {
        poe.verify(&[&pki.root], &[], AT).unwrap();
        assert_eq!(poe.id(), poes[0].id(), "{index}");
        assert!(!variants[..index].contains(&variants[index]), "{index}");
    }

    // What the issuer signs anew is another document.
    let draft = Draft {
        not_after: NOT_AFTER + 1,
        ..Draft::default()
    };
    assert_ne!(draft.poe(&pki).id(), poes[0].id());
    let mut draft = Draft::default();
    draft.protected.push((Value::from("x"), Value::Null));
    assert_ne!(draft.poe(&pki).id(), poes[0].id());
}

/// A POE before it is signed.
struct Draft {
    protected: Entries,
    unprotected: Option<Entries>,
    /// Other entries of the outer map, and in the place of its own where they have its keys.
    corim: Entries,
    corim_tag: u64,
    not_before: u64,
    not_after: u64,
    comid_tag: u64,
    comids: usize,
    comid: Entries,
    triples: Entries,
    records: usize,
    condition: Clause,
    endorsement: Clause,
}

/// One side of the record.
#[derive(Clone)]
struct Clause {
    environment: Entries,
    class: Entries,
    measurement: Entries,
    mval: Entries,
    statements: usize,
    measurements: usize,
}

impl Default for Draft {
    fn default() -> Self {
        Self {
            protected: entries([
                (1, Value::from(-35)),
                (3, Value::from("application/rim+cbor")),
                (4, Value::Bytes(vec![4; 48])),
                (15, Value::Map(entries([(1, Value::from("issuer.example"))]))),
            ]),
            unprotected: None,
            corim: vec![],
            corim_tag: 501,
            not_before: NOT_BEFORE,
            not_after: NOT_AFTER,
            comid_tag: 506,
            comids: 1,
            comid: vec![],
            triples: vec![],
            records: 1,
            condition: Clause::new("6086480186f84d010d020601", -101, Value::from(&PIID[..])),
            endorsement: Clause::new("6086480186f84d010d020c01", -401, Value::from("csp.example")),
        }
    }
}

impl Draft {
    fn poe(&self, pki: &Pki) -> Poe {
        Poe::parse(&self.message(pki).signed(&pki.signer)).unwrap()
    }

    /// The field complained about.
    fn refusal(&self) -> &'static str {
        let pki = Pki::new();
        Poe::parse(&self.message(&pki).signed(&pki.signer))
            .unwrap_err()
            .field
    }

    fn message(&self, pki: &Pki) -> Message {
        let unprotected = || entries([(33, chain(&[&pki.leaf, &pki.intermediate]))]);
        Message {
            protected: bytes(&Value::Map(self.protected.clone())),
            unprotected: self.unprotected.clone().unwrap_or_else(unprotected),
            aad: vec![],
            payload: self.payload(),
        }
    }

    fn payload(&self) -> Vec<u8> {
        let time = |time: u64| Value::Tag(1, Box::new(Value::from(time)));
        let validity = entries([(0, time(self.not_before)), (1, time(self.not_after))]);
        let comid = Value::Tag(self.comid_tag, Box::new(Value::Bytes(self.comid())));
        let profile = Value::Tag(32, Box::new(Value::from("tag:intel.com,2026:tee.poe#1.0")));
        let corim = entries([
            (0, Value::Bytes(vec![0; 16])),
            (1, Value::Array(vec![comid; self.comids])),
            (3, profile),
            (4, Value::Map(validity)),
        ]);
        let corim = Value::Map(replaced(corim, &self.corim));
        bytes(&Value::Tag(self.corim_tag, Box::new(corim)))
    }

    fn comid(&self) -> Vec<u8> {
        let record = Value::Array(vec![self.condition.value(), self.endorsement.value()]);
        let triples = entries([(10, Value::Array(vec![record; self.records]))]);
        let comid = entries([
            (1, Value::Map(entries([(0, Value::Bytes(vec![1; 16]))]))),
            (4, Value::Map(replaced(triples, &self.triples))),
        ]);
        bytes(&Value::Map(replaced(comid, &self.comid)))
    }
}

impl Clause {
    fn new(class: &str, key: i64, value: Value) -> Self {
        let class = Value::Bytes(hex::decode(class).unwrap());
        Self {
            environment: vec![],
            class: entries([(0, Value::Tag(111, Box::new(class)))]),
            measurement: entries([(0, Value::from("tee.poe.something"))]),
            mval: entries([(key, value)]),
            statements: 1,
            measurements: 1,
        }
    }

    fn value(&self) -> Value {
        let environment = entries([(0, Value::Map(self.class.clone()))]);
        let environment = Value::Map(replaced(environment, &self.environment));
        let measurement = entries([(1, Value::Map(self.mval.clone()))]);
        let measurement = Value::Map(replaced(measurement, &self.measurement));
        let measurements = Value::Array(vec![measurement; self.measurements]);
        Value::Array(vec![
            Value::Array(vec![environment, measurements]);
            self.statements
        ])
    }
}

/// `new` entries take the place of those with the same key; `undefined` would not survive, so `Tag(0, Null)` deletes.
fn replaced(mut map: Entries, new: &Entries) -> Entries {
    map.retain(|(key, _)| new.iter().all(|(other, _)| other != key));
    map.extend(new.iter().filter(|(_, value)| *value != absent()).cloned());
    map
}

fn absent() -> Value {
    Value::Tag(0, Box::new(Value::Null))
}

fn chain(certificates: &[&[u8]]) -> Value {
    Value::Array(certificates.iter().map(|der| Value::from(*der)).collect())
}

/// A root, an intermediate, and an issuer's P-384 certificate.
struct Pki {
    root: Vec<u8>,
    intermediate: Vec<u8>,
    leaf: Vec<u8>,
    signer: Signer,
    keys: [KeyPair; 2],
    params: [CertificateParams; 2],
}

impl Pki {
    fn new() -> Self {
        Self::with(|_| (), Algorithm::Es384)
    }

    fn with(change_leaf: impl FnOnce(&mut CertificateParams), algorithm: Algorithm) -> Self {
        let mut leaf = leaf();
        change_leaf(&mut leaf);
        Self::from(authority("root"), &leaf, algorithm)
    }

    fn from(root: CertificateParams, leaf: &CertificateParams, algorithm: Algorithm) -> Self {
        let intermediate = authority("intermediate");
        let keys = [KeyPair::generate().unwrap(), KeyPair::generate().unwrap()];
        let signer = Signer::new(algorithm);
        let root_der = root.self_signed(&keys[0]).unwrap().der().to_vec();
        let from_root = Issuer::from_params(&root, &keys[0]);
        let intermediate_der = intermediate
            .signed_by(&keys[1], &from_root)
            .unwrap()
            .der()
            .to_vec();
        let from_intermediate = Issuer::from_params(&intermediate, &keys[1]);
        let leaf = leaf
            .signed_by(&signer.pair, &from_intermediate)
            .unwrap()
            .der()
            .to_vec();
        Self {
            root: root_der,
            intermediate: intermediate_der,
            leaf,
            signer,
            keys,
            params: [root, intermediate],
        }
    }

    fn root_issuer(&self) -> Issuer<'_, &KeyPair> {
        Issuer::from_params(&self.params[0], &self.keys[0])
    }

    fn intermediate_issuer(&self) -> Issuer<'_, &KeyPair> {
        Issuer::from_params(&self.params[1], &self.keys[1])
    }
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.use_authority_key_identifier_extension = true;
    params.not_after = date_time_ymd(2040, 1, 1);
    params
}

fn authority(name: &str) -> CertificateParams {
    let mut params = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn leaf() -> CertificateParams {
    let mut params = named("issuer.example");
    params.is_ca = IsCa::ExplicitNoCa;
    params.serial_number = Some(SerialNumber::from(SERIAL));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params
}

/// `n − s` on P-384: the other signature that everybody can make of one.
fn negated(s: &[u8]) -> Vec<u8> {
    let order = hex::decode(concat!(
        "ffffffffffffffffffffffffffffffffffffffffffffffff",
        "c7634d81f4372ddf581a0db248b0a77aecec196accc52973"
    ));
    let mut borrow = false;
    let mut difference = order.unwrap();
    for (left, right) in difference.iter_mut().zip(s).rev() {
        let (result, under) = left.overflowing_sub(*right);
        let (result, under_again) = result.overflowing_sub(u8::from(borrow));
        (*left, borrow) = (result, under || under_again);
    }
    difference
}

const AT: u64 = 1_800_000_000;
const NOT_BEFORE: u64 = 1_780_358_400;
const NOT_AFTER: u64 = 1_938_124_800;
const SERIAL: u64 = 77;
const PIID: [u8; 16] = *b"\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff";
