//! A real Azure TDX machine: TD quote, HCL report, vTPM quote and AK certificate, each tied to the next.
//!
//! What fails on it as it must: the guest was given no challenge, and the vTPM quotes SHA-256, so that nothing can be
//! cross-checked. The fixture has no TPM event log.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod common;

use alloy_primitives::{Address, B256};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE},
};
use chassis_verifier::{
    AnchorClaim, Base64, Binding, CheckId, Endorsements, Outcome, ParavisorReach, Policy,
    ak::{AkCertificate, AkError, VerifiedAk, verify_chain},
    appraise,
    bundle::{Anchor, Bundle, Custody, Disclosure, Evidence, PcrValue, Tee, Tpm},
    hcl::{HclFault, HclReport},
    td::{DebugTd, TdQuote},
    tpm::{
        Attest, HashAlg, PcrSelection, Public, QuoteFault, Signature, check_pcr_digest, check_selection,
        check_values,
    },
};
use common::{fixture, pem, public, public_area, slices};
use dcap_qvl::TcbStatus;
use serde::Deserialize;

/// When the evidence was made.
const AT: u64 = 1_780_922_561;

#[test]
fn the_td_quote_verifies_inside_its_collaterals_window_only() {
    let Some(azure) = Azure::load() else { return };
    let yaml = fixture("flashbots-attested-tls/azure-collateral-with-ak-intermediates-1780922561.yaml");
    let collateral = serde_saphyr::from_slice(&yaml.unwrap()).unwrap();
    let quote = TdQuote::parse(&azure.quote).unwrap();
    let verify = |at| quote.verify(&collateral, None, at, DebugTd::Refuse);

    let td = verify(AT).unwrap();
    assert_eq!(td.claims.tcb.status, TcbStatus::UpToDate);
    assert!(td.claims.tcb.advisory_ids.is_empty());
    assert_eq!(hex::encode(td.claims.platform.pck.fmspc), "90c06f000000");
    assert_eq!(
        hex::encode(&td.claims.platform.pck.pce_id),
        td.collateral_pce_id.to_lowercase()
    );
    // From the TCB info's `issueDate` to the QE identity's `nextUpdate`.
    let (start, end) = (1_780_918_355, 1_783_510_128);
    assert_eq!(td.claims.earliest_expiration_date, end);
    verify(start).unwrap();
    verify(start - 1).unwrap_err();
    verify(end).unwrap();
    verify(end + 1).unwrap_err();
}

#[test]
fn the_paravisor_leaves_every_rtmr_zero() {
    let Some(azure) = Azure::load() else { return };
    let quote = TdQuote::parse(&azure.quote).unwrap();
    let measured = quote.measurements();
    assert_eq!(measured.rtmrs.map(|rtmr| rtmr.0), [[0; 48]; 4]);
    assert_ne!(measured.mrtd.0, [0; 48]);
    assert_eq!(quote.owner(), &[0; 48]);
}

#[test]
fn the_quote_speaks_for_the_report() {
    let Some(azure) = Azure::load() else { return };
    let quote = TdQuote::parse(&azure.quote).unwrap();
    let report = HclReport::parse(&azure.hcl_report).unwrap();
    report.check_binding(quote.report_data()).unwrap();
    report.check_td_report(&quote).unwrap();

    let settings = &report.variable_data().vm_configuration;
    assert_eq!(settings.vm_unique_id, "3c18c97a-0d2a-4565-969d-166cdcef26a3");
    assert!(settings.secure_boot && settings.tpm_enabled && settings.console_enabled);
    assert!(!settings.tpm_persisted);
    assert_eq!(settings.filtered_vpci_devices_allowed, Some(false));
    assert_eq!(settings.interactive_console_enabled, None);
    report.check_user_data(&[0; 64]).unwrap();
}

