//! `COSE_Sign1` (RFC 9052 §4.2): one signer, payload inside.
//!
//! ```cddl
//! document     = #6.18(sign1) / sign1
//! sign1        = [protected: bstr .cbor header, unprotected: header, payload: bstr, signature: bstr]
//! header       = {* (int / tstr) => any}     ; alg (1) in the protected one only, crit (2) in neither
//! to be signed = ["Signature1", protected: bstr, external_aad: bstr, payload: bstr]
//! ```
//!
//! The signature is over the protected header and the payload *as received*, never over a re-encoding of what was parsed.
//! That they can be read in one way only is [`cbor`]'s.
//!
//! `coset` knows the headers, the algorithms and the bytes to be signed. Hazard: it reads a countersignature's protected
//! header, which may hold a countersignature, by recursion: 64 KiB make some seven thousand levels and end the process. So a
//! countersignature is refused before `coset` sees it.

mod key;

#[cfg(test)]
mod tests;

use alloy_primitives::B256;
use ciborium::value::Value;
use coset::{
    AsCborValue, CoseSign1, CoseSign1Builder, HeaderBuilder, Label, RegisteredLabel, TaggedCborSerializable,
};

use super::{ClaimFault, cbor};
use crate::{ParseError, digest::sha256};

pub use key::{Algorithm, KeyKind, PinnedKey};

/// Largest document looked at, in bytes. A POE with four certificates has three to eight thousand.
pub const COSE_LIMIT: usize = 64 << 10;

/// A document that could be read. Nothing about it is verified.
#[derive(Clone, Debug)]
pub(super) struct Sign1 {
    message: CoseSign1,
    algorithm: Algorithm,
}

impl Sign1 {
    /// Parses a document; `what` is for error messages.
    pub(super) fn parse(what: &'static str, bytes: &[u8]) -> Result<Self, ParseError> {
        if bytes.len() > COSE_LIMIT {
            let problem = format!("{} bytes, at most {COSE_LIMIT} are looked at", bytes.len());
            return Err(cbor::error(what, "size", problem));
        }
        let value = match cbor::decode(what, bytes)? {
            Value::Tag(COSE_SIGN1, message) => *message,
            untagged => untagged,
        };
        check_headers(what, &value)?;
        let message = CoseSign1::from_cbor_value(value)
            .map_err(|error| cbor::error(what, "COSE_Sign1", error.to_string()))?;
        let headers = [&message.protected.header, &message.unprotected];
        if headers.iter().any(|header| !header.crit.is_empty()) {
            return Err(cbor::error(
                what,
                "crit",
                "no critical header parameter is understood",
            ));
        }
        if message.payload.is_none() {
            return Err(cbor::error(what, "payload", "it is detached"));
        }
        // In both headers would be one label in two places, which is refused already.
        let algorithm = (message.protected.header.alg.as_ref())
            .ok_or_else(|| cbor::error(what, "alg", "it is not in the protected header"))?;
        let algorithm = Algorithm::from_cose(algorithm)
            .ok_or_else(|| cbor::error(what, "alg", format!("{algorithm:?} is not accepted")))?;
        Ok(Self { message, algorithm })
    }

    /// Signs `payload`. `sign` gets the bytes to be signed.
    pub(super) fn sign<E: From<ParseError>>(
        what: &'static str,
        algorithm: Algorithm,
        external_aad: &[u8],
        payload: Vec<u8>,
        sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, E>,
    ) -> Result<Vec<u8>, E> {
        let protected = HeaderBuilder::new().algorithm(algorithm.to_cose()).build();
        let message = CoseSign1Builder::new()
            .protected(protected)
            .payload(payload)
            .try_create_signature(external_aad, sign)?
            .build();
        let document = message.to_tagged_vec();
        document.map_err(|error| cbor::error(what, "COSE_Sign1", error.to_string()).into())
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// That `key` signed it, for the use that `external_aad` names.
    pub(super) fn verify(&self, key: &PinnedKey, external_aad: &[u8]) -> Result<(), ClaimFault> {
        let message = self.message.tbs_data(external_aad);
        key.verify(self.algorithm, &message, &self.message.signature)
    }

    /// SHA-256 of the bytes to be signed: see [`Poe::id`](super::Poe::id).
    pub(super) fn id(&self, external_aad: &[u8]) -> B256 {
        sha256(&self.message.tbs_data(external_aad))
    }

    pub(super) fn payload(&self) -> &[u8] {
        self.message.payload.as_deref().unwrap_or_default()
    }

    /// Content type, if it is text.
    pub(super) fn content_type(&self) -> Option<&str> {
        match &self.message.protected.header.content_type {
            Some(RegisteredLabel::Text(text)) => Some(text),
            _ => None,
        }
    }

    pub(super) fn protected(&self, label: i64) -> Option<&Value> {
        find(&self.message.protected.header, label)
    }

    pub(super) fn unprotected(&self, label: i64) -> Option<&Value> {
        find(&self.message.unprotected, label)
    }
}

fn find(header: &coset::Header, wanted: i64) -> Option<&Value> {
    header.rest.iter().find_map(|(label, value)| match label {
        Label::Int(label) if *label == wanted => Some(value),
        _ => None,
    })
}

/// What `coset` does not look at: that the protected header is CBOR of one spelling, that no label stands in both headers
/// (RFC 9052 §3 leaves it to applications), that there is no countersignature.
fn check_headers(what: &'static str, message: &Value) -> Result<(), ParseError> {
    let Some([Value::Bytes(protected), Value::Map(unprotected), ..]) = message.as_array().map(Vec::as_slice)
    else {
        return Err(cbor::error(
            what,
            "COSE_Sign1",
            "it is no array of headers, payload and signature",
        ));
    };
    let Value::Map(protected) = cbor::decode(what, protected).map_err(ParseError::within)? else {
        return Err(cbor::error(what, "protected", "it is no map"));
    };
    let labels = || protected.iter().chain(unprotected).map(|(label, _)| label);
    if labels().any(|label| *label == Value::from(COUNTERSIGNATURE)) {
        return Err(cbor::error(what, "countersignature", "none is accepted"));
    }
    match unprotected
        .iter()
        .find(|(label, _)| protected.iter().any(|(other, _)| other == label))
    {
        None => Ok(()),
        Some((label, _)) => Err(cbor::error(
            what,
            "header",
            format!("{label:?} is in both headers"),
        )),
    }
}

/// Tag (RFC 9052 §2).
const COSE_SIGN1: u64 = 18;
/// Header parameter (RFC 9052 §3.1, RFC 8152).
const COUNTERSIGNATURE: i64 = 7;
