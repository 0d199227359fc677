//! The host's attestation key: made in its TPM, and usable only on a host launched as it is sealed to.

use anyhow::Context as _;
use chassis_verifier::tpm::HashAlg;
use sha2::{Digest as _, Sha256};
use tss_esapi::{
    Context,
    attributes::ObjectAttributesBuilder,
    constants::SessionType,
    handles::KeyHandle,
    interface_types::{
        algorithm::{HashingAlgorithm, PublicAlgorithm},
        ecc::EccCurve,
        resource_handles::Hierarchy,
        session_handles::AuthSession,
    },
    structures::{
        Data, Digest, EccParameter, EccPoint, EccScheme, HashScheme, KeyDerivationFunctionScheme, Public,
        PublicBuilder, PublicEccParametersBuilder, SignatureScheme,
    },
    traits::Marshall as _,
};

use super::{LaunchPcrs, tss};

/// An attestation key to be made. Every field is something an attack may change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AkSpec {
    /// What its `authPolicy` demands.
    pub seal: Seal,
    /// `userWithAuth`: whether its (empty) password is enough to use it.
    pub user_with_auth: bool,
}

/// What a key's `authPolicy` demands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seal {
    /// These values, by `TPM2_PolicyPCR`.
    To(LaunchPcrs),
    /// Nothing: there is no policy. Without `userWithAuth`, nobody can use such a key.
    Nothing,
}

/// How a key's user proves that he may use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authorization {
    /// By a policy session over the PCRs as they are, of this bank.
    Policy(HashAlg),
    /// By its empty password.
    Password,
}

impl AkSpec {
    /// A key as it should be.
    pub fn sealed_to(pcrs: LaunchPcrs) -> Self {
        Self {
            seal: Seal::To(pcrs),
            user_with_auth: false,
        }
    }

    /// A key that anybody who reaches the TPM can use.
    pub fn unsealed() -> Self {
        Self {
            seal: Seal::Nothing,
            user_with_auth: true,
        }
    }

    /// How it is meant to be used.
    pub fn authorization(&self) -> Authorization {
        match &self.seal {
            Seal::To(pcrs) => Authorization::Policy(pcrs.bank),
            Seal::Nothing => Authorization::Password,
        }
    }

    /// Its template, with the policy that the TPM itself computes in a trial session.
    pub(super) fn template(&self, context: &mut Context) -> anyhow::Result<Public> {
        let policy = match &self.seal {
            Seal::To(pcrs) => policy(context, pcrs)?,
            Seal::Nothing => Digest::default(),
        };
        restricted_signing_key(self.user_with_auth, policy, EccPoint::default())
    }
}

impl Authorization {
    /// The session to use the key by.
    pub(super) fn session(self, context: &mut Context) -> anyhow::Result<AuthSession> {
        match self {
            Self::Password => Ok(AuthSession::Password),
            Self::Policy(bank) => {
                let (session, policy) = tss::session(context, SessionType::Policy)?;
                let selection = tss::selection(bank)?;
                // An empty digest stands for the values as they are.
                context.execute_without_session(|context| {
                    context.policy_pcr(policy, Digest::default(), selection)
                })?;
                Ok(session)
            }
        }
    }
}

/// Quotes PCR 17 and 18 of `bank`: `TPMS_ATTEST` and `TPMT_SIGNATURE`.
pub(super) fn quote(
    context: &mut Context,
    key: KeyHandle,
    authorization: Authorization,
    extra_data: [u8; 32],
    bank: HashAlg,
) -> anyhow::Result<(Vec<u8>, Vec<u8>)> {
    let session = authorization.session(context)?;
    let (data, selection) = (Data::try_from(extra_data.to_vec())?, tss::selection(bank)?);
    let (attest, signature) = context
        .execute_with_session(Some(session), |context| {
            // A restricted key signs by its own scheme only.
            context.quote(key, data, SignatureScheme::Null, selection)
        })
        .context("quoting with the host's attestation key")?;
    Ok((attest.marshall()?, signature.marshall()?))
}

/// Makes the key that `template` describes, always the same one, and its `TPMT_PUBLIC`.
pub(super) fn create(context: &mut Context, template: Public) -> anyhow::Result<(KeyHandle, Public)> {
    let created = context
        .create_primary(Hierarchy::Endorsement, template, None, None, None, None)
        .context("creating a key in the endorsement hierarchy")?;
    Ok((created.key_handle, created.out_public))
}

/// A restricted P-256 signing key of the endorsement hierarchy.
pub(super) fn restricted_signing_key(
    user_with_auth: bool,
    policy: Digest,
    unique: EccPoint,
) -> anyhow::Result<Public> {
    let attributes = ObjectAttributesBuilder::new()
        .with_fixed_tpm(true)
        .with_fixed_parent(true)
        .with_sensitive_data_origin(true)
        .with_user_with_auth(user_with_auth)
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
        .with_auth_policy(policy)
        .with_ecc_parameters(parameters)
        .with_ecc_unique_identifier(unique)
        .build()?)
}

/// `unique` that sets a key of the same template apart (TPM 2.0 Part 1, §27.7: it enters the derivation).
pub(super) fn set_apart(by: &str) -> anyhow::Result<EccPoint> {
    Ok(EccPoint::new(
        EccParameter::try_from(by.as_bytes())?,
        EccParameter::default(),
    ))
}

/// The policy that demands these values, as a TPM computes it; in a trial session, they need not be the present ones.
fn policy(context: &mut Context, pcrs: &LaunchPcrs) -> anyhow::Result<Digest> {
    let (session, policy) = tss::session(context, SessionType::Trial)?;
    let values = Sha256::new()
        .chain_update(&pcrs.pcr17)
        .chain_update(&pcrs.pcr18)
        .finalize();
    let (values, selection) = (Digest::try_from(&values[..])?, tss::selection(pcrs.bank)?);
    let digest = context.execute_without_session(|context| {
        context.policy_pcr(policy, values, selection)?;
        context.policy_get_digest(policy)
    })?;
    context.flush_context(tss_esapi::handles::SessionHandle::from(session).into())?;
    Ok(digest)
}
