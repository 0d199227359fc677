//! Is it this machine? Checks 204 and 301 to 305: the TPM's quote.

use super::{checks::Checks, fresh::evidence_challenge, without_tpm};
use crate::{
    Check, CheckId, ParseError, Profile,
    bundle::{self, Evidence, PcrValue},
    challenge::{AkName, qualifying_data},
    claims::RegistrarStatement,
    eventlog::DrtmLog,
    host::demanded_selection,
    tpm::{
        Attest, HashAlg, PcrSelection, Public, Quote, QuoteFault, Signature, check_pcr_digest,
        check_selection, check_values,
    },
};

const CHECKS: &[CheckId] = &[
    CheckId::QualifyingData,
    CheckId::TpmQuoteForm,
    CheckId::TpmSignature,
    CheckId::TpmSelection,
    CheckId::TpmPcrDigest,
    CheckId::AkAttributes,
];

/// The TPM's part of a bundle, parsed.
pub(super) struct Tpm<'a> {
    pub(super) ak: Public,
    pub(super) certificates: Vec<&'a [u8]>,
    /// Of a host's TPM: what an IAK says about the key.
    pub(super) iak: Option<IakCertification<'a>>,
    /// Of a host's TPM: what a registrar says about the key.
    pub(super) registrar: Option<RegistrarStatement>,
    /// Of a host's TPM: what its dynamic launch measured.
    pub(super) drtm: Option<DrtmLog<'a>>,
    attest_bytes: &'a [u8],
    attest: Attest,
    signature: Signature,
    pcrs: &'a [PcrValue],
}

/// That an initial attestation key certifies the AK.
pub(super) struct IakCertification<'a> {
    pub(super) iak: Public,
    pub(super) attest_bytes: &'a [u8],
    pub(super) attest: Attest,
    pub(super) signature: Signature,
}

impl<'a> IakCertification<'a> {
    fn parse(certification: &'a bundle::IakCertification) -> Result<Self, ParseError> {
        Ok(Self {
            iak: Public::parse(&certification.iak_public)?,
            attest_bytes: &certification.attest,
            attest: Attest::parse(&certification.attest)?,
            signature: Signature::parse(&certification.signature)?,
        })
    }
}

impl<'a> Tpm<'a> {
    pub(super) fn parse(tpm: &'a bundle::Tpm) -> Result<Self, ParseError> {
        Ok(Self {
            ak: Public::parse(&tpm.ak_public)?,
            certificates: tpm.ak_certificates.iter().map(|der| &**der).collect(),
            iak: tpm
                .iak_certification
                .as_ref()
                .map(IakCertification::parse)
                .transpose()?,
            registrar: tpm
                .registrar_statement
                .as_ref()
                .map(|statement| RegistrarStatement::parse(statement))
                .transpose()?,
            drtm: tpm.drtm_log.as_ref().map(|log| DrtmLog::parse(log)).transpose()?,
            attest_bytes: &tpm.attest,
            attest: Attest::parse(&tpm.attest)?,
            signature: Signature::parse(&tpm.signature)?,
            pcrs: &tpm.pcrs,
        })
    }

    /// The AK's name; none where its `nameAlg` is not SHA-256, which the attributes check refuses.
    pub(super) fn ak_name(&self) -> AkName {
        self.ak.name().unwrap_or(AkName::NONE)
    }

    /// A PCR's value as the bundle gives it. Trust it only with the quote's checks.
    pub(super) fn pcr(&self, index: usize) -> Option<&'a [u8]> {
        self.pcrs
            .iter()
            .find(|pcr| usize::from(pcr.index) == index)
            .map(|pcr| &*pcr.value)
    }
}

pub(super) fn check(tpm: Option<&Tpm<'_>>, evidence: &Evidence, wanted: PcrSelection, checks: &mut Checks) {
    let Some(tpm) = tpm else {
        without_tpm(CHECKS, checks);
        return;
    };
    let form = tpm.attest.check_magic().and_then(|()| tpm.attest.check_kind());
    checks.push(Check::from_result(CheckId::TpmQuoteForm, form, "a TPM's quote"));
    checks.push(Check::from_result(
        CheckId::TpmSignature,
        tpm.signature.verify(&tpm.ak, tpm.attest_bytes),
        "signed by the attestation key",
    ));
    checks.push(attributes_check(&tpm.ak));
    let Some(quote) = tpm.attest.quote() else {
        for id in [
            CheckId::QualifyingData,
            CheckId::TpmSelection,
            CheckId::TpmPcrDigest,
        ] {
            checks.push(Check::not_applicable(id, "the attest is not a quote"));
        }
        return;
    };
    checks.push(qualifying_data_check(quote, evidence));
    checks.push(Check::from_result(
        CheckId::TpmSelection,
        check_selection(quote, wanted),
        &wanted.to_string(),
    ));
    checks.push(Check::from_result(
        CheckId::TpmPcrDigest,
        pcr_digest(tpm, quote, wanted),
        "the values are the quoted ones",
    ));
}

/// What the TPM must sign.
///
/// RTMRs are SHA-384, so a vTPM that is to be compared with them must sign that bank: digests beside another bank's quote
/// are anybody's words. A paravisor leaves RTMRs zero, so there its bank does not matter. A host quotes its launch, in the
/// policy's bank.
pub(super) fn demanded(profile: Profile, host_bank: HashAlg) -> PcrSelection {
    match profile {
        Profile::GoogleVtpm => PcrSelection::new(HashAlg::Sha384, 0..16),
        Profile::AzureParavisor => PcrSelection::new(HashAlg::Sha256, 0..24),
        Profile::BareMetal => demanded_selection(host_bank),
    }
}

fn pcr_digest(tpm: &Tpm<'_>, quote: &Quote, wanted: PcrSelection) -> Result<(), QuoteFault> {
    check_values(tpm.pcrs, wanted)?;
    check_pcr_digest(quote, &tpm.signature, tpm.pcrs)
}

fn attributes_check(ak: &Public) -> Check {
    match ak.violations().as_slice() {
        [] => Check::pass(
            CheckId::AkAttributes,
            "restricted signing key, made in its TPM and fixed to it",
        ),
        violations => Check::fail(CheckId::AkAttributes, violations.join("; ")),
    }
}

fn qualifying_data_check(quote: &Quote, evidence: &Evidence) -> Check {
    let bundle::Tee::Tdx { quote: td_quote, .. } = &evidence.tee;
    let expected = qualifying_data(evidence_challenge(evidence), td_quote);
    if quote.extra_data[..] == expected {
        Check::pass(
            CheckId::QualifyingData,
            "the TPM quote names this challenge and this TD quote",
        )
    } else {
        let text = format!(
            "extraData is {}, this challenge and TD quote need {}",
            hex::encode(&quote.extra_data),
            hex::encode(expected)
        );
        Check::fail(CheckId::QualifyingData, text)
    }
}
