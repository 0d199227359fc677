//! The operator's key: from a keystore or the environment, never from argv, where every process can read it.

use std::{env, fs, path::Path};

use alloy::signers::local::PrivateKeySigner;

use crate::Error;

/// Environment variable with the key: 32 bytes, hex.
pub const KEY_VARIABLE: &str = "CHASSIS_OPERATOR_KEY";
/// Environment variable with the keystore's password.
pub const PASSWORD_VARIABLE: &str = "CHASSIS_KEYSTORE_PASSWORD";

/// Reads the key from `keystore`, an encrypted JSON file (Web3 Secret Storage), or from the environment if there is none.
///
/// The keystore's password is the first line of `password_file`, or else in the environment.
///
/// # Errors
/// If there is no key, no password, or either is wrong.
pub fn operator_key(
    keystore: Option<&Path>,
    password_file: Option<&Path>,
) -> Result<PrivateKeySigner, Error> {
    match keystore {
        Some(path) => from_keystore(path, &password(password_file)?),
        None => from_environment(),
    }
}

fn from_keystore(path: &Path, password: &str) -> Result<PrivateKeySigner, Error> {
    PrivateKeySigner::decrypt_keystore(path, password)
        .map_err(|error| Error::Key(format!("keystore {} does not open: {error}", path.display())))
}

fn from_environment() -> Result<PrivateKeySigner, Error> {
    let text = env::var(KEY_VARIABLE).map_err(|_| {
        Error::Key(format!(
            "there is none; name a keystore with --keystore, or set {KEY_VARIABLE}"
        ))
    })?;
    // The parser's own message could quote the key.
    text.trim()
        .parse()
        .map_err(|_| Error::Key(format!("{KEY_VARIABLE} is not a private key of 32 bytes in hex")))
}

fn password(file: Option<&Path>) -> Result<String, Error> {
    match file {
        Some(path) => {
            let text = fs::read_to_string(path).map_err(|source| Error::File {
                doing: "read the keystore password from",
                path: path.to_owned(),
                source,
                hint: "",
            })?;
            Ok(text.lines().next().unwrap_or_default().to_owned())
        }
        None => env::var(PASSWORD_VARIABLE).map_err(|_| {
            Error::Key(format!(
                "the keystore's password is missing; give --keystore-password-file or set {PASSWORD_VARIABLE}"
            ))
        }),
    }
}
