//! Google's pre-provisioned attestation key: a certificate and a template in NV.
//!
//! The template is the key's `TPMT_PUBLIC`; with it and the endorsement seed the TPM makes the very key that the
//! certificate is about, so nothing needs to be stored (go-tpm-tools, `client/keys.go`).

use tss_esapi::{interface_types::algorithm::HashingAlgorithm, structures::Public};
use x509_parser::{certificate::X509Certificate, prelude::FromDer, public_key::PublicKey};

use super::{Primary, Tpm};
use crate::{CertificatePool, Error};

/// Where Google writes its attestation keys, in the order we prefer them: ECC signs faster and its evidence is smaller.
pub const GOOGLE_AK: [NvPair; 2] = [
    NvPair {
        kind: "ECC",
        certificate: 0x01c1_0002,
        template: 0x01c1_0003,
    },
    NvPair {
        kind: "RSA",
        certificate: 0x01c1_0000,
        template: 0x01c1_0001,
    },
];

/// The two NV indices of one attestation key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NvPair {
    /// `ECC` or `RSA`.
    pub kind: &'static str,
    /// NV index of the AK's certificate, DER.
    pub certificate: u32,
    /// NV index of the AK's template, `TPMT_PUBLIC`.
    pub template: u32,
}

/// Quotes with the key that Google certified, on the TPM behind a TCTI.
#[derive(Clone, Debug)]
pub struct GoogleAk {
    /// Where the TPM is; see [`Tpm::open`].
    pub tcti: String,
    /// Where the intermediates come from; NV holds only the AK's own certificate.
    pub intermediates: CertificatePool,
}

/// A certified attestation key, loaded.
#[derive(Debug)]
pub(super) struct CertifiedKey {
    pub(super) primary: Primary,
    /// DER, without the padding some firmware leaves after it.
    pub(super) certificate: Vec<u8>,
}

impl Tpm {
    /// Finds the preferred certified key and loads it.
    pub(super) fn google_key(&mut self) -> Result<CertifiedKey, Error> {
        let mut missing = Vec::new();
        for pair in GOOGLE_AK {
            match (self.read_nv(pair.certificate)?, self.read_nv(pair.template)?) {
                (Some(certificate), Some(template)) => return self.load(pair, &certificate, &template),
                (Some(_), None) => missing.push(pair.lacks("template", pair.template)),
                (None, Some(_)) => missing.push(pair.lacks("certificate", pair.certificate)),
                (None, None) => missing.push(format!(
                    "no {} AK at NV 0x{:08x} and 0x{:08x}",
                    pair.kind, pair.certificate, pair.template
                )),
            }
        }
        Err(Error::NoAttestationKey {
            missing: missing.join(", "),
        })
    }

    fn load(&mut self, pair: NvPair, certificate: &[u8], template: &[u8]) -> Result<CertifiedKey, Error> {
        let what = || {
            format!(
                "the {} AK certificate at NV 0x{:08x}",
                pair.kind, pair.certificate
            )
        };
        let (padding, parsed) =
            X509Certificate::from_der(certificate).map_err(|error| Error::unusable(what(), error))?;
        let primary = self.create_endorsement_primary(template)?;
        if primary.public.name_hashing_algorithm() != HashingAlgorithm::Sha256 {
            return Err(Error::unusable(
                format!("the {} AK template at NV 0x{:08x}", pair.kind, pair.template),
                "its nameAlg is not SHA-256",
            ));
        }
        let certified = parsed
            .public_key()
            .parsed()
            .map_err(|error| Error::unusable(what(), error))?;
        if !same_key(&primary.public, &certified) {
            return Err(Error::AttestationKeyDisagrees {
                template: pair.template,
                certificate: pair.certificate,
            });
        }
        Ok(CertifiedKey {
            primary,
            certificate: certificate[..certificate.len() - padding.len()].to_vec(),
        })
    }
}

impl NvPair {
    fn lacks(self, part: &str, index: u32) -> String {
        format!("the {} AK has no {part} at NV 0x{index:08x}", self.kind)
    }
}

/// Compares the numbers themselves: TPMs and certificates pad them differently.
fn same_key(public: &Public, certified: &PublicKey<'_>) -> bool {
    match (public, certified) {
        (Public::Rsa { unique, .. }, PublicKey::RSA(rsa)) => {
            significant(unique.value()) == significant(rsa.modulus)
        }
        (Public::Ecc { unique, .. }, PublicKey::EC(point)) => {
            let Some((0x04, xy)) = point.data().split_first().map(|(form, xy)| (*form, xy)) else {
                return false;
            };
            let (x, y) = xy.split_at(xy.len() / 2);
            significant(unique.x().value()) == significant(x)
                && significant(unique.y().value()) == significant(y)
        }
        _ => false,
    }
}

fn significant(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}
