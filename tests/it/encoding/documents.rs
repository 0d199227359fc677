//! What a registry is only ever shown the hash of. Rust makes these sections.

use std::collections::BTreeMap;

use alloy::{
    hex,
    primitives::{Address, B256, U256, address, keccak256},
    sol_types::SolValue,
};
use chassis_relayer::report::{Item, Manifest};
use chassis_verifier::{
    Check, CheckId, Endorsements, HexBytes, Policy, Workload,
    bundle::{Anchor, Bundle, Evidence, canonical_json},
    challenge::{AkName, challenge, qualifying_data, report_data},
    checks_root, instance_id, platform_id, sha256,
    td::Measurements,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::hex as hexed;

const REGISTRY: Address = address!("c0ffee0000000000000000000000000000000001");
const OPERATOR: Address = address!("00000000000000000000000000000000deadbeef");

/// The sections by name.
pub(super) fn sections() -> BTreeMap<&'static str, Value> {
    let sections = [
        ("platformId", platform()),
        ("instanceId", instance()),
        ("instanceIdOfHost", instance_of_host()),
        ("measurements", measurements()),
        ("policy", policy()),
        ("workload", workload()),
        ("endorsements", endorsements()),
        ("evidence", evidence_document()),
        ("facts", facts()),
        ("checks", checks()),
        ("manifest", manifest()),
        ("challenge", challenges()),
    ];
    let section = |(input, output)| json!({"input": input, "output": output});
    sections.map(|(name, parts)| (name, section(parts))).into()
}

type Parts = (Value, Value);

fn platform() -> Parts {
    let raw_id: [u8; 16] = hex!("000102030405060708090a0b0c0d0e0f");
    (
        json!({"scheme": "intel:ppid", "rawId": hexed(raw_id)}),
        json!({"id": platform_id(&raw_id)}),
    )
}

/// The key is P-256's base point.
fn instance() -> Parts {
    let spki = hex!(
        "3059301306072a8648ce3d020106082a8648ce3d03010703420004"
        "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
        "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
    );
    (json!({"spki": hexed(spki)}), json!({"id": instance_id(&spki)}))
}

fn instance_of_host() -> Parts {
    let name = AkName::of(AK_PUBLIC);
    (
        json!({"akName": hexed(name.0)}),
        json!({"id": instance_id(&name.0)}),
    )
}

fn measurements() -> Parts {
    let measured = Measurements {
        mrtd: HexBytes([1; 48]),
        rtmrs: [2, 3, 4, 5].map(|byte| HexBytes([byte; 48])),
        mrseam: HexBytes([6; 48]),
        xfam: HexBytes([0xe7, 0x18, 6, 0, 0, 0, 0, 0]),
        td_attributes: HexBytes([0, 0, 0, 0x10, 0, 0, 0, 0]),
    };
    let [rtmr0, rtmr1, rtmr2, rtmr3] = measured.rtmrs.map(|register| hexed(register.0));
    (
        json!({
            "mrtd": hexed(measured.mrtd.0),
            "rtmr0": rtmr0, "rtmr1": rtmr1, "rtmr2": rtmr2, "rtmr3": rtmr3,
            "mrseam": hexed(measured.mrseam.0),
            "xfam": hexed(measured.xfam.0),
            "tdAttributes": hexed(measured.td_attributes.0),
        }),
        json!({"hash": measured.hash()}),
    )
}

fn policy() -> Parts {
    let toml = format!("{POLICY}\n[[workload]]\n{WORKLOAD}");
    let policy = Policy::from_toml(&toml).unwrap();
    (json!({"toml": toml}), document(&policy, policy.digest().unwrap()))
}

fn workload() -> Parts {
    let workload: Workload = toml::from_str(WORKLOAD).unwrap();
    (
        json!({"toml": WORKLOAD}),
        document(&workload, workload.id().unwrap()),
    )
}

/// Lists out of order, an entry that stands there twice, and a chain id that a double cannot hold.
fn endorsements() -> Parts {
    let claim = |platform: u8, zone: &str| json!({"platformId": B256::repeat_byte(platform), "provider": 7, "zone": zone});
    let input = json!({
        "version": 1,
        "anchor": {
            "chainId": "9007199254740993",
            "registry": REGISTRY,
            "number": 24_000_000,
            "hash": keccak256("block"),
            "timestamp": 1_799_999_100,
        },
        "providerCrls": ["AQI=", "AQE=", "AQI="],
        "hostRegistry": [claim(2, "us-central1-a"), claim(1, "us-central1-b"), claim(1, "us-central1-a")],
    });
    let set: Endorsements = parsed(&input);
    assert!(Endorsements::parse(&set.to_json().unwrap()).is_ok());
    (input, document(&*set.canonical(), set.digest().unwrap()))
}

fn evidence_document() -> Parts {
    let evidence = evidence();
    let digest = Bundle::unsigned(evidence.clone()).unwrap().digest;
    (evidence_input(), document(&evidence, digest))
}

/// The smallest evidence: nobody would believe it.
pub(super) fn evidence() -> Evidence {
    parsed(&evidence_input())
}

