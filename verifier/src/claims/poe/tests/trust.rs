//! Whom to believe, and until when.

use rcgen::{
    CertificateRevocationListParams, KeyIdMethod, PKCS_RSA_SHA256, PublicKeyData, RevokedCertParams,
    SignatureAlgorithm,
};

use super::*;

#[test]
fn the_root_that_verified_is_told() {
    let [pki, a, b] = [(); 3].map(|()| Pki::new());
    let poe = Draft::default().poe(&pki);
    assert_eq!(
        poe.verify(&[&a.root, &pki.root, &b.root], &[], AT).unwrap().root,
        1
    );
    assert_eq!(
        poe.verify(&[], &[], AT),
        Err(ClaimFault::Chain(AkError::UnknownIssuer))
    );
    // Roots of the same name, and the issuer's own in the document, are no way around.
    let with_root = Draft {
        unprotected: Some(entries([(33, chain(&[&pki.leaf, &pki.intermediate, &pki.root]))])),
        ..Draft::default()
    };
    for poe in [poe, with_root.poe(&pki)] {
        let fault = poe.verify(&[&a.root, &b.root], &[], AT).unwrap_err();
        assert!(matches!(fault, ClaimFault::Chain(_)), "{fault}");
        poe.verify(&[&pki.root], &[], AT).unwrap();
    }
}

#[test]
fn a_certificate_right_under_the_root_comes_bare() {
    let pki = Pki::new();
    let direct = leaf()
        .signed_by(&pki.signer.pair, &pki.root_issuer())
        .unwrap()
        .der()
        .to_vec();
    let bare = entries([(33, Value::Bytes(direct.clone()))]);
    let draft = Draft {
        unprotected: Some(bare),
        ..Draft::default()
    };
    draft.poe(&pki).verify(&[&pki.root], &[], AT).unwrap();
    // Without its intermediate, the other leaf leads nowhere.
    let bare = entries([(33, Value::Bytes(pki.leaf.clone()))]);
    let draft = Draft {
        unprotected: Some(bare),
        ..Draft::default()
    };
    let fault = draft.poe(&pki).verify(&[&pki.root], &[], AT);
    assert_eq!(fault, Err(ClaimFault::Chain(AkError::UnknownIssuer)));
}

#[test]
fn the_leaf_signs_and_no_other() {
    let (pki, other) = (Pki::new(), Pki::new());
    let message = Draft::default().message(&pki);
    let by_another = Poe::parse(&message.signed(&other.signer)).unwrap();
    assert_eq!(
        by_another.verify(&[&pki.root], &[], AT),
        Err(ClaimFault::Signature)
    );

    // The intermediate's key is a key under the root too.
    let poe = Draft {
        unprotected: Some(entries([(33, chain(&[&pki.intermediate, &pki.leaf]))])),
        ..Draft::default()
    };
    let fault = poe.poe(&pki).verify(&[&pki.root], &[], AT);
    assert!(matches!(fault, Err(ClaimFault::Chain(_))), "{fault:?}");

    let mut altered = message.clone();
    altered.payload = Draft {
        not_after: NOT_AFTER + 1,
        ..Draft::default()
    }
    .payload();
    let altered = Poe::parse(&altered.with_signature(pki.signer.sign(&message.to_be_signed()))).unwrap();
    assert_eq!(altered.verify(&[&pki.root], &[], AT), Err(ClaimFault::Signature));

    let mut for_another_use = message.clone();
    for_another_use.aad = b"chassis/v1/registrar-statement".into();
    let for_another_use = Poe::parse(&for_another_use.signed(&pki.signer)).unwrap();
    assert_eq!(
        for_another_use.verify(&[&pki.root], &[], AT),
        Err(ClaimFault::Signature)
    );
}

#[test]
fn the_leaf_may_sign_and_has_the_curve_the_document_says() {
    let unable = Pki::with(
        |leaf| leaf.key_usages = vec![KeyUsagePurpose::KeyAgreement],
        Algorithm::Es384,
    );
    let fault = Draft::default().poe(&unable).verify(&[&unable.root], &[], AT);
    assert!(matches!(fault, Err(ClaimFault::KeyUsage(_))), "{fault:?}");
    let silent = Pki::with(|leaf| leaf.key_usages.clear(), Algorithm::Es384);
    let fault = Draft::default().poe(&silent).verify(&[&silent.root], &[], AT);
    assert!(matches!(fault, Err(ClaimFault::KeyUsage(_))), "{fault:?}");

    for algorithm in [Algorithm::Es256, Algorithm::EdDsa] {
        let pki = Pki::with(|_| (), algorithm);
        let fault = Draft::default().poe(&pki).verify(&[&pki.root], &[], AT);
        assert!(matches!(fault, Err(ClaimFault::Algorithm { .. })), "{fault:?}");
    }
    let pki = Pki::new();
    let rsa = leaf().signed_by(&Rsa, &pki.intermediate_issuer()).unwrap();
    let x5chain = chain(&[rsa.der(), &pki.intermediate]);
    let draft = Draft {
        unprotected: Some(entries([(33, x5chain)])),
        ..Draft::default()
    };
    let fault = draft.poe(&pki).verify(&[&pki.root], &[], AT);
    assert!(matches!(fault, Err(ClaimFault::CertifiedKey(_))), "{fault:?}");
}

#[test]
fn esp384_is_taken_as_es384_is() {
    let pki = Pki::new();
    let mut draft = Draft::default();
    draft.protected[0].1 = Value::from(-51);
    draft.poe(&pki).verify(&[&pki.root], &[], AT).unwrap();
}

