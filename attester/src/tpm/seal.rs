//! Sealing a secret to what has booted.
//!
//! The secret is an object under the storage primary key (TCG's ECC SRK template, which the TPM makes again whenever it is
//! asked) whose only way out is a policy session that has shown the right PCRs. It crosses the bus encrypted, under a
//! session salted with that primary key.

use chassis_verifier::Base64;
use serde::{Deserialize, Serialize};
use tss_esapi::{
    attributes::{ObjectAttributesBuilder, SessionAttributesBuilder},
    constants::{SessionType, Tss2ResponseCodeKind},
    handles::KeyHandle,
    interface_types::{
        algorithm::{HashingAlgorithm, PublicAlgorithm},
        ecc::EccCurve,
        resource_handles::Hierarchy,
        session_handles::{AuthSession, PolicySession},
    },
    structures::{
        Digest, EccPoint, KeyedHashScheme, PcrSelectionList, Private, Public, PublicBuilder,
        PublicEccParametersBuilder, PublicKeyedHashParameters, SensitiveData, SymmetricDefinition,
        SymmetricDefinitionObject,
    },
    traits::{Marshall, UnMarshall},
};

use super::{Tpm, pcr::selection};
use crate::Error;

/// What a node's own key is sealed to: what runs (firmware 0, loaded drivers 2, boot loader 4, its commands 8, kernel and
/// initrd 9, command line of a unified image 12) and who vouched for it (Secure Boot 7, owner's keys 14).
///
/// Left out is what changes by itself: sizes and slots (1, 3, 5, 6), IMA (10), the phases of boot (11), what systemd measures at
/// run time (13, 15).
pub const SEALED_TO: [u8; 8] = [0, 2, 4, 7, 8, 9, 12, 14];

/// The bank that TPM quotes are over. One that the firmware does not extend could be filled by anybody.
const BANK: HashingAlgorithm = HashingAlgorithm::Sha384;

/// A sealed secret, as it rests on disk. Worth nothing without its TPM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sealed {
    /// The PCRs it is sealed to, SHA-384 bank.
    pub pcrs: Vec<u8>,
    /// `TPMT_PUBLIC`.
    pub public: Base64,
    /// The content of `TPM2B_PRIVATE`.
    pub private: Base64,
}

impl Tpm {
    /// Seals `secret` to the present values of `pcrs`.
    ///
    /// # Errors
    /// If the TPM refuses, or has no such PCRs.
    pub fn seal(&mut self, secret: &[u8], pcrs: &[u8]) -> Result<Sealed, Error> {
        let error = || Error::tpm("sealing a key");
        // A policy over no PCR, or over a bank that is not there, would always hold.
        if pcrs.is_empty() {
            return Err(Error::unusable("an empty list of PCRs", "name at least one"));
        }
        self.read_pcrs(BANK, pcrs)?;
        let policy = self.policy(SessionType::Trial, None, selection(BANK, pcrs)?)?;
        let digest = self
            .context()
            .execute_without_session(|context| context.policy_get_digest(policy))
            .map_err(error())?;
        let parent = self.storage_primary()?;
        let public = sealed_public(digest).map_err(error())?;
        let secret = SensitiveData::try_from(secret.to_vec()).map_err(error())?;
        let session = self.encrypting_session(parent)?;
        let context = self.context();
        context.set_sessions((Some(AuthSession::Password), Some(session), None));
        let created = context.create(parent, public, None, Some(secret), None, None);
        context.set_sessions((Some(AuthSession::Password), None, None));
        let created = created.map_err(error())?;
        Ok(Sealed {
            pcrs: pcrs.to_vec(),
            public: created.out_public.marshall().map_err(error())?.into(),
            private: created.out_private.value().to_vec().into(),
        })
    }

    /// The secret; `None` if this is another TPM, or its PCRs are not what they were.
    ///
    /// # Errors
    /// If the TPM does not answer, or `sealed` is damaged.
    pub fn unseal(&mut self, sealed: &Sealed) -> Result<Option<SensitiveData>, Error> {
        let error = || Error::tpm("opening a sealed key");
        let public = Public::unmarshall(&sealed.public).map_err(error())?;
        let private = Private::try_from(sealed.private.to_vec()).map_err(error())?;
        let parent = self.storage_primary()?;
        let object = match self.context().load(parent, private, public) {
            Ok(object) => object,
            // Its integrity is under the storage seed of the TPM that made it.
            Err(refused) if is(refused, Tss2ResponseCodeKind::Integrity) => return Ok(None),
            Err(other) => return Err(error()(other)),
        };
        let selection = selection(BANK, &sealed.pcrs)?;
        let policy = self.policy(SessionType::Policy, Some(parent), selection)?;
        let context = self.context();
        let secret =
            context.execute_with_session(Some(policy.into()), |context| context.unseal(object.into()));
        match secret {
            Ok(secret) => Ok(Some(secret)),
            Err(refused) if is(refused, Tss2ResponseCodeKind::PolicyFail) => Ok(None),
            Err(other) => Err(error()(other)),
        }
    }

