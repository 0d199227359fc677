//! Attestation keys and quotes on a real software TPM.

use alloy_primitives::{Address, B256};
use chassis_attester::{
    CertificatePool, Error, GOOGLE_AK, GoogleAk, NvPair, QUOTED_PCRS, Subject, TpmQuoter,
};
use chassis_verifier::{
    bundle::Anchor,
    challenge::AkName,
    tpm::{
        Attest, HashAlg, PcrSelection, Public, Signature, check_pcr_digest, check_selection, check_values,
    },
};
use tss_esapi::{handles::PcrHandle, interface_types::algorithm::HashingAlgorithm, structures::DigestValues};

use crate::{
    provision::{Ca, ecc_ak_template, ecc_template, provision_ak, rsa_ak_template, write_nv},
    swtpm::Swtpm,
};

const ECC: NvPair = GOOGLE_AK[0];
const RSA: NvPair = GOOGLE_AK[1];

fn quoter(swtpm: &Swtpm) -> GoogleAk {
    GoogleAk {
        tcti: swtpm.tcti(),
        intermediates: CertificatePool::default(),
    }
}

const ANCHOR: Anchor = Anchor {
    chain_id: 1,
    registry: Address::ZERO,
    block_number: 7,
    block_hash: B256::ZERO,
};

fn about(td_quote: &[u8]) -> Subject<'_> {
    Subject {
        anchor: &ANCHOR,
        operator: Address::ZERO,
        td_quote,
    }
}

/// What every relayer will ask.
fn assert_good(quoter: &GoogleAk, td_quote: [u8; 32]) {
    let key = quoter.attestation_key().unwrap();
    let quote = quoter.quote(&key, &about(&td_quote)).unwrap();
    let public = Public::parse(&key.public).unwrap();
    assert_eq!(public.name(), Some(key.name()));
    assert_eq!(key.name(), AkName::of(&key.public));
    assert!(public.violations().is_empty(), "{:?}", public.violations());

    let signature = Signature::parse(&quote.signature).unwrap();
    signature.verify(&public, &quote.attest).unwrap();
    let attest = Attest::parse(&quote.attest).unwrap();
    let content = attest.quote().unwrap();
    assert_eq!(content.extra_data, about(&td_quote).extra_data()[..]);
    let wanted = PcrSelection::new(HashAlg::Sha384, QUOTED_PCRS);
    check_selection(content, wanted).unwrap();
    check_values(&quote.pcrs, wanted).unwrap();
    check_pcr_digest(content, &signature, &quote.pcrs).unwrap();
}

#[test]
fn an_ecc_key_is_preferred_and_quotes() {
    let swtpm = Swtpm::start("sha256,sha384");
    let ca = Ca::new();
    provision_ak(&mut swtpm.open(), RSA, &rsa_ak_template(), &ca);
    provision_ak(&mut swtpm.open(), ECC, &ecc_ak_template(), &ca);
    let quoter = quoter(&swtpm);
    assert_eq!(quoter.attestation_key().unwrap().public[..2], [0x00, 0x23]);
    assert_good(&quoter, [7; 32]);
}

#[test]
fn an_rsa_key_quotes_where_there_is_no_other() {
    let swtpm = Swtpm::start("sha256,sha384");
    provision_ak(&mut swtpm.open(), RSA, &rsa_ak_template(), &Ca::new());
    assert_good(&quoter(&swtpm), [8; 32]);
}

#[test]
fn quoting_leaves_nothing_loaded() {
    let swtpm = Swtpm::start("sha256,sha384");
    provision_ak(&mut swtpm.open(), ECC, &ecc_ak_template(), &Ca::new());
    // A TPM without a resource manager has three transient slots.
    for round in 0..8 {
        assert_good(&quoter(&swtpm), [round; 32]);
    }
}

#[test]
fn a_quote_covers_what_was_extended() {
    let swtpm = Swtpm::start("sha256,sha384");
    provision_ak(&mut swtpm.open(), ECC, &ecc_ak_template(), &Ca::new());
    let mut digests = DigestValues::new();
    digests.set(HashingAlgorithm::Sha384, vec![0x5a; 48].try_into().unwrap());
    swtpm
        .open()
        .context()
        .pcr_extend(PcrHandle::Pcr9, digests)
        .unwrap();
    let quoter = quoter(&swtpm);
    let quote = quoter
        .quote(&quoter.attestation_key().unwrap(), &about(&[]))
        .unwrap();
    let extended: Vec<_> = quote
        .pcrs
        .iter()
        .filter(|pcr| pcr.value.iter().any(|byte| *byte != 0))
        .map(|pcr| pcr.index)
        .collect();
    assert_eq!(extended, [9]);
}

