//! TPM quotes and AK certificates of real machines.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod common;

use chassis_verifier::{
    Base64,
    ak::{AkCertificate, AkError, verify_chain},
    bundle::PcrValue,
    tpm::{
        Attest, HashAlg, PcrSelection, Public, PublicKey, QuoteFault, Signature, check_pcr_digest,
        check_selection, check_values,
    },
};
use common::{fixture, pem, public, slices};

/// When the certificates of all Google fixtures are valid.
const AT: u64 = 1_753_180_800;

#[test]
fn the_cos_quotes_verify_in_every_bank() {
    let Some(certificate) = fixture("go-tpm-tools/gce-cos-85-nonce9009.pb.akcert.der") else {
        return;
    };
    let ak = public_of(&AkCertificate::parse(&certificate).unwrap());
    for (bank, name) in [
        (HashAlg::Sha1, "sha1"),
        (HashAlg::Sha256, "sha256"),
        (HashAlg::Sha384, "sha384"),
    ] {
        let file =
            |suffix| fixture(&format!("go-tpm-tools/gce-cos-85-nonce9009.pb.{name}.{suffix}")).unwrap();
        let attest = file("attest");
        let signature = Signature::parse(&file("sig")).unwrap();
        signature.verify(&ak, &attest).unwrap();

        let parsed = Attest::parse(&attest).unwrap();
        parsed.check_magic().unwrap();
        parsed.check_kind().unwrap();
        let quote = parsed.quote().unwrap();
        assert_eq!(quote.extra_data[..], [0x90, 0x09]);
        let wanted = PcrSelection::new(bank, 0..24);
        check_selection(quote, wanted).unwrap();
        check_selection(quote, PcrSelection::new(bank, 0..16)).unwrap_err();
        let mut values = pcr_values(&String::from_utf8(file("pcrs.txt")).unwrap());
        check_values(&values, wanted).unwrap();
        check_pcr_digest(quote, &signature, &values).unwrap();

        values[4].value.0[0] ^= 1;
        check_pcr_digest(quote, &signature, &values).unwrap_err();
        let mut attest = attest;
        *attest.last_mut().unwrap() ^= 1;
        signature.verify(&ak, &attest).unwrap_err();
    }
}

#[test]
fn the_p256_quote_verifies_with_its_certificate() {
    let Some(certificate) = fixture("automata-tpm-attestation/p256_chain_0.der") else {
        return;
    };
    let ak = public_of(&AkCertificate::parse(&certificate).unwrap());
    let attest = fixture("automata-tpm-attestation/p256_quote.attest").unwrap();
    let signature = Signature::parse(&fixture("automata-tpm-attestation/p256_quote.sig").unwrap()).unwrap();
    signature.verify(&ak, &attest).unwrap();
    let parsed = Attest::parse(&attest).unwrap();
    assert_eq!(
        parsed.quote().unwrap().selections,
        [PcrSelection {
            alg: 0x0b,
            mask: 0x81_0a97
        }]
    );

    let other = fixture("automata-tpm-attestation/rsa_quote.attest").unwrap();
    assert!(matches!(
        signature.verify(&ak, &other),
        Err(QuoteFault::Signature { .. })
    ));
}

#[test]
fn the_rsa_quote_verifies_with_its_modulus() {
    let Some(n) = fixture("automata-tpm-attestation/rsa_key_n.bin") else {
        return;
    };
    let ak = public(&PublicKey::Rsa {
        n: n.into(),
        e: 65537,
    });
    let attest = fixture("automata-tpm-attestation/rsa_quote.attest").unwrap();
    let signature = Signature::parse(&fixture("automata-tpm-attestation/rsa_quote.sig").unwrap()).unwrap();
    signature.verify(&ak, &attest).unwrap();
}

#[test]
fn the_dstack_quote_parses() {
    let Some(attest) = fixture("dstack/tpm_quote_sample.bin") else {
        return;
    };
    let attest = Attest::parse(&attest).unwrap();
    let quote = attest.quote().unwrap();
    assert_eq!(quote.extra_data[..], [0x12, 0x34, 0x56, 0x78]);
    assert_eq!(quote.clock.reset_count, 16);
    assert!(quote.clock.safe);
    assert_eq!(quote.selections, [PcrSelection::new(HashAlg::Sha256, 0..3)]);
    let json = serde_json::to_value(&attest).unwrap();
    assert_eq!(json["magic"], "0xff544347");
    assert_eq!(json["quote"]["extraData"], "0x12345678");
    assert_eq!(json["quote"]["selections"][0]["bank"], "sha256");
}

