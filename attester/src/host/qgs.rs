//! The messages of Intel's quote generation service, as far as quotes need them (`qgs_msg_lib.h`, version 1 of the protocol).
//!
//! All integers are little-endian.
//!
//! ```text
//! header   u16 major · u16 minor · u32 type · u32 size, header included · u32 error code
//! request  header (type 0) · u32 report size · u32 id list size · report · id list
//! answer   header (type 1) · u32 id size · u32 quote size · id · quote
//! ```

use chassis_verifier::{Cursor, ParseError, hcl::TdReport};

/// Longest request: a report, and a list of keys to choose from.
pub(super) const REQUEST_LIMIT: usize = 4 << 10;
/// Longest answer. Quotes have five to eight thousand bytes.
pub(super) const ANSWER_LIMIT: usize = 128 << 10;

const MAJOR: u16 = 1;
const GET_QUOTE: u32 = 0;
const QUOTE: u32 = 1;
/// `QGS_MSG_ERROR_UNEXPECTED`.
const REFUSED: u32 = 0x0001_2001;

/// The report that `request` wants a quote of.
///
/// # Errors
/// If it is no request for a quote, or its report no TD's.
pub(super) fn report(request: &[u8]) -> Result<TdReport<'_>, ParseError> {
    let mut cursor = Cursor::new("quote request", request);
    header(&mut cursor, request.len(), GET_QUOTE)?;
    let report = size(&mut cursor, "report size")?;
    let ids = size(&mut cursor, "id list size")?;
    let report = cursor.take("report", report)?;
    cursor.take("id list", ids)?;
    cursor.finish()?;
    TdReport::parse(report)
}

/// The quote in `answer`.
///
/// # Errors
/// If it is no answer to a request for a quote, or a refusal.
pub(super) fn quote(answer: &[u8]) -> Result<&[u8], ParseError> {
    let mut cursor = Cursor::new("quote answer", answer);
    header(&mut cursor, answer.len(), QUOTE)?;
    let id = size(&mut cursor, "id size")?;
    let quote = size(&mut cursor, "quote size")?;
    cursor.take("id", id)?;
    let quote = cursor.take("quote", quote)?;
    cursor.finish()?;
    Ok(quote)
}

/// The answer that there is no quote.
pub(super) fn refusal() -> Vec<u8> {
    let size: u32 = 24;
    [
        &MAJOR.to_le_bytes()[..],
        &[0; 2],
        &QUOTE.to_le_bytes(),
        &size.to_le_bytes(),
        &REFUSED.to_le_bytes(),
        &[0; 8],
    ]
    .concat()
}

fn header(cursor: &mut Cursor<'_>, len: usize, wanted: u32) -> Result<(), ParseError> {
    let at = cursor.clone();
    let major = cursor.u16_le("major version")?;
    cursor.u16_le("minor version")?;
    let kind = cursor.u32_le("type")?;
    let size = size(cursor, "size")?;
    let code = cursor.u32_le("error code")?;
    let problem = if major != MAJOR {
        ("major version", format!("{major} is not {MAJOR}"))
    } else if kind != wanted {
        ("type", format!("{kind} is not {wanted}"))
    } else if code != 0 {
        ("error code", format!("{code:#x}: there is no quote"))
    } else if size != len {
        ("size", format!("{size} is not the message's {len} bytes"))
    } else {
        return Ok(());
    };
    Err(at.error(problem.0, problem.1))
}

fn size(cursor: &mut Cursor<'_>, field: &'static str) -> Result<usize, ParseError> {
    Ok(usize::try_from(cursor.u32_le(field)?).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A request for a quote of a blank report.
    fn request() -> Vec<u8> {
        let mut request = [1_u16.to_le_bytes(), 1_u16.to_le_bytes()].concat();
        for word in [0, 24 + 1024, 0, 1024, 0_u32] {
            request.extend(word.to_le_bytes());
        }
        request.resize(24 + 1024, 0);
        request[24] = 0x81;
        request
    }

    #[test]
    fn a_request_for_a_quote_is_read_and_nothing_else() {
        assert_eq!(report(&request()).unwrap().report_data(), &[0; 64]);
        for (at, value, says) in [
            (0, 2, "major version"),
            (4, 2, "type"),
            (8, 0, "size"),
            (12, 1, "error code"),
            (16, 1, "report"),
            (20, 1, "id list"),
            (24, 0, "REPORTTYPE"),
        ] {
            let mut request = request();
            request[at] = value;
            let error = report(&request).unwrap_err().to_string();
            assert!(error.contains(says), "{at}: {error}");
        }
        for len in [0, 15, 23, 1000] {
            assert!(report(&request()[..len]).is_err());
        }
    }

    #[test]
    fn two_gib_lengths_make_no_room() {
        for at in [8, 16, 20] {
            let mut request = request();
            request[at..at + 4].fill(0xff);
            assert!(report(&request).is_err());
        }
    }

    #[test]
    fn a_refusal_holds_no_quote() {
        let error = quote(&refusal()).unwrap_err().to_string();
        assert!(error.contains("0x12001: there is no quote"), "{error}");
    }
}
