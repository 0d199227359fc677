//! What a hypervisor sends where the quote generation service is expected, and what that answers.
#![no_main]

#[path = "../../attester/src/host/qgs.rs"]
#[expect(dead_code, reason = "the agent's own file; its limits are the relay's")]
mod qgs;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    chassis_fuzz::bounded(bytes.len(), || {
        if let Ok(report) = qgs::report(bytes) {
            assert_eq!(report.len(), 1024);
            assert!(bytes.len() >= 24 + report.len(), "header and sizes stand before it");
            assert!(qgs::quote(bytes).is_err(), "no request is an answer");
        }
        if let Ok(quote) = qgs::quote(bytes) {
            assert!(bytes.ends_with(quote));
            assert!(quote.len() + 24 <= bytes.len());
        }
        assert!(qgs::quote(&qgs::refusal()).is_err());
    });
});
