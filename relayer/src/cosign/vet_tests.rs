//! Vetting: what another relayer may propose, and what not.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256};
use chassis_verifier::{AnchorClaim, Endorsements, HostRegistryClaim};
use dcap_qvl::QuoteCollateralV3;
use rcgen::{
    CertificateParams, CertificateRevocationListParams, DnType, Issuer, KeyIdMethod, KeyPair,
    KeyUsagePurpose, SerialNumber,
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::vet::*;

const NOW: u64 = 1_700_000_000;
const DAY: u64 = 86_400;

type Replace = fn(&mut QuoteCollateralV3, &QuoteCollateralV3);

/// How a set is to be.
#[derive(Clone, Copy)]
struct Dates {
    /// When all of it was issued.
    issued: u64,
    evaluation: u32,
    crl: u64,
}

const OWN: Dates = Dates {
    issued: NOW - DAY,
    evaluation: 19,
    crl: 7,
};

fn set(dates: Dates) -> Endorsements {
    let collateral = QuoteCollateralV3 {
        pck_crl_issuer_chain: String::new(),
        root_ca_crl: crl("root", dates),
        pck_crl: crl("pck", dates),
        tcb_info_issuer_chain: String::new(),
        tcb_info: json(dates, r#","fmspc":"00A06D080000","pceId":"0000""#),
        tcb_info_signature: Vec::new(),
        qe_identity_issuer_chain: String::new(),
        qe_identity: json(dates, ""),
        qe_identity_signature: Vec::new(),
        pck_certificate_chain: None,
    };
    Endorsements {
        version: 1,
        anchor: AnchorClaim {
            chain_id: 1,
            registry: Address::ZERO,
            number: 5,
            hash: B256::repeat_byte(5),
            timestamp: NOW,
        },
        tdx_collateral: Some(collateral),
        provider_crls: vec![crl("provider", dates).into()],
        host_registry: vec![HostRegistryClaim {
            platform_id: B256::repeat_byte(1),
            provider: 1,
            zone: "a".into(),
        }],
    }
}

fn json(dates: Dates, more: &str) -> String {
    let issued = i64::try_from(dates.issued).unwrap();
    let issued = OffsetDateTime::from_unix_timestamp(issued)
        .unwrap()
        .format(&Rfc3339)
        .unwrap();
    format!(
        r#"{{"issueDate":"{issued}","tcbEvaluationDataNumber":{}{more}}}"#,
        dates.evaluation
    )
}

/// A list by an authority of this name. Its key is another each time, and named after the authority.
fn crl(name: &str, dates: Dates) -> Vec<u8> {
    let mut authority = CertificateParams::default();
    authority.distinguished_name.push(DnType::CommonName, name);
    authority.key_usages = vec![KeyUsagePurpose::CrlSign];
    authority.key_identifier_method = KeyIdMethod::PreSpecified(name.as_bytes().to_vec());
    let at = |unix: u64| OffsetDateTime::from_unix_timestamp(i64::try_from(unix).unwrap()).unwrap();
    let list = CertificateRevocationListParams {
        this_update: at(dates.issued),
        next_update: at(dates.issued + 30 * DAY),
        crl_number: SerialNumber::from(dates.crl),
        issuing_distribution_point: None,
        revoked_certs: Vec::new(),
        key_identifier_method: KeyIdMethod::PreSpecified(name.as_bytes().to_vec()),
    };
    let issuer = Issuer::new(authority, KeyPair::generate().unwrap());
    list.signed_by(&issuer).unwrap().der().to_vec()
}

/// Known for long.
fn since() -> BTreeMap<String, u64> {
    let issues = issues(&set(OWN)).unwrap();
    issues
        .into_iter()
        .map(|issue| (issue.source, NOW - 2 * DAY))
        .collect()
}

fn against(change: impl FnOnce(&mut Endorsements)) -> String {
    let mut proposed = set(OWN);
    change(&mut proposed);
    vet(&proposed, &set(OWN), &since(), NOW).join("\n")
}

fn collateral(set: &mut Endorsements) -> &mut QuoteCollateralV3 {
    set.tdx_collateral.as_mut().unwrap()
}

#[test]
fn the_same_may_be_taken() {
    assert_eq!(against(|_| {}), "");
}

#[test]
fn newer_may_be_taken() {
    let newer = Dates {
        issued: NOW,
        evaluation: 20,
        crl: 8,
    };
    assert_eq!(vet(&set(newer), &set(OWN), &since(), NOW), [""; 0]);
}

#[test]
fn a_day_older_may_be_taken_and_no_more() {
    let a_day = Dates {
        issued: OWN.issued - DAY,
        ..OWN
    };
    assert_eq!(vet(&set(a_day), &set(OWN), &since(), NOW), [""; 0]);
    let more = Dates {
        issued: OWN.issued - DAY - 1,
        ..OWN
    };
    let reasons = vet(&set(more), &set(OWN), &since(), NOW);
    assert_eq!(reasons.len(), 5, "each part of it: {reasons:?}");
    assert!(reasons.iter().all(|reason| reason.contains("a later one is of")));
}

/// Every part by itself: one stale part in an otherwise fresh set is what a cheat would send.
#[test]
fn one_stale_part_is_enough() {
    let stale = Dates {
        issued: OWN.issued - DAY - 1,
        ..OWN
    };
    let old = set(stale).tdx_collateral.unwrap();
    let parts: [(&str, Replace); 4] = [
        ("TCB info", |new, old| new.tcb_info.clone_from(&old.tcb_info)),
        ("QE identity", |new, old| {
            new.qe_identity.clone_from(&old.qe_identity);
        }),
        ("Intel root CRL", |new, old| {
            new.root_ca_crl.clone_from(&old.root_ca_crl);
        }),
        ("PCK CRL", |new, old| new.pck_crl.clone_from(&old.pck_crl)),
    ];
    for (name, change) in parts {
        let reasons = against(|set| change(collateral(set), &old));
        assert!(reasons.starts_with(name), "{name}: {reasons}");
    }
    let reasons = against(|set| set.provider_crls = vec![crl("provider", stale).into()]);
    assert!(reasons.starts_with("provider CRL"), "{reasons}");
}

#[test]
fn a_lower_number_counts_for_a_day_after_the_higher_is_known() {
    let lower = Dates {
        evaluation: OWN.evaluation - 1,
        crl: OWN.crl - 1,
        ..OWN
    };
    let reasons = vet(&set(lower), &set(OWN), &since(), NOW);
    assert_eq!(reasons.len(), 5, "{reasons:?}");
    assert!(
        reasons[0].contains("number 0x12, this relayer knows 0x13"),
        "{reasons:?}"
    );
    let lately = since().into_keys().map(|source| (source, NOW - DAY)).collect();
    assert_eq!(vet(&set(lower), &set(OWN), &lately, NOW), [""; 0]);
}

/// As bytes, 9 would be more than 10.
#[test]
fn numbers_are_compared_as_numbers() {
    let long = |crl| Dates { crl, ..OWN };
    assert_eq!(vet(&set(long(0x1_00)), &set(long(0xff)), &since(), NOW), [""; 0]);
    assert_eq!(vet(&set(long(0xff)), &set(long(0x1_00)), &since(), NOW).len(), 3);
}

#[test]
fn nothing_may_be_left_out_added_or_doubled() {
    assert!(against(|set| set.provider_crls.clear()).contains("not in it"));
    assert!(against(|set| set.tdx_collateral = None).contains("one of us only"));
    let another = against(|set| set.provider_crls.push(crl("another", OWN).into()));
    assert!(another.contains("knows of no such thing"), "{another}");
    let twice = against(|set| set.provider_crls.push(crl("provider", OWN).into()));
    assert!(twice.contains("more than once"), "{twice}");
}

#[test]
fn collateral_of_another_platform_is_no_counterpart() {
    let reasons = against(|set| {
        let other = collateral(set).tcb_info.replace("00A06D", "00A06E");
        collateral(set).tcb_info = other;
    });
    assert!(
        reasons.contains("not in it") && reasons.contains("no such thing"),
        "{reasons}"
    );
}

#[test]
fn what_cannot_be_read_is_not_taken() {
    for change in [
        (|set: &mut Endorsements| collateral(set).tcb_info = "{}".into()) as fn(&mut Endorsements),
        |set| collateral(set).qe_identity.clear(),
        |set| collateral(set).pck_crl.clear(),
        |set| collateral(set).root_ca_crl.push(0),
        |set| set.provider_crls = vec![vec![0x30, 0].into()],
    ] {
        assert!(against(change).contains("its endorsements:"));
    }
}

#[test]
fn an_anchor_is_taken_only_as_the_own_chain_has_it() {
    let changes: [fn(&mut AnchorClaim); 5] = [
        |anchor| anchor.chain_id += 1,
        |anchor| anchor.registry = Address::repeat_byte(1),
        |anchor| anchor.number += 1,
        |anchor| anchor.hash = B256::ZERO,
        |anchor| anchor.timestamp += 1,
    ];
    for change in changes {
        assert!(against(|set| change(&mut set.anchor)).starts_with("anchor: "));
    }
}

#[test]
fn of_what_nobody_signed_only_the_same_is_taken() {
    let changes: [fn(&mut Vec<HostRegistryClaim>); 5] = [
        Vec::clear,
        |claims| claims[0].platform_id = B256::ZERO,
        |claims| claims[0].provider = 2,
        |claims| claims[0].zone = "b".into(),
        |claims| {
            claims.push(HostRegistryClaim {
                zone: "b".into(),
                ..claims[0].clone()
            });
        },
    ];
    for change in changes {
        assert!(against(|set| change(&mut set.host_registry)).starts_with("host registry: "));
    }
}
