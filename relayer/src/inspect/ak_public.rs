//! The attestation key itself: its public area, or what can be made of its certificate.

use std::borrow::Cow;

use chassis_verifier::{
    ak::AkCertificate,
    tpm::{Public, PublicKey},
};
use serde::Serialize;

use super::input;
use crate::render::Refusal;

/// A decoded `TPMT_PUBLIC`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AkPublic {
    #[serde(flatten)]
    public: Public,
    /// What keeps it from being an attestation key.
    problems: Vec<&'static str>,
}

impl AkPublic {
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Refusal> {
        let public = Public::parse(bytes)?;
        let problems = public.violations();
        Ok(Self { public, problems })
    }

    /// The key, and whether it can be an AK, in words.
    pub(super) fn summary(&self) -> String {
        match self.problems.as_slice() {
            [] => format!("{}, a restricted signing key", self.public.key),
            problems => format!(
                "{}, NOT an attestation key: {}",
                self.public.key,
                problems.join(", ")
            ),
        }
    }
}

/// A public area; or one made up around a certified key, whose attributes and scheme nobody knows.
pub(super) fn signing_key(file: &[u8]) -> Result<Public, Refusal> {
    let area = match file {
        [0x30, ..] | [b'-', b'-', ..] => {
            let der = input::certificates(file)?.swap_remove(0);
            let certificate = AkCertificate::parse(&der)?;
            let key = certificate
                .public_key()
                .ok_or_else(|| Refusal("AK certificate: its key is neither RSA nor on P-256".into()))?;
            Cow::Owned(area_around(&key))
        }
        _ => Cow::Borrowed(file),
    };
    Ok(Public::parse(&area)?)
}

/// A `TPMT_PUBLIC` (TPM 2.0 Part 2, §12.2.4) of `key`, fixed to no scheme.
fn area_around(key: &PublicKey) -> Vec<u8> {
    const ANY_KEY: &[u8] = &[0x00, 0x0b, 0, 0, 0, 0, 0, 0, 0x00, 0x10, 0x00, 0x10];
    let length = |bytes: usize| u16::try_from(bytes).unwrap_or(u16::MAX).to_be_bytes();
    match key {
        PublicKey::Rsa { n, e } => {
            let exponent = u32::try_from(*e).unwrap_or(u32::MAX).to_be_bytes();
            let bits = length(n.len() * 8);
            [&[0x00, 0x01], ANY_KEY, &bits, &exponent, &length(n.len()), n].concat()
        }
        PublicKey::EcP256 { x, y } => {
            let curve = &[0x00, 0x03, 0x00, 0x10];
            [
                &[0x00, 0x23],
                ANY_KEY,
                curve,
                &length(x.len()),
                x,
                &length(y.len()),
                y,
            ]
            .concat()
        }
    }
}