#[test]
fn a_report_changed_in_one_byte_of_its_variable_data_is_another() {
    let Some(azure) = Azure::load() else { return };
    let quote = TdQuote::parse(&azure.quote).unwrap();
    let len = HclReport::parse(&azure.hcl_report)
        .unwrap()
        .variable_bytes()
        .len();
    assert_eq!(len, 1196);
    let mut parsed = 0;
    for at in VARIABLE_DATA..VARIABLE_DATA + len {
        let mut bytes = azure.hcl_report.clone();
        bytes[at] ^= 1;
        if let Ok(report) = HclReport::parse(&bytes) {
            parsed += 1;
            let fault = report.check_binding(quote.report_data()).unwrap_err();
            assert!(matches!(fault, HclFault::Binding { .. }), "byte {at}");
            report.check_td_report(&quote).unwrap();
        }
    }
    assert!(parsed > len / 2, "{parsed} of {len} were looked at");
}

/// Its user data replaced by one that names a challenge, the report no longer is what the quote speaks for.
#[test]
fn user_data_cannot_be_put_in_afterwards() {
    let Some(azure) = Azure::load() else { return };
    let quote = TdQuote::parse(&azure.quote).unwrap();
    let wanted = [0x5a; 64];
    let untouched = HclReport::parse(&azure.hcl_report).unwrap();
    let fault = untouched.check_user_data(&wanted).unwrap_err();
    assert!(matches!(fault, HclFault::UserData { .. }));

    let mut bytes = azure.hcl_report.clone();
    let zeros = b"0".repeat(128);
    let at = bytes.windows(128).position(|window| window == zeros).unwrap();
    bytes[at..at + 128].copy_from_slice(hex::encode(wanted).as_bytes());
    let report = HclReport::parse(&bytes).unwrap();
    report.check_user_data(&wanted).unwrap();
    report.check_ak(&azure.ak()).unwrap();
    report.check_binding(quote.report_data()).unwrap_err();
}

/// The TDREPORT inside is nobody's word: changed, it is noticed, and the binding does not depend on it.
#[test]
fn the_td_report_is_compared_field_by_field() {
    let Some(azure) = Azure::load() else { return };
    let quote = TdQuote::parse(&azure.quote).unwrap();
    for (field, offset, len) in [
        ("REPORTDATA", 128, 64),
        ("MRTD", 528, 48),
        ("RTMRs", 720, 192),
        ("MRSEAM", 280, 48),
        ("XFAM", 520, 8),
        ("ATTRIBUTES", 512, 8),
        ("MROWNER", 624, 48),
    ] {
        for at in [offset, offset + len - 1] {
            let mut bytes = azure.hcl_report.clone();
            bytes[TD_REPORT + at] ^= 1;
            let report = HclReport::parse(&bytes).unwrap();
            assert_eq!(report.check_td_report(&quote), Err(HclFault::TdReport(field)));
            report.check_binding(quote.report_data()).unwrap();
        }
    }
}

/// Another Azure machine's report. It fits its own TDREPORT, and nothing of this machine.
#[test]
fn the_report_of_another_machine_fits_neither_quote_nor_key() {
    let (Some(azure), Some(other)) = (Azure::load(), fixture("flashbots-attested-tls/hclreport.bin")) else {
        return;
    };
    let quote = TdQuote::parse(&azure.quote).unwrap();
    let other = HclReport::parse(&other).unwrap();
    other.check_binding(other.td_report().report_data()).unwrap();
    assert!(other.variable_data().vm_configuration.tpm_persisted);

    let binding = other.check_binding(quote.report_data());
    assert!(matches!(binding, Err(HclFault::Binding { .. })), "{binding:?}");
    let key = other.check_ak(&azure.ak());
    assert!(matches!(key, Err(HclFault::Ak { .. })), "{key:?}");
    assert_eq!(
        other.check_td_report(&quote),
        Err(HclFault::TdReport("REPORTDATA"))
    );
}

