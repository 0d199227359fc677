//! What Azure's paravisor keeps in the vTPM: its report, which joins the TD quote with the TPM's key.

use std::fmt::Write as _;

use serde_json::json;

/// An HCL report whose variable data carry `user_data` and an RSA-2048 key with this modulus (base64url).
///
/// The TDREPORT in it is blank: nobody can verify one, so nobody may look at it.
pub fn hcl_report(user_data: &[u8; 64], modulus: &str) -> (Vec<u8>, Vec<u8>) {
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
    let mut td_report = [0; 1184];
    td_report[0] = 0x81;
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
