//! Where a quote's fields lie. `dcap-qvl` says that a quote does not parse, this says where.

use chassis_verifier::{Cursor, ParseError};

const NAME: &str = "quote";
const ENCLAVE_REPORT: usize = 384;
const TD_REPORT_10: usize = 584;
const TD_REPORT_15: usize = 648;
const TD_REPORT_15_EX: usize = 885;

/// How many bytes of `raw` the quote takes; what follows is padding, or not part of it.
///
/// # Errors
/// If a field is not there as a whole, or the quote is of a kind nobody knows: with the offset.
pub(super) fn length(raw: &[u8]) -> Result<usize, ParseError> {
    let mut cursor = Cursor::new(NAME, raw);
    let before = cursor.clone();
    let version = cursor.u16_le("version")?;
    if !(3..=5).contains(&version) {
        return Err(before.error("version", format!("{version} is not a quote version (3, 4, 5)")));
    }
    cursor.u16_le("attestationKeyType")?;
    let before = cursor.clone();
    let tee = cursor.u32_le("teeType")?;
    cursor.take("header", 40)?;
    let report = match (version, tee) {
        (5, _) => body(&mut cursor)?,
        (3 | 4, 0) => ENCLAVE_REPORT,
        (4, 0x81) => TD_REPORT_10,
        _ => {
            return Err(before.error(
                "teeType",
                format!("0x{tee:x} is not a kind of TEE in version {version}"),
            ));
        }
    };
    cursor.take("report", report)?;
    let signed = cursor.position();
    let authenticator = sized(&mut cursor, "signatureData")?;
    let end = signed + 4 + authenticator.len();
    // Read again from the front, so that errors inside count from there.
    let mut inner = Cursor::new(NAME, &raw[..end]);
    inner.take("signed part", signed + 4)?;
    signature_data(&mut inner, version)?;
    Ok(end)
}

/// Version 5 says which report follows, and how long it is.
fn body(cursor: &mut Cursor<'_>) -> Result<usize, ParseError> {
    let before = cursor.clone();
    let kind = cursor.u16_le("bodyType")?;
    let expected = match kind {
        1 => ENCLAVE_REPORT,
        2 => TD_REPORT_10,
        3 => TD_REPORT_15,
        4 => TD_REPORT_15_EX,
        _ => return Err(before.error("bodyType", format!("{kind} is unknown"))),
    };
    let before = cursor.clone();
    let size = cursor.u32_le("bodySize")?;
    if usize::try_from(size) != Ok(expected) {
        return Err(before.error(
            "bodySize",
            format!("{size} bytes, a body of type {kind} has {expected}"),
        ));
    }
    Ok(expected)
}

/// ECDSA signature and key; then, since version 4 wrapped in certification data, the quoting enclave's report.
fn signature_data(cursor: &mut Cursor<'_>, version: u16) -> Result<(), ParseError> {
    cursor.take("signature", 64)?;
    cursor.take("attestationKey", 64)?;
    if version > 3 {
        cursor.u16_le("certificationData.type")?;
        let before = cursor.clone();
        let wrapped = cursor.u32_le("certificationData.size")?;
        if usize::try_from(wrapped).is_ok_and(|wrapped| wrapped > cursor.rest().len()) {
            return Err(before.error(
                "certificationData.size",
                format!("{wrapped} bytes announced, {} remain", cursor.rest().len()),
            ));
        }
    }
    cursor.take("qeReport", ENCLAVE_REPORT)?;
    cursor.take("qeReportSignature", 64)?;
    let len = cursor.u16_le("qeAuthData.size")?;
    cursor.take("qeAuthData", usize::from(len))?;
    cursor.u16_le("pckCertificationData.type")?;
    sized(cursor, "pckCertificationData")?;
    Ok(())
}

fn sized<'a>(cursor: &mut Cursor<'a>, field: &'static str) -> Result<&'a [u8], ParseError> {
    let len = cursor.u32_le(field)?;
    cursor.take(field, usize::try_from(len).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_or_foreign_quote_is_refused_where_it_goes_wrong() {
        let refusal = |raw: &[u8]| length(raw).unwrap_err().to_string();
        assert_eq!(
            refusal(&[]),
            "quote: version at offset 0: 2 bytes announced, 0 remain"
        );
        assert_eq!(
            refusal(b"PK"),
            "quote: version at offset 0: 19280 is not a quote version (3, 4, 5)"
        );
        let mut header = [0; 48];
        header[0] = 4;
        header[4] = 0x81;
        assert_eq!(
            refusal(&header),
            "quote: report at offset 48: 584 bytes announced, 0 remain"
        );
        let cut = [&header[..], &[0; 584], &0x7fff_ffff_u32.to_le_bytes()].concat();
        assert_eq!(
            refusal(&cut),
            "quote: signatureData at offset 636: 2147483647 bytes announced, 0 remain"
        );
    }
}
