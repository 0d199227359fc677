//! The host's identity key, by which its TPM vouches for other keys without a registrar.

use anyhow::Context as _;
use tss_esapi::{
    Context,
    handles::KeyHandle,
    interface_types::session_handles::AuthSession,
    structures::{Data, Digest, Public, SignatureScheme},
    traits::Marshall as _,
};

use super::{BareMetal, ak};
use crate::{
    provider::Provider,
    tpm::{connect, point},
};

/// That an attestation key is in the TPM of an identity key which a provider has certified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IakProof {
    /// `TPMS_ATTEST`, of type certify.
    pub attest: Vec<u8>,
    /// `TPMT_SIGNATURE`.
    pub signature: Vec<u8>,
    /// The identity key's `TPMT_PUBLIC`; nobody certifies more of it than the key.
    pub iak_public: Vec<u8>,
    /// The identity key's certificate (DER), then the provider's intermediate.
    pub certificates: Vec<Vec<u8>>,
}

impl BareMetal {
    /// Has `provider` certify the identity key, and the identity key the attestation key (`TPM2_Certify`).
    ///
    /// The attestation key's policy is not asked for: being certified takes the role *admin*.
    ///
    /// # Errors
    /// If the TPM does not answer.
    pub fn iak_proof(&self, provider: &Provider) -> anyhow::Result<IakProof> {
        let mut context = connect(&self.tcti())?;
        let template = self.spec().ak.template(&mut context)?;
        let (ak, _) = ak::create(&mut context, template)?;
        let (iak, public) = create(&mut context)?;
        let (attest, signature) = context
            .execute_with_sessions(
                (Some(AuthSession::Password), Some(AuthSession::Password), None),
                |context| context.certify(ak.into(), iak, Data::default(), SignatureScheme::Null),
            )
            .context("certifying the attestation key")?;
        Ok(IakProof {
            attest: attest.marshall()?,
            signature: signature.marshall()?,
            iak_public: public.marshall()?,
            certificates: vec![
                provider.iak_certificate(&point(&public)?, &self.spec().td.name),
                provider.intermediate_der(),
            ],
        })
    }
}

/// A restricted signing key, set apart from attestation keys as TCG's *TPM 2.0 Keys for Device Identity and Attestation*
/// has it, by its `unique`.
fn create(context: &mut Context) -> anyhow::Result<(KeyHandle, Public)> {
    let template = ak::restricted_signing_key(true, Digest::default(), ak::set_apart("IAK")?)?;
    ak::create(context, template)
}
