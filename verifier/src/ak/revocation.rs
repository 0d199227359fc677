//! Which CRLs speak about a path.

use webpki::{
    BorrowedCertRevocationList, CertRevocationList, ExpirationPolicy, RevocationCheckDepth,
    RevocationOptions, RevocationOptionsBuilder, UnknownStatusPolicy,
};
use x509_parser::{
    certificate::X509Certificate, extensions::ParsedExtension, prelude::FromDer,
    revocation_list::CertificateRevocationList,
};

use super::{AkCertificate, AkError, certificate::unix};

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
        parsed.sort_by_key(|(list, _)| std::cmp::Reverse(list.last_update().timestamp()));

        let issuers = path.get(1..).unwrap_or_default();
        let covered = issuers
            .iter()
            .filter(|issuer| {
                parsed
                    .iter()
                    .any(|(list, _)| is_whole(list) && is_from(list, issuer.x509()))
            })
            .count();
        parsed.retain(|(list, _)| issuers.iter().any(|issuer| is_from(list, issuer.x509())));
        let until = parsed.iter().filter_map(|(list, _)| list.next_update()).min();
        Ok(Self {
            lists: parsed.into_iter().map(|(_, list)| list).collect(),
            coverage: Revocation {
                uncovered: issuers.len() - covered,
                until: until.map(|time| unix(time.timestamp())),
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

type Parsed<'a> = (CertificateRevocationList<'a>, CertRevocationList<'a>);

fn parse(index: usize, der: &[u8]) -> Result<Parsed<'_>, AkError> {
    let error = |problem: String| AkError::Crl { index, problem };
    let (_, list) = CertificateRevocationList::from_der(der).map_err(|cause| error(cause.to_string()))?;
    let checked = BorrowedCertRevocationList::from_der(der).map_err(|cause| error(cause.to_string()))?;
    Ok((list, checked.into()))
}

fn is_from(list: &CertificateRevocationList<'_>, issuer: &X509Certificate<'_>) -> bool {
    let signed_by = list
        .extensions()
        .iter()
        .find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::AuthorityKeyIdentifier(authority) => {
                authority.key_identifier.as_ref().map(|id| id.0)
            }
            _ => None,
        });
    let key = issuer
        .iter_extensions()
        .find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0),
            _ => None,
        });
    let same_key = signed_by.zip(key).is_none_or(|(signed_by, key)| signed_by == key);
    same_key && list.issuer().as_raw() == issuer.subject().as_raw()
}

/// Without an `issuingDistributionPoint` a list speaks for all certificates of its issuer.
fn is_whole(list: &CertificateRevocationList<'_>) -> bool {
    !list.extensions().iter().any(|extension| {
        matches!(
            extension.parsed_extension(),
            ParsedExtension::IssuingDistributionPoint(_)
        )
    })
}
