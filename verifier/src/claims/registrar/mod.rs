//! The registrar statement: which attestation key is in a bare-metal host's TPM.
//!
//! An EK certificate proves no attestation key: the EK only decrypts. So a registrar of the provider runs credential
//! activation with the host once, by which the TPM that holds the EK shows that it holds the AK too, and writes down what it
//! saw. The AK's *name* covers its `authPolicy`, hence the statement covers that too.
//!
//! ```cddl
//! statement    = COSE_Sign1 by a key the policy pins
//! external_aad = "chassis/v1/registrar-statement"
//! payload      = {                         ; deterministic (RFC 8949 §4.2.1), exactly these keys
//!   "zone":       tstr .size (0..64),      ; bytes; empty where the provider names none
//!   "akName":     bstr .size 34,           ; 0x000B ‖ SHA-256(TPMT_PUBLIC)
//!   "notAfter":   uint,                    ; last second, Unix time
//!   "provider":   1..127,                  ; number on chain
//!   "ekCertHash": bstr .size 32,           ; SHA-256 of the EK certificate, DER
//!   "platformId": bstr .size 32,           ; as on chain, keccak256 over the PPID
//! }
//! ```
//!
//! `external_aad` keeps a registrar's other signatures from being read as statements.

use alloy_primitives::B256;
use ciborium::value::Value;

use super::{
    Algorithm, ClaimFault, PinnedKey,
    cbor::{self, Item},
    cose::Sign1,
};
use crate::{ParseError, challenge::AkName};

/// What a registrar states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistrarClaims {
    /// The attestation key that the TPM holds.
    pub ak_name: AkName,
    /// SHA-256 of the TPM's EK certificate, DER.
    pub ek_cert_hash: B256,
    /// The CPU the TPM is with.
    pub platform_id: B256,
    /// The provider, by its number on chain: 1 to 127.
    pub provider: u16,
    /// Where it stands: at most 64 bytes, empty where the provider names no zones.
    pub zone: String,
    /// Last second the statement holds, Unix time.
    pub not_after: u64,
}

/// A statement that could be read. Nothing about it is verified.
#[derive(Clone, Debug)]
pub struct RegistrarStatement {
    document: Sign1,
    claims: RegistrarClaims,
}

impl RegistrarStatement {
    /// Parses a statement.
    ///
    /// # Errors
    /// If it is not a document of the shape above, in its one spelling.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let document = Sign1::parse(WHAT, bytes)?;
        let claims = RegistrarClaims::read(document.payload())?;
        Ok(Self { document, claims })
    }

    /// What it states. Believe it only once [`verify`](Self::verify) has.
    pub fn claims(&self) -> &RegistrarClaims {
        &self.claims
    }

    /// The name to revoke it by: see [`Poe::id`](super::Poe::id).
    pub fn id(&self) -> B256 {
        self.document.id(AAD)
    }

    /// That one of `keys` signed it and it holds at `at` (Unix seconds). Tells which of `keys`, by its place.
    ///
    /// # Errors
    /// If none of them did, or it has expired.
    pub fn verify(&self, keys: &[PinnedKey], at: u64) -> Result<usize, ClaimFault> {
        let signer = keys
            .iter()
            .position(|key| self.document.verify(key, AAD).is_ok())
            .ok_or(ClaimFault::NotPinned { pinned: keys.len() })?;
        let not_after = self.claims.not_after;
        if at > not_after {
            return Err(ClaimFault::Expired { not_after, at });
        }
        Ok(signer)
    }
}

impl RegistrarClaims {
    /// The payload, in its one spelling.
    ///
    /// # Errors
    /// If a value is out of its range.
    pub fn to_payload(&self) -> Result<Vec<u8>, ParseError> {
        self.check()?;
        // The order of the encoded keys: shorter ones first, since a key's length is its first byte.
        let entries = [
            ("zone", Value::from(self.zone.as_str())),
            ("akName", Value::from(&self.ak_name.0[..])),
            ("notAfter", Value::from(self.not_after)),
            ("provider", Value::from(self.provider)),
            ("ekCertHash", Value::from(&self.ek_cert_hash[..])),
            ("platformId", Value::from(&self.platform_id[..])),
        ];
        let entries = entries.map(|(key, value)| (Value::from(key), value));
        cbor::encode(WHAT, &Value::Map(entries.into()))
    }

    /// The signed document. `sign` gets the bytes to be signed and returns the signature; ECDSA's as `r ‖ s`.
    ///
    /// # Errors
    /// If a value is out of its range, or `sign` fails.
    pub fn sign_with<E: From<ParseError>>(
        &self,
        algorithm: Algorithm,
        sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, E>,
    ) -> Result<Vec<u8>, E> {
        Sign1::sign(WHAT, algorithm, AAD, self.to_payload()?, sign)
    }

    fn read(payload: &[u8]) -> Result<Self, ParseError> {
        let mut map = Item::decode(WHAT, "payload", payload)?.map()?;
        let provider = map.need("provider", "provider")?.unsigned()?;
        let claims = Self {
            ak_name: AkName(map.need("akName", "akName")?.sized()?),
            ek_cert_hash: B256::from(map.need("ekCertHash", "ekCertHash")?.sized::<32>()?),
            platform_id: B256::from(map.need("platformId", "platformId")?.sized::<32>()?),
            provider: u16::try_from(provider).unwrap_or(u16::MAX),
            zone: map.need("zone", "zone")?.text()?,
            not_after: map.need("notAfter", "notAfter")?.unsigned()?,
        };
        map.finish()?;
        if claims.to_payload()? == payload {
            Ok(claims)
        } else {
            Err(cbor::error(
                WHAT,
                "payload",
                "it is not in deterministic encoding (RFC 8949 §4.2.1)",
            ))
        }
    }

    fn check(&self) -> Result<(), ParseError> {
        let problem = if !(1..=127).contains(&self.provider) {
            ("provider", "it is not of 1 to 127".into())
        } else if self.zone.len() > ZONE_LIMIT {
            (
                "zone",
                format!("{} bytes, at most {ZONE_LIMIT} are allowed", self.zone.len()),
            )
        } else if !self.ak_name.0.starts_with(&[0x00, 0x0b]) {
            ("akName", "its nameAlg is not SHA-256".into())
        } else {
            return Ok(());
        };
        Err(cbor::error(WHAT, problem.0, problem.1))
    }
}

const WHAT: &str = "registrar statement";
const AAD: &[u8] = b"chassis/v1/registrar-statement";
/// Longest zone that a statement names, in bytes.
pub const ZONE_LIMIT: usize = 64;

#[cfg(test)]
mod tests;
