//! What a guest asks its host's agent.
#![no_main]

use protocol::Question;

#[path = "../../attester/src/host/protocol.rs"]
#[expect(dead_code, reason = "the agent's own file, of which questions are read here")]
mod protocol;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let question = chassis_fuzz::bounded(bytes.len(), || serde_json::from_slice::<Question>(bytes));
    let Ok(question) = question else { return };
    // No question has a second meaning, and none carries more than the agent reads.
    let written = serde_json::to_vec(&question).expect("what was read can be written");
    let again: Question = serde_json::from_slice(&written).expect("what was written can be read");
    assert_eq!(written, serde_json::to_vec(&again).expect("as before"));
});
