//! The host's endorsement key, and what it can prove: that a name belongs to a key in the same TPM.

use anyhow::Context as _;
use tss_esapi::{
    Context,
    abstraction::{AsymmetricAlgorithmSelection, ek::create_ek_public_from_default_template_2},
    constants::SessionType,
    handles::{AuthHandle, KeyHandle},
    interface_types::{ecc::EccCurve, session_handles::AuthSession},
    structures::{Digest, EncryptedSecret, IdObject, Nonce, Public},
};

use super::{ak, tss};

/// A challenge to prove that a key of some name is in the TPM with some endorsement key (TPM 2.0 Part 1, §24).
#[derive(Clone, Debug)]
pub struct Credential {
    pub(super) blob: IdObject,
    pub(super) secret: EncryptedSecret,
}

/// The endorsement key on P-256, always the same one (TCG EK Credential Profile 2.5, template L-2), and its public area.
pub(super) fn create(context: &mut Context) -> anyhow::Result<(KeyHandle, Public)> {
    let p256 = AsymmetricAlgorithmSelection::Ecc(EccCurve::NistP256);
    ak::create(context, create_ek_public_from_default_template_2(p256, None)?)
}

/// `TPM2_ActivateCredential`: what `credential` hides, if it is for `ak`'s name and this TPM's endorsement key.
///
/// The endorsement key's policy asks for the endorsement hierarchy's (empty) password. The attestation key's own policy
/// is not asked for: activation takes the role *admin*, which its empty password has as long as `adminWithPolicy` is clear.
pub(super) fn activate(
    context: &mut Context,
    ak: KeyHandle,
    credential: &Credential,
) -> anyhow::Result<Vec<u8>> {
    let (ek, _) = create(context)?;
    let (session, policy) = tss::session(context, SessionType::Policy)?;
    context.policy_secret(
        policy,
        AuthHandle::Endorsement,
        Nonce::default(),
        Digest::default(),
        Nonce::default(),
        None,
    )?;
    let activated = context
        .execute_with_sessions((Some(AuthSession::Password), Some(session), None), |context| {
            context.activate_credential(ak, ek, credential.blob.clone(), credential.secret.clone())
        })
        .context("activating the registrar's credential")?;
    Ok(activated.value().to_vec())
}