#[test]
fn the_vtpm_signed_all_24_pcrs_of_the_sha_256_bank() {
    let Some(azure) = Azure::load() else { return };
    let ak = azure.ak();
    let report = HclReport::parse(&azure.hcl_report).unwrap();
    report.check_ak(&ak).unwrap();
    let signature = azure.signature();
    signature.verify(&ak, &azure.attest).unwrap();

    let attest = Attest::parse(&azure.attest).unwrap();
    attest.check_magic().unwrap();
    attest.check_kind().unwrap();
    let quote = attest.quote().unwrap();
    let quoted = PcrSelection::new(HashAlg::Sha256, 0..24);
    assert_eq!(quote.selections, [quoted]);
    assert_eq!(quote.extra_data[..], [0; 32]);
    check_values(&azure.pcrs, quoted).unwrap();
    check_pcr_digest(quote, &signature, &azure.pcrs).unwrap();

    // What a cross-check would need.
    let wanted = PcrSelection::new(HashAlg::Sha384, 0..16);
    let fault = check_selection(quote, wanted).unwrap_err();
    assert!(matches!(fault, QuoteFault::Selection { .. }), "{fault}");
}

#[test]
fn a_changed_attest_signature_or_pcr_fails() {
    let Some(azure) = Azure::load() else { return };
    let (ak, signature) = (azure.ak(), azure.signature());
    for at in 0..azure.attest.len() {
        let mut attest = azure.attest.clone();
        attest[at] ^= 1;
        let fault = signature.verify(&ak, &attest).unwrap_err();
        assert!(matches!(fault, QuoteFault::Signature { .. }), "byte {at}");
    }
    let attest = Attest::parse(&azure.attest).unwrap();
    let quote = attest.quote().unwrap();
    for at in 0..azure.pcrs.len() {
        let mut pcrs = azure.pcrs.clone();
        pcrs[at].value.0[31] ^= 1;
        check_pcr_digest(quote, &signature, &pcrs).unwrap_err();
    }
    let other = fixture("flashbots-attested-tls/hclreport.bin").unwrap();
    let other = public(HclReport::parse(&other).unwrap().ak());
    let fault = signature.verify(&other, &azure.attest).unwrap_err();
    assert!(matches!(fault, QuoteFault::Signature { .. }), "{fault}");
}

#[test]
fn the_ak_certificate_chains_to_azures_root_by_two_intermediates() {
    let Some(azure) = Azure::load() else { return };
    let root = root();
    let verified = azure.verify_chain(&root, AT).unwrap();
    assert_eq!((verified.root, verified.length), (0, 3));
    let certificate = AkCertificate::parse(&azure.ak_certificate).unwrap();
    assert_eq!(verified.not_after, certificate.not_after());
    // Without CRLs: none was captured, and Azure publishes none for the AK's issuer.
    assert_eq!(verified.revocation.uncovered, 3);
    certificate.check_key_usage().unwrap();
    certificate.check_key(&azure.ak()).unwrap();
    certificate.check_azure_confidential().unwrap();
    assert_eq!(certificate.instance(), Err(AkError::NoInstance));

    let (leaf, given) = (&azure.ak_certificate, slices(&azure.intermediates));
    for missing in [&given[..1], &given[1..], &[]] {
        let error = verify_chain(leaf, missing, &[&root], &[], AT);
        assert_eq!(error, Err(AkError::UnknownIssuer));
    }
    let google = fixture("go-tpm-tools/ca-certs/gcp_ek_ak_ca_root.crt").unwrap();
    assert_eq!(azure.verify_chain(&google, AT), Err(AkError::UnknownIssuer));
    let late = azure.verify_chain(&root, verified.not_after + 1);
    assert!(matches!(late, Err(AkError::Expired { .. })), "{late:?}");
    let early = azure.verify_chain(&root, 1_780_876_799);
    assert!(matches!(early, Err(AkError::NotYetValid { .. })), "{early:?}");
    let mut forged = leaf.clone();
    *forged.last_mut().unwrap() ^= 1;
    let forged = verify_chain(&forged, &given, &[&root], &[], AT);
    assert!(matches!(forged, Err(AkError::Chain(_))), "{forged:?}");
}

