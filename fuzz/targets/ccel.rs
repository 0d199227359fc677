//! The TDX firmware's log.
#![no_main]

use chassis_fuzz::{bounded, check_log};
use chassis_verifier::{cross_check::td_measured, eventlog::Ccel};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(log) = bounded(bytes.len(), || Ccel::parse(bytes)) else {
        return;
    };
    check_log(&log, bytes);
    log.view();
    bounded(bytes.len(), || td_measured(&log));
    let content = Ccel::parse(&bytes[..log.content_len()]).expect("a log without its padding");
    assert_eq!(content.rtmrs(), log.rtmrs());
});
