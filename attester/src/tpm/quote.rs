//! Quoting with a certified key.

use chassis_verifier::{
    bundle::PcrValue,
    tpm::{self, QuoteFault},
};
use tss_esapi::{
    interface_types::algorithm::HashingAlgorithm,
    structures::{Data, SignatureScheme},
    traits::Marshall,
};

use super::{GoogleAk, Primary, Tpm, pcr};
use crate::{AttestationKey, Error, Subject, TpmQuote, TpmQuoter};

/// What a managed VM's TPM must quote: every PCR that measured boot and the operating system extend.
pub const QUOTED_PCRS: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// What a quote covers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Selected {
    /// The bank.
    pub(crate) bank: HashingAlgorithm,
    /// Ascending.
    pub(crate) pcrs: &'static [u8],
}

/// SHA-384, because RTMRs are: digests of another bank are not authenticated by the quote.
const QUOTED: Selected = Selected {
    bank: HashingAlgorithm::Sha384,
    pcrs: &QUOTED_PCRS,
};

const ATTEMPTS: u32 = 5;

impl TpmQuoter for GoogleAk {
    fn attestation_key(&self) -> Result<AttestationKey, Error> {
        let key = Tpm::open(&self.tcti)?.google_key()?;
        Ok(AttestationKey {
            public: key.primary.public_bytes,
            certificates: self.intermediates.chain(key.certificate),
            host: None,
        })
    }

    fn quote(&self, key: &AttestationKey, subject: &Subject<'_>) -> Result<TpmQuote, Error> {
        let mut tpm = Tpm::open(&self.tcti)?;
        let loaded = tpm.google_key()?.primary;
        if loaded.public_bytes != key.public {
            return Err(Error::AttestationKeyChanged);
        }
        tpm.quote(&loaded, &QUOTED, subject.extra_data())
    }
}

impl Tpm {
    /// Quotes what is `selected` and reads it, until both are of one moment.
    ///
    /// # Errors
    /// If the TPM refuses, has no such bank, or its PCRs never stand still.
    pub(crate) fn quote(
        &mut self,
        key: &Primary,
        selected: &Selected,
        extra_data: [u8; 32],
    ) -> Result<TpmQuote, Error> {
        for _ in 0..ATTEMPTS {
            let pcrs = self.read_pcrs(selected.bank, selected.pcrs)?;
            let (attest, signature) = self.sign_quote(key, selected, extra_data)?;
            match check(&key.public_bytes, &attest, &signature, &pcrs)? {
                Ok(()) => {
                    return Ok(TpmQuote {
                        attest,
                        signature,
                        pcrs,
                    });
                }
                Err(QuoteFault::PcrDigest { .. }) => {
                    tracing::debug!("PCRs changed between reading and quoting; trying again");
                }
                Err(fault) => return Err(Error::unusable("the TPM's quote", fault)),
            }
        }
        Err(Error::PcrsMoved { attempts: ATTEMPTS })
    }

    /// `TPMS_ATTEST` and `TPMT_SIGNATURE`.
    fn sign_quote(
        &mut self,
        key: &Primary,
        selected: &Selected,
        extra_data: [u8; 32],
    ) -> Result<(Vec<u8>, Vec<u8>), Error> {
        let selection = pcr::selection(selected.bank, selected.pcrs)?;
        let quote = Data::try_from(extra_data.to_vec()).and_then(|data| {
            // A restricted key signs by its own scheme only.
            self.context()
                .quote(key.handle, data, SignatureScheme::Null, selection)
        });
        quote
            .and_then(|(attest, signature)| Ok((attest.marshall()?, signature.marshall()?)))
            .map_err(Error::tpm("quoting PCRs with the attestation key"))
    }
}

/// Asks the verifier's own questions, so that a quote no relayer would accept is not sent to one.
pub(crate) fn check(
    public: &[u8],
    attest: &[u8],
    signature: &[u8],
    pcrs: &[PcrValue],
) -> Result<Result<(), QuoteFault>, chassis_verifier::ParseError> {
    let public = tpm::Public::parse(public)?;
    let signature = tpm::Signature::parse(signature)?;
    let parsed = tpm::Attest::parse(attest)?;
    let verdict = || {
        parsed.check_magic()?;
        parsed.check_kind()?;
        signature.verify(&public, attest)?;
        parsed
            .quote()
            .map_or(Ok(()), |quote| tpm::check_pcr_digest(quote, &signature, pcrs))
    };
    Ok(verdict())
}
