//! What a provider's host does to a virtual machine's TPM before the machine first runs: it certifies an attestation key
//! and leaves the certificate and the key's template in NV, where guests look for them.

use anyhow::{Context as _, ensure};
use tss_esapi::{
    Context,
    attributes::{NvIndexAttributesBuilder, ObjectAttributesBuilder},
    constants::CapabilityType,
    handles::{NvIndexHandle, NvIndexTpmHandle, TpmHandle},
    interface_types::{
        algorithm::{HashingAlgorithm, PublicAlgorithm},
        ecc::EccCurve,
        resource_handles::{Hierarchy, NvAuth, Provision},
    },
    structures::{
        CapabilityData, EccPoint, EccScheme, HashScheme, KeyDerivationFunctionScheme, MaxNvBuffer,
        NvPublicBuilder, Public, PublicBuilder, PublicEccParametersBuilder,
    },
    traits::Marshall as _,
};

use super::{Swtpm, connect};
use crate::{
    PublicKey,
    provider::{Instance, Provider},
};

/// NV index of the attestation key's certificate, as on Google's machines.
pub const AK_CERTIFICATE: u32 = 0x01c1_0002;

/// NV index of the attestation key's template.
pub const AK_TEMPLATE: u32 = 0x01c1_0003;

/// What `TPM2_NV_Write` takes at a time, on any TPM.
pub(crate) const NV_CHUNK: usize = 512;

impl Swtpm {
    /// Makes the attestation key and has `provider` certify it for `instance`. Gives the certificate.
    ///
    /// # Errors
    /// If the TPM does not answer, or has been provisioned before.
    pub fn provision(&self, provider: &Provider, instance: &Instance) -> anyhow::Result<Vec<u8>> {
        let template = ak_template()?.marshall()?;
        let key = create_ak(&self.tcti())?;
        let certificate = provider.ak_certificate(&key, instance);
        let mut context = connect(&self.tcti())?;
        write_nv(&mut context, AK_CERTIFICATE, &certificate)?;
        write_nv(&mut context, AK_TEMPLATE, &template)?;
        Ok(certificate)
    }
}

/// The public half of the attestation key that the TPM at `tcti` makes from [`AK_TEMPLATE`]'s template.
///
/// # Errors
/// If the TPM does not answer.
pub fn create_ak(tcti: &str) -> anyhow::Result<PublicKey> {
    let mut context = connect(tcti)?;
    let created = context
        .create_primary(Hierarchy::Endorsement, ak_template()?, None, None, None, None)
        .context("creating the attestation key")?;
    context.flush_context(created.key_handle.into())?;
    point(&created.out_public)
}

/// The point that is this P-256 key.
pub(crate) fn point(public: &Public) -> anyhow::Result<PublicKey> {
    let Public::Ecc { unique, .. } = public else {
        anyhow::bail!("not an elliptic-curve key")
    };
    let (x, y) = (unique.x().value(), unique.y().value());
    ensure!(x.len() <= 32 && y.len() <= 32, "not a key on P-256");
    let mut sec1 = [0; 65];
    sec1[0] = 0x04;
    sec1[33 - x.len()..33].copy_from_slice(x);
    sec1[65 - y.len()..].copy_from_slice(y);
    Ok(PublicKey(sec1))
}

/// A restricted P-256 signing key, as go-tpm-tools' `AKTemplateECC`.
pub(super) fn ak_template() -> anyhow::Result<Public> {
    let attributes = ObjectAttributesBuilder::new()
        .with_fixed_tpm(true)
        .with_fixed_parent(true)
        .with_sensitive_data_origin(true)
        .with_user_with_auth(true)
        .with_restricted(true)
        .with_sign_encrypt(true)
        .build()?;
    let parameters = PublicEccParametersBuilder::new()
        .with_ecc_scheme(EccScheme::EcDsa(HashScheme::new(HashingAlgorithm::Sha256)))
        .with_curve(EccCurve::NistP256)
        .with_is_signing_key(true)
        .with_is_decryption_key(false)
        .with_restricted(true)
        .with_key_derivation_function_scheme(KeyDerivationFunctionScheme::Null)
        .build()?;
    Ok(PublicBuilder::new()
        .with_public_algorithm(PublicAlgorithm::Ecc)
        .with_name_hashing_algorithm(HashingAlgorithm::Sha256)
        .with_object_attributes(attributes)
        .with_ecc_parameters(parameters)
        .with_ecc_unique_identifier(EccPoint::default())
        .build()?)
}

/// Whether there is such an NV index.
pub(crate) fn is_defined(context: &mut Context, index: u32) -> anyhow::Result<bool> {
    let (defined, _) = context
        .execute_without_session(|context| context.get_capability(CapabilityType::Handles, index, 1))?;
    let wanted = TpmHandle::NvIndex(NvIndexTpmHandle::new(index)?);
    Ok(match defined {
        CapabilityData::Handles(list) => list.into_inner().contains(&wanted),
        _ => false,
    })
}

pub(crate) fn write_nv(context: &mut Context, index: u32, data: &[u8]) -> anyhow::Result<()> {
    let attributes = NvIndexAttributesBuilder::new()
        .with_owner_write(true)
        .with_owner_read(true)
        .with_auth_read(true)
        .with_no_da(true)
        .build()?;
    let public = NvPublicBuilder::new()
        .with_nv_index(NvIndexTpmHandle::new(index)?)
        .with_index_name_algorithm(HashingAlgorithm::Sha256)
        .with_index_attributes(attributes)
        .with_data_area_size(data.len())
        .build()?;
    let handle: NvIndexHandle = context
        .nv_define_space(Provision::Owner, None, public)
        .with_context(|| format!("defining NV index 0x{index:08x}"))?;
    for (chunk, offset) in data.chunks(NV_CHUNK).zip((0..).step_by(NV_CHUNK)) {
        let chunk = MaxNvBuffer::try_from(chunk)?;
        context
            .nv_write(NvAuth::Owner, handle, chunk, offset)
            .with_context(|| format!("writing NV index 0x{index:08x}"))?;
    }
    Ok(())
}