/// Azure has many intermediates under its root. Those of other pools do not help, and do not harm.
#[test]
fn intermediates_of_other_pools_are_no_part_of_the_chain() {
    let Some(azure) = Azure::load() else { return };
    let others = ["01", "03"]
        .map(|number| pem(&fixture(&format!("openpcc/azure_tpm_intermediate_{number}.pem")).unwrap()));
    let (leaf, root) = (&azure.ak_certificate, root());
    let alone = verify_chain(leaf, &slices(&others), &[&root], &[], AT);
    assert_eq!(alone, Err(AkError::UnknownIssuer));
    for other in &others {
        let all = [other, &azure.intermediates[0], &azure.intermediates[1]];
        let verified = verify_chain(leaf, &all.map(Vec::as_slice), &[&root], &[], AT).unwrap();
        assert_eq!(verified.length, 3);
    }
}

/// What the fixtures' README says of it, check by check: it holds together, and proves no challenge and no boot.
#[test]
fn the_whole_appraisal_fails_the_challenge_and_the_cross_check_and_nothing_else() {
    let Some(azure) = Azure::load() else { return };
    let yaml = fixture("flashbots-attested-tls/azure-collateral-with-ak-intermediates-1780922561.yaml");
    let bundle = azure.bundle();
    let named = &bundle.evidence.anchor;
    let endorsements = Endorsements {
        version: 1,
        anchor: AnchorClaim {
            chain_id: named.chain_id,
            registry: named.registry,
            number: named.block_number,
            hash: named.block_hash,
            timestamp: AT - 900,
        },
        tdx_collateral: Some(serde_saphyr::from_slice(&yaml.unwrap()).unwrap()),
        provider_crls: Vec::new(),
        host_registry: Vec::new(),
    };
    let policy = format!(
        "version = 1\nname = \"azure\"\nparavisor_reaches = \"quote\"\n[[provider]]\nid = 2\nname = \"Azure\"\n\
         profile = \"azure-paravisor\"\nroots = [\"{}\"]",
        STANDARD.encode(root())
    );
    let policy = Policy::from_toml(&policy).unwrap();
    let appraisal = appraise(&bundle, &endorsements, &policy, AT).unwrap();

    let failed: Vec<_> = appraisal.failed().map(|check| check.id).collect();
    assert_eq!(
        failed,
        [
            CheckId::ReportData,
            CheckId::QualifyingData,
            CheckId::Consent,
            CheckId::PcrReplay,
            CheckId::CrossConfiguration,
            CheckId::CrossLoader,
            CheckId::CrossSystem,
            CheckId::Pcr0,
            CheckId::Workload,
        ]
    );
    for id in [
        CheckId::TdQuote,
        CheckId::TdTcb,
        CheckId::TdPceId,
        CheckId::HclReport,
        CheckId::HclAk,
        CheckId::Paravisor,
        CheckId::TpmQuoteForm,
        CheckId::TpmSignature,
        CheckId::TpmSelection,
        CheckId::TpmPcrDigest,
        CheckId::AkChain,
        CheckId::AkKeyUsage,
        CheckId::AkKey,
        CheckId::AkInstance,
    ] {
        let check = appraisal.checks.iter().find(|check| check.id == id).unwrap();
        assert_eq!(check.outcome, Outcome::Pass, "{check:?}");
    }
    assert_eq!(appraisal.verdict.binding, Binding::None);
    assert_eq!(appraisal.result.provider, 2);

    let strict = Policy {
        paravisor_reaches: ParavisorReach::None,
        ..policy
    };
    let appraisal = appraise(&bundle, &endorsements, &strict, AT).unwrap();
    assert!(appraisal.failed().any(|check| check.id == CheckId::Paravisor));
}

struct Azure {
    quote: Vec<u8>,
    hcl_report: Vec<u8>,
    ak_certificate: Vec<u8>,
    intermediates: Vec<Vec<u8>>,
    attest: Vec<u8>,
    rsa_signature: Vec<u8>,
    pcrs: Vec<PcrValue>,
}

