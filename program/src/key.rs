//! A key: one type for everything that signs, wherever the key is.

use std::{
    error::Error,
    fmt::{self, Display},
    sync::Arc,
    time::Duration,
};

use alloy::{
    primitives::{Address, B256, Signature},
    signers::Signer,
};

/// A key service may be far away.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);

/// Signs. It shows its address and nothing else.
#[derive(Clone)]
pub struct Key(Arc<dyn Signer + Send + Sync>);

/// Why a key cannot be used. Never any part of a secret.
#[derive(Clone, Debug)]
pub struct KeyError(String);

impl Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for KeyError {}

impl Key {
    /// A key behind any of alloy's signers.
    pub fn new(signer: impl Signer + Send + Sync + 'static) -> Self {
        Self(Arc::new(signer))
    }

    /// A key in AWS KMS, by its id or ARN.
    ///
    /// # Errors
    /// What is wrong, and what the key must be.
    #[cfg(feature = "kms")]
    pub async fn in_kms(id: &str) -> Result<Self, KeyError> {
        crate::kms::open(id).await.map(Self::new).map_err(KeyError)
    }

    /// That there is none: the program was built without the feature `kms`.
    ///
    /// # Errors
    /// Always.
    #[cfg(not(feature = "kms"))]
    pub async fn in_kms(_id: &str) -> Result<Self, KeyError> {
        let problem =
            "this program was built without the feature `kms`; build it with that, or take another key";
        std::future::ready(Err(KeyError(problem.into()))).await
    }

    /// Whose signatures these are.
    pub fn address(&self) -> Address {
        self.0.address()
    }

    /// Signs a digest.
    ///
    /// # Errors
    /// Why the key's keeper refuses, or that it does not answer in time.
    pub async fn sign_hash(&self, hash: &B256) -> Result<Signature, KeyError> {
        match tokio::time::timeout(PATIENCE, self.0.sign_hash(hash)).await {
            Ok(signed) => signed.map_err(|error| KeyError(causes(&error))),
            Err(_) => Err(KeyError(format!(
                "its keeper gave no signature within {} s",
                PATIENCE.as_secs()
            ))),
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.address())
    }
}

/// An error with what caused it: a key service's own word is the innermost.
pub(crate) fn causes(error: &dyn Error) -> String {
    let mut said = vec![error.to_string()];
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_said = cause.to_string();
        if said.last() != Some(&cause_said) {
            said.push(cause_said);
        }
        next = cause.source();
    }
    said.join(": ")
}
