//! Quoting with a certified key.

use tss_esapi::{
    interface_types::algorithm::HashingAlgorithm,
    structures::{Attest, AttestInfo, Data, Signature, SignatureScheme},
    traits::Marshall,
};

use super::{GoogleAk, Primary, Tpm, pcr};
use crate::{AttestationKey, Error, TpmQuote, TpmQuoter};

/// What a managed VM's TPM must quote: every PCR that measured boot and the operating system extend.
pub const QUOTED_PCRS: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// SHA-384, because RTMRs are: digests of another bank are not authenticated by the quote.
const BANK: HashingAlgorithm = HashingAlgorithm::Sha384;

const ATTEMPTS: u32 = 5;

impl TpmQuoter for GoogleAk {
    fn attestation_key(&self) -> Result<AttestationKey, Error> {
        let key = Tpm::open(&self.tcti)?.google_key()?;
        Ok(AttestationKey {
            public: key.primary.public_bytes,
            certificates: self.intermediates.chain(key.certificate),
        })
    }

    fn quote(&self, key: &AttestationKey, extra_data: [u8; 32]) -> Result<TpmQuote, Error> {
        let mut tpm = Tpm::open(&self.tcti)?;
        let loaded = tpm.google_key()?.primary;
        if loaded.public_bytes != key.public {
            return Err(Error::AttestationKeyChanged);
        }
        tpm.quote(&loaded, extra_data)
    }
}

impl Tpm {
    /// Quotes PCRs 0–15 of the SHA-384 bank and reads them, until both are of one moment.
    ///
    /// # Errors
    /// If the TPM refuses, has no SHA-384 bank, or its PCRs never stand still.
    pub fn quote(&mut self, key: &Primary, extra_data: [u8; 32]) -> Result<TpmQuote, Error> {
        for _ in 0..ATTEMPTS {
            let pcrs = self.read_pcrs(BANK, &QUOTED_PCRS)?;
            let (attest, signature) = self.sign_quote(key, extra_data)?;
            if pcr_digest(&attest)? == pcr::digest_of(&pcrs, signature_hash(&signature)?) {
                let error = || Error::tpm("encoding its own quote");
                return Ok(TpmQuote {
                    attest: attest.marshall().map_err(error())?,
                    signature: signature.marshall().map_err(error())?,
                    pcrs,
                });
            }
            tracing::debug!("PCRs changed between reading and quoting; trying again");
        }
        Err(Error::PcrsMoved { attempts: ATTEMPTS })
    }

    fn sign_quote(&mut self, key: &Primary, extra_data: [u8; 32]) -> Result<(Attest, Signature), Error> {
        let selection = pcr::selection(BANK, &QUOTED_PCRS)?;
        Data::try_from(extra_data.to_vec())
            .and_then(|data| {
                // A restricted key signs by its own scheme only.
                self.context()
                    .quote(key.handle, data, SignatureScheme::Null, selection)
            })
            .map_err(Error::tpm("quoting PCRs with the attestation key"))
    }
}

fn pcr_digest(attest: &Attest) -> Result<Option<Vec<u8>>, Error> {
    match attest.attested() {
        AttestInfo::Quote { info } => Ok(Some(info.pcr_digest().value().to_vec())),
        _ => Err(Error::unusable(
            "the TPM's answer to a quote",
            "it is not a quote",
        )),
    }
}

fn signature_hash(signature: &Signature) -> Result<HashingAlgorithm, Error> {
    match signature {
        Signature::RsaSsa(rsa) | Signature::RsaPss(rsa) => Ok(rsa.hashing_algorithm()),
        Signature::EcDsa(ecc) => Ok(ecc.hashing_algorithm()),
        other => Err(Error::unusable(
            "the attestation key",
            format!(
                "it signs with {:?}, not with ECDSA, RSASSA or RSAPSS",
                other.algorithm()
            ),
        )),
    }
}
