//! The attack this project exists to stop: one machine's TD joined with another machine's TPM.

use std::{
    fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use super::sys::{REPORTS, TPM_LOG};

/// What a node needs to attest: give it to the product's own attester.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    /// The folder that stands for `/`.
    pub sys_root: PathBuf,
    /// How TSS clients reach the TPM.
    pub tcti: String,
    /// The file with the certificate (DER) between the attestation key's and its provider's root.
    pub ak_intermediates: PathBuf,
}

/// Makes in `dir` a machine that never was: TD and CCEL of `td`, TPM and its log of `tpm`.
///
/// An attester that runs on it binds both quotes to each other honestly, in both directions. Whoever controls both
/// machines can do that; nothing of it is forged.
///
/// # Errors
/// If the files cannot be made.
pub fn assemble(dir: &Path, td: &Parts, tpm: &Parts) -> io::Result<Parts> {
    if dir.exists() {
        fs::remove_dir_all(dir)?;
    }
    for (path, owner) in [
        ("sys/firmware", &td.sys_root),
        (REPORTS, &td.sys_root),
        (TPM_LOG, &tpm.sys_root),
    ] {
        let link = dir.join(path);
        fs::create_dir_all(link.parent().expect("not the root"))?;
        symlink(owner.join(path), link)?;
    }
    Ok(Parts {
        sys_root: dir.to_owned(),
        ..tpm.clone()
    })
}
