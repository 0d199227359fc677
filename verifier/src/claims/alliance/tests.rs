//! Tokens broken in one place each.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use proptest::prelude::*;

use super::*;
use crate::claims::{Algorithm, testing::Signer};

#[test]
fn a_token_by_a_pinned_key_verifies_and_names_its_quote() {
    let maker = Maker::new();
    let token = AllianceToken::parse(&maker.token()).unwrap();
    assert_eq!(token.verify(&[[7; 32], maker.key]), Ok(1));
    assert!(token.names_quote(QUOTE));
    assert!(!token.names_quote(b"another quote"));
    assert!(!token.names_quote(&QUOTE[1..]));
    assert_eq!(token.machine_id(), [0xab; 16]);
    assert_eq!((token.label(), token.timestamp()), ("rack 7", 1_750_000_000));
}

#[test]
fn both_generations_of_machine_ids_are_read() {
    let maker = Maker::new();
    for len in [16, 32] {
        let id = "cd".repeat(len);
        let token = maker.signed(&maker.header, &maker.payload.replace(&"ab".repeat(16), &id));
        assert_eq!(
            AllianceToken::parse(&token).unwrap().machine_id(),
            vec![0xcd; len]
        );
    }
    // An SNP chip's has 64.
    for len in [0, 15, 17, 31, 33, 64] {
        assert_eq!(
            maker.refusal(|_, payload| *payload = payload.replace(&"ab".repeat(16), &"cd".repeat(len))),
            "machine_id"
        );
    }
}

#[test]
fn kid_chooses_among_the_pinned_keys_only() {
    let (maker, other) = (Maker::new(), Maker::new());
    let token = AllianceToken::parse(&maker.token()).unwrap();
    assert_eq!(
        token.verify(&[other.key]),
        Err(ClaimFault::NotPinned { pinned: 1 })
    );
    assert_eq!(token.verify(&[]), Err(ClaimFault::NotPinned { pinned: 0 }));

    // Signed by the attacker, naming the alliance's key; and the reverse.
    let forged = AllianceToken::parse(&other.signed(&maker.header, &maker.payload)).unwrap();
    assert_eq!(forged.verify(&[maker.key]), Err(ClaimFault::Signature));
    assert_eq!(forged.verify(&[maker.key, other.key]), Err(ClaimFault::Signature));
    let misnamed = AllianceToken::parse(&maker.signed(&other.header, &maker.payload)).unwrap();
    assert_eq!(
        misnamed.verify(&[maker.key]),
        Err(ClaimFault::NotPinned { pinned: 1 })
    );
}

#[test]
fn every_character_is_signed() {
    let maker = Maker::new();
    let token = maker.token();
    for (index, byte) in token.bytes().enumerate() {
        let mut changed = token.clone().into_bytes();
        changed[index] = if byte == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        let verified = AllianceToken::parse(&changed).map(|token| token.verify(&[maker.key]));
        assert_ne!(verified, Ok(Ok(0)), "{index}");
    }
    for len in 0..token.len() {
        let verified = AllianceToken::parse(&token[..len]).map(|token| token.verify(&[maker.key]));
        assert_ne!(verified, Ok(Ok(0)), "cut at {len}");
    }
    let altered = token.replace(
        &encode(&maker.payload),
        &encode(maker.payload.replace("rack 7", "rack 8")),
    );
    assert_ne!(altered, token);
    let altered = AllianceToken::parse(&altered).unwrap();
    assert_eq!(altered.verify(&[maker.key]), Err(ClaimFault::Signature));
}

#[test]
fn no_other_algorithm_is_accepted() {
    let maker = Maker::new();
    for alg in [
        "none", "None", "", "HS256", "RS256", "ES256", "Ed25519", "eddsa", "EDDSA",
    ] {
        assert_eq!(
            maker.refusal(|header, _| *header = header.replace("EdDSA", alg)),
            "alg",
            "{alg}"
        );
    }
    // The confusion proper: a MAC whose key is the public key.
    let header = maker.header.replace("EdDSA", "HS256");
    let signed = format!("{}.{}", encode(&header), encode(&maker.payload));
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &maker.key);
    let tag = ring::hmac::sign(&key, signed.as_bytes());
    let token = format!("{signed}.{}", encode(tag.as_ref()));
    assert_eq!(AllianceToken::parse(&token).unwrap_err().field, "alg");
    // And with the header left as it was, or without a signature.
    let signed = format!("{}.{}", encode(&maker.header), encode(&maker.payload));
    for signature in [
        encode(ring::hmac::sign(&key, signed.as_bytes()).as_ref()),
        String::new(),
    ] {
        let token = AllianceToken::parse(&format!("{signed}.{signature}")).unwrap();
        assert_eq!(token.verify(&[maker.key]), Err(ClaimFault::Signature));
    }
}

