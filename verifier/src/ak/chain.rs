//! The path from the AK's certificate to a pinned root (RFC 5280 §6), by `rustls-webpki`.

use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, ExtendedKeyUsageValidator, KeyPurposeIdIter, VerifiedPath};

use super::{
    AkCertificate, AkError, Revocation,
    certificate::CERTIFICATE_LIMIT,
    revocation::{self, Crls},
};
use crate::memo::all_algorithms;

/// Most intermediates looked at. Google's and Azure's chains have one or two. Path search tries every order of
/// same-named certificates, so its time grows with the factorial of this.
pub const INTERMEDIATES_LIMIT: usize = 3;

/// What a verified path says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedAk {
    /// The root that verified, by its place in the list. Which provider it is, and whether the TPM is a vTPM or a
    /// host's, follows from this and nothing else. Of roots with one name and key, as a renewed one has them, the one in
    /// date that ends last.
    pub root: usize,
    /// Certificates on the path, leaf included, root not.
    pub length: usize,
    /// When the first certificate on the path expires, root included: Unix seconds.
    pub not_after: u64,
    /// What the CRLs covered.
    pub revocation: Revocation,
}

/// Verifies `leaf` up to one of `roots` at the time `at` (Unix seconds), by way of `intermediates` in any order.
///
/// All are DER. Checked are signatures, validity (the root's too), basic constraints, path lengths, name constraints,
/// issuers' `keyCertSign`, unknown critical extensions, and revocation as far as `crls` reach. A CRL that speaks for an
/// issuer on the path must be its own and in date. Extended key usage is not looked at: Google's older AK certificates
/// say `tcg-kp-EKCertificate`, the newer ones say nothing.
///
/// # Errors
/// If there is no such path, or a root or CRL cannot be used.
pub fn verify_chain(
    leaf: &[u8],
    intermediates: &[&[u8]],
    roots: &[&[u8]],
    crls: &[&[u8]],
    at: u64,
) -> Result<VerifiedAk, AkError> {
    read(leaf)?.verify_chain(intermediates, roots, crls, at)
}

impl AkCertificate<'_> {
    /// [`verify_chain`], of a certificate that has been read.
    ///
    /// # Errors
    /// As there.
    pub fn verify_chain(
        &self,
        intermediates: &[&[u8]],
        roots: &[&[u8]],
        crls: &[&[u8]],
        at: u64,
    ) -> Result<VerifiedAk, AkError> {
        if intermediates.len() > INTERMEDIATES_LIMIT {
            return Err(AkError::TooManyIntermediates {
                count: intermediates.len(),
                limit: INTERMEDIATES_LIMIT,
            });
        }
        if let Some(large) = intermediates.iter().find(|der| der.len() > CERTIFICATE_LIMIT) {
            return Err(AkError::Chain(format!(
                "a certificate of {} bytes, at most {CERTIFICATE_LIMIT} are looked at",
                large.len()
            )));
        }
        let leaf = CertificateDer::from(self.der());
        let leaf = EndEntityCert::try_from(&leaf).map_err(AkError::from_webpki)?;
        let given: Vec<_> = intermediates
            .iter()
            .map(|der| CertificateDer::from(*der))
            .collect();
        let root_ders: Vec<_> = roots.iter().map(|der| CertificateDer::from(*der)).collect();
        let anchors = trust_anchors(&root_ders)?;

        let path = find_path(&leaf, &given, &anchors, at, None)?;
        let root = latest_root(path.anchor(), &anchors, &root_ders, at)?;
        let used: Vec<_> = path.intermediate_certificates().map(webpki::Cert::der).collect();
        let issuers = issuers(&used, &root_ders[root])?;
        for issuer in &issuers {
            issuer.check_issuer()?;
        }
        // A trust anchor is a name and a key to webpki, without dates.
        issuers.last().map_or(Ok(()), |root| root.check_validity(at))?;

        let subjects: Vec<_> = std::iter::once(self).chain(&issuers).collect();
        let crls = Crls::for_path(crls, &subjects)?;
        let lists: Vec<_> = crls.lists.iter().collect();
        if let Some(options) = revocation::options(&lists) {
            // Only the certificates of the path found: with others at hand, the search would walk around a revoked one.
            find_path(&leaf, &used, &anchors[root..=root], at, Some(options))?;
        }
        Ok(VerifiedAk {
            root,
            length: used.len() + 1,
            not_after: subjects.iter().map(|cert| cert.not_after()).min().unwrap_or(0),
            revocation: crls.coverage,
        })
    }
}

fn trust_anchors<'a>(roots: &'a [CertificateDer<'_>]) -> Result<Vec<TrustAnchor<'a>>, AkError> {
    let anchor = |(index, der): (usize, &'a CertificateDer<'_>)| {
        webpki::anchor_from_trusted_cert(der).map_err(|error| AkError::Root {
            index,
            problem: error.to_string(),
        })
    };
    roots.iter().enumerate().map(anchor).collect()
}

/// A trust anchor is a name and a key to webpki, so a root and its renewal are one: by which of them the path ends is chosen
/// here.
fn latest_root(
    found: &TrustAnchor<'_>,
    anchors: &[TrustAnchor<'_>],
    ders: &[CertificateDer<'_>],
    at: u64,
) -> Result<usize, AkError> {
    let mut best = None;
    for (index, der) in ders.iter().enumerate() {
        if anchors.get(index) != Some(found) {
            continue;
        }
        let root = read(der)?;
        let rank = (root.check_validity(at).is_ok(), root.not_after());
        if best.is_none_or(|(_, known)| rank > known) {
            best = Some((index, rank));
        }
    }
    best.map(|(index, _)| index).ok_or(AkError::UnknownIssuer)
}

/// What a pinned root is to [`verify_chain`]: its name and its key, whatever its dates.
///
/// # Errors
/// If it could not be used there, in words.
pub(crate) fn root_identity(der: &[u8]) -> Result<[Vec<u8>; 2], String> {
    AkCertificate::parse(der).map_err(|error| error.problem)?;
    let der = CertificateDer::from(der);
    let anchor = webpki::anchor_from_trusted_cert(&der).map_err(|error| error.to_string())?;
    Ok([anchor.subject.to_vec(), anchor.subject_public_key_info.to_vec()])
}

fn find_path<'p>(
    leaf: &'p EndEntityCert<'p>,
    intermediates: &'p [CertificateDer<'p>],
    anchors: &'p [TrustAnchor<'p>],
    at: u64,
    revocation: Option<webpki::RevocationOptions<'_>>,
) -> Result<VerifiedPath<'p>, AkError> {
    leaf.verify_for_usage(
        &all_algorithms(),
        anchors,
        intermediates,
        UnixTime::since_unix_epoch(std::time::Duration::from_secs(at)),
        AnyPurpose,
        revocation,
        None,
    )
    .map_err(AkError::from_webpki)
}

/// The issuers on the path, from the leaf's up to and including the root.
fn issuers<'a>(
    intermediates: &'a [CertificateDer<'_>],
    root: &'a CertificateDer<'_>,
) -> Result<Vec<AkCertificate<'a>>, AkError> {
    intermediates.iter().chain([root]).map(|der| read(der)).collect()
}

fn read(der: &[u8]) -> Result<AkCertificate<'_>, AkError> {
    AkCertificate::parse(der).map_err(|error| AkError::Chain(error.to_string()))
}

/// Accepts every extended key usage that can be read.
struct AnyPurpose;

impl ExtendedKeyUsageValidator for AnyPurpose {
    fn validate(&self, mut purposes: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        purposes.try_for_each(|purpose| purpose.map(drop))
    }
}
