//! Keys that are handed over in a file or the environment.

use std::{env, io, path::Path};

use alloy::signers::local::PrivateKeySigner;
use chassis_program::read_private;
use zeroize::Zeroizing;

use crate::Error;

/// Environment variable with the key: 32 bytes, hex.
pub const KEY_VARIABLE: &str = "CHASSIS_OPERATOR_KEY";
/// Environment variable with the keystore's password.
pub const PASSWORD_VARIABLE: &str = "CHASSIS_KEYSTORE_PASSWORD";

pub(super) fn from_keystore(path: &Path, password_file: Option<&Path>) -> Result<PrivateKeySigner, Error> {
    let password = password(password_file)?;
    PrivateKeySigner::decrypt_keystore(path, password.as_bytes())
        .map_err(|error| Error::Key(format!("keystore {} does not open: {error}", path.display())))
}

pub(super) fn from_environment() -> Result<PrivateKeySigner, Error> {
    let text = env::var(KEY_VARIABLE).map(Zeroizing::new).map_err(|_| {
        Error::Key(format!(
            "there is none; name one with --keystore, --sealed-key or --kms, or set {KEY_VARIABLE}"
        ))
    })?;
    // The parser's own message could quote the key.
    text.trim()
        .parse()
        .map_err(|_| Error::Key(format!("{KEY_VARIABLE} is not a private key of 32 bytes in hex")))
}

fn password(file: Option<&Path>) -> Result<Zeroizing<String>, Error> {
    match file {
        Some(path) => {
            let read = read_private(path).map(Zeroizing::new).and_then(|bytes| {
                let text = std::str::from_utf8(&bytes).map(str::to_owned);
                text.map(Zeroizing::new)
                    .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not in UTF-8"))
            });
            let text = read.map_err(|source| Error::File {
                doing: "read the keystore password from",
                path: path.to_owned(),
                source,
                hint: "",
            })?;
            let first = text.lines().next().unwrap_or_default();
            Ok(Zeroizing::new(first.to_owned()))
        }
        None => env::var(PASSWORD_VARIABLE).map(Zeroizing::new).map_err(|_| {
            Error::Key(format!(
                "the keystore's password is missing; give --keystore-password-file or set {PASSWORD_VARIABLE}"
            ))
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;
    use crate::file::write_private;

    /// The test vector of the Web3 Secret Storage definition.
    const KEYSTORE: &str = r#"{"crypto":{"cipher":"aes-128-ctr","cipherparams":{"iv":"6087dab2f9fdbbfaddc31a909735c1e6"},
        "ciphertext":"5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46","kdf":"pbkdf2","kdfparams":{"c":262144,
        "dklen":32,"prf":"hmac-sha256","salt":"ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd"},
        "mac":"517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2"},
        "id":"3198bc9c-6672-5ab3-d995-4942343ae5b6","version":3}"#;

    #[test]
    fn a_keystore_opens_with_the_first_line_of_its_password_file() {
        let folder = tempfile::tempdir().unwrap();
        let [keystore, password] = ["key.json", "password"].map(|name| folder.path().join(name));
        fs::write(&keystore, KEYSTORE).unwrap();
        write_private(&password, b"testpassword\n").unwrap();
        let key = from_keystore(&keystore, Some(&password)).unwrap();
        let wanted = "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d";
        assert_eq!(alloy_primitives::hex::encode(key.to_bytes()), wanted);

        write_private(&password, b"another").unwrap();
        let error = from_keystore(&keystore, Some(&password)).unwrap_err();
        assert!(error.to_string().contains("key.json does not open"), "{error}");

        fs::set_permissions(&password, fs::Permissions::from_mode(0o640)).unwrap();
        let error = from_keystore(&keystore, Some(&password)).unwrap_err();
        assert!(error.to_string().contains("others can read it"), "{error}");
    }
}
