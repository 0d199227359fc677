//! Chains that must fail, each by the right check.

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CrlDistributionPoint,
    CrlIssuingDistributionPoint, CustomExtension, DnType, IsCa, Issuer, KeyIdMethod, KeyPair,
    KeyUsagePurpose, RevokedCertParams, SerialNumber, date_time_ymd,
};

use super::*;

const AT: u64 = 1_750_000_000;

#[test]
fn a_chain_of_ten_thousand_links_is_refused_before_any_is_read() {
    let pki = Pki::new();
    let link: &[u8] = &[0xff];
    let error = verify_chain(&pki.leaf, &vec![link; 10_000], &[&pki.root], &[], AT).unwrap_err();
    assert_eq!(
        error,
        AkError::TooManyIntermediates {
            count: 10_000,
            limit: INTERMEDIATES_LIMIT
        }
    );
}

/// x509-parser takes sixty times the size of a certificate made to have many parts.
#[test]
fn a_giant_certificate_is_refused_before_it_is_read() {
    let pki = Pki::new();
    let padded = |len: usize| [&pki.leaf[..], &vec![0; len - pki.leaf.len()]].concat();
    let refusal = |der: &[u8]| AkCertificate::parse(der).unwrap_err();
    assert_eq!(refusal(&padded(8 << 10)).field, "end");
    let error = refusal(&padded((8 << 10) + 1));
    assert_eq!(
        (error.field, &*error.problem),
        ("certificate", "8193 bytes, at most 8192 are read")
    );
}

#[test]
fn a_self_made_root_of_the_same_name_is_refused() {
    let (pki, impostor) = (Pki::new(), Pki::new());
    pki.verify(&[]).unwrap();
    let error = verify_chain(
        &impostor.leaf,
        &[&impostor.intermediate, &impostor.root],
        &[&pki.root],
        &[],
        AT,
    );
    assert!(matches!(error, Err(AkError::Chain(_))), "{error:?}");
}

#[test]
fn the_root_that_verified_is_told_apart_from_its_namesakes() {
    let pkis = [Pki::new(), Pki::new(), Pki::new()];
    let roots: Vec<&[u8]> = pkis.iter().map(|pki| &pki.root[..]).collect();
    for (index, pki) in pkis.iter().enumerate() {
        let verified = verify_chain(&pki.leaf, &[&pki.intermediate], &roots, &[], AT).unwrap();
        assert_eq!(verified.root, index);
    }
}

#[test]
fn an_issuer_must_be_an_authority() {
    let no_authority = Pki::with(|params| params.is_ca = IsCa::ExplicitNoCa).verify(&[]);
    assert!(matches!(no_authority, Err(AkError::Chain(_))), "{no_authority:?}");
    let no_cert_sign =
        Pki::with(|params| params.key_usages = vec![KeyUsagePurpose::DigitalSignature]).verify(&[]);
    assert!(
        matches!(no_cert_sign, Err(AkError::IssuerKeyUsage(_))),
        "{no_cert_sign:?}"
    );
    let too_short = Pki::with(|params| params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0)));
    too_short.verify(&[]).unwrap();
    let below = too_short.issue_below();
    let error = verify_chain(
        &below.0,
        &[&below.1, &too_short.intermediate],
        &[&too_short.root],
        &[],
        AT,
    );
    assert!(matches!(error, Err(AkError::Chain(_))), "{error:?}");
}

#[test]
fn an_issuer_or_root_out_of_date_is_refused() {
    let expired = Pki::with(|params| params.not_after = date_time_ymd(2020, 1, 1)).verify(&[]);
    assert!(matches!(expired, Err(AkError::Expired { .. })), "{expired:?}");
    let mut root = authority("root");
    root.not_after = date_time_ymd(2020, 1, 1);
    let expired = Pki::from(root, authority("intermediate"), &leaf()).verify(&[]);
    assert!(matches!(expired, Err(AkError::Expired { .. })), "{expired:?}");
    let soon = Pki::with(|params| params.not_after = date_time_ymd(2026, 1, 1))
        .verify(&[])
        .unwrap();
    assert_eq!(soon.not_after, 1_767_225_600);
}