impl Azure {
    fn load() -> Option<Self> {
        let yaml = fixture("flashbots-attested-tls/azure-tdx-with-ak-intermediates-1780922561.yaml")?;
        let document: Document = serde_saphyr::from_slice(&yaml).unwrap();
        let tpm = document.tpm_attestation;
        let intermediates = tpm.ak_intermediate_certificates_pem.iter();
        let pcrs = (0..).zip(tpm.quote.pcrs);
        Some(Self {
            quote: URL_SAFE.decode(document.tdx_quote_base64).unwrap(),
            hcl_report: URL_SAFE.decode(document.hcl_report_base64).unwrap(),
            ak_certificate: pem(tpm.ak_certificate_pem.as_bytes()),
            intermediates: intermediates.map(|text| pem(text.as_bytes())).collect(),
            attest: tpm.quote.message,
            rsa_signature: tpm.quote.signature,
            pcrs: pcrs
                .map(|(index, value)| PcrValue {
                    index,
                    value: Base64(value),
                })
                .collect(),
        })
    }

    /// The certified key in a public area made here: the fixture has none.
    fn ak(&self) -> Public {
        public(
            &AkCertificate::parse(&self.ak_certificate)
                .unwrap()
                .public_key()
                .unwrap(),
        )
    }

    /// All of it as a bundle, as far as a bundle can be made of it: nobody signed it, and it has no event log.
    fn bundle(&self) -> Bundle {
        let len = u16::try_from(self.rsa_signature.len()).unwrap().to_be_bytes();
        let certificates = [
            slices(std::slice::from_ref(&self.ak_certificate)),
            slices(&self.intermediates),
        ];
        Bundle::unsigned(Evidence {
            version: 1,
            operator: Address::repeat_byte(1),
            disclosure: Disclosure::Public,
            anchor: Anchor {
                chain_id: 1,
                registry: Address::repeat_byte(2),
                block_number: 3,
                block_hash: B256::repeat_byte(4),
            },
            session_key_hash: B256::ZERO,
            tee: Tee::Tdx {
                quote: self.quote.clone().into(),
                ccel: None,
                hcl_report: Some(self.hcl_report.clone().into()),
            },
            tpm: Some(Tpm {
                ak_public: public_area(&self.ak().key).into(),
                attest: self.attest.clone().into(),
                signature: [&[0x00, 0x14, 0x00, 0x0b], &len[..], &self.rsa_signature]
                    .concat()
                    .into(),
                pcrs: self.pcrs.clone(),
                event_log: None,
                ak_certificates: certificates
                    .concat()
                    .into_iter()
                    .map(|der| der.to_vec().into())
                    .collect(),
                iak_certification: None,
                registrar_statement: None,
                drtm_log: None,
            }),
            custody: Custody::default(),
            logs: Vec::new(),
        })
        .unwrap()
    }

    /// The bare signature as the `TPMT_SIGNATURE` it was: RSASSA with SHA-256.
    fn signature(&self) -> Signature {
        let len = u16::try_from(self.rsa_signature.len()).unwrap().to_be_bytes();
        Signature::parse(&[&[0x00, 0x14, 0x00, 0x0b], &len[..], &self.rsa_signature].concat()).unwrap()
    }

    fn verify_chain(&self, root: &[u8], at: u64) -> Result<VerifiedAk, AkError> {
        verify_chain(
            &self.ak_certificate,
            &slices(&self.intermediates),
            &[root],
            &[],
            at,
        )
    }
}

fn root() -> Vec<u8> {
    pem(&fixture("openpcc/azure_tpm_root_2023.pem").unwrap())
}

/// As the project `attested-tls` writes it.
#[derive(Deserialize)]
struct Document {
    tdx_quote_base64: String,
    hcl_report_base64: String,
    tpm_attestation: TpmAttestation,
}

#[derive(Deserialize)]
struct TpmAttestation {
    ak_certificate_pem: String,
    ak_intermediate_certificates_pem: Vec<String>,
    quote: TpmQuote,
}

#[derive(Deserialize)]
struct TpmQuote {
    /// The number alone, 256 bytes.
    signature: Vec<u8>,
    /// `TPMS_ATTEST`.
    message: Vec<u8>,
    /// PCR 0 to 23.
    pcrs: Vec<Vec<u8>>,
}

/// Offsets in the report.
const TD_REPORT: usize = 32;
const VARIABLE_DATA: usize = 1236;
