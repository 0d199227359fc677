//! The relayer's key: one type for everything that signs, wherever the key is.

use std::{
    fmt,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use alloy::{
    primitives::{Address, B256, Signature},
    signers::{Signer, local::PrivateKeySigner},
};
#[cfg(feature = "kms")]
use alloy_signer_aws::AwsSigner;

use crate::{Error, config::KeySection};

/// The environment variable that holds the key in hex, if `[key]` names nothing else.
pub const KEY_VARIABLE: &str = "CHASSIS_RELAYER_KEY";
/// The environment variable that holds the keystore's password, if `[key]` names no file.
pub const PASSWORD_VARIABLE: &str = "CHASSIS_KEYSTORE_PASSWORD";

/// A key service may be far away.
const PATIENCE: Duration = Duration::from_secs(15);

/// Signs. It shows its address and nothing else.
#[derive(Clone)]
pub struct Key {
    signer: Arc<dyn Signer + Send + Sync>,
}

impl Key {
    /// A key behind any of alloy's signers.
    pub fn new(signer: impl Signer + Send + Sync + 'static) -> Self {
        Self {
            signer: Arc::new(signer),
        }
    }

    /// Opens the key that the configuration names.
    ///
    /// # Errors
    /// What is wrong, and how it is mended. Never any part of a secret.
    pub async fn open(section: &KeySection) -> Result<Self, String> {
        match (&section.keystore, &section.kms) {
            (Some(_), Some(_)) => Err("key: both `keystore` and `kms` are given; keep one".into()),
            (Some(keystore), None) => from_keystore(keystore, section.password_file.as_deref()),
            (None, Some(id)) => from_kms(id).await,
            (None, None) => from_environment(),
        }
    }

    /// Whose signatures these are.
    pub fn address(&self) -> Address {
        self.signer.address()
    }

    /// Signs a digest: of a report, a transaction, or a message to a peer.
    ///
    /// # Errors
    /// [`Error::Key`] if the key's keeper refuses or does not answer in time.
    pub async fn sign_hash(&self, hash: &B256) -> Result<Signature, Error> {
        match tokio::time::timeout(PATIENCE, self.signer.sign_hash(hash)).await {
            Ok(signed) => signed.map_err(|error| Error::Key(causes(&error))),
            Err(_) => Err(Error::Key(format!("no answer within {} s", PATIENCE.as_secs()))),
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.address())
    }
}

fn from_environment() -> Result<Key, String> {
    let key = std::env::var(KEY_VARIABLE).map_err(|_| {
        format!("key: set {KEY_VARIABLE} to the relayer's key in hex, or name a keystore in [key]")
    })?;
    let key: PrivateKeySigner = key
        .trim()
        .parse()
        .map_err(|_| format!("key: {KEY_VARIABLE} is not a private key in hex"))?;
    Ok(Key::new(key))
}

fn from_keystore(keystore: &Path, password_file: Option<&Path>) -> Result<Key, String> {
    let password = match password_file {
        Some(file) => read_private(file, credentials().as_deref())?,
        None => std::env::var(PASSWORD_VARIABLE).map_err(|_| {
            format!("key.password_file: name a file, or set {PASSWORD_VARIABLE} to the keystore's password")
        })?,
    };
    let password = password.trim_end_matches(['\r', '\n']);
    PrivateKeySigner::decrypt_keystore(keystore, password)
        .map(Key::new)
        .map_err(|error| format!("key.keystore {}: {error}", keystore.display()))
}

/// Where systemd puts what it hands over to this service alone: readable by a group that has nobody in it, and by an ACL
/// which shows as that group's permission.
fn credentials() -> Option<PathBuf> {
    std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from)
}

/// A file that nobody but its owner can read, or one of this service's `credentials`.
fn read_private(file: &Path, credentials: Option<&Path>) -> Result<String, String> {
    let fail = |problem: &dyn fmt::Display| format!("key.password_file {}: {problem}", file.display());
    let mode = std::fs::metadata(file)
        .map_err(|error| fail(&error))?
        .permissions()
        .mode();
    let is_handed_over = credentials.is_some_and(|folder| is_within(file, folder));
    if mode & 0o077 != 0 && !is_handed_over {
        return Err(fail(&format_args!(
            "others can read it (mode {:o}); run `chmod 600` on it",
            mode & 0o777
        )));
    }
    std::fs::read_to_string(file).map_err(|error| fail(&error))
}

