//! Reading PCRs, at most eight at a time: no TPM answers with more.

use chassis_verifier::bundle::PcrValue;
use tss_esapi::{
    interface_types::algorithm::HashingAlgorithm,
    structures::{PcrSelectSize, PcrSelectionList, PcrSlot},
};

use super::Tpm;
use crate::Error;

/// `TPML_DIGEST` holds eight.
const AT_ONCE: usize = 8;

impl Tpm {
    /// The values of `pcrs` in `bank`, in the order asked for.
    ///
    /// Values read in several commands may belong to different moments; only a quote's `pcrDigest` says that they
    /// belong together.
    ///
    /// # Errors
    /// If the bank does not hold them all.
    pub fn read_pcrs(&mut self, bank: HashingAlgorithm, pcrs: &[u8]) -> Result<Vec<PcrValue>, Error> {
        let mut values = Vec::with_capacity(pcrs.len());
        for some in pcrs.chunks(AT_ONCE) {
            let selection = selection(bank, some)?;
            let (_, read, digests) = self
                .context()
                .execute_without_session(|context| context.pcr_read(selection.clone()))
                .map_err(Error::tpm("reading PCRs"))?;
            if read != selection || digests.len() != some.len() {
                return Err(Error::NoPcrBank {
                    bank: format!("{bank:?}"),
                    pcrs: some.to_vec(),
                });
            }
            values.extend(some.iter().zip(digests.value()).map(|(&index, digest)| PcrValue {
                index,
                value: digest.value().to_vec().into(),
            }));
        }
        Ok(values)
    }
}

pub(crate) fn selection(bank: HashingAlgorithm, pcrs: &[u8]) -> Result<PcrSelectionList, Error> {
    pcrs.iter()
        .map(|&index| PcrSlot::try_from(1u32.checked_shl(index.into()).unwrap_or(0)))
        .collect::<Result<Vec<_>, _>>()
        .and_then(|slots| {
            PcrSelectionList::builder()
                .with_size_of_select(PcrSelectSize::ThreeOctets)
                .with_selection(bank, &slots)
                .build()
        })
        .map_err(Error::tpm("selecting PCRs"))
}
