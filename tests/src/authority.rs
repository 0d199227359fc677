//! A certification authority of either simulated PKI.

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertificateRevocationListParams, DistinguishedName,
    IsCa, Issuer, KeyIdMethod, KeyUsagePurpose, PublicKeyData, RevocationReason, RevokedCertParams,
    SerialNumber,
};
use time::OffsetDateTime;

use crate::Key;

/// A CA: its key, and the certificate somebody gave it.
#[derive(Debug)]
pub struct Authority {
    params: CertificateParams,
    key: Key,
    certificate: Certificate,
}

impl Authority {
    /// A CA that vouches for itself.
    pub fn root(mut params: CertificateParams, key: Key) -> Self {
        params.serial_number = Some(SerialNumber::from_slice(&key.serial()));
        let certificate = params.self_signed(&key).expect("the parameters are complete");
        Self {
            params,
            key,
            certificate,
        }
    }

    /// A CA below this one.
    #[must_use]
    pub fn intermediate(&self, mut params: CertificateParams, key: Key) -> Self {
        params.serial_number = Some(SerialNumber::from_slice(&key.serial()));
        let certificate = self.issue(&params, &key);
        Self {
            params,
            key,
            certificate,
        }
    }

    /// A certificate by this CA.
    pub fn issue(&self, params: &CertificateParams, subject: &impl PublicKeyData) -> Certificate {
        params
            .signed_by(subject, &self.issuer())
            .expect("the parameters are complete")
    }

    /// What this CA has revoked (DER).
    pub fn crl(&self, spec: &CrlSpec) -> Vec<u8> {
        let revoked = |serial: &Vec<u8>| RevokedCertParams {
            serial_number: SerialNumber::from_slice(serial),
            revocation_time: date(spec.this_update),
            reason_code: Some(RevocationReason::KeyCompromise),
            invalidity_date: None,
        };
        CertificateRevocationListParams {
            this_update: date(spec.this_update),
            next_update: date(spec.next_update),
            crl_number: SerialNumber::from(spec.number),
            issuing_distribution_point: None,
            revoked_certs: spec.revoked.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        }
        .signed_by(&self.issuer())
        .expect("next_update is after this_update")
        .der()
        .to_vec()
    }

    /// This CA's certificate (DER).
    pub fn der(&self) -> Vec<u8> {
        self.certificate.der().to_vec()
    }

    /// This CA's certificate (PEM).
    pub fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// This CA's serial number, for its own issuer to revoke.
    pub fn serial(&self) -> Vec<u8> {
        self.params
            .serial_number
            .clone()
            .map(|serial| serial.to_bytes())
            .unwrap_or_default()
    }

    fn issuer(&self) -> Issuer<'_, &Key> {
        Issuer::from_params(&self.params, &self.key)
    }
}

/// A certificate revocation list to be made. Times are in Unix seconds.
#[derive(Clone, Debug)]
pub struct CrlSpec {
    /// Its number; a later list has a greater one.
    pub number: u64,
    /// When it was issued.
    pub this_update: u64,
    /// When it stops counting.
    pub next_update: u64,
    /// Serial numbers, big-endian.
    pub revoked: Vec<Vec<u8>>,
}

/// A moment, from Unix seconds.
pub(crate) fn date(unix: u64) -> OffsetDateTime {
    i64::try_from(unix)
        .ok()
        .and_then(|unix| OffsetDateTime::from_unix_timestamp(unix).ok())
        .expect("a year before 10,000")
}

/// What every certificate here starts from: valid from 2020 to 2050, so that it is the same whenever it is made.
pub(crate) fn certificate_params(name: DistinguishedName) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = name;
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2049, 12, 31);
    params.use_authority_key_identifier_extension = true;
    params
}

/// What every CA certificate here starts from.
pub(crate) fn authority_params(name: DistinguishedName, constraints: BasicConstraints) -> CertificateParams {
    let mut params = certificate_params(name);
    params.is_ca = IsCa::Ca(constraints);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}
