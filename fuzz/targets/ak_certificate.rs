//! One certificate.
#![no_main]

use chassis_fuzz::{CERTIFICATE, within};
use chassis_verifier::ak::AkCertificate;

libfuzzer_sys::fuzz_target!(|der: &[u8]| {
    let Ok(certificate) = within(CERTIFICATE, || AkCertificate::parse(der)) else {
        return;
    };
    let _ = certificate.check_key_usage();
    serde_json::to_string(&certificate.view()).expect("JSON");
});
