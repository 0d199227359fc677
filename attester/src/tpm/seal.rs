//! A secret that the TPM made, for what has booted.
//!
//! It is an HMAC of a fixed text, under a key that the TPM draws itself (`sensitiveDataOrigin`), that never leaves it
//! (`fixedTPM`, `fixedParent`), and that works in a policy session alone which has shown the right PCRs. So a blob on disk may
//! have been made by whoever booted this machine, under whatever policy: nobody knows what it holds but the boot that it is
//! for. A secret that was brought along and sealed would have been known to whoever brought it.
//!
//! The key is under the storage primary key (TCG's ECC SRK template, which the TPM makes again whenever it is asked). The secret
//! crosses the bus encrypted, under a session salted with that primary key.

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
        Digest, EccPoint, KeyedHashScheme, MaxBuffer, Private, Public, PublicBuilder,
        PublicEccParametersBuilder, PublicKeyedHashParameters, SymmetricDefinition,
        SymmetricDefinitionObject,
    },
    traits::{Marshall, UnMarshall},
};

use super::{Tpm, pcr::selection};
use crate::Error;

/// What a node's own key is sealed to: what runs (firmware 0, loaded drivers 2, boot loader 4, its commands 8, kernel and
/// initrd 9, command line of a unified image 12, system extensions 13) and who vouched for it (Secure Boot 7, owner's keys 14).
///
/// 13 is what systemd-stub hands to the kernel from beside a unified image, on a partition that anybody can write; zero where there
/// is nothing. Left out is what changes by itself: sizes and slots (1, 3, 5, 6), IMA (10), the phases of boot (11), what systemd
/// measures at run time (15). Source: Linux TPM PCR Registry (UAPI group).
pub const SEALED_TO: [u8; 9] = [0, 2, 4, 7, 8, 9, 12, 13, 14];

/// The bank that TPM quotes are over. One that the firmware does not extend could be filled by anybody.
const BANK: HashingAlgorithm = HashingAlgorithm::Sha384;

/// Of this text the secret is the HMAC. Another text would be another secret.
const SECRET: &[u8] = b"chassis-node: the operator's key";

/// A sealed secret, as it rests on disk. Worth nothing without its TPM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sealed {
    /// `TPMT_PUBLIC`.
    pub public: Base64,
    /// The content of `TPM2B_PRIVATE`.
    pub private: Base64,
}

impl Tpm {
    /// Makes a secret for whoever has booted this machine so that [`SEALED_TO`] are as they are.
    ///
    /// # Errors
    /// If the TPM refuses, or has no such PCRs.
    pub fn seal(&mut self) -> Result<Sealed, Error> {
        let error = || Error::tpm("making a sealed key");
        // A policy over a bank that is not there would always hold.
        self.read_pcrs(BANK, &SEALED_TO)?;
        let policy = self.policy(SessionType::Trial, None)?;
        let digest = self
            .context()
            .execute_without_session(|context| context.policy_get_digest(policy))
            .map_err(error())?;
        let parent = self.storage_primary()?;
        let created = sealed_public(digest, Digest::default())
            .and_then(|public| self.context().create(parent, public, None, None, None, None))
            .map_err(error())?;
        Ok(Sealed {
            public: created.out_public.marshall().map_err(error())?.into(),
            private: created.out_private.value().to_vec().into(),
        })
    }

    /// The secret, 32 bytes; `None` if this is another TPM, or its PCRs are not what they were.
    ///
    /// # Errors
    /// If the TPM does not answer, has no such PCRs, or `sealed` is damaged; [`Error::Key`] if whoever wrote it may know what it holds.
    pub fn unseal(&mut self, sealed: &Sealed) -> Result<Option<Digest>, Error> {
        let error = || Error::tpm("opening a sealed key");
        // As in `seal`.
        self.read_pcrs(BANK, &SEALED_TO)?;
        let public = Public::unmarshall(&sealed.public).map_err(error())?;
        if !is_the_tpms_own(&public) {
            return Err(Error::Key(
                "the sealed one was not drawn by the TPM, or opens for others too: whoever wrote it may know it. Make a new \
                 one with `chassis-node key new --sealed`"
                    .into(),
            ));
        }
        let private = Private::try_from(sealed.private.to_vec()).map_err(error())?;
        let parent = self.storage_primary()?;
        let object = match self.context().load(parent, private, public) {
            Ok(object) => object,
            // Its integrity is under the storage seed of the TPM that made it.
            Err(refused) if is(refused, Tss2ResponseCodeKind::Integrity) => return Ok(None),
            Err(other) => return Err(error()(other)),
        };
        let text = MaxBuffer::try_from(SECRET).map_err(error())?;
        // Over `SEALED_TO`, whatever the file would have liked: an object of another policy does not open.
        let policy = self.policy(SessionType::Policy, Some(parent))?;
        let secret = self
            .context()
            .execute_with_session(Some(policy.into()), |context| {
                context.hmac(object.into(), text, HashingAlgorithm::Sha256)
            });
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

    /// A session in which the PCRs, as they are, have been shown. A salted one encrypts what it carries.
    fn policy(&mut self, kind: SessionType, salt: Option<KeyHandle>) -> Result<PolicySession, Error> {
        let pcrs = selection(BANK, &SEALED_TO)?;
        let session = self.session(kind, salt)?;
        let session = PolicySession::try_from(session).map_err(Error::tpm("starting a policy session"))?;
        // No digest: the values are the TPM's own.
        self.context()
            .execute_without_session(|context| context.policy_pcr(session, Digest::default(), pcrs))
            .map_err(Error::tpm("showing PCRs to a policy session"))?;
        Ok(session)
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
/// way. A TPM takes `sensitiveDataOrigin` for its own secrets only, and `fixedTPM` for nothing that is imported.
fn sealed_public(policy: Digest, unique: Digest) -> tss_esapi::Result<Public> {
    let attributes = ObjectAttributesBuilder::new()
        .with_fixed_tpm(true)
        .with_fixed_parent(true)
        .with_sensitive_data_origin(true)
        .with_admin_with_policy(true)
        .with_no_da(true)
        .with_sign_encrypt(true)
        .build()?;
    PublicBuilder::new()
        .with_public_algorithm(PublicAlgorithm::KeyedHash)
        .with_name_hashing_algorithm(HashingAlgorithm::Sha256)
        .with_object_attributes(attributes)
        .with_auth_policy(policy)
        .with_keyed_hash_parameters(PublicKeyedHashParameters::new(KeyedHashScheme::HMAC_SHA_256))
        .with_keyed_hash_unique_identifier(unique)
        .build()
}

/// Whether a key is as [`Tpm::seal`] makes it, but for its policy, which the TPM asks for.
fn is_the_tpms_own(public: &Public) -> bool {
    match public {
        Public::KeyedHash {
            auth_policy, unique, ..
        } => sealed_public(auth_policy.clone(), unique.clone()).is_ok_and(|ours| ours == *public),
        _ => false,
    }
}
