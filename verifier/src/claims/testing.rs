//! Signers, and documents made from their parts so that each can be broken singly. The bytes to be signed are put together
//! here once more, without `coset`.

use ciborium::value::Value;
use rcgen::{
    KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PublicKeyData, SignatureAlgorithm,
};
use ring::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    },
};

use super::{Algorithm, PinnedKey};

pub(super) struct Signer {
    pub(super) algorithm: Algorithm,
    pub(super) pair: KeyPair,
}

impl Signer {
    pub(super) fn new(algorithm: Algorithm) -> Self {
        let pair = KeyPair::generate_for(rcgen_algorithm(algorithm)).unwrap();
        Self { algorithm, pair }
    }

    pub(super) fn all() -> [Self; 3] {
        [Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa].map(Self::new)
    }

    pub(super) fn spki(&self) -> Vec<u8> {
        self.pair.subject_public_key_info()
    }

    pub(super) fn pinned(&self) -> PinnedKey {
        PinnedKey::from_spki(&self.spki()).unwrap()
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let (pkcs8, random) = (self.pair.serialize_der(), SystemRandom::new());
        let curve = match self.algorithm {
            Algorithm::Es256 => &ECDSA_P256_SHA256_FIXED_SIGNING,
            Algorithm::Es384 => &ECDSA_P384_SHA384_FIXED_SIGNING,
            Algorithm::EdDsa => {
                let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&pkcs8).unwrap();
                return pair.sign(message).as_ref().to_vec();
            }
        };
        let pair = EcdsaKeyPair::from_pkcs8(curve, &pkcs8, &random).unwrap();
        pair.sign(&random, message).unwrap().as_ref().to_vec()
    }

    /// The algorithm's number in a header.
    pub(super) fn alg(&self) -> Value {
        Value::from(match self.algorithm {
            Algorithm::Es256 => -7,
            Algorithm::Es384 => -35,
            Algorithm::EdDsa => -8,
        })
    }
}

fn rcgen_algorithm(algorithm: Algorithm) -> &'static SignatureAlgorithm {
    match algorithm {
        Algorithm::Es256 => &PKCS_ECDSA_P256_SHA256,
        Algorithm::Es384 => &PKCS_ECDSA_P384_SHA384,
        Algorithm::EdDsa => &PKCS_ED25519,
    }
}

pub(super) type Entries = Vec<(Value, Value)>;

/// A `COSE_Sign1` before it is signed.
#[derive(Clone)]
pub(super) struct Message {
    /// The protected header as it is signed; see [`map`].
    pub(super) protected: Vec<u8>,
    pub(super) unprotected: Entries,
    pub(super) aad: Vec<u8>,
    pub(super) payload: Vec<u8>,
}

impl Message {
    pub(super) fn new(signer: &Signer, aad: &[u8], payload: &[u8]) -> Self {
        Self {
            protected: map([(1, signer.alg())]),
            unprotected: vec![],
            aad: aad.into(),
            payload: payload.into(),
        }
    }

    pub(super) fn to_be_signed(&self) -> Vec<u8> {
        let parts = [&self.protected, &self.aad, &self.payload].map(|part| Value::Bytes(part.clone()));
        let parts = std::iter::once(Value::from("Signature1")).chain(parts);
        bytes(&Value::Array(parts.collect()))
    }

    pub(super) fn signed(&self, signer: &Signer) -> Vec<u8> {
        self.with_signature(signer.sign(&self.to_be_signed()))
    }

    pub(super) fn with_signature(&self, signature: Vec<u8>) -> Vec<u8> {
        bytes(&Value::Tag(18, Box::new(self.untagged(signature))))
    }

    pub(super) fn untagged(&self, signature: Vec<u8>) -> Value {
        Value::Array(vec![
            Value::Bytes(self.protected.clone()),
            Value::Map(self.unprotected.clone()),
            Value::Bytes(self.payload.clone()),
            Value::Bytes(signature),
        ])
    }
}

pub(super) fn bytes(value: &Value) -> Vec<u8> {
    let mut bytes = vec![];
    ciborium::ser::into_writer(value, &mut bytes).unwrap();
    bytes
}

pub(super) fn entries<K: Into<Value>, const N: usize>(entries: [(K, Value); N]) -> Entries {
    entries.map(|(key, value)| (key.into(), value)).into()
}

/// An encoded map.
pub(super) fn map<K: Into<Value>, const N: usize>(map: [(K, Value); N]) -> Vec<u8> {
    bytes(&Value::Map(entries(map)))
}

/// Every string of `bytes` but the last bytes, and every one with one bit changed.
pub(super) fn cut_or_changed(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let cut = (0..bytes.len()).map(|len| bytes[..len].to_vec());
    let changed = (0..bytes.len() * 8).map(|bit| {
        let mut changed = bytes.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        changed
    });
    cut.chain(changed)
}

/// Heads that announce 2 GiB, or as much as there is, of every kind of item that has a length.
pub(super) fn announcing_too_much() -> Vec<Vec<u8>> {
    let lengths = [
        "1a7fffffff",
        "1a80000000",
        "1affffffff",
        "1b0000000180000000",
        "1bffffffffffffffff",
    ];
    let kinds = [0x40, 0x60, 0x80, 0xa0];
    lengths
        .iter()
        .flat_map(|length| {
            kinds.map(|kind| {
                let mut head = hex::decode(length).unwrap();
                head[0] |= kind;
                [head, vec![0; 64]].concat()
            })
        })
        .collect()
}
