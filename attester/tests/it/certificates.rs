//! Chains from configured files.

use std::path::PathBuf;

use chassis_attester::CertificatePool;

use crate::provision::Ca;

#[test]
fn intermediates_of_one_name_are_told_apart_by_key() {
    let folder = tempfile::tempdir().unwrap();
    let cas = [Ca::new(), Ca::new(), Ca::new()];
    for (number, ca) in cas.iter().enumerate() {
        std::fs::write(folder.path().join(format!("{number}.der")), &ca.intermediate).unwrap();
    }
    let pool = CertificatePool::read(&[folder.path().to_owned()]).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    for ca in &cas {
        let leaf = ca.certify_key(&key);
        assert_eq!(pool.chain(leaf.clone()), [leaf, ca.intermediate.clone()]);
    }
}

#[test]
fn a_file_of_something_else_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "not a certificate").unwrap();
    let error = CertificatePool::read(&[file.path().to_owned()])
        .unwrap_err()
        .to_string();
    assert!(error.contains(&file.path().display().to_string()), "{error}");
    assert!(error.contains("no certificate in it"), "{error}");
}

#[test]
fn a_real_google_chain_is_built_without_its_root() {
    let Some(folder) = fixtures("automata-tpm-attestation") else {
        return;
    };
    let file = |number| folder.join(format!("gcp_tdx_tpm_certs_{number}.der"));
    let [leaf, intermediate] = [0, 1].map(|number| std::fs::read(file(number)).unwrap());
    let pool = CertificatePool::read(&[file(2), file(1)]).unwrap();
    assert_eq!(pool.chain(leaf.clone()), [leaf, intermediate]);
}

/// Real evidence is not part of the project; `CHASSIS_FIXTURES` names its folder.
fn fixtures(folder: &str) -> Option<PathBuf> {
    let root = std::env::var_os("CHASSIS_FIXTURES").map(PathBuf::from);
    if root.is_none() {
        eprintln!("skipped: CHASSIS_FIXTURES names no folder of real evidence");
    }
    root.map(|root| root.join(folder))
}
