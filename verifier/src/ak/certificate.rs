//! One certificate: what it says about the key, without asking who says so.

use alloy_primitives::{B256, Bytes};
use serde::Serialize;
use x509_parser::{
    asn1_rs::{Oid, oid},
    certificate::X509Certificate,
    extensions::KeyUsage,
    oid_registry::{OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_PKCS1_RSAENCRYPTION},
    prelude::FromDer,
    public_key::PublicKey as X509PublicKey,
    x509::SubjectPublicKeyInfo,
};

use super::{AkError, InstanceIdentity};
use crate::{
    Cursor, ParseError, digest,
    tpm::{Public, PublicKey},
};

/// Largest certificate looked at, in bytes. Real ones have two thousand.
pub(super) const CERTIFICATE_LIMIT: usize = 8 << 10;

/// TCG *Credential Profile EK*: the certified key is an attestation identity key.
const AIK_CERTIFICATE: Oid<'static> = oid!(2.23.133.8.3);

/// A parsed certificate. Nothing about it is verified: that is [`verify_chain`](super::verify_chain)'s.
#[derive(Clone, Debug)]
pub struct AkCertificate<'a> {
    der: &'a [u8],
    x509: X509Certificate<'a>,
}

/// A certificate, for people.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificateView {
    /// Distinguished name; empty on some of Google's.
    pub subject: String,
    /// Distinguished name.
    pub issuer: String,
    /// Big-endian.
    pub serial: Bytes,
    /// Unix seconds.
    pub not_before: u64,
    /// Unix seconds.
    pub not_after: u64,
    /// As `Digital Signature`; `None` without the extension.
    pub key_usage: Option<String>,
    /// The certified key, if it is of a kind a TPM quotes with.
    pub key: Option<PublicKey>,
    /// keccak256 over the certified key: the instance's name on chain.
    pub instance_id: B256,
    /// Google's instance extension, if it is there.
    pub instance: Option<InstanceIdentity>,
    /// Why the instance extension cannot be read.
    pub instance_problem: Option<String>,
}

impl<'a> AkCertificate<'a> {
    /// Parses a certificate (RFC 5280, DER).
    ///
    /// # Errors
    /// If it is not exactly one certificate, or larger than 8 KiB: parsed, it may take a hundred times its size.
    pub fn parse(der: &'a [u8]) -> Result<Self, ParseError> {
        let at = Cursor::new("AK certificate", der);
        if der.len() > CERTIFICATE_LIMIT {
            return Err(at.error(
                "certificate",
                format!("{} bytes, at most {CERTIFICATE_LIMIT} are read", der.len()),
            ));
        }
        let (rest, x509) =
            X509Certificate::from_der(der).map_err(|error| at.error("certificate", error.to_string()))?;
        if rest.is_empty() {
            Ok(Self { der, x509 })
        } else {
            Err(at.error("end", format!("{} trailing bytes", rest.len())))
        }
    }