#[test]
fn the_certificate_comes_with_its_intermediates() {
    let swtpm = Swtpm::start("sha256,sha384");
    let ca = Ca::new();
    provision_ak(&mut swtpm.open(), ECC, &ecc_ak_template(), &ca);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("intermediate.der"), &ca.intermediate).unwrap();
    std::fs::write(folder.path().join("root.der"), &ca.root).unwrap();
    let quoter = GoogleAk {
        tcti: swtpm.tcti(),
        intermediates: CertificatePool::read(&[folder.path().to_owned()]).unwrap(),
    };
    let certificates = quoter.attestation_key().unwrap().certificates;
    assert_eq!(certificates.len(), 2);
    assert_eq!(certificates[1], ca.intermediate);
}

#[test]
fn padding_after_the_certificate_is_left_out() {
    let swtpm = Swtpm::start("sha256,sha384");
    let mut tpm = swtpm.open();
    let key = tpm.create_endorsement_primary(&ecc_ak_template()).unwrap().public;
    let certificate = Ca::new().certify(&key);
    write_nv(&mut tpm, ECC.template, &ecc_ak_template());
    write_nv(
        &mut tpm,
        ECC.certificate,
        &[&certificate[..], &[0xff; 100]].concat(),
    );
    drop(tpm);
    assert_eq!(
        quoter(&swtpm).attestation_key().unwrap().certificates,
        [certificate]
    );
}

#[test]
fn a_tpm_without_a_certified_key_is_told_so() {
    let swtpm = Swtpm::start("sha256,sha384");
    write_nv(&mut swtpm.open(), ECC.template, &ecc_ak_template());
    let error = quoter(&swtpm).attestation_key().unwrap_err();
    assert!(matches!(error, Error::NoAttestationKey { .. }));
    let text = error.to_string();
    assert!(
        text.contains("the ECC AK has no certificate at NV 0x01c10002"),
        "{text}"
    );
    assert!(
        text.contains("no RSA AK at NV 0x01c10000 and 0x01c10001"),
        "{text}"
    );
}

#[test]
fn a_certificate_about_another_key_is_refused() {
    let swtpm = Swtpm::start("sha256,sha384");
    let mut tpm = swtpm.open();
    // The same kind of key with `noDA`: another template, another key.
    let other = tpm
        .create_endorsement_primary(&ecc_template(0x0005_0472))
        .unwrap();
    write_nv(&mut tpm, ECC.template, &ecc_ak_template());
    write_nv(&mut tpm, ECC.certificate, &Ca::new().certify(&other.public));
    drop(tpm);
    let error = quoter(&swtpm).attestation_key().unwrap_err();
    assert!(matches!(error, Error::AttestationKeyDisagrees { .. }), "{error}");
}

#[test]
fn a_key_that_changed_meanwhile_is_not_quoted_with() {
    let swtpm = Swtpm::start("sha256,sha384");
    provision_ak(&mut swtpm.open(), RSA, &rsa_ak_template(), &Ca::new());
    let quoter = quoter(&swtpm);
    let before = quoter.attestation_key().unwrap();
    provision_ak(&mut swtpm.open(), ECC, &ecc_ak_template(), &Ca::new());
    let error = quoter.quote(&before, &about(&[])).unwrap_err();
    assert!(matches!(error, Error::AttestationKeyChanged), "{error}");
}

#[test]
fn a_tpm_without_a_sha_384_bank_is_told_so() {
    let swtpm = Swtpm::start("sha256");
    provision_ak(&mut swtpm.open(), ECC, &ecc_ak_template(), &Ca::new());
    let quoter = quoter(&swtpm);
    let error = quoter
        .quote(&quoter.attestation_key().unwrap(), &about(&[]))
        .unwrap_err();
    assert!(matches!(error, Error::NoPcrBank { .. }), "{error}");
}
