//! Whoever else speaks about a CPU: an owner who endorses its platforms, and an alliance that saw them.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ciborium::value::Value;
use rcgen::{
    BasicConstraints, DistinguishedName, DnType, IsCa, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P384_SHA384,
};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _},
};
use sha2::{Digest as _, Sha256};

use crate::{
    Authority, CrlSpec, Seed,
    authority::{authority_params, certificate_params},
};

/// An owner of machines who endorses them under a root of its own.
#[derive(Debug)]
pub struct Owner {
    root: Authority,
    key: EcdsaKeyPair,
    certificate: Vec<u8>,
}

impl Owner {
    /// The same seed gives the same root. Endorsements are signed by P-384, whose keys do not grow from seeds here.
    pub fn new(seed: Seed) -> Self {
        let root = Authority::root(
            authority_params(name("Simulated Owner Root"), BasicConstraints::Unconstrained),
            seed.key("owner/root"),
        );
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).expect("randomness");
        let mut params = certificate_params(name("Simulated Owner"));
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let certificate = root.issue(&params, &pair).der().to_vec();
        let key = EcdsaKeyPair::from_pkcs8(
            &ECDSA_P384_SHA384_FIXED_SIGNING,
            &pair.serialize_der(),
            &SystemRandom::new(),
        )
        .expect("just made");
        Self {
            root,
            key,
            certificate,
        }
    }

    /// Its root (DER).
    pub fn root_der(&self) -> Vec<u8> {
        self.root.der()
    }

    /// What its root has revoked (DER).
    pub fn crl(&self, spec: &CrlSpec) -> Vec<u8> {
        self.root.crl(spec)
    }

    /// Its name, as its endorsements have it.
    pub fn name(&self) -> &'static str {
        NAME
    }

    /// A platform ownership endorsement (`draft-bzb-rats-intel-poe-endorsements`) of the platform with this instance id,
    /// valid from a day before `at` for ten.
    pub fn endorse(&self, platform_instance_id: [u8; 16], at: u64) -> Vec<u8> {
        let time = |time: u64| Value::Tag(1, Box::new(time.into()));
        let clause = |class: [u8; 12], key: i64, value: Value| {
            let class = Value::Tag(111, Box::new(Value::Bytes(class.to_vec())));
            let environment = map([(0.into(), map([(0.into(), class)]))]);
            let measurement = map([(1.into(), map([(key.into(), value)]))]);
            Value::Array(vec![Value::Array(vec![
                environment,
                Value::Array(vec![measurement]),
            ])])
        };
        let record = Value::Array(vec![
            clause(PLATFORM, -101, Value::Bytes(platform_instance_id.to_vec())),
            clause(OWNERSHIP, -401, NAME.into()),
        ]);
        let comid = map([
            (1.into(), map([(0.into(), Value::Bytes(vec![1; 16]))])),
            (4.into(), map([(10.into(), Value::Array(vec![record]))])),
        ]);
        let comid = Value::Tag(506, Box::new(Value::Bytes(encoded(&comid))));
        let corim = map([
            (0.into(), Value::Bytes(vec![0; 16])),
            (1.into(), Value::Array(vec![comid])),
            (
                3.into(),
                Value::Tag(32, Box::new("tag:intel.com,2026:tee.poe#1.0".into())),
            ),
            (
                4.into(),
                map([(0.into(), time(at - 86_400)), (1.into(), time(at + 9 * 86_400))]),
            ),
        ]);
        let payload = encoded(&Value::Tag(501, Box::new(corim)));
        let protected = encoded(&map([
            (1.into(), (-35).into()),
            (3.into(), "application/rim+cbor".into()),
            (15.into(), map([(1.into(), NAME.into())])),
        ]));
        let signed = encoded(&Value::Array(vec![
            "Signature1".into(),
            Value::Bytes(protected.clone()),
            Value::Bytes(Vec::new()),
            Value::Bytes(payload.clone()),
        ]));
        let signature = self.key.sign(&SystemRandom::new(), &signed).expect("randomness");
        // One certificate stands alone (RFC 9360 §2).
        let chain = Value::Bytes(self.certificate.clone());
        encoded(&Value::Tag(
            18,
            Box::new(Value::Array(vec![
                Value::Bytes(protected),
                map([(33.into(), chain)]),
                Value::Bytes(payload),
                Value::Bytes(signature.as_ref().to_vec()),
            ])),
        ))
    }
}

/// A Proof of Cloud alliance with one key.
#[derive(Debug)]
pub struct Witnesses {
    key: Ed25519KeyPair,
}

impl Witnesses {
    /// The same seed gives the same key.
    pub fn new(seed: Seed) -> Self {
        let secret: [u8; 32] = seed.bytes("alliance");
        let key = Ed25519KeyPair::from_seed_unchecked(&secret).expect("32 bytes");
        Self { key }
    }

    /// The key to pin.
    pub fn key(&self) -> [u8; 32] {
        self.key.public_key().as_ref().try_into().expect("32 bytes")
    }

    /// A token for this quote, as the alliance's server issues it.
    pub fn token(&self, quote: &[u8], ppid: [u8; 16], at: u64) -> String {
        let header = format!(
            r#"{{"alg":"EdDSA","typ":"JWT","kid":"{}"}}"#,
            hex::encode(self.key())
        );
        let payload = format!(
            r#"{{"quote_hash":"{}","machine_id":"{}","label":"simulated","timestamp":{at}}}"#,
            hex::encode(Sha256::digest(quote)),
            hex::encode(ppid)
        );
        let signed = [header, payload]
            .map(|part| URL_SAFE_NO_PAD.encode(part))
            .join(".");
        let signature = self.key.sign(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn name(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

fn map<const N: usize>(entries: [(Value, Value); N]) -> Value {
    Value::Map(entries.into())
}

fn encoded(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).expect("memory takes it all");
    bytes
}

const NAME: &str = "owner.example";
/// The draft's class of platforms, as an encoded OID.
const PLATFORM: [u8; 12] = [
    0x60, 0x86, 0x48, 0x01, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x02, 0x06, 0x01,
];
/// The draft's class of ownership claims, as an encoded OID.
const OWNERSHIP: [u8; 12] = [
    0x60, 0x86, 0x48, 0x01, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x02, 0x0c, 0x01,
];
