//! Intel's collateral with one field replaced, under an honest quote: the first byte says which.
#![no_main]

use chassis_fuzz::World;
use chassis_verifier::td::DebugTd;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((field, bytes)) = input.split_first() else {
        return;
    };
    let world = World::get();
    let (honest, root) = world.intel();
    let mut collateral = honest.clone();
    let text = String::from_utf8_lossy(bytes).into_owned();
    match field {
        0 => collateral.tcb_info = text,
        1 => collateral.qe_identity = text,
        2 => collateral.tcb_info_issuer_chain = text,
        3 => collateral.qe_identity_issuer_chain = text,
        4 => collateral.pck_crl_issuer_chain = text,
        5 => collateral.root_ca_crl = bytes.to_vec(),
        6 => collateral.pck_crl = bytes.to_vec(),
        _ => return,
    }
    let verified = world
        .quote()
        .verify(&collateral, Some(root), world.as_of, DebugTd::Refuse);
    if verified.is_ok() {
        assert_eq!(collateral.tcb_info, honest.tcb_info);
        assert_eq!(collateral.qe_identity, honest.qe_identity);
    }
});
