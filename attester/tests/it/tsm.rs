//! TD quotes from a directory that something else answers in, as on the simulated cloud.

use std::{fs, time::Duration};

use chassis_attester::{ConfigfsTsm, Error, TdQuoter};

use crate::node::{Answer, Tsm};

fn quoter(tsm: &Tsm) -> ConfigfsTsm {
    ConfigfsTsm::new(tsm.root()).with_patience(Duration::from_secs(5))
}

#[test]
fn a_quote_is_waited_for_and_its_entry_removed() {
    let tsm = Tsm::serve(Answer::Quote);
    assert_eq!(
        quoter(&tsm).quote([7; 64]).unwrap().quote,
        Tsm::quote_over(&[7; 64])
    );
    assert_eq!(fs::read_dir(tsm.reports()).unwrap().count(), 0);
}

#[test]
fn a_quote_that_others_interfered_with_is_not_used() {
    let tsm = Tsm::serve(Answer::Raced);
    let error = quoter(&tsm).quote([7; 64]).unwrap_err();
    assert!(matches!(error, Error::TdQuoteRaced { attempts: 3 }), "{error}");
    assert_eq!(fs::read_dir(tsm.reports()).unwrap().count(), 0);
}

#[test]
fn another_kind_of_guest_is_named() {
    let tsm = Tsm::serve(Answer::Sev);
    let error = quoter(&tsm).quote([7; 64]).unwrap_err();
    assert!(
        matches!(&error, Error::NotTdx { provider } if provider == "sev_guest"),
        "{error}"
    );
}

#[test]
fn waiting_is_bounded() {
    let tsm = Tsm::serve(Answer::Nothing);
    let error = quoter(&tsm)
        .with_patience(Duration::from_millis(200))
        .quote([7; 64])
        .unwrap_err();
    assert!(matches!(error, Error::NoTdQuote { .. }), "{error}");
    assert_eq!(fs::read_dir(tsm.reports()).unwrap().count(), 0);
}

#[test]
fn a_machine_without_configfs_tsm_is_told_what_to_look_at() {
    let root = tempfile::tempdir().unwrap();
    let error = ConfigfsTsm::new(root.path())
        .quote([7; 64])
        .unwrap_err()
        .to_string();
    assert!(error.contains("tdx_guest"), "{error}");
}