#[test]
fn headers_and_payloads_of_another_shape_are_refused() {
    let maker = Maker::new();
    let header = |from: &'static str, to: &'static str| {
        maker.refusal(|header, _| *header = replaced(header, from, to))
    };
    assert_eq!(header("\"JWT\"", "\"JWS\""), "typ");
    assert_eq!(header("\"typ\":\"JWT\",", ""), "header");
    assert_eq!(header("\"alg\":\"EdDSA\",", ""), "header");
    assert_eq!(header("{\"alg\"", "{\"crit\":[],\"alg\""), "header");
    assert_eq!(header("{\"alg\"", "{\"jwk\":{},\"alg\""), "header");
    assert_eq!(header("{\"alg\"", "{\"alg\":\"EdDSA\",\"alg\""), "header");
    assert_eq!(header("}", "} x"), "header");
    assert_eq!(header("}", ""), "header");
    assert_eq!(header("\"kid\":\"", "\"kid\":\"00"), "kid");
    assert_eq!(
        maker.refusal(|header, _| *header = "[\"EdDSA\",\"JWT\",\"00\"]".into()),
        "header"
    );

    let payload = |from: &'static str, to: &'static str| {
        maker.refusal(|_, payload| *payload = replaced(payload, from, to))
    };
    assert_eq!(payload(",\"timestamp\":1750000000", ""), "payload");
    assert_eq!(payload("1750000000", "-1"), "payload");
    assert_eq!(payload("1750000000", "1750000000.5"), "payload");
    assert_eq!(payload("1750000000", "\"1750000000\""), "payload");
    assert_eq!(payload("1750000000", "18446744073709551616"), "payload");
    assert_eq!(payload("\"rack 7\"", "null"), "payload");
    assert_eq!(payload("{\"quote_hash\"", "{\"iat\":1,\"quote_hash\""), "payload");
    assert_eq!(
        payload("{\"quote_hash\"", "{\"label\":\"a\",\"quote_hash\""),
        "payload"
    );
    assert_eq!(payload("\"quote_hash\":\"", "\"quote_hash\":\"00"), "quote_hash");
    assert_eq!(payload("\"quote_hash\":\"", "\"quote_hash\":\"0"), "quote_hash");
    assert_eq!(payload("abab", "ABAB"), "machine_id");
    assert_eq!(payload("abab", "abag"), "machine_id");
    assert_eq!(
        maker.refusal(|_, payload| *payload = format!("[{}]", &payload[1..payload.len() - 1])),
        "payload"
    );
    let deep = |payload: &mut String| *payload = replaced(payload, "\"rack 7\"", &"[".repeat(2_500));
    assert_eq!(maker.refusal(|_, payload| deep(payload)), "payload");
}

