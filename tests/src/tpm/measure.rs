//! The boot, as the TPM hears it.

use anyhow::Context as _;
use tss_esapi::{
    Context,
    handles::PcrHandle,
    interface_types::algorithm::HashingAlgorithm,
    structures::{Digest, DigestValues},
};

use super::{Swtpm, connect};
use crate::firmware::{Event, MeasuredBoot};

/// The banks a simulated TPM is made with.
const BANKS: [HashingAlgorithm; 2] = [HashingAlgorithm::Sha256, HashingAlgorithm::Sha384];

impl Swtpm {
    /// Extends both banks by every event of `boot`, in order.
    ///
    /// # Errors
    /// If the TPM does not answer.
    pub fn measure(&self, boot: &MeasuredBoot) -> anyhow::Result<()> {
        let mut context = connect(&self.tcti())?;
        for event in &boot.events {
            extend(&mut context, event, &BANKS)?;
        }
        Ok(())
    }
}

/// Extends these banks of the PCR that `event` is about, if it is about one.
pub(crate) fn extend(context: &mut Context, event: &Event, banks: &[HashingAlgorithm]) -> anyhow::Result<()> {
    let Some(pcr) = event.pcr() else { return Ok(()) };
    let mut digests = DigestValues::new();
    for bank in banks {
        let digest = match bank {
            HashingAlgorithm::Sha256 => Digest::try_from(event.sha256().as_slice())?,
            HashingAlgorithm::Sha384 => Digest::try_from(event.sha384().as_slice())?,
            other => anyhow::bail!("no simulated TPM has a {other:?} bank"),
        };
        digests.set(*bank, digest);
    }
    let handle = PcrHandle::try_from(u32::from(pcr))?;
    context
        .pcr_extend(handle, digests)
        .with_context(|| format!("extending PCR {pcr}"))
}
