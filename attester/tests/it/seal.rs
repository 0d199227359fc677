//! Sealing on a real software TPM.

use chassis_attester::{SEALED_TO, Tpm};
use tss_esapi::{
    handles::PcrHandle,
    interface_types::algorithm::HashingAlgorithm,
    structures::{Digest, DigestValues},
};

use crate::swtpm::Swtpm;

const SECRET: [u8; 32] = [0x5a; 32];

fn extend(tpm: &mut Tpm, pcr: u32) {
    let mut digests = DigestValues::new();
    digests.set(
        HashingAlgorithm::Sha384,
        Digest::try_from(&[1u8; 48][..]).unwrap(),
    );
    let pcr = PcrHandle::try_from(pcr).unwrap();
    tpm.context().pcr_extend(pcr, digests).unwrap();
}

#[test]
fn a_secret_comes_out_until_one_of_its_pcrs_changes() {
    let swtpm = Swtpm::start("sha256,sha384");
    for changed in SEALED_TO {
        let sealed = swtpm.open().seal(&SECRET, &SEALED_TO).unwrap();
        extend(&mut swtpm.open(), 10);
        let secret = swtpm.open().unseal(&sealed).unwrap().unwrap();
        assert_eq!(secret.value(), SECRET, "IMA does not matter");
        extend(&mut swtpm.open(), changed.into());
        assert!(swtpm.open().unseal(&sealed).unwrap().is_none(), "PCR {changed}");
    }
}

#[test]
fn another_tpm_does_not_open_it() {
    let sealed = Swtpm::start("sha256,sha384")
        .open()
        .seal(&SECRET, &SEALED_TO)
        .unwrap();
    assert!(
        Swtpm::start("sha256,sha384")
            .open()
            .unseal(&sealed)
            .unwrap()
            .is_none()
    );
}

#[test]
fn a_bank_that_is_not_there_is_no_policy() {
    let swtpm = Swtpm::start("sha256");
    let error = swtpm.open().seal(&SECRET, &SEALED_TO).unwrap_err();
    assert!(error.to_string().contains("no Sha384 bank"), "{error}");
    let error = swtpm.open().seal(&SECRET, &[]).unwrap_err();
    assert!(error.to_string().contains("at least one"), "{error}");
}

/// A TPM without a resource manager has room for three objects and a few sessions.
#[test]
fn nothing_is_left_loaded() {
    let swtpm = Swtpm::start("sha256,sha384");
    for _ in 0..5 {
        let sealed = swtpm.open().seal(&SECRET, &SEALED_TO).unwrap();
        assert!(swtpm.open().unseal(&sealed).unwrap().is_some());
    }
}
