//! What a dynamic launch measured.
#![no_main]

use chassis_fuzz::bounded;
use chassis_verifier::{eventlog::DrtmLog, host::drtm_registers, tpm::HashAlg};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(log) = bounded(bytes.len(), || DrtmLog::parse(bytes)) {
        let _ = drtm_registers(&log, HashAlg::Sha256);
        let _ = drtm_registers(&log, HashAlg::Sha384);
    }
});
