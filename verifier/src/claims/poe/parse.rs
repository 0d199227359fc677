//! From bytes to a [`Poe`].

use ciborium::value::Value;

use super::{Binding, Poe};
use crate::{
    ParseError,
    ak::INTERMEDIATES_LIMIT,
    claims::{
        Algorithm,
        cbor::{self, Item, Map},
        cose::Sign1,
    },
};

impl Poe {
    /// Parses an endorsement: a `COSE_Sign1`, tagged or not, of at most 64 KiB.
    ///
    /// # Errors
    /// If it is not of the profile's shape, or is not spelled as CBOR should be.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let document = Sign1::parse(WHAT, bytes)?;
        if document.algorithm() != Algorithm::Es384 {
            let problem = format!("{}, a POE is signed by ES384 or ESP384", document.algorithm());
            return Err(cbor::error(WHAT, "alg", problem));
        }
        if document.content_type() != Some(CONTENT_TYPE) {
            return Err(cbor::error(
                WHAT,
                "content type",
                format!("it is not {CONTENT_TYPE}"),
            ));
        }
        Ok(Self {
            chain: read_chain(document.unprotected(X5CHAIN))?,
            issuer: read_issuer(document.protected(CWT_CLAIMS))?,
            binding: Binding::read(document.payload())?,
            document,
        })
    }
}

/// `COSE_X509` (RFC 9360 §2): one certificate bare, several in an array.
fn read_chain(value: Option<&Value>) -> Result<Vec<Vec<u8>>, ParseError> {
    let problem = match value {
        Some(Value::Bytes(only)) => return Ok(vec![only.clone()]),
        Some(Value::Array(several)) if (2..=CHAIN_LIMIT).contains(&several.len()) => {
            return several
                .iter()
                .map(|certificate| Item::new(WHAT, "x5chain", certificate.clone()).bytes())
                .collect();
        }
        Some(Value::Array(several)) => {
            format!(
                "{} certificates in an array, there may be 2 to {CHAIN_LIMIT}",
                several.len()
            )
        }
        Some(_) => "it is neither a certificate nor an array of them".into(),
        None => "it is not in the unprotected header".into(),
    };
    Err(cbor::error(WHAT, "x5chain", problem))
}

fn read_issuer(value: Option<&Value>) -> Result<String, ParseError> {
    let value =
        value.ok_or_else(|| cbor::error(WHAT, "CWT claims", "they are not in the protected header"))?;
    let mut claims = Item::new(WHAT, "CWT claims", value.clone()).map()?;
    for (key, field) in [(4, "exp"), (5, "nbf")] {
        if claims.take(key, field).is_some() {
            return Err(cbor::error(WHAT, field, "a POE has its dates in rim-validity"));
        }
    }
    claims.need(1, "iss")?.text()
}

impl Binding {
    fn read(payload: &[u8]) -> Result<Self, ParseError> {
        let mut corim = Item::decode(WHAT, "corim", payload)?.tagged(501)?.map()?;
        check_id(corim.need(0, "id")?)?;
        check_profile(corim.need(3, "profile")?)?;
        let mut validity = corim.need(4, "rim-validity")?.map()?;
        let not_before = validity.need(0, "not-before")?.tagged(1)?.unsigned()?;
        let not_after = validity.need(1, "not-after")?.tagged(1)?.unsigned()?;
        if not_before > not_after {
            return Err(cbor::error(WHAT, "rim-validity", "it ends before it begins"));
        }

        let [comid] = corim.need(1, "tags")?.array()?;
        let (piid, owner) = read_comid(&comid.tagged(506)?.bytes()?)?;
        Ok(Self {
            piid,
            owner,
            not_before,
            not_after,
        })
    }
}

