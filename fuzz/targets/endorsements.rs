//! An endorsement set is what may be written again, to the same digest.
#![no_main]

use chassis_fuzz::bounded;
use chassis_verifier::Endorsements;

libfuzzer_sys::fuzz_target!(|document: &[u8]| {
    let Ok(set) = bounded(document.len(), || Endorsements::parse(document)) else {
        return;
    };
    let digest = bounded(document.len(), || set.digest().expect("a digest"));
    // Longer than it came where escapes were shorter, so perhaps beyond the limit.
    if let Ok(again) = Endorsements::parse(&set.to_json().expect("JSON")) {
        assert_eq!(again.digest().expect("a digest"), digest);
    }
});
