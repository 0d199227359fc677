//! The TD quote, and its verification with honest collateral.
#![no_main]

use chassis_fuzz::{World, bounded};
use chassis_verifier::td::{DebugTd, TdQuote};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(quote) = bounded(bytes.len(), || TdQuote::parse(bytes)) else {
        return;
    };
    quote.measurements().hash();
    let world = World::get();
    let (collateral, root) = world.intel();
    let verify = |quote: &TdQuote<'_>| quote.verify(collateral, Some(root), world.as_of, DebugTd::Refuse);
    if verify(&quote).is_err() {
        return;
    }
    assert!(!quote.is_debug());
    // What it says was signed: with one bit of it changed, it does not verify.
    let said = quote.report_data();
    let at = bytes.windows(said.len()).position(|window| window == said);
    let mut other = bytes.to_vec();
    other[at.expect("copied from the quote")] ^= 1;
    assert!(verify(&TdQuote::parse(&other).expect("a quote")).is_err());
});
