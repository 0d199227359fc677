//! Azure's HCL report.
#![no_main]

use chassis_verifier::hcl::HclReport;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(report) = HclReport::parse(bytes) {
        assert!(bytes.ends_with(&[0]) || bytes.ends_with(report.variable_bytes()));
        let _ = report.check_binding(&[0; 64]);
    }
});
