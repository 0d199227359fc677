//! The signature over the attest (TPM 2.0 Part 2, §11.3.4 `TPMT_SIGNATURE`).

use ring::signature as ring;

use super::{
    alg::{HashAlg, Scheme, SchemeKind},
    fault::QuoteFault,
    public::{Public, PublicKey, read_p256_number},
};
use crate::{Cursor, ParseError};

/// A `TPMT_SIGNATURE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    scheme: Scheme,
    value: Value,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Rsa(Vec<u8>),
    P256 { r: [u8; 32], s: [u8; 32] },
}

impl Signature {
    /// Parses a `TPMT_SIGNATURE` by RSASSA, RSAPSS or ECDSA on P-256.
    ///
    /// # Errors
    /// If it is truncated, has bytes left over, or is of another scheme.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new("TPMT_SIGNATURE", bytes);
        let at = cursor.clone();
        let scheme = Scheme::read(&mut cursor)?.ok_or_else(|| at.error("scheme", "there is none"))?;
        let value = match scheme.kind {
            SchemeKind::RsaSsa | SchemeKind::RsaPss => Value::Rsa(cursor.tpm2b("sig")?.to_vec()),
            SchemeKind::Ecdsa => Value::P256 {
                r: read_p256_number(&mut cursor, "signatureR")?,
                s: read_p256_number(&mut cursor, "signatureS")?,
            },
        };
        cursor.finish()?;
        Ok(Self { scheme, value })
    }

    /// The scheme it says it was made by. Its hash is also that of `pcrDigest`.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// That `public` signed `attest`, by the scheme it is fixed to, with SHA-256 or better.
    ///
    /// # Errors
    /// If any of this is not so. RSAPSS must be salted as FIPS 186-5 has it, with as many bytes as the hash; a TPM that
    /// salts with more is refused. ECDSA on P-256 is verified with SHA-256 and SHA-384 only.
    pub fn verify(&self, public: &Public, attest: &[u8]) -> Result<(), QuoteFault> {
        self.check_hash()?;
        if let Some(fixed) = public.scheme.filter(|fixed| *fixed != self.scheme) {
            return Err(QuoteFault::Scheme {
                key: fixed,
                signature: self.scheme,
            });
        }
        self.verify_by_key(&public.key, attest)
    }

    /// The same for a key that only a certificate speaks of: nothing says which scheme it is fixed to, or that it signs
    /// only what its TPM made. Whoever certified it vouches for that.
    ///
    /// # Errors
    /// As [`verify`](Self::verify).
    pub fn verify_by_key(&self, key: &PublicKey, attest: &[u8]) -> Result<(), QuoteFault> {
        self.check_hash()?;
        let verified = match (key, &self.value) {
            (PublicKey::Rsa { n, e }, Value::Rsa(signature)) => {
                let e = e.to_be_bytes();
                let e = without_leading_zeros(&e);
                ring::RsaPublicKeyComponents { n: &n[..], e }.verify(rsa(self.scheme)?, attest, signature)
            }
            (PublicKey::EcP256 { x, y }, Value::P256 { r, s }) => {
                let point = [&[0x04], &x[..], &y[..]].concat();
                let (algorithm, signature) = ecdsa(self.scheme, r, s)?;
                ring::UnparsedPublicKey::new(algorithm, point).verify(attest, &signature)
            }
            _ => {
                return Err(QuoteFault::KeyType {
                    key: key.to_string(),
                    signature: self.scheme,
                });
            }
        };
        verified.map_err(|_| QuoteFault::Signature { key: key.to_string() })
    }

    fn check_hash(&self) -> Result<(), QuoteFault> {
        (self.scheme.hash != HashAlg::Sha1)
            .then_some(())
            .ok_or(QuoteFault::WeakHash(self.scheme))
    }
}

fn rsa(scheme: Scheme) -> Result<&'static ring::RsaParameters, QuoteFault> {
    match (scheme.kind, scheme.hash) {
        (SchemeKind::RsaSsa, HashAlg::Sha256) => Ok(&ring::RSA_PKCS1_2048_8192_SHA256),
        (SchemeKind::RsaSsa, HashAlg::Sha384) => Ok(&ring::RSA_PKCS1_2048_8192_SHA384),
        (SchemeKind::RsaSsa, HashAlg::Sha512) => Ok(&ring::RSA_PKCS1_2048_8192_SHA512),
        (SchemeKind::RsaPss, HashAlg::Sha256) => Ok(&ring::RSA_PSS_2048_8192_SHA256),
        (SchemeKind::RsaPss, HashAlg::Sha384) => Ok(&ring::RSA_PSS_2048_8192_SHA384),
        (SchemeKind::RsaPss, HashAlg::Sha512) => Ok(&ring::RSA_PSS_2048_8192_SHA512),
        _ => Err(QuoteFault::Unsupported(scheme)),
    }
}

fn ecdsa(
    scheme: Scheme,
    r: &[u8; 32],
    s: &[u8; 32],
) -> Result<(&'static ring::EcdsaVerificationAlgorithm, Vec<u8>), QuoteFault> {
    match scheme.hash {
        HashAlg::Sha256 => Ok((&ring::ECDSA_P256_SHA256_FIXED, [*r, *s].concat())),
        HashAlg::Sha384 => Ok((&ring::ECDSA_P256_SHA384_ASN1, der_signature(r, s))),
        _ => Err(QuoteFault::Unsupported(scheme)),
    }
}

/// `ECDSA-Sig-Value` (RFC 3279 §2.2.3): `ring` takes P-256 with SHA-384 in no other form.
fn der_signature(r: &[u8], s: &[u8]) -> Vec<u8> {
    let body: Vec<u8> = [r, s].into_iter().flat_map(der_unsigned).collect();
    tlv(0x30, &body)
}

fn der_unsigned(number: &[u8]) -> Vec<u8> {
    let number = without_leading_zeros(number);
    let sign = number.first().is_none_or(|byte| byte & 0x80 != 0);
    let padded = [&[0; 1][..usize::from(sign)], number].concat();
    tlv(0x02, &padded)
}

/// Two 33-byte integers and their headers make 70 bytes, so every length here is below 128 and takes one byte.
fn tlv(tag: u8, body: &[u8]) -> Vec<u8> {
    let len = u8::try_from(body.len()).unwrap_or(u8::MAX);
    [&[tag, len], body].concat()
}

fn without_leading_zeros(number: &[u8]) -> &[u8] {
    let start = number.iter().position(|byte| *byte != 0);
    &number[start.unwrap_or(number.len())..]
}