#[test]
fn googles_chains_lead_to_the_root_that_signed_them() {
    let Some(old_root) = fixture("go-tpm-tools/ca-certs/tpm_ek_root_1.cer") else {
        return;
    };
    let read = |name: &str| fixture(name).unwrap();
    let new_root = read("go-tpm-tools/ca-certs/gcp_ek_ak_ca_root.crt");
    let roots = [&old_root[..], &new_root];
    for (leaf, intermediate, root) in [
        (
            read("go-tpm-tools/gce-cos-85-nonce9009.pb.akcert.der"),
            read("go-tpm-tools/ca-certs/tpm_ek_intermediate_2.crt"),
            0,
        ),
        (
            pem(&read("go-tpm-tools/certificates/uca_tpm_ecc_sign_cert.pem")),
            read("go-tpm-tools/ca-certs/tpm_ek_intermediate_3.crt"),
            0,
        ),
        (
            pem(&read("go-tpm-tools/certificates/pca_tpm_rsa_sign_cert.pem")),
            read("go-tpm-tools/ca-certs/gcp_ek_ak_ca_intermediate_v3.crt"),
            1,
        ),
        (
            read("automata-tpm-attestation/gcp_tdx_tpm_certs_0.der"),
            read("automata-tpm-attestation/gcp_tdx_tpm_certs_1.der"),
            1,
        ),
        (
            read("automata-tpm-attestation/gcp_snp_tpm_certs_0.der"),
            read("automata-tpm-attestation/gcp_snp_tpm_certs_1.der"),
            1,
        ),
        (
            read("automata-tpm-attestation/p256_chain_0.der"),
            read("automata-tpm-attestation/p256_chain_1.der"),
            1,
        ),
    ] {
        let verified = verify_chain(&leaf, &[&intermediate], &roots, &[], AT).unwrap();
        let certificate = AkCertificate::parse(&leaf).unwrap();
        assert_eq!((verified.root, verified.length), (root, 2));
        assert_eq!(verified.not_after, certificate.not_after());
        assert_eq!(verified.revocation.uncovered, 2);

        let others = [roots[1 - root]];
        let other_root = verify_chain(&leaf, &[&intermediate], &others, &[], AT);
        assert_eq!(other_root, Err(AkError::UnknownIssuer));
        let no_intermediate = verify_chain(&leaf, &[], &roots, &[], AT);
        assert_eq!(no_intermediate, Err(AkError::UnknownIssuer));
        let late = verify_chain(&leaf, &[&intermediate], &roots, &[], verified.not_after + 1);
        assert!(matches!(late, Err(AkError::Expired { .. })), "{late:?}");
        let early = verify_chain(&leaf, &[&intermediate], &roots, &[], 1_500_000_000);
        assert!(matches!(early, Err(AkError::NotYetValid { .. })), "{early:?}");
        verify_chain(&leaf, &[&intermediate], &roots, &[], verified.not_after).unwrap();

        let mut forged = leaf.clone();
        *forged.last_mut().unwrap() ^= 1;
        let forged = verify_chain(&forged, &[&intermediate], &roots, &[], AT);
        assert!(matches!(forged, Err(AkError::Chain(_))), "{forged:?}");
    }
}

/// Google's intermediates share one name; the right one is found among the wrong ones.
#[test]
fn an_intermediate_of_the_same_name_but_another_key_does_not_verify() {
    let Some(leaf) = fixture("automata-tpm-attestation/gcp_tdx_tpm_certs_0.der") else {
        return;
    };
    let right = fixture("automata-tpm-attestation/gcp_tdx_tpm_certs_1.der").unwrap();
    let wrong = fixture("automata-tpm-attestation/gcp_snp_tpm_certs_1.der").unwrap();
    let root = fixture("automata-tpm-attestation/gcp_tdx_tpm_certs_2.der").unwrap();
    verify_chain(&leaf, &[&wrong, &right], &[&root], &[], AT).unwrap();
    let error = verify_chain(&leaf, &[&wrong], &[&root], &[], AT).unwrap_err();
    assert!(matches!(error, AkError::Chain(_)), "{error:?}");
}