#[test]
fn a_kid_in_capitals_is_refused() {
    let maker = Maker {
        key: [0xab; 32],
        ..Maker::new()
    };
    let header = |kid: String| format!(r#"{{"alg":"EdDSA","typ":"JWT","kid":"{kid}"}}"#);
    AllianceToken::parse(&maker.signed(&header("ab".repeat(32)), &maker.payload)).unwrap();
    let token = maker.signed(&header("AB".repeat(32)), &maker.payload);
    assert_eq!(AllianceToken::parse(&token).unwrap_err().field, "kid");
}

#[test]
fn segments_have_one_spelling() {
    let maker = Maker::new();
    let token = maker.token();
    let [header, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else {
        unreachable!()
    };
    for bad in [
        format!("{header}.{payload}"),
        format!("{token}."),
        format!("{token}.{signature}"),
        format!(".{token}"),
        format!("{header}..{signature}"),
        format!("{header}=.{payload}.{signature}"),
        format!("{header}.{payload}.{signature}=="),
        format!(" {token}"),
        format!("{token}\n"),
        String::new(),
        "..".into(),
    ] {
        AllianceToken::parse(&bad).unwrap_err();
    }
    // 64 bytes end in a character of which four bits are left over.
    let last = signature.chars().last().unwrap();
    assert!("AQgw".contains(last), "{last}");
    let twin = char::from(last as u8 + 1);
    let twin = format!("{header}.{payload}.{}{twin}", &signature[..signature.len() - 1]);
    assert_eq!(AllianceToken::parse(&twin).unwrap_err().field, "signature");
    // The alphabet is base64url's.
    let text = maker.payload.replace("rack 7", "??>>??>>~~");
    let good = maker.signed(&maker.header, &text);
    assert!(good.contains(['-', '_']), "{good}");
    AllianceToken::parse(&good).unwrap();
    AllianceToken::parse(&good.replace('-', "+").replace('_', "/")).unwrap_err();
}

#[test]
fn a_token_beyond_the_limit_is_not_looked_at() {
    let maker = Maker::new();
    let labelled =
        |len: usize| maker.signed(&maker.header, &maker.payload.replace("rack 7", &"x".repeat(len)));
    let longest = (0..TOKEN_LIMIT)
        .find(|len| labelled(len + 1).len() > TOKEN_LIMIT)
        .unwrap();
    AllianceToken::parse(&labelled(longest)).unwrap();
    assert_eq!(
        AllianceToken::parse(&labelled(longest + 1)).unwrap_err().field,
        "size"
    );
    assert_eq!(
        AllianceToken::parse(&"A.".repeat(1 << 20)).unwrap_err().field,
        "size"
    );
}

proptest! {
    #[test]
    fn arbitrary_text_does_no_harm(text in "\\PC{0,300}", segments in "[A-Za-z0-9_.-]{0,300}") {
        let _ = AllianceToken::parse(&text);
        let _ = AllianceToken::parse(&segments);
    }

    #[test]
    fn arbitrary_json_does_no_harm(header in "\\PC{0,100}", payload in "\\PC{0,200}") {
        let maker = Maker::new();
        let _ = AllianceToken::parse(&maker.signed(&header, &payload));
        let _ = AllianceToken::parse(&maker.signed(&maker.header, &payload));
    }
}

/// Issues tokens as the server does: `JSON.stringify`, base64url, one Ed25519 key.
struct Maker {
    signer: Signer,
    key: [u8; 32],
    header: String,
    payload: String,
}

impl Maker {
    fn new() -> Self {
        let signer = Signer::new(Algorithm::EdDsa);
        let key: [u8; 32] = signer.spki()[12..].try_into().unwrap();
        let header = format!(r#"{{"alg":"EdDSA","typ":"JWT","kid":"{}"}}"#, hex::encode(key));
        let payload = format!(
            r#"{{"quote_hash":"{}","machine_id":"{}","label":"rack 7","timestamp":1750000000}}"#,
            hex::encode(sha256(QUOTE)),
            "ab".repeat(16)
        );
        Self {
            signer,
            key,
            header,
            payload,
        }
    }

    fn token(&self) -> String {
        self.signed(&self.header, &self.payload)
    }

    fn signed(&self, header: &str, payload: &str) -> String {
        let signed = format!("{}.{}", encode(header), encode(payload));
        format!("{signed}.{}", encode(self.signer.sign(signed.as_bytes())))
    }

    /// The field complained about, once `change` is made to a good header and payload.
    fn refusal(&self, change: impl FnOnce(&mut String, &mut String)) -> &'static str {
        let (mut header, mut payload) = (self.header.clone(), self.payload.clone());
        change(&mut header, &mut payload);
        assert_ne!((&header, &payload), (&self.header, &self.payload));
        AllianceToken::parse(&self.signed(&header, &payload))
            .unwrap_err()
            .field
    }
}

fn replaced(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from} in {text}");
    text.replacen(from, to, 1)
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

const QUOTE: &[u8] = b"a quote";

#[test]
fn an_offset_in_what_a_segment_decodes_to_is_not_told() {
    let error = AllianceToken::parse("e30.e30.e30").unwrap_err();
    assert_eq!((error.field, error.offset), ("header", None));
}