fn is_within(file: &Path, folder: &Path) -> bool {
    let (file, folder) = (file.canonicalize(), folder.canonicalize());
    file.is_ok_and(|file| folder.is_ok_and(|folder| file.starts_with(folder)))
}

/// Region and credentials are found as every AWS client finds them: environment, profile, web identity, container, machine.
#[cfg(feature = "kms")]
async fn from_kms(id: &str) -> Result<Key, String> {
    let opening = async {
        let config = aws_config::load_defaults(aws_config::BehaviorVersion::latest()).await;
        if config.region().is_none() {
            return Err("no AWS region; set AWS_REGION".to_owned());
        }
        let client = aws_sdk_kms::Client::new(&config);
        AwsSigner::new(client, id.to_owned(), None)
            .await
            .map_err(|error| causes(&error))
    };
    let advice = "the key must be of type ECC_SECG_P256K1 for SIGN_VERIFY, and the relayer be allowed kms:GetPublicKey and \
                  kms:Sign";
    match tokio::time::timeout(PATIENCE, opening).await {
        Ok(Ok(signer)) => Ok(Key::new(signer)),
        Ok(Err(problem)) => Err(format!("key.kms {id}: {problem}; {advice}")),
        Err(_) => Err(format!("key.kms {id}: no answer within {} s", PATIENCE.as_secs())),
    }
}

#[cfg(not(feature = "kms"))]
async fn from_kms(_id: &str) -> Result<Key, String> {
    std::future::ready(Err(
        "key.kms: this program was built without the feature `kms`".into()
    ))
    .await
}

/// An error with what caused it: a key service's own word is the innermost.
fn causes(error: &dyn std::error::Error) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d";

    fn section(dir: &Path, mode: u32) -> KeySection {
        let signer: PrivateKeySigner = SECRET.parse().unwrap();
        let mut random = alloy::signers::k256::elliptic_curve::rand_core::OsRng;
        PrivateKeySigner::encrypt_keystore(dir, &mut random, signer.to_bytes(), "horse", Some("key"))
            .unwrap();
        let password = dir.join("password");
        std::fs::write(&password, "horse\n").unwrap();
        std::fs::set_permissions(&password, std::fs::Permissions::from_mode(mode)).unwrap();
        KeySection {
            keystore: Some(dir.join("key")),
            password_file: Some(password),
            kms: None,
        }
    }

    #[tokio::test]
    async fn a_keystore_opens_and_its_key_signs() {
        let dir = tempfile::tempdir().unwrap();
        let key = Key::open(&section(dir.path(), 0o600)).await.unwrap();
        let hash = B256::repeat_byte(7);
        let signature = key.sign_hash(&hash).await.unwrap();
        assert_eq!(
            signature.recover_address_from_prehash(&hash).unwrap(),
            key.address()
        );
        assert_eq!(format!("{key:?}"), format!("Key({})", key.address()));
    }

    #[tokio::test]
    async fn a_password_that_others_can_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let error = Key::open(&section(dir.path(), 0o640)).await.unwrap_err();
        assert!(error.contains("chmod 600") && !error.contains("horse"), "{error}");
    }

    #[test]
    fn what_the_service_manager_hands_over_may_have_an_acl() {
        let dir = tempfile::tempdir().unwrap();
        let handed_over = dir.path().join("credentials");
        std::fs::create_dir(&handed_over).unwrap();
        for folder in [dir.path(), &handed_over] {
            let file = folder.join("password");
            std::fs::write(&file, "horse").unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o440)).unwrap();
            read_private(&file, None).unwrap_err();
            let is_ours = folder == handed_over;
            assert_eq!(read_private(&file, Some(&handed_over)).is_ok(), is_ours);
        }
        let around = handed_over.join("../password");
        read_private(&around, Some(&handed_over)).unwrap_err();
    }

    #[tokio::test]
    async fn two_places_for_one_key_are_a_mistake() {
        let section = KeySection {
            keystore: Some("a".into()),
            kms: Some("b".into()),
            ..KeySection::default()
        };
        assert!(Key::open(&section).await.unwrap_err().contains("keep one"));
    }
}