#[test]
fn the_root_list_covers_the_intermediate_for_a_week() {
    let Some(crl) = fixture("automata-tpm-attestation/gcp_root_ca_crl_0.der") else {
        return;
    };
    let read =
        |part: &str| fixture(&format!("automata-tpm-attestation/gcp_tdx_tpm_certs_{part}.der")).unwrap();
    let (leaf, intermediate, root) = (read("0"), read("1"), read("2"));
    let verify = |crl: &[u8], at| verify_chain(&leaf, &[&intermediate], &[&root], &[crl], at);
    let next_update = 1_764_464_675;

    let verified = verify(&crl, next_update - 1).unwrap();
    assert_eq!(verified.revocation.uncovered, 1);
    assert_eq!(verified.revocation.until, Some(next_update));
    let late = verify(&crl, next_update).unwrap_err();
    assert_eq!(
        late,
        AkError::CrlExpired {
            next_update,
            at: next_update
        }
    );
    let mut forged = crl.clone();
    *forged.last_mut().unwrap() ^= 1;
    let forged = verify(&forged, next_update - 1).unwrap_err();
    assert!(matches!(forged, AkError::Chain(_)), "{forged:?}");
    let cut = verify(&crl[..crl.len() - 1], next_update - 1).unwrap_err();
    assert!(matches!(cut, AkError::Crl { index: 0, .. }), "{cut:?}");
}

#[test]
fn an_endorsement_key_certificate_is_refused_by_its_key_usage_alone() {
    let Some(old_root) = fixture("go-tpm-tools/ca-certs/tpm_ek_root_1.cer") else {
        return;
    };
    let ca = |name: &str| fixture(&format!("go-tpm-tools/ca-certs/{name}")).unwrap();
    let roots = [old_root, ca("gcp_ek_ak_ca_root.crt")];
    let intermediates = [
        ca("tpm_ek_intermediate_3.crt"),
        ca("gcp_ek_ak_ca_intermediate_v3.crt"),
    ];
    let (roots, intermediates) = (slices(&roots), slices(&intermediates));
    for pki in ["uca", "pca"] {
        for key in ["rsa", "ecc"] {
            for (usage, accepted) in [("sign", true), ("enc", false)] {
                let name = format!("go-tpm-tools/certificates/{pki}_tpm_{key}_{usage}_cert.pem");
                let der = pem(&fixture(&name).unwrap());
                let certificate = AkCertificate::parse(&der).unwrap();
                verify_chain(&der, &intermediates, &roots, &[], AT).unwrap();
                assert_eq!(certificate.check_key_usage().is_ok(), accepted, "{name}");
                assert!(certificate.instance().unwrap().is_production(), "{name}");
                assert!(certificate.public_key().is_some(), "{name}");
                certificate.check_azure_confidential().unwrap_err();
            }
        }
    }
}

#[test]
fn the_instance_extension_names_the_tdx_machine() {
    let Some(der) = fixture("automata-tpm-attestation/gcp_tdx_tpm_certs_0.der") else {
        return;
    };
    let certificate = AkCertificate::parse(&der).unwrap();
    let instance = certificate.instance().unwrap();
    assert_eq!(instance.zone, "asia-southeast1-b");
    assert_eq!(instance.project_number, 225_901_718_609);
    assert_eq!(instance.project_id, "exh-pom-sdk-test-428906");
    assert_eq!(instance.instance_id, 2_456_411_740_904_370_986);
    assert_eq!(instance.instance_name, "chenye-tdx-agent-test");
    assert!(instance.is_production());
    let json = serde_json::to_value(certificate.view()).unwrap();
    assert_eq!(json["instance"]["instanceId"], "2456411740904370986");
    assert_eq!(json["keyUsage"], "Digital Signature");
    assert_eq!(json["key"]["type"], "ecP256");
}

#[test]
fn a_certificate_of_another_key_is_refused() {
    let Some(der) = fixture("automata-tpm-attestation/gcp_tdx_tpm_certs_0.der") else {
        return;
    };
    let other = fixture("automata-tpm-attestation/gcp_snp_tpm_certs_0.der").unwrap();
    let (certificate, other) = (
        AkCertificate::parse(&der).unwrap(),
        AkCertificate::parse(&other).unwrap(),
    );
    certificate.check_key(&public_of(&certificate)).unwrap();
    let error = certificate.check_key(&public_of(&other)).unwrap_err();
    assert!(matches!(error, AkError::KeyMismatch { .. }), "{error:?}");
}

fn pcr_values(text: &str) -> Vec<PcrValue> {
    let value = |line: &str| {
        let (index, value) = line.split_once(' ').unwrap();
        PcrValue {
            index: index.parse().unwrap(),
            value: Base64(hex::decode(value).unwrap()),
        }
    };
    text.lines().map(value).collect()
}

fn public_of(certificate: &AkCertificate<'_>) -> Public {
    public(&certificate.public_key().unwrap())
}
