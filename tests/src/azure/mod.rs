//! A virtual machine under a paravisor, in Azure's shape: a vTPM with the paravisor's report in NV, and a metadata service
//! that turns TDREPORTs into quotes.
//!
//! **What is real.** The vTPM: a `swtpm` process with the handles and NV indexes of Azure's, reached as any TPM is. The CPU's
//! part: reports under a MAC, which only the same simulated CPU quotes.
//!
//! **What is simulated.** The paravisor. On Azure it *is* the TPM, and writes the report when the index is read; here it is
//! another client of the TPM, which looks whether the guest wrote other user data. So a guest may read an old report first, as
//! it may on Azure.

mod metadata;
mod paravisor;
mod vtpm;

use std::{path::Path, sync::Arc};

use crate::{intel::Platform, machine::Td, provider::Provider, tpm::Swtpm};

use metadata::MetadataService;
use paravisor::Paravisor;

/// A running machine. Dropping it turns it off.
#[derive(Debug)]
pub struct AzureVm {
    td: Arc<Td>,
    metadata: MetadataService,
    // Dropped in this order: the paravisor is the TPM's client.
    paravisor: Option<Paravisor>,
    tpm: Swtpm,
}

impl AzureVm {
    pub(crate) async fn boot(
        dir: &Path,
        name: &str,
        platform: Platform,
        provider: &Provider,
    ) -> anyhow::Result<Self> {
        let td = Arc::new(Td::paravisor(platform));
        let tpm = Swtpm::start(&dir.join("tpm"))?;
        let modulus = vtpm::provision(&tpm.tcti(), provider, name)?;
        Ok(Self {
            metadata: MetadataService::serve(Arc::clone(&td)).await?,
            paravisor: Some(Paravisor::start(&tpm, Arc::clone(&td), modulus)?),
            td,
            tpm,
        })
    }

    /// How TSS clients reach its TPM.
    pub fn tcti(&self) -> String {
        self.tpm.tcti()
    }

    /// Where its metadata service is.
    pub fn metadata_service(&self) -> &str {
        &self.metadata.url
    }

    /// The paravisor's TD.
    pub fn td(&self) -> &Td {
        &self.td
    }

    /// From now on, the report stays as it is.
    pub fn stop_paravisor(&mut self) {
        self.paravisor = None;
    }
}
