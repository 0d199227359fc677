//! The operator's key: one type for everything that signs, wherever the key is. Never in argv, where every process can
//! read it.

mod file;
mod sealed;

use std::path::PathBuf;

use alloy::signers::local::PrivateKeySigner;
use alloy_primitives::{Address, B256, Signature};
use chassis_program::Key;
use chassis_verifier::bundle::{Bundle, Evidence};

use crate::{Error, collect};

pub use file::{KEY_VARIABLE, PASSWORD_VARIABLE};
pub use sealed::create_sealed_key;

/// Where the operator's key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// In the environment, in hex.
    Environment,
    /// In an encrypted JSON file (Web3 Secret Storage). The password is the first line of the second file, or in the
    /// environment.
    Keystore(PathBuf, Option<PathBuf>),
    /// In a file that only the TPM at this TCTI opens, and only in the boot state it was made in.
    Sealed(PathBuf, String),
    /// In AWS KMS, under this id or ARN.
    Kms(String),
}

/// Signs for the operator. It shows its address and nothing else.
#[derive(Clone, Debug)]
pub struct OperatorKey(Key);

impl OperatorKey {
    /// Opens the key.
    ///
    /// # Errors
    /// [`Error::Key`] if there is none, or it does not open. Never any part of a secret.
    pub async fn open(source: &KeySource) -> Result<Self, Error> {
        match source {
            KeySource::Environment => file::from_environment().map(Self::local),
            KeySource::Keystore(path, password) => {
                file::from_keystore(path, password.as_deref()).map(Self::local)
            }
            KeySource::Sealed(path, tcti) => sealed::open(path, tcti).map(Self::local),
            KeySource::Kms(id) => Ok(Self(Key::in_kms(id).await?)),
        }
    }

    fn local(key: PrivateKeySigner) -> Self {
        Self(Key::new(key))
    }

    /// The operator.
    pub fn address(&self) -> Address {
        self.0.address()
    }

    /// Signs a digest.
    ///
    /// # Errors
    /// [`Error::Key`] if the key's keeper refuses or does not answer in time.
    pub async fn sign_hash(&self, hash: &B256) -> Result<Signature, Error> {
        Ok(self.0.sign_hash(hash).await?)
    }

    /// Signs the operator's consent to be attested on `evidence`.
    ///
    /// # Errors
    /// If the evidence is about another operator, or the key cannot be used.
    pub async fn consent(&self, evidence: Evidence) -> Result<Bundle, Error> {
        let (mut bundle, hash) = collect::unsigned(evidence, self.address())?;
        let signature = self.sign_hash(&hash).await?;
        bundle.consent = signature.as_bytes().to_vec().into();
        Ok(bundle)
    }
}
