//! The variable data: what the paravisor says, in JSON.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::unique::Unique;
use crate::{Cursor, HexBytes, ParseError, tpm::PublicKey};

/// What is read of the variable data (`RuntimeClaims` in `openvmm`).
///
/// Azure adds fields as time goes by, so unknown ones are passed over. No key may be there twice, known or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VariableData {
    /// `HCLAkPub`: the vTPM's attestation key, RSA of 2048 to 4096 bits.
    pub ak: PublicKey,
    /// How the host set up the machine.
    pub vm_configuration: VmConfiguration,
    /// What the guest wrote to NV index `0x01400002`; zeros if it wrote nothing.
    pub user_data: HexBytes<64>,
}

/// The machine's settings. The host chose them; that they are reported says that the paravisor acts on them.
///
/// Hazard: a console, or a device let through the filter, is a way for the host into the guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "Azure's own fields, independent of each other"
)]
pub struct VmConfiguration {
    /// The host has the serial console.
    pub console_enabled: bool,
    /// It can also type there. `None` from paravisors that do not say.
    #[serde(default)]
    pub interactive_console_enabled: Option<bool>,
    /// The vTPM's firmware verifies what it boots.
    pub secure_boot: bool,
    /// There is a vTPM.
    pub tpm_enabled: bool,
    /// Not that the vTPM's state persists: that the machine's state is sealed by attestation.
    pub tpm_persisted: bool,
    /// Some devices of the host pass the filter. `None` from paravisors that do not say.
    #[serde(default)]
    pub filtered_vpci_devices_allowed: Option<bool>,
    /// The machine's name within Azure.
    #[serde(rename = "vmUniqueId")]
    pub vm_unique_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Document<'a> {
    #[serde(borrow)]
    keys: Vec<Jwk<'a>>,
    vm_configuration: VmConfiguration,
    #[serde(borrow)]
    user_data: Cow<'a, str>,
}

/// A JSON Web Key (RFC 7517, RFC 7518 §6.3.1) with the fields that `openvmm` writes for every key.
#[derive(Deserialize)]
struct Jwk<'a> {
    #[serde(borrow)]
    kid: Cow<'a, str>,
    #[serde(borrow)]
    kty: Cow<'a, str>,
    #[serde(borrow)]
    key_ops: &'a RawValue,
    #[serde(borrow)]
    n: Cow<'a, str>,
    #[serde(borrow)]
    e: Cow<'a, str>,
}

impl VariableData {
    /// Reads `json`, which stands where `at` is.
    pub(super) fn parse(at: &Cursor<'_>, json: &[u8]) -> Result<Self, ParseError> {
        let error = |error: serde_json::Error| at.error("variable data", error.to_string());
        let _: Unique = serde_json::from_slice(json).map_err(error)?;
        let document: Document<'_> = serde_json::from_slice(json).map_err(error)?;
        let mut user_data = [0; 64];
        hex::decode_to_slice(&*document.user_data, &mut user_data)
            .map_err(|error| at.error("user-data", format!("not 64 bytes in hex: {error}")))?;
        Ok(Self {
            ak: attestation_key(at, &document.keys)?,
            vm_configuration: document.vm_configuration,
            user_data: HexBytes(user_data),
        })
    }
}

fn attestation_key(at: &Cursor<'_>, keys: &[Jwk<'_>]) -> Result<PublicKey, ParseError> {
    let mut named = keys.iter().filter(|key| key.kid == "HCLAkPub");
    let (Some(key), None) = (named.next(), named.next()) else {
        return Err(at.error("HCLAkPub", "exactly one key must have this `kid`"));
    };
    if key.kty != "RSA" {
        return Err(at.error("HCLAkPub kty", format!("`{}` is not `RSA`", key.kty)));
    }
    match serde_json::from_str::<[Cow<'_, str>; 1]>(key.key_ops.get()) {
        Ok([operation]) if operation == "sign" => (),
        _ => return Err(at.error("HCLAkPub key_ops", "must be `sign` alone")),
    }
    let n = unsigned(at, "HCLAkPub n", &key.n)?;
    let bits = n.len() * 8;
    if !(2048..=4096).contains(&bits) || n[0] & 0x80 == 0 {
        let problem = format!("a modulus of {} bytes is not one of 2048 to 4096 bits", n.len());
        return Err(at.error("HCLAkPub n", problem));
    }
    let e = unsigned(at, "HCLAkPub e", &key.e)?;
    let odd = e.last().is_some_and(|byte| byte & 1 == 1);
    if e.len() > 8 || e[..] == [1] || !odd {
        return Err(at.error("HCLAkPub e", "not an odd number from 3 up to 64 bits"));
    }
    let e = e.iter().fold(0, |e, byte| e << 8 | u64::from(*byte));
    Ok(PublicKey::Rsa { n: n.into(), e })
}

/// A `Base64urlUInt` (RFC 7518 §2): big-endian, without leading zeros, without padding.
fn unsigned(at: &Cursor<'_>, field: &'static str, text: &str) -> Result<Vec<u8>, ParseError> {
    let number = URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|error| at.error(field, error.to_string()))?;
    match number.first() {
        None | Some(0) => Err(at.error(field, "empty, or with leading zeros")),
        Some(_) => Ok(number),
    }
}
