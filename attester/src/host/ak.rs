//! The host's attestation key in its TPM: usable on a host launched as the key is sealed to, and on no other.

use chassis_verifier::{bundle::PcrValue, host::DYNAMIC_PCRS, tpm::HashAlg};
use tss_esapi::{
    abstraction::{AsymmetricAlgorithmSelection, ek::create_ek_public_from_default_template_2},
    constants::{SessionType, Tss2ResponseCodeKind},
    handles::AuthHandle,
    interface_types::{
        algorithm::HashingAlgorithm,
        ecc::EccCurve,
        session_handles::{AuthSession, PolicySession},
    },
    structures::{Data, Digest, EncryptedSecret, IdObject, Nonce, SignatureScheme, SymmetricDefinition},
    traits::Marshall as _,
};

use crate::{
    Error,
    tpm::{Primary, Tpm, pcr_selection},
};

/// `TPMS_ATTEST` and `TPMT_SIGNATURE`.
pub(super) type SignedQuote = (Vec<u8>, Vec<u8>);

/// `TPMT_PUBLIC` of a restricted P-256 signing key (ECDSA, SHA-256) with this `authPolicy` and `userWithAuth` clear. It is
/// its own template: the same policy gives the same key, so nothing secret is stored.
pub(super) fn template(policy: &[u8; 32]) -> Vec<u8> {
    // fixedTPM, fixedParent, sensitiveDataOrigin, restricted, sign.
    const ATTRIBUTES: u32 = 0x0005_0032;
    let head = [0x00, 0x23, 0x00, 0x0b];
    let tail = [0, 0x10, 0, 0x18, 0, 0x0b, 0, 0x03, 0, 0x10, 0, 0, 0, 0];
    [&head[..], &ATTRIBUTES.to_be_bytes(), &[0, 32], policy, &tail].concat()
}

impl Tpm {
    /// PCR 17 and 18 of `bank`.
    pub(crate) fn launch_pcrs(&mut self, bank: HashAlg) -> Result<Vec<PcrValue>, Error> {
        self.read_pcrs(algorithm(bank)?, &DYNAMIC_PCRS)
    }

    /// Quotes PCR 17 and 18 of `bank` through a policy session. `None` if the TPM refuses the policy: the registers are not
    /// what the key is sealed to.
    pub(super) fn quote_launch(
        &mut self,
        key: &Primary,
        bank: HashAlg,
        extra_data: [u8; 32],
    ) -> Result<Option<SignedQuote>, Error> {
        let error = || Error::tpm("quoting PCR 17 and 18 with the host's attestation key");
        let selection = pcr_selection(algorithm(bank)?, &DYNAMIC_PCRS)?;
        let (session, policy) = self.policy_session()?;
        let data = Data::try_from(extra_data.to_vec()).map_err(error())?;
        let quoted = self
            .context()
            // An empty digest stands for the values as they are.
            .execute_without_session(|context| {
                context.policy_pcr(policy, Digest::default(), selection.clone())
            })
            .and_then(|()| {
                self.context().execute_with_session(Some(session), |context| {
                    // A restricted key signs by its own scheme only.
                    context.quote(key.handle, data, SignatureScheme::Null, selection)
                })
            });
        match quoted {
            Ok((attest, signature)) => Ok(Some((
                attest.marshall().map_err(error())?,
                signature.marshall().map_err(error())?,
            ))),
            Err(refused) if is_policy_failure(refused) => Ok(None),
            Err(other) => Err(error()(other)),
        }
    }

    /// `TPM2_ActivateCredential`: what `blob` hides, if it is for the name of `key` and for this TPM's endorsement key on
    /// P-256 (TCG EK Credential Profile 2.5, template L-2).
    ///
    /// The endorsement key's policy asks for the endorsement hierarchy's password, which is empty. The policy of `key` is not
    /// asked for: activation takes the role *admin*, for which its empty password is enough.
    pub(super) fn activate(&mut self, key: &Primary, blob: &[u8], secret: &[u8]) -> Result<Vec<u8>, Error> {
        let error = || Error::tpm("activating the registrar's credential");
        let p256 = AsymmetricAlgorithmSelection::Ecc(EccCurve::NistP256);
        let template = create_ek_public_from_default_template_2(p256, None)
            .and_then(|template| template.marshall())
            .map_err(error())?;
        let ek = self.create_endorsement_primary(&template)?;
        let blob = IdObject::try_from(blob).map_err(error())?;
        let secret = EncryptedSecret::try_from(secret).map_err(error())?;
        let (session, policy) = self.policy_session()?;
        self.context()
            .policy_secret(
                policy,
                AuthHandle::Endorsement,
                Nonce::default(),
                Digest::default(),
                Nonce::default(),
                None,
            )
            .map_err(error())?;
        let sessions = (Some(AuthSession::Password), Some(session), None);
        let hidden = self
            .context()
            .execute_with_sessions(sessions, |context| {
                context.activate_credential(key.handle, ek.handle, blob, secret)
            })
            .map_err(error())?;
        Ok(hidden.value().to_vec())
    }

    /// Without key or binding, flushed with the context.
    fn policy_session(&mut self) -> Result<(AuthSession, PolicySession), Error> {
        let error = || Error::tpm("starting a policy session");
        let session = self
            .context()
            .execute_without_session(|context| {
                context.start_auth_session(
                    None,
                    None,
                    None,
                    SessionType::Policy,
                    SymmetricDefinition::AES_128_CFB,
                    HashingAlgorithm::Sha256,
                )
            })
            .map_err(error())?
            .ok_or_else(|| Error::unusable("the TPM", "it gives no session"))?;
        let policy = PolicySession::try_from(session).map_err(error())?;
        Ok((session, policy))
    }
}

fn is_policy_failure(error: tss_esapi::Error) -> bool {
    matches!(error, tss_esapi::Error::Tss2Error(code) if code.kind() == Some(Tss2ResponseCodeKind::PolicyFail))
}

fn algorithm(bank: HashAlg) -> Result<HashingAlgorithm, Error> {
    match bank {
        HashAlg::Sha256 => Ok(HashingAlgorithm::Sha256),
        HashAlg::Sha384 => Ok(HashingAlgorithm::Sha384),
        other => Err(Error::unusable(
            format!("the {other} bank"),
            "a policy accepts sha256 and sha384 only",
        )),
    }
}
