//! From sources to a bundle, in the order that binds one to the next.

use alloy::signers::{SignerSync, local::PrivateKeySigner};
use alloy_primitives::{Address, B256};
use chassis_verifier::{
    bundle::{Anchor, Bundle, Disclosure, Evidence, Tee, Tpm},
    challenge::{AkName, challenge, report_data},
    enrolment_hash,
};

use crate::{CustodyClaims, Error, EventLogs, Subject, TdQuoter, TpmQuoter};

/// Where evidence comes from.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// The TD.
    pub td: &'a dyn TdQuoter,
    /// The TPM. Without it, binding is at most `Quote`.
    pub tpm: Option<&'a dyn TpmQuoter>,
    /// The measured-boot records of both.
    pub logs: &'a dyn EventLogs,
    /// What others say of this machine.
    pub claims: &'a dyn CustodyClaims,
}

/// Whom and what the evidence is about.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// The finalized block to make it after.
    pub anchor: Anchor,
    /// The address to be attested.
    pub operator: Address,
    /// SHA-256 of a `SubjectPublicKeyInfo` held in this TD; zero if none.
    pub session_key_hash: B256,
    /// Who may read the bundle in an archive.
    pub disclosure: Disclosure,
}

/// Collects evidence: challenge, AK name, TD quote over both, TPM quote over the TD quote.
///
/// The TD quote names the TPM's key and the TPM's quote names the TD quote; neither can be made first and kept for later,
/// because both name the anchor.
///
/// # Errors
/// If a source does not answer. Nothing is left out silently.
pub fn collect(sources: &Sources<'_>, request: &Request) -> Result<Evidence, Error> {
    let challenge = challenge(&request.anchor, request.operator);
    let key = sources.tpm.map(TpmQuoter::attestation_key).transpose()?;
    let ak_name = key.as_ref().map_or(AkName::NONE, crate::AttestationKey::name);
    let report_data = report_data(challenge, ak_name, request.session_key_hash);
    let td = sources.td.quote(report_data)?;
    let tpm = match (sources.tpm, key) {
        (Some(tpm), Some(key)) => {
            let subject = Subject {
                anchor: &request.anchor,
                operator: request.operator,
                td_quote: &td.quote,
            };
            let quote = tpm.quote(&key, &subject)?;
            // A host's TPM measured the host's launch, a paravisor's has nothing to be compared with: no boot log is about
            // either.
            let (event_log, statement, drtm_log) = match key.host {
                None if td.hcl_report.is_some() => (None, None, None),
                None => (Some(sources.logs.tpm_log()?), None, None),
                Some(host) => (None, Some(host.registrar_statement), Some(host.drtm_log)),
            };
            Some(Tpm {
                ak_public: key.public.into(),
                attest: quote.attest.into(),
                signature: quote.signature.into(),
                pcrs: quote.pcrs,
                event_log: event_log.map(Into::into),
                iak_certification: None,
                ak_certificates: key.certificates.into_iter().map(Into::into).collect(),
                registrar_statement: statement.map(Into::into),
                drtm_log: drtm_log.map(Into::into),
            })
        }
        _ => None,
    };
    let ccel = match td.hcl_report {
        Some(_) => None,
        None => Some(sources.logs.ccel()?.into()),
    };
    Ok(Evidence {
        version: 1,
        operator: request.operator,
        disclosure: request.disclosure,
        anchor: request.anchor,
        session_key_hash: request.session_key_hash,
        tee: Tee::Tdx {
            ccel,
            quote: td.quote.into(),
            hcl_report: td.hcl_report.map(Into::into),
        },
        tpm,
        custody: sources.claims.custody()?,
        logs: Vec::new(),
    })
}

/// Signs the operator's consent to be attested on `evidence`.
///
/// # Errors
/// If `operator` is not the key of the address that the evidence names.
pub fn consent(evidence: Evidence, operator: &PrivateKeySigner) -> Result<Bundle, Error> {
    let (mut bundle, hash) = unsigned(evidence, operator.address())?;
    let signature = operator
        .sign_hash_sync(&hash)
        .map_err(|error| Error::Key(error.to_string()))?;
    bundle.consent = signature.as_bytes().to_vec().into();
    Ok(bundle)
}

/// A bundle that `operator` has not signed yet, and the digest to sign.
pub(crate) fn unsigned(evidence: Evidence, operator: Address) -> Result<(Bundle, B256), Error> {
    if operator != evidence.operator {
        return Err(Error::Key(format!(
            "it is the key of {operator}, the evidence is about {}",
            evidence.operator
        )));
    }
    let bundle = Bundle::unsigned(evidence)?;
    let hash = enrolment_hash(&bundle.evidence.anchor, bundle.digest);
    Ok((bundle, hash))
}
