//! The Proof of Cloud alliance's token: members of the alliance have seen this machine's quote, and have it on their list.
//!
//! ```text
//! token   = base64url(header) "." base64url(payload) "." base64url(signature)      RFC 7515 §7.1, no padding
//! header  = {"alg": "EdDSA", "typ": "JWT", "kid": hex of the public key}
//! payload = {"quote_hash": hex SHA-256 of the quote, "machine_id": hex, "label": text, "timestamp": Unix seconds}
//! ```
//!
//! As the alliance's server issues it in its threshold mode (`proofofcloud/trust-server`, `src/services.js`): one Ed25519 key,
//! shared among the members. Its single-signer mode (RS256) and its older payload without `timestamp` are refused.
//!
//! `machine_id` has two generations, told apart by length (`proofofcloud/attester`, `App/App.cpp`): first SHA-256 of the SGX
//! extension (OID 1.2.840.113741.1.13.1, the content of its OCTET STRING) of the quote's PCK certificate, 32 bytes; now the
//! PPID itself (…13.1.1), 16 bytes.
//!
//! **A token is never worth more than `Witnessed`.** People put machines on the list. The token has no expiry, its time is
//! the requester's within five minutes, and it says that a quote was genuine and its machine listed, not that the machine is
//! still where it was.

use ring::signature::{ED25519, UnparsedPublicKey};
use serde::{Deserialize, de::DeserializeOwned};

use super::ClaimFault;
use crate::{Cursor, ParseError, digest::sha256};

/// Largest token looked at, in bytes. Real ones have about five hundred.
pub const TOKEN_LIMIT: usize = 4 << 10;

/// A token that could be read. Nothing about it is verified.
#[derive(Clone, Debug)]
pub struct AllianceToken {
    key: [u8; 32],
    quote_hash: [u8; 32],
    machine_id: Vec<u8>,
    label: String,
    timestamp: u64,
    signed: Vec<u8>,
    signature: Vec<u8>,
}

// By hand, for a JWT library is mostly the choice of an algorithm, and here there is none: three segments, two strict
// structs and one verification by `ring`, where `jsonwebtoken` would bring a second implementation of Ed25519.
impl AllianceToken {
    /// Parses a token.
    ///
    /// # Errors
    /// If it is too large, is not of the shape above, or has an unknown or a doubled field. `alg` must be `EdDSA`.
    pub fn parse(token: &str) -> Result<Self, ParseError> {
        let cursor = Cursor::new(WHAT, token.as_bytes());
        if token.len() > TOKEN_LIMIT {
            let problem = format!("{} bytes, at most {TOKEN_LIMIT} are looked at", token.len());
            return Err(cursor.error("size", problem));
        }
        let mut segments = token.split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (segments.next(), segments.next(), segments.next(), segments.next())
        else {
            return Err(cursor.error("token", "it has not three segments"));
        };
        let signed = [header, ".", payload].concat().into_bytes();
        let header: Header = json("header", header)?;
        let payload: Payload = json("payload", payload)?;
        if header.typ != "JWT" {
            return Err(error("typ", "it is not JWT"));
        }
        if header.alg != "EdDSA" {
            return Err(error("alg", "it is not EdDSA, and no other is accepted"));
        }
        let machine_id = lower_hex("machine_id", &payload.machine_id)?;
        if !matches!(machine_id.len(), 16 | 32) {
            return Err(error(
                "machine_id",
                "it has neither 16 nor 32 bytes: no Intel platform's",
            ));
        }
        Ok(Self {
            key: digest("kid", &header.kid)?,
            quote_hash: digest("quote_hash", &payload.quote_hash)?,
            machine_id,
            label: payload.label,
            timestamp: payload.timestamp,
            signed,
            signature: segment("signature", signature)?,
        })
    }

    /// That one of `keys` (Ed25519 public keys) signed it. Tells which, by its place. `kid` only says which of them to try.
    ///
    /// # Errors
    /// If `kid` names none of them, or that key did not sign this.
    pub fn verify(&self, keys: &[[u8; 32]]) -> Result<usize, ClaimFault> {
        let signer = keys
            .iter()
            .position(|key| *key == self.key)
            .ok_or(ClaimFault::NotPinned { pinned: keys.len() })?;
        UnparsedPublicKey::new(&ED25519, &self.key)
            .verify(&self.signed, &self.signature)
            .map_err(|_| ClaimFault::Signature)?;
        Ok(signer)
    }

    /// Whether it is about this very quote (the raw bytes, signature and certificates included).
    pub fn names_quote(&self, quote: &[u8]) -> bool {
        sha256(quote) == self.quote_hash
    }

    /// The quote it is about: SHA-256 of all of it.
    pub fn quote_hash(&self) -> &[u8; 32] {
        &self.quote_hash
    }

    /// The key it says that it is signed by, an Ed25519 public key. Which keys to believe is the policy's to say.
    pub fn key(&self) -> &[u8; 32] {
        &self.key
    }

    /// The machine, as the alliance names it: 16 bytes are the PPID, 32 the digest of the SGX extension.
    pub fn machine_id(&self) -> &[u8] {
        &self.machine_id
    }

    /// What the alliance calls it. For people.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// When it was asked for, Unix seconds, as whoever asked says and the members let pass.
    pub fn timestamp(&self) -> u64 {
        self.timestamp
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload {
    quote_hash: String,
    machine_id: String,
    label: String,
    timestamp: u64,
}

fn json<T: DeserializeOwned>(field: &'static str, encoded: &str) -> Result<T, ParseError> {
    let text = segment(field, encoded)?;
    // `serde` would read an array as the same struct.
    if text.first() != Some(&b'{') {
        return Err(error(field, "it is no JSON object"));
    }
    serde_json::from_slice(&text).map_err(|problem| error(field, problem.to_string()))
}

/// Unpadded; bits left over must be zero, or there would be several spellings.
fn segment(field: &'static str, encoded: &str) -> Result<Vec<u8>, ParseError> {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    URL_SAFE_NO_PAD
        .decode(encoded)
        .map_err(|problem| error(field, format!("base64url: {problem}")))
}

fn digest(field: &'static str, text: &str) -> Result<[u8; 32], ParseError> {
    let bytes = lower_hex(field, text)?;
    <[u8; 32]>::try_from(bytes.as_slice())
        .map_err(|_| error(field, format!("{} bytes, there must be 32", bytes.len())))
}

fn lower_hex(field: &'static str, text: &str) -> Result<Vec<u8>, ParseError> {
    let upper = text.bytes().any(|byte| byte.is_ascii_uppercase());
    let bytes = hex::decode(text).ok().filter(|_| !upper);
    bytes.ok_or_else(|| error(field, "it is not lower-case hex"))
}

/// About what base64url and JSON hide.
fn error(field: &'static str, problem: impl Into<String>) -> ParseError {
    ParseError::decoded(WHAT, field, problem)
}

const WHAT: &str = "alliance token";

#[cfg(test)]
mod tests;
