//! What holds of every event log that parses.

use chassis_verifier::eventlog::Log;

/// `log` was read from `bytes`.
///
/// # Panics
/// If it claims more than the bytes hold, or lacks a digest it announces.
pub fn check_log(log: &Log<'_>, bytes: &[u8]) {
    assert!(log.content_len() <= bytes.len());
    let mut end = 0;
    for event in log.events() {
        assert!(end <= event.offset && event.offset < log.content_len());
        end = event.offset + 1;
        for algorithm in log.algorithms() {
            let digest = event.digest(*algorithm).expect("one of each announced algorithm");
            assert_eq!(digest.len(), algorithm.digest_len());
        }
        let words = event.describe();
        assert!(words.len() < 256 && words.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
    }
}
