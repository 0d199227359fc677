//! What Azure's paravisor keeps in the vTPM: its report, which joins the TD quote with the TPM's key.

use std::fmt::Write as _;

use serde_json::json;
use sha2::{Digest as _, Sha256};

/// An HCL report whose variable data carry `user_data` and an RSA-2048 key with this modulus (base64url), and those variable
/// data. `td_report` makes the TDREPORT over their digest.
///
/// Real ones name the endorsement key too (`HCLEkPub`), which nobody looks at; without it the report fits into one NV index
/// of a software TPM, 2,048 bytes.
pub fn hcl_report(
    user_data: &[u8; 64],
    modulus: &str,
    td_report: impl FnOnce([u8; 64]) -> Vec<u8>,
) -> (Vec<u8>, Vec<u8>) {
    let key = |kid: &str, operation: &str| json!({ "kid": kid, "key_ops": [operation], "kty": "RSA", "e": "AQAB", "n": modulus });
    let user_data = user_data.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02X}").expect("a string");
        hex
    });
    let variable_data = json!({
        "keys": [key("HCLAkPub", "sign")],
        "vm-configuration": {
            "console-enabled": false, "secure-boot": true, "tpm-enabled": true, "tpm-persisted": false,
            "vmUniqueId": "simulated",
        },
        "user-data": user_data,
    })
    .to_string()
    .into_bytes();
    let mut report_data = [0; 64];
    report_data[..32].copy_from_slice(&Sha256::digest(&variable_data));
    // The place of the largest report there is, SEV-SNP's.
    let mut td_report = td_report(report_data);
    td_report.resize(1184, 0);
    let len = u32::try_from(variable_data.len()).expect("a short document");
    let words = |words: &[u32]| -> Vec<u8> { words.iter().copied().flat_map(u32::to_le_bytes).collect() };
    let report = [
        b"HCLA",
        &words(&[2, 32 + 1184 + 20 + len, 2, 0, 0, 0, 0])[..],
        &td_report,
        &words(&[20 + len, 1, 4, 1, len]),
        &variable_data,
    ]
    .concat();
    (report, variable_data)
}
