//! What a registrar is started with.

use std::path::PathBuf;

use crate::CertificatePool;

/// Files, and how long statements hold.
#[derive(Clone, Debug)]
pub struct RegistrarConfig {
    /// The registrar's key; see [`RegistrarKey`](super::RegistrarKey).
    pub key: PathBuf,
    /// The relayers' policy. It pins this registrar's key, which says whose registrar it is, and lists the host stacks that an
    /// attestation key may be sealed to.
    pub policy: PathBuf,
    /// The machines: TOML, `[[machine]]` with `name`, `zone`, `ek_certificate_sha256`, `platform_id`. Read anew for each
    /// challenge.
    pub machines: PathBuf,
    /// Roots of the TPM makers whose endorsement keys are taken.
    pub maker_roots: CertificatePool,
    /// Statements are written down here.
    pub audit: PathBuf,
    /// How long a statement holds, in seconds.
    pub valid_for: u64,
}