#[test]
fn a_certificate_holds_in_its_last_second_and_from_its_first() {
    let mut params = leaf();
    params.not_before = date_time_ymd(2025, 1, 1);
    params.not_after = date_time_ymd(2026, 1, 1);
    let pki = Pki::from(authority("root"), authority("intermediate"), &params);
    let (first, last) = (1_735_689_600, 1_767_225_600);
    let at = |at| verify_chain(&pki.leaf, &[&pki.intermediate], &[&pki.root], &[], at).map(|_| ());
    let leaf = AkCertificate::parse(&pki.leaf).unwrap();
    for inside in [first, last] {
        at(inside).unwrap();
        leaf.check_validity(inside).unwrap();
    }
    for outside in [first - 1, last + 1] {
        at(outside).unwrap_err();
        leaf.check_validity(outside).unwrap_err();
    }
}

/// A root's renewal has its name and its key, and which of the two is pinned first must not matter.
#[test]
fn a_renewed_root_takes_over_from_the_one_that_ended() {
    let pki = Pki::new();
    let again = |from: i32, to: i32| {
        let mut params = authority("root");
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(to, 1, 1);
        params.self_signed(&pki.keys[0]).unwrap().der().to_vec()
    };
    let [ended, current, longer, not_yet] =
        [(2000, 2020), (2010, 2030), (2010, 2040), (2030, 2050)].map(|(from, to)| again(from, to));
    let verify = |roots: &[&[u8]]| verify_chain(&pki.leaf, &[&pki.intermediate], roots, &[], AT);
    for (roots, best) in [
        ([&ended, &current], 1),
        ([&current, &ended], 0),
        ([&current, &longer], 1),
        ([&longer, &current], 0),
        ([&not_yet, &current], 1),
        ([&current, &current], 0),
    ] {
        assert_eq!(verify(&roots.map(Vec::as_slice)).unwrap().root, best);
    }
    let error = verify(&[&ended, &ended]);
    assert!(matches!(error, Err(AkError::Expired { .. })), "{error:?}");
}

#[test]
fn a_revoked_certificate_is_refused_wherever_it_is_on_the_path() {
    let pki = Pki::new();
    let nothing = pki
        .verify(&[
            &crl(&pki.intermediate_issuer(), &[]),
            &crl(&pki.root_issuer(), &[]),
        ])
        .unwrap();
    assert_eq!(
        nothing.revocation,
        Revocation {
            uncovered: 0,
            until: Some(1_767_225_600)
        }
    );
    for list in [
        crl(&pki.intermediate_issuer(), &[LEAF]),
        crl(&pki.root_issuer(), &[INTERMEDIATE]),
    ] {
        assert_eq!(pki.verify(&[&list]), Err(AkError::Revoked));
    }
    // The same number revoked by another issuer is another certificate.
    let verified = pki.verify(&[&crl(&pki.root_issuer(), &[LEAF])]).unwrap();
    assert_eq!(verified.revocation.uncovered, 1);
}

#[test]
fn the_latest_list_of_an_issuer_counts_whatever_the_order() {
    let pki = Pki::new();
    let old = crl_of(&pki.intermediate_issuer(), &[], 2024);
    let new = crl_of(&pki.intermediate_issuer(), &[LEAF], 2025);
    assert_eq!(pki.verify(&[&old, &new]), Err(AkError::Revoked));
    assert_eq!(pki.verify(&[&new, &old]), Err(AkError::Revoked));
}

#[test]
fn a_list_of_a_namesake_issuer_is_not_taken_for_the_issuers_own() {
    let (pki, namesake) = (Pki::new(), Pki::new());
    let verified = pki
        .verify(&[&crl(&namesake.intermediate_issuer(), &[LEAF])])
        .unwrap();
    assert_eq!(
        verified.revocation,
        Revocation {
            uncovered: 2,
            until: None
        }
    );
}

