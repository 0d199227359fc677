//! Where the relayer's key is.

use std::path::Path;

use alloy::signers::local::PrivateKeySigner;
use chassis_program::{Key, read_private};

use crate::config::KeySection;

/// The environment variable that holds the key in hex, if `[key]` names nothing else.
pub const KEY_VARIABLE: &str = "CHASSIS_RELAYER_KEY";
/// The environment variable that holds the keystore's password, if `[key]` names no file.
pub const PASSWORD_VARIABLE: &str = "CHASSIS_KEYSTORE_PASSWORD";

/// Opens the key that the configuration names.
///
/// # Errors
/// What is wrong, and how it is mended. Never any part of a secret.
pub async fn open(section: &KeySection) -> Result<Key, String> {
    match (&section.keystore, &section.kms) {
        (Some(_), Some(_)) => Err("key: both `keystore` and `kms` are given; keep one".into()),
        (Some(keystore), None) => from_keystore(keystore, section.password_file.as_deref()),
        (None, Some(id)) => Key::in_kms(id).await.map_err(|error| format!("key.kms: {error}")),
        (None, None) => from_environment(),
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
        Some(file) => read_password(file)?,
        None => std::env::var(PASSWORD_VARIABLE).map_err(|_| {
            format!("key.password_file: name a file, or set {PASSWORD_VARIABLE} to the keystore's password")
        })?,
    };
    let password = password.trim_end_matches(['\r', '\n']);
    PrivateKeySigner::decrypt_keystore(keystore, password)
        .map(Key::new)
        .map_err(|error| format!("key.keystore {}: {error}", keystore.display()))
}

fn read_password(file: &Path) -> Result<String, String> {
    let read = read_private(file).map_err(|error| error.to_string());
    let text = read.and_then(|bytes| String::from_utf8(bytes).map_err(|_| "it is not in UTF-8".into()));
    text.map_err(|problem| format!("key.password_file {}: {problem}", file.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use alloy::primitives::B256;

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
        let key = open(&section(dir.path(), 0o600)).await.unwrap();
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
        let error = open(&section(dir.path(), 0o640)).await.unwrap_err();
        assert!(error.contains("chmod 600") && !error.contains("horse"), "{error}");
    }

    #[tokio::test]
    async fn two_places_for_one_key_are_a_mistake() {
        let section = KeySection {
            keystore: Some("a".into()),
            kms: Some("b".into()),
            ..KeySection::default()
        };
        assert!(open(&section).await.unwrap_err().contains("keep one"));
    }
}
