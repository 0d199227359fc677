//! One honest appraisal, as `chassis-sim evidence` wrote it, and ways to spoil it.

use std::{fs, path::Path, sync::OnceLock};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chassis_verifier::{
    Appraisal, Endorsements, Policy, appraise,
    bundle::{Bundle, DEFAULT_LIMIT},
    eventlog::{Ccel, TcgLog},
    td::TdQuote,
};
use dcap_qvl::QuoteCollateralV3;
use serde_json::Value;

use crate::{CERTIFICATE, within};

/// Parts that may be replaced, one a line: a document, a JSON pointer into it, and what to put there, where `@` stands for
/// an input's bytes in base64. Line *n* is chosen by the input's first byte *n*; `seed.sh` reads the same file.
const PARTS: &str = include_str!("../parts");

/// An honest appraisal's documents.
pub struct World {
    bundle: Value,
    endorsements: Value,
    honest: Endorsements,
    quote: Vec<u8>,
    policy: Policy,
    policy_len: usize,
    /// When to appraise, Unix seconds.
    pub as_of: u64,
}

/// A part and what it was replaced by.
pub struct Spoiled {
    /// The part's JSON pointer.
    pub part: &'static str,
    /// What stood there before; `None` if nothing did.
    pub before: Option<Vec<u8>>,
    /// The bundle with it.
    pub bundle: Bundle,
    /// The endorsements with it.
    pub endorsements: Endorsements,
    /// Bytes of all three documents.
    pub len: usize,
}

impl World {
    /// The world that `seed.sh` wrote.
    ///
    /// # Panics
    /// If it did not.
    pub fn get() -> &'static Self {
        static WORLD: OnceLock<World> = OnceLock::new();
        WORLD.get_or_init(Self::read)
    }

    fn read() -> Self {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/world");
        let text = |name: &str| {
            fs::read_to_string(dir.join(name))
                .unwrap_or_else(|error| panic!("{name}: {error}; run fuzz/seed.sh first"))
        };
        let [bundle, endorsements] =
            ["bundle.json", "endorsements.json"].map(|name| serde_json::from_str(&text(name)).expect("JSON"));
        let policy = text("policy.toml");
        Self {
            honest: Endorsements::parse(text("endorsements.json").as_bytes()).expect("endorsements"),
            quote: bytes_at(&bundle, "/evidence/tee/quote").expect("a quote"),
            policy: Policy::from_toml(&policy).expect("a policy"),
            policy_len: policy.len(),
            as_of: text("as-of").parse().expect("Unix seconds"),
            bundle,
            endorsements,
        }
    }

    /// The bytes at a JSON pointer of the bundle.
    ///
    /// # Panics
    /// If there are none.
    pub fn part(&self, pointer: &str) -> Vec<u8> {
        bytes_at(&self.bundle, pointer).expect("a part of the bundle")
    }

    /// The TD quote.
    pub fn quote(&self) -> TdQuote<'_> {
        TdQuote::parse(&self.quote).expect("a quote")
    }

    /// Intel's collateral and its root (DER).
    pub fn intel(&self) -> (&QuoteCollateralV3, &[u8]) {
        let collateral = self.honest.tdx_collateral.as_ref();
        let root = self.policy.danger_intel_root.as_deref();
        collateral.zip(root).expect("the simulated Intel's")
    }

    /// Puts all but the first byte of `input` in place of the part that the first byte names. `None` if there is no such
    /// part, or the documents are refused with it.
    pub fn spoil(&self, input: &[u8]) -> Option<Spoiled> {
        let (number, bytes) = input.split_first()?;
        let mut words = PARTS.lines().nth((*number).into())?.split(' ');
        let (document, part, template) = (words.next()?, words.next()?, words.next()?);
        let (mut bundle, mut endorsements) = (self.bundle.clone(), self.endorsements.clone());
        let root = match document {
            "bundle" => &mut bundle,
            _ => &mut endorsements,
        };
        let value = template.replace('@', &format!("\"{}\"", STANDARD.encode(bytes)));
        let before = bytes_at(root, part);
        put(root, part, serde_json::from_str(&value).expect("JSON in `parts`"));
        let [bundle, endorsements] = [bundle, endorsements].map(|json| json.to_string().into_bytes());
        Some(Spoiled {
            part,
            before,
            len: bundle.len() + endorsements.len() + self.policy_len,
            bundle: Bundle::parse(&bundle, DEFAULT_LIMIT).ok()?,
            endorsements: Endorsements::parse(&endorsements).ok()?,
        })
    }

    /// Appraises under this world's policy. `None` if the evidence cannot be read.
    pub fn appraise(&self, spoiled: &Spoiled) -> Option<Appraisal> {
        within(4 * spoiled.len + CERTIFICATE, || {
            appraise(&spoiled.bundle, &spoiled.endorsements, &self.policy, self.as_of).ok()
        })
    }
}

/// What of a boot log counts: registers and SHA-384 digests of the records that were extended. `None` if it is no log.
pub fn measured(log: &[u8], is_ccel: bool) -> Option<Vec<(u32, Option<[u8; 48]>)>> {
    let (ccel, tcg);
    let log = if is_ccel {
        ccel = Ccel::parse(log).ok()?;
        &*ccel
    } else {
        tcg = TcgLog::parse(log).ok()?;
        &*tcg
    };
    let extended = log.events().iter().filter(|event| event.extends());
    Some(extended.map(|event| (event.register, event.sha384())).collect())
}

fn bytes_at(root: &Value, pointer: &str) -> Option<Vec<u8>> {
    let text = root.pointer(pointer)?.as_str()?;
    Some(STANDARD.decode(text).expect("base64"))
}

/// Sets the value at `pointer`, which may be new in its parent.
fn put(root: &mut Value, pointer: &str, value: Value) {
    let (parent, key) = pointer.rsplit_once('/').expect("a JSON pointer");
    match root.pointer_mut(parent).expect("a part of the document") {
        Value::Array(items) => items[key.parse::<usize>().expect("an index")] = value,
        object => object[key] = value,
    }
}
