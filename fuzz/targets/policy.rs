//! A policy keeps its digest when it is written anew. Not bounded: a policy is its reader's own file.
#![no_main]

use chassis_verifier::Policy;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(policy) = Policy::from_toml(text) else {
        return;
    };
    let toml = toml::to_string(&policy).expect("TOML");
    let json = serde_json::to_string(&policy).expect("JSON");
    for text in [toml, json] {
        let again = Policy::from_toml(&text).expect("a policy");
        assert_eq!(
            again.digest().expect("a digest"),
            policy.digest().expect("a digest")
        );
    }
});