    /// The certificate itself.
    pub fn der(&self) -> &'a [u8] {
        self.der
    }

    /// The certified `SubjectPublicKeyInfo`, DER: what [`instance_id`](crate::instance_id) is computed over.
    pub fn spki(&self) -> &[u8] {
        self.x509.public_key().raw
    }

    /// The serial number: big-endian, as in the certificate.
    pub fn serial(&self) -> &'a [u8] {
        self.x509.raw_serial()
    }

    /// Last second of its own validity, Unix time; its issuers' may end before.
    pub fn not_after(&self) -> u64 {
        unix(self.x509.validity().not_after.timestamp())
    }

    /// The certified key, if it is P-256 or RSA.
    pub fn public_key(&self) -> Option<PublicKey> {
        public_key(self.x509.public_key())
    }

    /// It is a signing key's certificate. Google's endorsement keys have certificates of the same shape and the same
    /// issuer, and an endorsement key proves nothing by decrypting.
    ///
    /// # Errors
    /// If `keyUsage` is absent or lacks `digitalSignature`.
    pub fn check_key_usage(&self) -> Result<(), AkError> {
        match self.x509.key_usage() {
            Ok(Some(usage)) if usage.value.digital_signature() => Ok(()),
            Ok(Some(usage)) => Err(AkError::KeyUsage(usage.value.to_string())),
            Ok(None) => Err(AkError::KeyUsage("absent".into())),
            Err(error) => Err(AkError::KeyUsage(error.to_string())),
        }
    }

    /// It was certified as an attestation key: one that signs only what its TPM made. Any other certificate under the same
    /// root may be a key's that signs whatever it is given: a device identity's, or a server's.
    ///
    /// # Errors
    /// If `extendedKeyUsage` is absent or lacks `tcg-kp-AIKCertificate`.
    pub fn check_attestation_purpose(&self) -> Result<(), AkError> {
        match self.x509.extended_key_usage() {
            Ok(Some(usage)) if usage.value.other.contains(&AIK_CERTIFICATE) => Ok(()),
            _ => Err(AkError::NotAttestationKey),
        }
    }

    /// It certifies this very key.
    ///
    /// # Errors
    /// If it certifies another, or one of a kind that a TPM does not quote with.
    pub fn check_key(&self, ak: &Public) -> Result<(), AkError> {
        let certified = self.public_key();
        if certified.as_ref() == Some(&ak.key) {
            return Ok(());
        }
        Err(AkError::KeyMismatch {
            certified: certified.map_or_else(|| "a key of another kind".into(), |key| key.to_string()),
            ak: ak.key.to_string(),
        })
    }

    /// The Google instance it names.
    ///
    /// # Errors
    /// If the extension is absent, there twice, or does not parse.
    pub fn instance(&self) -> Result<InstanceIdentity, AkError> {
        let extension = self
            .x509
            .get_extension_unique(&InstanceIdentity::OID)
            .map_err(|error| {
                Cursor::new("instance extension", self.der).error("extension", error.to_string())
            })?
            .ok_or(AkError::NoInstance)?;
        Ok(InstanceIdentity::parse(extension.value)?)
    }

    /// All of it, for people.
    pub fn view(&self) -> CertificateView {
        let (instance, instance_problem) = match self.instance() {
            Ok(instance) => (Some(instance), None),
            Err(AkError::NoInstance) => (None, None),
            Err(error) => (None, Some(error.to_string())),
        };
        let usage = self.x509.key_usage().ok().flatten();
        CertificateView {
            subject: self.x509.subject().to_string(),
            issuer: self.x509.issuer().to_string(),
            serial: Bytes::copy_from_slice(self.serial()),
            not_before: unix(self.x509.validity().not_before.timestamp()),
            not_after: self.not_after(),
            key_usage: usage.map(|usage| usage.value.to_string()),
            key: self.public_key(),
            instance_id: digest::instance_id(self.spki()),
            instance,
            instance_problem,
        }
    }

    pub(super) fn check_issuer(&self) -> Result<(), AkError> {
        let may_sign = |usage: &KeyUsage| usage.key_cert_sign();
        match self.x509.key_usage() {
            // RFC 5280 §6.1.4 (n): the bit must be set if the extension is there.
            Ok(None) => Ok(()),
            Ok(Some(usage)) if may_sign(usage.value) => Ok(()),
            _ => Err(AkError::IssuerKeyUsage(self.x509.subject().to_string())),
        }
    }

    pub(crate) fn check_validity(&self, at: u64) -> Result<(), AkError> {
        let not_before = unix(self.x509.validity().not_before.timestamp());
        let not_after = self.not_after();
        if at < not_before {
            return Err(AkError::NotYetValid { not_before, at });
        }
        if at > not_after {
            return Err(AkError::Expired { not_after, at });
        }
        Ok(())
    }

    pub(super) fn x509(&self) -> &X509Certificate<'a> {
        &self.x509
    }
}

fn public_key(spki: &SubjectPublicKeyInfo<'_>) -> Option<PublicKey> {
    let algorithm = &spki.algorithm;
    match spki.parsed().ok()? {
        X509PublicKey::RSA(rsa) if algorithm.algorithm == OID_PKCS1_RSAENCRYPTION => Some(PublicKey::Rsa {
            n: Bytes::copy_from_slice(rsa.modulus.strip_prefix(&[0]).unwrap_or(rsa.modulus)),
            e: rsa.try_exponent().ok()?,
        }),
        X509PublicKey::EC(point)
            if algorithm.algorithm == OID_KEY_TYPE_EC_PUBLIC_KEY
                && algorithm.parameters.as_ref()?.as_oid().ok()? == OID_EC_P256 =>
        {
            let (x, y) = point.data().strip_prefix(&[0x04])?.split_at_checked(32)?;
            (y.len() == 32).then(|| PublicKey::EcP256 {
                x: Bytes::copy_from_slice(x),
                y: Bytes::copy_from_slice(y),
            })
        }
        _ => None,
    }
}

/// Times before 1970 count as 1970.
pub(super) fn unix(timestamp: i64) -> u64 {
    u64::try_from(timestamp).unwrap_or(0)
}