fn evidence_input() -> Value {
    json!({
        "version": 1,
        "operator": OPERATOR,
        "disclosure": "public",
        "anchor": {
            "chainId": 31_337,
            "registry": REGISTRY,
            "blockNumber": 24_000_000,
            "blockHash": keccak256("block"),
        },
        "tee": {"kind": "tdx", "quote": "BAACAA=="},
    })
}

fn facts() -> Parts {
    let check = Check::pass(CheckId::TdTcb, "")
        .fact("status", "UpToDate")
        .fact("advisories", vec!["INTEL-SA-00828", "INTEL-SA-00615"])
        .fact("number", 17)
        .fact("great", 9_007_199_254_740_993_u64);
    (json!(check.facts), document(&check.facts, check.facts_hash()))
}

/// Three, so that one node is odd.
fn checks() -> Parts {
    let checks = [
        Check::pass(CheckId::TdQuote, "verified")
            .fact("fmspc", "00806f050000")
            .fact("pckCrl", 1),
        Check::not_applicable(CheckId::TdPlatform, "any platform is accepted"),
        Check::fail(CheckId::Age, "too old").fact("age", 7201),
    ];
    let input = checks
        .iter()
        .map(|check| json!({"id": check.id as u16, "outcome": check.outcome as u8, "facts": check.facts}));
    let leaves = checks.iter().map(|check| {
        let words = (
            U256::from(check.id as u16),
            U256::from(check.outcome as u8),
            check.facts_hash(),
        );
        keccak256(keccak256(words.abi_encode()))
    });
    (
        json!({"checks": input.collect::<Vec<_>>()}),
        json!({
            "factsHashes": checks.each_ref().map(Check::facts_hash),
            "leaves": leaves.collect::<Vec<_>>(),
            "root": checks_root(&checks),
        }),
    )
}

fn manifest() -> Parts {
    let items = [1, 2].map(|n| Item {
        result: keccak256(format!("digest {n}")),
        evidence: keccak256(format!("evidence {n}")),
        endorsements: keccak256("endorsements"),
    });
    let canonical = Manifest::new(items).to_json().unwrap();
    let input = json!({"version": 1, "items": items});
    let output = document(&input, sha256(&canonical));
    (input, output)
}

fn challenges() -> Parts {
    let anchor = Anchor {
        chain_id: 31_337,
        registry: REGISTRY,
        block_number: 24_000_000,
        block_hash: keccak256("block"),
    };
    let quote = [4, 0, 2, 0];
    let session_key_hash = keccak256("session key");
    let challenge = challenge(&anchor, OPERATOR);
    let ak = AkName::of(AK_PUBLIC);
    (
        json!({
            "chainId": anchor.chain_id,
            "registry": REGISTRY,
            "blockNumber": anchor.block_number,
            "blockHash": anchor.block_hash,
            "operator": OPERATOR,
            "akPublic": hexed(AK_PUBLIC),
            "sessionKeyHash": session_key_hash,
            "quote": hexed(quote),
        }),
        json!({
            "challenge": challenge,
            "akName": hexed(ak.0),
            "reportData": hexed(report_data(challenge, ak, session_key_hash)),
            "qualifyingData": hexed(qualifying_data(challenge, &quote)),
        }),
    )
}

/// A document's canonical form, whose hash production code says is `digest`.
fn document<T: Serialize>(value: &T, digest: B256) -> Value {
    let canonical = canonical_json(value).unwrap();
    assert_eq!(sha256(&canonical), digest);
    json!({"canonical": String::from_utf8(canonical).unwrap(), "sha256": digest})
}

fn parsed<T: DeserializeOwned>(document: &Value) -> T {
    serde_json::from_value(document.clone()).unwrap()
}

/// Only its hash matters.
const AK_PUBLIC: &[u8] = b"a TPMT_PUBLIC";

/// Comments, layout and what is left to its default do not count.
const POLICY: &str = r#"# Whom this quorum trusts.
version = 1
name = "example"
max_evidence_age = 3600

[[provider]]
id = 7
name = "google"
profile = "google-vtpm"
roots = ["MIIBCzCBvqADAgECAhQ76fIu60xsWUl3ALGzaKfxIAEgajAFBgMrZXAwDDEKMAgGA1UEAwwBYTAeFw0yNjExMzAyMjM4MzZaFw0zNjExMjcyMjM4MzZaMAwxCjAIBgNVBAMMAWEwKjAFBgMrZXADIQA2P/LTjJ4Df5SvGlCJo0jJKhO/mwiBZLioxLyMEm1uwaMyMDAwDwYDVR0TAQH/BAUwAwEB/zAdBgNVHQ4EFgQUTY9LT9vHue+C8nnNFars5IEkxr8wBQYDK2VwA0EArgLs/4dOR2lIWB0DAP9rpF7ypx0yzS3TBn4CZmjniZGblnZRL9PgMYQ+BJLbtOZiu7hy01dHbbKDtXeaaTN6Ag=="]
host_registry = true
"#;

const WORKLOAD: &str = r#"name = "image 1"
mrtd = ["010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101"]
rtmr0 = "any"
rtmr1 = ["030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303"]
rtmr2 = ["040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404"]
mrseam = "any"
xfam = "any"
td_attributes = ["0000001000000000"]
pcr0 = ["000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"]
vtpm_sealed = true
"#;
