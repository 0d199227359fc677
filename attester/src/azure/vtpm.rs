//! The vTPM's own quote, by the key that Azure certifies.

use tss_esapi::interface_types::algorithm::HashingAlgorithm;
use x509_parser::{certificate::X509Certificate, prelude::FromDer as _};

use super::Azure;
use crate::{
    AttestationKey, Error, Subject, TpmQuote, TpmQuoter,
    tpm::{Primary, Selected, Tpm},
};

/// Where the paravisor keeps the attestation key: RSA-2048, restricted.
const KEY: u32 = 0x8100_0003;
/// NV index of its certificate, DER, which Azure writes after the first boot.
const CERTIFICATE: u32 = 0x01c1_01d0;

/// What the verifier's profile demands of an Azure vTPM: RTMRs are zero, so its bank need not be theirs.
const QUOTED: Selected = Selected {
    bank: HashingAlgorithm::Sha256,
    pcrs: &[
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23,
    ],
};

impl TpmQuoter for Azure {
    fn attestation_key(&self) -> Result<AttestationKey, Error> {
        let mut tpm = Tpm::open(&self.tcti)?;
        let public = key(&mut tpm)?.public_bytes;
        let what = || format!("the attestation key's certificate at NV 0x{CERTIFICATE:08x}");
        let mut certificate = tpm.read_nv(CERTIFICATE)?.ok_or_else(|| {
            Error::unusable(
                what(),
                "there is none; Azure writes it some minutes after creation",
            )
        })?;
        let padding = X509Certificate::from_der(&certificate)
            .map_err(|error| Error::unusable(what(), error))?
            .0
            .len();
        certificate.truncate(certificate.len() - padding);
        Ok(AttestationKey {
            public,
            certificates: self.intermediates.chain(certificate),
            host: None,
        })
    }

    fn quote(&self, key_before: &AttestationKey, subject: &Subject<'_>) -> Result<TpmQuote, Error> {
        let mut tpm = Tpm::open(&self.tcti)?;
        let key = key(&mut tpm)?;
        if key.public_bytes != key_before.public {
            return Err(Error::AttestationKeyChanged);
        }
        tpm.quote(&key, &QUOTED, subject.extra_data())
    }
}

fn key(tpm: &mut Tpm) -> Result<Primary, Error> {
    tpm.persistent_key(KEY)?.ok_or_else(|| {
        let problem = "there is none: is this an Azure confidential VM?";
        Error::unusable(format!("the attestation key at handle 0x{KEY:08x}"), problem)
    })
}
