//! The TPM's log.
#![no_main]

use chassis_fuzz::{bounded, check_log};
use chassis_verifier::{cross_check::tpm_measured, eventlog::TcgLog};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(log) = bounded(bytes.len(), || TcgLog::parse(bytes)) else {
        return;
    };
    check_log(&log, bytes);
    assert_eq!(log.banks().len(), log.view().banks.len());
    bounded(bytes.len(), || tpm_measured(&log));
    let content = TcgLog::parse(&bytes[..log.content_len()]);
    assert_eq!(
        content.expect("a log without its padding").events().len(),
        log.events().len()
    );
});