#[test]
fn it_holds_from_its_first_second_to_its_last() {
    let pki = Pki::new();
    let poe = Draft::default().poe(&pki);
    let at = |at: u64| {
        poe.verify(&[&pki.root], &[], at)
            .map(|verified| verified.not_after)
    };
    assert_eq!(at(NOT_BEFORE), Ok(NOT_AFTER));
    assert_eq!(at(NOT_AFTER), Ok(NOT_AFTER));
    assert_eq!(
        at(NOT_BEFORE - 1),
        Err(ClaimFault::NotYetValid {
            not_before: NOT_BEFORE,
            at: NOT_BEFORE - 1
        })
    );
    assert_eq!(
        at(NOT_AFTER + 1),
        Err(ClaimFault::Expired {
            not_after: NOT_AFTER,
            at: NOT_AFTER + 1
        })
    );
    let moment = Draft {
        not_before: AT,
        not_after: AT,
        ..Draft::default()
    };
    assert_eq!(
        moment.poe(&pki).verify(&[&pki.root], &[], AT).unwrap().not_after,
        AT
    );
}

#[test]
fn certificates_end_it_earlier() {
    let pki = Pki::with(
        |leaf| leaf.not_after = date_time_ymd(2028, 1, 1),
        Algorithm::Es384,
    );
    let poe = Draft::default().poe(&pki);
    assert_eq!(poe.verify(&[&pki.root], &[], AT).unwrap().not_after, IN_2028);
    let fault = poe.verify(&[&pki.root], &[], IN_2028 + 1);
    assert_eq!(
        fault,
        Err(ClaimFault::Chain(AkError::Expired {
            not_after: IN_2028,
            at: IN_2028 + 1
        }))
    );
    let mut root = authority("root");
    root.not_after = date_time_ymd(2028, 1, 1);
    let pki = Pki::from(root, &leaf(), Algorithm::Es384);
    let verified = Draft::default().poe(&pki).verify(&[&pki.root], &[], AT).unwrap();
    assert_eq!(
        verified.not_after, IN_2028,
        "the root's, which did not come along"
    );
    let late = Pki::with(
        |leaf| leaf.not_before = date_time_ymd(2028, 1, 1),
        Algorithm::Es384,
    );
    let fault = Draft::default().poe(&late).verify(&[&late.root], &[], AT);
    assert_eq!(
        fault,
        Err(ClaimFault::Chain(AkError::NotYetValid {
            not_before: IN_2028,
            at: AT
        }))
    );
}

#[test]
fn a_certificate_beside_the_path_counts_too() {
    let pki = Pki::new();
    let beside = |from: i32, until: i32| {
        let mut params = authority("beside");
        (params.not_before, params.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(until, 1, 1));
        let beside = params.self_signed(&pki.keys[1]).unwrap().der().to_vec();
        let x5chain = chain(&[&pki.leaf, &pki.intermediate, &beside]);
        let draft = Draft {
            unprotected: Some(entries([(33, x5chain)])),
            ..Draft::default()
        };
        draft
            .poe(&pki)
            .verify(&[&pki.root], &[], AT)
            .map(|verified| verified.not_after)
    };
    assert_eq!(beside(2020, 2028), Ok(IN_2028));
    assert!(matches!(
        beside(2020, 2021),
        Err(ClaimFault::Chain(AkError::Expired { .. }))
    ));
    assert!(matches!(
        beside(2028, 2029),
        Err(ClaimFault::Chain(AkError::NotYetValid { .. }))
    ));
    let junk = Draft {
        unprotected: Some(entries([(33, chain(&[&pki.leaf, &pki.intermediate, b"junk"]))])),
        ..Draft::default()
    };
    let fault = junk.poe(&pki).verify(&[&pki.root], &[], AT);
    assert!(
        matches!(fault, Err(ClaimFault::Chain(AkError::Chain(_)))),
        "{fault:?}"
    );
}

#[test]
fn a_revoked_issuer_endorses_nothing() {
    let pki = Pki::new();
    let poe = Draft::default().poe(&pki);
    let verify = |crl: &[u8]| poe.verify(&[&pki.root], &[crl], AT);
    let verified = verify(&crl(&pki.intermediate_issuer(), &[SERIAL + 1])).unwrap();
    assert_eq!(
        (verified.revocation.uncovered, verified.revocation.until),
        (1, Some(IN_2028))
    );
    assert_eq!(
        verify(&crl(&pki.intermediate_issuer(), &[SERIAL])),
        Err(ClaimFault::Chain(AkError::Revoked))
    );
    assert!(matches!(
        verify(b"junk"),
        Err(ClaimFault::Chain(AkError::Crl { index: 0, .. }))
    ));
}

/// A key that only has the name of RSA.
struct Rsa;

impl PublicKeyData for Rsa {
    fn der_bytes(&self) -> &[u8] {
        &[0x30, 0x06, 0x02, 0x01, 0x23, 0x02, 0x01, 0x03]
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_RSA_SHA256
    }
}

fn crl(issuer: &Issuer<'_, &KeyPair>, revoked: &[u64]) -> Vec<u8> {
    let entry = |serial: &u64| RevokedCertParams {
        serial_number: SerialNumber::from(*serial),
        revocation_time: date_time_ymd(2026, 1, 1),
        reason_code: None,
        invalidity_date: None,
    };
    let params = CertificateRevocationListParams {
        this_update: date_time_ymd(2026, 1, 1),
        next_update: date_time_ymd(2028, 1, 1),
        crl_number: SerialNumber::from(1_u64),
        issuing_distribution_point: None,
        revoked_certs: revoked.iter().map(entry).collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    params.signed_by(issuer).unwrap().der().to_vec()
}

/// 1 January, midnight.
const IN_2028: u64 = 1_830_297_600;