    /// TCG TPM v2.0 Provisioning Guidance, §7.5.1: the ECC storage primary key.
    fn storage_primary(&mut self) -> Result<KeyHandle, Error> {
        let error = || Error::tpm("creating the storage primary key");
        let template = storage_template().map_err(error())?;
        self.context()
            .create_primary(Hierarchy::Owner, template, None, None, None, None)
            .map(|created| created.key_handle)
            .map_err(error())
    }

    /// A session in which the PCRs, as they are, have been shown.
    fn policy(
        &mut self,
        kind: SessionType,
        salt: Option<KeyHandle>,
        pcrs: PcrSelectionList,
    ) -> Result<PolicySession, Error> {
        let session = self.session(kind, salt)?;
        let session = PolicySession::try_from(session).map_err(Error::tpm("starting a policy session"))?;
        // No digest: the values are the TPM's own.
        self.context()
            .execute_without_session(|context| context.policy_pcr(session, Digest::default(), pcrs))
            .map_err(Error::tpm("showing PCRs to a policy session"))?;
        Ok(session)
    }

    /// A session that encrypts the first parameter of a command and of its answer.
    fn encrypting_session(&mut self, salt: KeyHandle) -> Result<AuthSession, Error> {
        self.session(SessionType::Hmac, Some(salt))
    }

    fn session(&mut self, kind: SessionType, salt: Option<KeyHandle>) -> Result<AuthSession, Error> {
        let error = || Error::tpm("starting a session");
        let symmetric = SymmetricDefinition::AES_128_CFB;
        let context = self.context();
        let session = context
            .execute_without_session(|context| {
                context.start_auth_session(salt, None, None, kind, symmetric, HashingAlgorithm::Sha256)
            })
            .map_err(error())?
            .ok_or_else(|| Error::unusable("the TPM's session", "it has none"))?;
        if salt.is_some() {
            let (attributes, mask) = SessionAttributesBuilder::new()
                .with_decrypt(true)
                .with_encrypt(true)
                .build();
            context
                .tr_sess_set_attributes(session, attributes, mask)
                .map_err(error())?;
        }
        Ok(session)
    }
}

fn is(error: tss_esapi::Error, kind: Tss2ResponseCodeKind) -> bool {
    matches!(error, tss_esapi::Error::Tss2Error(code) if code.kind() == Some(kind))
}

fn storage_template() -> tss_esapi::Result<Public> {
    let attributes = ObjectAttributesBuilder::new()
        .with_fixed_tpm(true)
        .with_fixed_parent(true)
        .with_sensitive_data_origin(true)
        .with_user_with_auth(true)
        .with_no_da(true)
        .with_restricted(true)
        .with_decrypt(true)
        .build()?;
    PublicBuilder::new()
        .with_public_algorithm(PublicAlgorithm::Ecc)
        .with_name_hashing_algorithm(HashingAlgorithm::Sha256)
        .with_object_attributes(attributes)
        .with_ecc_parameters(
            PublicEccParametersBuilder::new_restricted_decryption_key(
                SymmetricDefinitionObject::AES_128_CFB,
                EccCurve::NistP256,
            )
            .build()?,
        )
        .with_ecc_unique_identifier(EccPoint::default())
        .build()
}

/// Neither a password nor dictionary attacks have anything to do with it: without `userWithAuth`, the policy is the only
/// way.
fn sealed_public(policy: Digest) -> tss_esapi::Result<Public> {
    let attributes = ObjectAttributesBuilder::new()
        .with_fixed_tpm(true)
        .with_fixed_parent(true)
        .with_no_da(true)
        .build()?;
    PublicBuilder::new()
        .with_public_algorithm(PublicAlgorithm::KeyedHash)
        .with_name_hashing_algorithm(HashingAlgorithm::Sha256)
        .with_object_attributes(attributes)
        .with_auth_policy(policy)
        .with_keyed_hash_parameters(PublicKeyedHashParameters::new(KeyedHashScheme::Null))
        .with_keyed_hash_unique_identifier(Digest::default())
        .build()
}
