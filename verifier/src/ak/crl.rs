//! What webpki keeps to itself of a CRL: its dates, and whose key signed it.

use x509_parser::{
    asn1_rs::{Any, Class, FromDer, Oid, Tag, oid},
    error::X509Error,
    nom,
    time::ASN1Time,
};

use super::certificate::unix;

/// Around a CRL's entries. These are passed over: there may be very many, and webpki reads them where they stand, while
/// x509-parser's `CertificateRevocationList` takes many times their size.
#[derive(Debug)]
pub(super) struct CrlHead<'a> {
    /// Distinguished name, DER.
    pub(super) issuer: &'a [u8],
    /// Unix seconds.
    pub(super) this_update: u64,
    /// Unix seconds.
    pub(super) next_update: u64,
    /// `authorityKeyIdentifier`, where it is there.
    pub(super) signer: Option<&'a [u8]>,
}

type Error = nom::Err<X509Error>;

impl<'a> CrlHead<'a> {
    /// Reads `TBSCertList` (RFC 5280 §5.1) of a list that webpki has read: version 2, with `nextUpdate` and extensions.
    pub(super) fn parse(der: &'a [u8]) -> Result<Self, Error> {
        let list = any(&mut &*der)?;
        let tbs = any(&mut &*list.data)?;
        let mut rest = tbs.data;
        for _ in ["version", "signature"] {
            any(&mut rest)?;
        }
        let issuer = raw(&mut rest)?;
        let this_update = time(&mut rest)?;
        let next_update = time(&mut rest)?;
        let mut signer = None;
        while !rest.is_empty() {
            let field = any(&mut rest)?;
            if (field.class(), field.tag()) == (Class::ContextSpecific, Tag(0)) {
                signer = key_identifier(any(&mut &*field.data)?.data)?;
            }
        }
        Ok(Self {
            issuer,
            this_update,
            next_update,
            signer,
        })
    }
}

/// `keyIdentifier` of the extension `authorityKeyIdentifier` (RFC 5280 §4.2.1.1) among `extensions`.
fn key_identifier(mut extensions: &[u8]) -> Result<Option<&[u8]>, Error> {
    while !extensions.is_empty() {
        let mut fields = any(&mut extensions)?.data;
        let is_wanted = any(&mut fields)?.data == AUTHORITY_KEY_IDENTIFIER.as_bytes();
        let mut value = any(&mut fields)?;
        if value.tag() == Tag::Boolean {
            value = any(&mut fields)?;
        }
        if is_wanted {
            let identifier = any(&mut &*value.data)?;
            let first = (!identifier.data.is_empty())
                .then(|| any(&mut &*identifier.data))
                .transpose()?;
            return Ok(first
                .filter(|first| (first.class(), first.tag()) == (Class::ContextSpecific, Tag(0)))
                .map(|first| first.data));
        }
    }
    Ok(None)
}

fn any<'a>(rest: &mut &'a [u8]) -> Result<Any<'a>, Error> {
    let (after, any) = Any::from_der(rest).map_err(nom::Err::convert)?;
    *rest = after;
    Ok(any)
}

/// One element with its header.
fn raw<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], Error> {
    let before = *rest;
    any(rest)?;
    Ok(&before[..before.len() - rest.len()])
}

fn time(rest: &mut &[u8]) -> Result<u64, Error> {
    let (after, time) = ASN1Time::from_der(rest)?;
    *rest = after;
    Ok(unix(time.timestamp()))
}

const AUTHORITY_KEY_IDENTIFIER: Oid<'static> = oid!(2.5.29.35);

#[cfg(test)]
mod tests {
    use rcgen::{
        CertificateParams, CertificateRevocationListParams, CrlDistributionPoint,
        CrlIssuingDistributionPoint, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams,
        SerialNumber, date_time_ymd,
    };
    use x509_parser::{extensions::ParsedExtension, revocation_list::CertificateRevocationList};

    use super::*;

    fn crl(entries: u64, whole: bool) -> Vec<u8> {
        let mut issuer = CertificateParams::default();
        issuer.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        issuer.key_usages = vec![KeyUsagePurpose::CrlSign];
        let entry = |serial| RevokedCertParams {
            serial_number: SerialNumber::from(serial),
            revocation_time: date_time_ymd(2025, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2025, 2, 3),
            next_update: date_time_ymd(2055, 6, 7), // a GeneralizedTime
            crl_number: SerialNumber::from(1_u64),
            issuing_distribution_point: (!whole).then(|| CrlIssuingDistributionPoint {
                distribution_point: CrlDistributionPoint {
                    uris: vec!["http://crl.example".into()],
                },
                scope: None,
            }),
            revoked_certs: (0..entries).map(entry).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let key = KeyPair::generate().unwrap();
        let list = params.signed_by(&Issuer::from_params(&issuer, &key)).unwrap();
        list.der().to_vec()
    }

    #[test]
    fn a_head_is_what_x509_parser_reads_of_the_whole() {
        for (entries, whole) in [(0, true), (1, true), (3, false)] {
            let der = crl(entries, whole);
            let (head, (_, list)) = (
                CrlHead::parse(&der).unwrap(),
                CertificateRevocationList::from_der(&der).unwrap(),
            );
            assert_eq!(head.issuer, list.issuer().as_raw());
            assert_eq!(head.this_update, unix(list.last_update().timestamp()));
            assert_eq!(head.next_update, unix(list.next_update().unwrap().timestamp()));
            let signer = list
                .extensions()
                .iter()
                .find_map(|extension| match extension.parsed_extension() {
                    ParsedExtension::AuthorityKeyIdentifier(key) => {
                        key.key_identifier.as_ref().map(|id| id.0)
                    }
                    _ => None,
                });
            assert!(signer.is_some());
            assert_eq!(head.signer, signer);
        }
    }

    #[test]
    fn a_list_cut_anywhere_or_signed_by_nobody_named_is_no_harm() {
        let der = crl(1, true);
        for len in 0..der.len() {
            CrlHead::parse(&der[..len]).unwrap_err();
        }
        let with_identifier = |identifier: &str| {
            let mut value = hex::decode(format!(
                "30{:02x}0603551d2304{:02x}",
                7 + identifier.len() / 2,
                identifier.len() / 2
            ))
            .unwrap();
            value.extend(hex::decode(identifier).unwrap());
            key_identifier(&value).unwrap().map(hex::encode)
        };
        assert_eq!(with_identifier("30048002aabb"), Some("aabb".into()));
        assert_eq!(with_identifier("3000"), None);
        assert_eq!(with_identifier("3003820101"), None); // a serial number alone
        assert_eq!(key_identifier(&[]), Ok(None));
    }
}