fn read_comid(comid: &[u8]) -> Result<(Vec<u8>, String), ParseError> {
    let mut comid = Item::decode(WHAT, "CoMID", comid)?.map()?;
    check_id(comid.need(1, "tag-identity")?.map()?.need(0, "tag-id")?)?;
    let mut triples = comid.need(4, "triples")?.map()?;
    let [record] = triples.need(10, "conditional-endorsement-triples")?.array()?;
    let [conditions, endorsements] = record.array()?;

    let piid = read_statement(conditions, PIID_CLASS, -101, "tee.platform-instance-id")?.bytes()?;
    if !matches!(piid.len(), 16 | 32) {
        let problem = format!("{} bytes, there must be 16 or 32", piid.len());
        return Err(cbor::error(WHAT, "tee.platform-instance-id", problem));
    }
    let owner = read_statement(endorsements, OWNER_CLASS, -401, "tee.owner-name")?.text()?;
    if !(1..=1024).contains(&owner.len()) {
        let problem = format!("{} bytes, there must be 1 to 1024", owner.len());
        return Err(cbor::error(WHAT, "tee.owner-name", problem));
    }
    Ok((piid, owner))
}

/// The one value of a clause's one measurement of its one environment.
fn read_statement(clause: Item, class: &[u8], key: i64, field: &'static str) -> Result<Item, ParseError> {
    let [statement] = clause.array()?;
    let [environment, measurements] = statement.array()?;
    let mut class_map = environment.map()?.need(0, "class")?.map()?;
    if class_map.need(0, "class-id")?.tagged(111)?.bytes()? != class {
        return Err(cbor::error(
            WHAT,
            "class-id",
            format!("it is not that of {field}"),
        ));
    }
    let [measurement] = measurements.array()?;
    let mut measurement = measurement.map()?;
    if measurement.take(2, "authorized-by").is_some() {
        let problem = "a POE is authorised by its certificates, not by a measurement's key";
        return Err(cbor::error(WHAT, "authorized-by", problem));
    }
    measurement.take(0, "mkey").map(Item::text).transpose()?;
    only_entry(measurement.need(1, "mval")?.map()?, key, field)
}

fn only_entry(mut values: Map, key: i64, field: &'static str) -> Result<Item, ParseError> {
    let value = values.need(key, field)?;
    values.finish()?;
    Ok(value)
}

/// The string on its major version, bare or as a URI.
fn check_profile(profile: Item) -> Result<(), ParseError> {
    let text = match profile.value() {
        Value::Text(text) => Some(text),
        Value::Tag(URI, text) => text.into_text().ok(),
        _ => None,
    };
    let minor = text.as_deref().and_then(|text| text.strip_prefix(PROFILE));
    match minor {
        Some(minor) if !minor.is_empty() && minor.bytes().all(|byte| byte.is_ascii_digit()) => Ok(()),
        _ => Err(cbor::error(WHAT, "profile", format!("it is not {PROFILE}0"))),
    }
}

/// Informational, but there is one.
fn check_id(id: Item) -> Result<(), ParseError> {
    let field = id.field();
    match id.value() {
        Value::Text(_) => Ok(()),
        Value::Bytes(uuid) if uuid.len() == 16 => Ok(()),
        _ => Err(cbor::error(
            WHAT,
            field,
            "it is neither text nor a UUID of 16 bytes",
        )),
    }
}

const WHAT: &str = "POE";
const PROFILE: &str = "tag:intel.com,2026:tee.poe#1.";
const CONTENT_TYPE: &str = "application/rim+cbor";
/// The leaf and as many intermediates as are looked at; the root may be one of them.
const CHAIN_LIMIT: usize = 1 + INTERMEDIATES_LIMIT;
/// CBOR tag (RFC 8949 §3.4.5.3).
const URI: u64 = 32;
/// Header parameters (RFC 9360, RFC 9597).
const X5CHAIN: i64 = 33;
const CWT_CLAIMS: i64 = 15;
/// 2.16.840.1.113741.1.13.2.6.1, BER content.
const PIID_CLASS: &[u8] = b"\x60\x86\x48\x01\x86\xf8\x4d\x01\x0d\x02\x06\x01";
/// 2.16.840.1.113741.1.13.2.12.1, BER content.
const OWNER_CLASS: &[u8] = b"\x60\x86\x48\x01\x86\xf8\x4d\x01\x0d\x02\x0c\x01";
