//! Which CRLs speak about a path.

use webpki::{
    BorrowedCertRevocationList, CertRevocationList, ExpirationPolicy, RevocationCheckDepth,
    RevocationOptions, RevocationOptionsBuilder, UnknownStatusPolicy,
};
use x509_parser::{certificate::X509Certificate, extensions::ParsedExtension};

use super::{AkCertificate, AkError, crl::CrlHead};

/// What the CRLs at hand covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// Certificates on the path, root not included, whose issuer's CRL was not at hand. Google publishes none for the
    /// issuers of its newer AK certificates.
    pub uncovered: usize,
    /// First `nextUpdate` of the CRLs that were used, Unix seconds.
    pub until: Option<u64>,
}

/// The CRLs of one path's issuers, the latest of each first.
pub(super) struct Crls<'a> {
    pub(super) lists: Vec<CertRevocationList<'a>>,
    pub(super) coverage: Revocation,
}

impl<'a> Crls<'a> {
    /// Chooses from `ders` those that issuers of `path` signed; `path` is from leaf to root, each issued by the next.
    ///
    /// Hazard: Google's intermediates all have one name and differ by key, so a name alone would match the CRL of
    /// another issuer. Key identifiers tell them apart where both sides have them.
    pub(super) fn for_path(ders: &[&'a [u8]], path: &[&AkCertificate<'_>]) -> Result<Self, AkError> {
        let mut parsed = ders
            .iter()
            .enumerate()
            .map(|(index, der)| parse(index, der))
            .collect::<Result<Vec<_>, _>>()?;
        // webpki asks the first list that fits.
        parsed.sort_by_key(|(head, _)| std::cmp::Reverse(head.this_update));

        let issuers = path.get(1..).unwrap_or_default();
        let covered = issuers
            .iter()
            .filter(|issuer| {
                parsed
                    .iter()
                    .any(|(head, list)| is_whole(list) && is_from(head, issuer.x509()))
            })
            .count();
        parsed.retain(|(head, _)| issuers.iter().any(|issuer| is_from(head, issuer.x509())));
        let until = parsed.iter().map(|(head, _)| head.next_update).min();
        Ok(Self {
            lists: parsed.into_iter().map(|(_, list)| list).collect(),
            coverage: Revocation {
                uncovered: issuers.len() - covered,
                until,
            },
        })
    }
}

/// Every certificate of the path is looked up, a list out of date fails, a certificate without a list passes. `None`
/// without any list.
pub(super) fn options<'a>(lists: &'a [&'a CertRevocationList<'a>]) -> Option<RevocationOptions<'a>> {
    let options = RevocationOptionsBuilder::new(lists).ok()?;
    Some(
        options
            .with_depth(RevocationCheckDepth::Chain)
            .with_status_policy(UnknownStatusPolicy::Allow)
            .with_expiration_policy(ExpirationPolicy::Enforce)
            .build(),
    )
}

fn parse(index: usize, der: &[u8]) -> Result<(CrlHead<'_>, CertRevocationList<'_>), AkError> {
    let error = |problem: String| AkError::Crl { index, problem };
    let list = BorrowedCertRevocationList::from_der(der).map_err(|cause| error(cause.to_string()))?;
    let head = CrlHead::parse(der).map_err(|cause| error(cause.to_string()))?;
    Ok((head, list.into()))
}

fn is_from(list: &CrlHead<'_>, issuer: &X509Certificate<'_>) -> bool {
    let key = issuer
        .iter_extensions()
        .find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0),
            _ => None,
        });
    let same_key = list.signer.zip(key).is_none_or(|(signer, key)| signer == key);
    same_key && list.issuer == issuer.subject().as_raw()
}

/// Without an `issuingDistributionPoint` a list speaks for all certificates of its issuer.
fn is_whole(list: &CertRevocationList<'_>) -> bool {
    list.issuing_distribution_point().is_none()
}
