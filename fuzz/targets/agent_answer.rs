//! What a host's agent answers: read in the guest, which need not believe its host.
#![no_main]

use protocol::Answer;

#[path = "../../attester/src/host/protocol.rs"]
#[expect(dead_code, reason = "the agent's own file, of which answers are read here")]
mod protocol;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(answer) = serde_json::from_slice::<Answer>(bytes) {
        let written = answer.to_json();
        let again: Answer = serde_json::from_slice(&written).expect("what was written can be read");
        assert_eq!(written, again.to_json());
    }
});
