//! An honest bundle or endorsement set with one part replaced.
#![no_main]

use chassis_fuzz::{Spoiled, World, measured};
use chassis_verifier::CheckId;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let world = World::get();
    let Some(spoiled) = world.spoil(input) else { return };
    let Some(appraisal) = world.appraise(&spoiled) else {
        return;
    };
    // Every question is answered, once.
    assert!(
        appraisal
            .checks
            .iter()
            .map(|check| check.id)
            .eq(CheckId::ALL.iter().copied())
    );
    assert!(appraisal.verdict.expiry % 64 == 0);
    // The operator consented to the honest bundle; of whatever else was spoiled, another check must tell.
    if appraisal.failed().all(|check| check.id == CheckId::Consent) {
        assert!(says_the_same(&spoiled, &input[1..]), "{} passes", spoiled.part);
    }
});

/// Whether the evidence is what it was, in what counts.
fn says_the_same(spoiled: &Spoiled, after: &[u8]) -> bool {
    match (spoiled.part, &spoiled.before) {
        ("/evidence/logs", _) => measured(after, false).is_none_or(|records| records.is_empty()),
        // A CRL at hand is not demanded.
        ("/providerCrls/0", _) => true,
        // ECDSA: (r, n − s) is as good, and so is a number without its leading zeros.
        ("/evidence/tpm/signature", _) => true,
        (part @ ("/evidence/tee/ccel" | "/evidence/tpm/eventLog"), Some(before)) => {
            let is_ccel = part.ends_with("ccel");
            measured(before, is_ccel) == measured(after, is_ccel)
        }
        (_, before) => before.as_deref() == Some(after),
    }
}
