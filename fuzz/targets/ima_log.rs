//! The Linux kernel's own list.
#![no_main]

use chassis_fuzz::bounded;
use chassis_verifier::eventlog::{Algorithm, ImaLog};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(log) = bounded(bytes.len(), || ImaLog::parse(bytes)) else {
        return;
    };
    for record in log.records() {
        assert_eq!(
            record
                .digest(Algorithm::Sha384)
                .expect("SHA-384")
                .as_slice()
                .len(),
            48
        );
        assert!(record.describe().len() < 256);
    }
    // A collector cuts the list behind any record.
    let ends = log.records().iter().map(|record| record.end);
    for (count, end) in ends.enumerate().take(16) {
        assert_eq!(
            ImaLog::parse(&bytes[..end])
                .expect("a shorter list")
                .records()
                .len(),
            count + 1
        );
    }
});