/// An issuer's renewal has its name and its key, so either certificate leads from the leaf to the root.
#[test]
fn an_issuers_other_certificate_is_no_way_around_the_one_that_is_revoked() {
    let pki = Pki::new();
    let mut renewed = authority("intermediate");
    renewed.serial_number = Some(SerialNumber::from(INTERMEDIATE + 1));
    let renewed = renewed.signed_by(&pki.keys[1], &pki.root_issuer()).unwrap();
    let list = crl(&pki.root_issuer(), &[INTERMEDIATE]);
    let verify = |given: &[&[u8]]| verify_chain(&pki.leaf, given, &[&pki.root], &[&list], AT);
    assert_eq!(verify(&[&pki.intermediate, renewed.der()]), Err(AkError::Revoked));
    verify(&[renewed.der()]).unwrap();
}

#[test]
fn a_list_out_of_date_is_refused() {
    let pki = Pki::new();
    let list = crl(&pki.intermediate_issuer(), &[]);
    let verify = |at| verify_chain(&pki.leaf, &[&pki.intermediate], &[&pki.root], &[&list], at);
    verify(1_767_225_599).unwrap();
    verify(1_767_225_601).unwrap_err();
}

/// Neither says anything of this issuer's certificates, or of all of them.
#[test]
fn a_list_of_another_name_or_of_a_part_covers_nothing() {
    let pki = Pki::new();
    let other = authority("other");
    let of_another_name = crl(&Issuer::from_params(&other, &pki.keys[1]), &[]);
    let of_a_part = CertificateRevocationListParams {
        issuing_distribution_point: Some(CrlIssuingDistributionPoint {
            distribution_point: CrlDistributionPoint {
                uris: vec!["http://127.0.0.1/part.crl".into()],
            },
            scope: None,
        }),
        ..crl_params(&[], 2025)
    };
    let of_a_part = of_a_part.signed_by(&pki.intermediate_issuer()).unwrap();
    for list in [&of_another_name[..], of_a_part.der()] {
        assert_eq!(pki.verify(&[list]).unwrap().revocation.uncovered, 2);
    }
}

#[test]
fn key_usage_and_instance_are_asked_of_the_certificate_alone() {
    let mut params = leaf();
    params.key_usages = vec![KeyUsagePurpose::KeyAgreement];
    let endorsement = Pki::from(authority("root"), authority("intermediate"), &params);
    endorsement.verify(&[]).unwrap();
    let certificate = AkCertificate::parse(&endorsement.leaf).unwrap();
    assert!(matches!(certificate.check_key_usage(), Err(AkError::KeyUsage(_))));
    assert_eq!(certificate.instance(), Err(AkError::NoInstance));

    let mut params = leaf();
    params.key_usages.clear();
    let extension = google_tests::extension(&[]);
    let oid = [1, 3, 6, 1, 4, 1, 11129, 2, 1, 21];
    params.custom_extensions = vec![CustomExtension::from_oid_content(&oid, extension); 2];
    let twice = Pki::from(authority("root"), authority("intermediate"), &params);
    let certificate = AkCertificate::parse(&twice.leaf).unwrap();
    assert!(matches!(certificate.check_key_usage(), Err(AkError::KeyUsage(_))));
    assert!(matches!(certificate.instance(), Err(AkError::Instance(_))));
}

#[test]
fn an_authority_is_not_an_attestation_key() {
    let mut params = leaf();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let error = Pki::from(authority("root"), authority("intermediate"), &params).verify(&[]);
    assert!(matches!(error, Err(AkError::Chain(_))), "{error:?}");
}

#[test]
fn a_certificate_cut_anywhere_or_with_a_byte_more_does_not_parse() {
    let pki = Pki::new();
    for len in 0..pki.leaf.len() {
        AkCertificate::parse(&pki.leaf[..len]).unwrap_err();
        verify_chain(&pki.leaf[..len], &[&pki.intermediate], &[&pki.root], &[], AT).unwrap_err();
    }
    let longer = [&pki.leaf[..], &[0]].concat();
    assert_eq!(AkCertificate::parse(&longer).unwrap_err().field, "end");
    verify_chain(&longer, &[&pki.intermediate], &[&pki.root], &[], AT).unwrap_err();
    let huge = hex::decode("30847fffffff3084").unwrap();
    AkCertificate::parse(&huge).unwrap_err();
    verify_chain(&pki.leaf, &[&huge, &pki.intermediate], &[&pki.root], &[], AT).unwrap();
    let error = verify_chain(&pki.leaf, &[&pki.intermediate], &[&pki.root, &huge], &[], AT).unwrap_err();
    assert!(matches!(error, AkError::Root { index: 1, .. }), "{error:?}");
}

