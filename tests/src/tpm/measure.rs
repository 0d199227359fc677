//! The boot, as the TPM hears it.

use anyhow::Context as _;
use tss_esapi::{
    handles::PcrHandle,
    interface_types::algorithm::HashingAlgorithm,
    structures::{Digest, DigestValues},
};

use super::{Swtpm, connect};
use crate::firmware::MeasuredBoot;

impl Swtpm {
    /// Extends both banks by every event of `boot`, in order.
    ///
    /// # Errors
    /// If the TPM does not answer.
    pub fn measure(&self, boot: &MeasuredBoot) -> anyhow::Result<()> {
        let mut context = connect(&self.tcti())?;
        for event in &boot.events {
            let Some(pcr) = event.pcr() else { continue };
            let mut digests = DigestValues::new();
            digests.set(
                HashingAlgorithm::Sha256,
                Digest::try_from(event.sha256().as_slice())?,
            );
            digests.set(
                HashingAlgorithm::Sha384,
                Digest::try_from(event.sha384().as_slice())?,
            );
            let handle = PcrHandle::try_from(u32::from(pcr))?;
            context
                .pcr_extend(handle, digests)
                .with_context(|| format!("extending PCR {pcr}"))?;
        }
        Ok(())
    }
}
