//! What a certificate says about itself, for people.

use chassis_verifier::sha256;
use serde::Serialize;
use x509_parser::{
    certificate::X509Certificate, parse_x509_certificate, public_key::PublicKey, x509::SubjectPublicKeyInfo,
};

use crate::render::{Refusal, date};

/// The fields every certificate has.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Certificate {
    subject: String,
    issuer: String,
    serial: String,
    /// Unix seconds.
    not_before: i64,
    not_after: i64,
    /// Kind and size, as `EC P-256`.
    key: String,
    signature_algorithm: String,
    /// SHA-256 of the DER.
    fingerprint: String,
}

impl Certificate {
    /// Reads one certificate, and nothing after it.
    ///
    /// # Errors
    /// If `der` is not one, with the offset where that shows.
    pub(super) fn parse(der: &[u8]) -> Result<Self, Refusal> {
        parse(der).map(|certificate| Self::of(&certificate, der))
    }

    fn of(certificate: &X509Certificate<'_>, der: &[u8]) -> Self {
        Self {
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            serial: hex::encode(certificate.raw_serial()),
            not_before: certificate.validity().not_before.timestamp(),
            not_after: certificate.validity().not_after.timestamp(),
            key: key(certificate.public_key()),
            signature_algorithm: algorithm(&certificate.signature_algorithm.algorithm.to_id_string()),
            fingerprint: hex::encode(sha256(der)),
        }
    }

    pub(super) fn subject(&self) -> &str {
        &self.subject
    }

    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// `2026-… to 2027-…`.
    pub(super) fn validity(&self) -> String {
        format!("{} to {}", moment(self.not_before), moment(self.not_after))
    }

    pub(super) fn signature_algorithm(&self) -> &str {
        &self.signature_algorithm
    }

    pub(super) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}

/// One X.509 certificate in DER, without anything after it.
///
/// # Errors
/// If it is none, with the offset where that shows.
pub(super) fn parse(der: &[u8]) -> Result<X509Certificate<'_>, Refusal> {
    match parse_x509_certificate(der) {
        Ok(([], certificate)) => Ok(certificate),
        Ok((rest, _)) => Err(Refusal(format!(
            "X.509 certificate: end at offset {}: {} trailing bytes",
            der.len() - rest.len(),
            rest.len()
        ))),
        Err(error) => {
            let (offset, problem) = trouble(der);
            Err(Refusal(format!(
                "X.509 certificate at offset {offset}: {problem} ({error})"
            )))
        }
    }
}

/// Where the outermost SEQUENCE goes wrong: its tag, its length, or something inside.
fn trouble(der: &[u8]) -> (usize, String) {
    match der {
        [0x30, 0x82, high, low, rest @ ..] => match usize::from(u16::from_be_bytes([*high, *low])) {
            announced if announced > rest.len() => {
                (2, format!("{announced} bytes announced, {} remain", rest.len()))
            }
            _ => (4, "not the content of a certificate".into()),
        },
        [0x30, ..] => (1, "not the length of a certificate".into()),
        _ => (0, "no DER SEQUENCE begins here".into()),
    }
}

fn moment(unix: i64) -> String {
    u64::try_from(unix).map_or_else(|_| format!("{unix} s"), date)
}

fn key(spki: &SubjectPublicKeyInfo<'_>) -> String {
    match spki.parsed() {
        Ok(PublicKey::RSA(rsa)) => format!("RSA {}", rsa.key_size()),
        Ok(PublicKey::EC(_)) => {
            let curve = spki
                .algorithm
                .parameters
                .as_ref()
                .and_then(|parameters| parameters.as_oid().ok())
                .map(|oid| oid.to_id_string());
            match curve.as_deref() {
                Some("1.2.840.10045.3.1.7") => "EC P-256".into(),
                Some("1.3.132.0.34") => "EC P-384".into(),
                Some(other) => format!("EC, curve {other}"),
                None => "EC, no named curve".into(),
            }
        }
        _ => format!("algorithm {}", spki.algorithm.algorithm.to_id_string()),
    }
}

fn algorithm(oid: &str) -> String {
    match oid {
        "1.2.840.113549.1.1.11" => "RSA, SHA-256".into(),
        "1.2.840.113549.1.1.12" => "RSA, SHA-384".into(),
        "1.2.840.113549.1.1.13" => "RSA, SHA-512".into(),
        "1.2.840.10045.4.3.2" => "ECDSA, SHA-256".into(),
        "1.2.840.10045.4.3.3" => "ECDSA, SHA-384".into(),
        other => format!("algorithm {other}"),
    }
}