const LEAF: u64 = 77;
const INTERMEDIATE: u64 = 78;

/// A root, an intermediate and a leaf; every set has the same names and its own keys.
struct Pki {
    root: Vec<u8>,
    intermediate: Vec<u8>,
    leaf: Vec<u8>,
    keys: [KeyPair; 2],
    params: [CertificateParams; 2],
}

impl Pki {
    fn new() -> Self {
        Self::with(|_| ())
    }

    fn with(change_intermediate: impl Fn(&mut CertificateParams)) -> Self {
        let mut intermediate = authority("intermediate");
        change_intermediate(&mut intermediate);
        Self::from(authority("root"), intermediate, &leaf())
    }

    fn from(root: CertificateParams, mut intermediate: CertificateParams, leaf: &CertificateParams) -> Self {
        intermediate.serial_number = Some(SerialNumber::from(INTERMEDIATE));
        let keys = [key(), key()];
        let root_der = root.self_signed(&keys[0]).unwrap().der().to_vec();
        let from_root = Issuer::from_params(&root, &keys[0]);
        let intermediate_der = intermediate
            .signed_by(&keys[1], &from_root)
            .unwrap()
            .der()
            .to_vec();
        let from_intermediate = Issuer::from_params(&intermediate, &keys[1]);
        let leaf = leaf.signed_by(&key(), &from_intermediate).unwrap().der().to_vec();
        Self {
            root: root_der,
            intermediate: intermediate_der,
            leaf,
            keys,
            params: [root, intermediate],
        }
    }

    fn verify(&self, crls: &[&[u8]]) -> Result<VerifiedAk, AkError> {
        verify_chain(&self.leaf, &[&self.intermediate], &[&self.root], crls, AT)
    }

    fn root_issuer(&self) -> Issuer<'_, &KeyPair> {
        Issuer::from_params(&self.params[0], &self.keys[0])
    }

    fn intermediate_issuer(&self) -> Issuer<'_, &KeyPair> {
        Issuer::from_params(&self.params[1], &self.keys[1])
    }

    /// A leaf and its issuer, one deeper than this set's.
    fn issue_below(&self) -> (Vec<u8>, Vec<u8>) {
        let (below, below_key) = (authority("below"), key());
        let issuer = below.signed_by(&below_key, &self.intermediate_issuer()).unwrap();
        let leaf = leaf()
            .signed_by(&key(), &Issuer::from_params(&below, &below_key))
            .unwrap();
        (leaf.der().to_vec(), issuer.der().to_vec())
    }
}

fn key() -> KeyPair {
    KeyPair::generate().unwrap()
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.use_authority_key_identifier_extension = true;
    params
}

fn authority(name: &str) -> CertificateParams {
    let mut params = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn leaf() -> CertificateParams {
    let mut params = named("leaf");
    params.is_ca = IsCa::ExplicitNoCa;
    params.serial_number = Some(SerialNumber::from(LEAF));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params
}

fn crl(issuer: &Issuer<'_, &KeyPair>, revoked: &[u64]) -> Vec<u8> {
    crl_of(issuer, revoked, 2025)
}

fn crl_of(issuer: &Issuer<'_, &KeyPair>, revoked: &[u64], year: i32) -> Vec<u8> {
    let list = crl_params(revoked, year).signed_by(issuer).unwrap();
    list.der().to_vec()
}

fn crl_params(revoked: &[u64], year: i32) -> CertificateRevocationListParams {
    let entry = |serial: &u64| RevokedCertParams {
        serial_number: SerialNumber::from(*serial),
        revocation_time: date_time_ymd(year, 1, 1),
        reason_code: None,
        invalidity_date: None,
    };
    CertificateRevocationListParams {
        this_update: date_time_ymd(year, 1, 1),
        next_update: date_time_ymd(2026, 1, 1),
        crl_number: SerialNumber::from(1_u64),
        issuing_distribution_point: None,
        revoked_certs: revoked.iter().map(entry).collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    }
}
