//! What Intel has signed, verified before it is kept: a forged answer must not push out a genuine one.
//!
//! The appraisal verifies all of it again, at its own time.

use chassis_verifier::ak::verify_chain;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_FIXED, UnparsedPublicKey, VerificationAlgorithm,
};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use x509_parser::{
    certificate::X509Certificate, prelude::FromDer, revocation_list::CertificateRevocationList,
    time::ASN1Time,
};

use super::cache::Worth;

/// Verifies `signature` (`r ‖ s`) over `message` by the first certificate of `chain` (PEM), which must lead to `root`.
pub(super) fn verify_message(
    chain: &str,
    root: &[u8],
    at: u64,
    message: &[u8],
    signature: &[u8],
) -> Result<(), String> {
    let key = leaf_key(chain, root, at)?;
    verify(&ECDSA_P256_SHA256_FIXED, &key, message, signature)
}

/// Verifies a CRL by the first certificate of `chain` (PEM), a CA right below `root`, and that it is in date.
pub(super) fn verify_crl(der: &[u8], chain: &str, root: &[u8], at: u64) -> Result<Worth, String> {
    crl_by(der, &ca_key(chain, root, at)?, at)
}

/// Verifies a CRL by `root` itself (DER), and that it is in date.
pub(super) fn verify_root_crl(der: &[u8], root: &[u8], at: u64) -> Result<Worth, String> {
    crl_by(der, &key_of(root)?, at)
}

/// A CRL's dates. Whose it is, the appraisal finds out: only the evidence has its issuer. So its number counts for nothing
/// here: a garbled one would bar all that come after it.
pub(super) fn read_crl(der: &[u8], at: u64) -> Result<Worth, String> {
    Ok(Worth {
        number: 0,
        ..worth(&parse(der)?, at)?
    })
}

fn crl_by(der: &[u8], key: &[u8], at: u64) -> Result<Worth, String> {
    let crl = parse(der)?;
    verify(
        &ECDSA_P256_SHA256_ASN1,
        key,
        crl.tbs_cert_list.as_ref(),
        &crl.signature_value.data,
    )?;
    worth(&crl, at)
}

fn parse(der: &[u8]) -> Result<CertificateRevocationList<'_>, String> {
    match CertificateRevocationList::from_der(der) {
        Ok(([], crl)) => Ok(crl),
        Ok((rest, _)) => Err(format!("CRL: {} trailing bytes", rest.len())),
        Err(error) => Err(format!("CRL: {error}")),
    }
}

fn worth(crl: &CertificateRevocationList<'_>, at: u64) -> Result<Worth, String> {
    let until = crl
        .next_update()
        .and_then(|time| u64::try_from(time.timestamp()).ok());
    let until = until.ok_or("the CRL has no nextUpdate")?;
    in_date(until, at)?;
    let number = crl.crl_number().and_then(|number| u64::try_from(number).ok());
    Ok(Worth {
        until,
        number: number.unwrap_or(0),
    })
}

/// What is out of date on arrival is no answer.
pub(super) fn in_date(until: u64, at: u64) -> Result<(), String> {
    if until > at {
        Ok(())
    } else {
        Err(format!("expired {} s ago: the source is stale", at - until))
    }
}

fn leaf_key(chain: &str, root: &[u8], at: u64) -> Result<Vec<u8>, String> {
    let chain = certificates(chain)?;
    let (leaf, issuers) = chain.split_first().ok_or("issuer chain: no certificate")?;
    let issuers: Vec<_> = issuers.iter().map(AsRef::as_ref).collect();
    verify_chain(leaf, &issuers, &[root], &[], at).map_err(|error| format!("issuer chain: {error}"))?;
    key_of(leaf)
}

/// Of a CA, for which webpki, which wants an end entity, has no path.
fn ca_key(chain: &str, root: &[u8], at: u64) -> Result<Vec<u8>, String> {
    let chain = certificates(chain)?;
    let ca = chain.first().ok_or("issuer chain: no certificate")?;
    let parsed = parse_certificate(ca)?;
    verify(
        &ECDSA_P256_SHA256_ASN1,
        &key_of(root)?,
        parsed.tbs_certificate.as_ref(),
        &parsed.signature_value.data,
    )
    .map_err(|error| format!("issuer chain: {error}"))?;
    let at =
        ASN1Time::from_timestamp(i64::try_from(at).unwrap_or(i64::MAX)).map_err(|error| error.to_string())?;
    if !parsed.is_ca() || !parsed.validity().is_valid_at(at) {
        return Err("issuer chain: no CA's certificate, or out of date".into());
    }
    key_of(ca)
}

fn certificates(chain: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(chain.as_bytes())
        .take(MOST_CERTIFICATES + 1)
        .collect::<Result<_, _>>()
        .map_err(|error| format!("issuer chain: {error}"))?;
    if certificates.len() > MOST_CERTIFICATES {
        return Err(format!(
            "issuer chain: more than {MOST_CERTIFICATES} certificates"
        ));
    }
    Ok(certificates)
}

fn key_of(certificate: &[u8]) -> Result<Vec<u8>, String> {
    Ok(parse_certificate(certificate)?
        .public_key()
        .subject_public_key
        .data
        .to_vec())
}

fn parse_certificate(der: &[u8]) -> Result<X509Certificate<'_>, String> {
    let (_, certificate) =
        X509Certificate::from_der(der).map_err(|error| format!("issuer certificate: {error}"))?;
    Ok(certificate)
}

fn verify(
    algorithm: &'static dyn VerificationAlgorithm,
    key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<(), String> {
    UnparsedPublicKey::new(algorithm, key)
        .verify(message, signature)
        .map_err(|_| "the signature is not its issuer's".to_owned())
}

/// Intel's chains have two.
const MOST_CERTIFICATES: usize = 4;
