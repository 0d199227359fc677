//! What may happen to a TPM's attestation key later: its provider gives it another one, or somebody copies a certificate.

use anyhow::Context as _;
use tss_esapi::{
    Context,
    handles::{NvIndexHandle, NvIndexTpmHandle},
    interface_types::resource_handles::{Hierarchy, Provision},
    structures::{EccParameter, EccPoint, Public},
    traits::Marshall as _,
};

use super::{
    AK_CERTIFICATE, AK_TEMPLATE, Swtpm, connect, point,
    provision::{ak_template, write_nv},
};
use crate::provider::{Instance, Provider};

impl Swtpm {
    /// Makes another attestation key, and has `provider` certify it for `instance` in place of the first. Gives the
    /// certificate.
    ///
    /// # Errors
    /// If the TPM does not answer, or has never been provisioned.
    pub fn rotate(&self, provider: &Provider, instance: &Instance) -> anyhow::Result<Vec<u8>> {
        let template = another(ak_template()?)?;
        let mut context = connect(&self.tcti())?;
        let created = context
            .create_primary(Hierarchy::Endorsement, template.clone(), None, None, None, None)
            .context("creating another attestation key")?;
        context.flush_context(created.key_handle.into())?;
        let certificate = provider.ak_certificate(&point(&created.out_public)?, instance);
        replace_nv(&mut context, AK_TEMPLATE, &template.marshall()?)?;
        replace_nv(&mut context, AK_CERTIFICATE, &certificate)?;
        Ok(certificate)
    }

    /// Writes `certificate` where this TPM's own was.
    ///
    /// # Errors
    /// If the TPM does not answer, or has never been provisioned.
    pub fn plant(&self, certificate: &[u8]) -> anyhow::Result<()> {
        replace_nv(&mut connect(&self.tcti())?, AK_CERTIFICATE, certificate)
    }
}

/// The template of another key: a primary key follows from the seed and the whole template, this number included.
fn another(template: Public) -> anyhow::Result<Public> {
    let Public::Ecc {
        object_attributes,
        name_hashing_algorithm,
        auth_policy,
        parameters,
        ..
    } = template
    else {
        anyhow::bail!("not the template of an elliptic-curve key")
    };
    Ok(Public::Ecc {
        object_attributes,
        name_hashing_algorithm,
        auth_policy,
        parameters,
        unique: EccPoint::new(EccParameter::try_from(vec![1; 32])?, EccParameter::default()),
    })
}

fn replace_nv(context: &mut Context, index: u32, data: &[u8]) -> anyhow::Result<()> {
    let handle = NvIndexTpmHandle::new(index)?;
    let old = context
        .execute_without_session(|context| context.tr_from_tpm_public(handle.into()))
        .with_context(|| format!("there is no NV index 0x{index:08x}"))?;
    context.nv_undefine_space(Provision::Owner, NvIndexHandle::from(old))?;
    write_nv(context, index, data)
}
