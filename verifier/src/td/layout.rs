//! The lengths in a quote, before anything else is read.
//!
//! `dcap-qvl` makes room for a length as soon as it has read it, up to 1 MiB, and only then sees that less remains.

use crate::{Cursor, ParseError};

pub(super) const NAME: &str = "TD quote";

/// Largest quote read, in bytes.
const LIMIT: usize = 128 << 10;

/// Every length is within what holds it (Intel, *TDX DCAP Quoting Library API*, Appendix 3: quote formats 4 and 5).
/// Bytes may follow: Linux hands out quotes in a larger buffer.
pub(super) fn check(raw: &[u8]) -> Result<(), ParseError> {
    let mut quote = Cursor::new(NAME, raw);
    if raw.len() > LIMIT {
        return Err(quote.error("quote", format!("{} bytes, at most {LIMIT} are read", raw.len())));
    }
    let version = quote.u16_le("version")?;
    quote.u16_le("attestation key type")?;
    let tee = quote.u32_le("TEE type")?;
    if tee == SGX {
        return Err(quote.error_at(4, "TEE type", "an SGX enclave's, not a TD's"));
    }
    quote.take("header", 40)?;
    match version {
        4 => quote.take("TD report", 584)?,
        5 => {
            quote.u16_le("body type")?;
            sized(&mut quote, "body")?
        }
        _ => return Err(quote.error_at(0, "version", format!("{version} is neither 4 nor 5"))),
    };
    let mut signature = Cursor::new("TD quote signature data", sized(&mut quote, "signature data")?);
    signature.take("signature, attestation key", 128)?;
    signature.u16_le("certification data type")?;
    let mut report = Cursor::new(
        "QE report certification data",
        sized(&mut signature, "certification data")?,
    );
    report.take("QE report, its signature", 448)?;
    let len = report.u16_le("QE authentication data")?;
    report.take("QE authentication data", len.into())?;
    report.u16_le("certification data type")?;
    sized(&mut report, "certification data").map(drop)
}

fn sized<'a>(cursor: &mut Cursor<'a>, field: &'static str) -> Result<&'a [u8], ParseError> {
    let len = cursor.u32_le(field)?;
    cursor.take(field, usize::try_from(len).unwrap_or(usize::MAX))
}

const SGX: u32 = 0;

#[cfg(test)]
mod tests {
    use super::{super::TdQuote, *};

    /// The smallest quote of format 4, all of its lengths true.
    fn quote() -> Vec<u8> {
        let mut quote = vec![4, 0, 2, 0, 0x81, 0, 0, 0];
        quote.resize(48 + 584, 0);
        quote.extend(590u32.to_le_bytes());
        quote.resize(quote.len() + 128, 0);
        quote.extend([6, 0]);
        quote.extend(456u32.to_le_bytes());
        quote.resize(quote.len() + 448 + 2 + 2 + 4, 0);
        quote
    }

    /// Offsets of its four lengths, and how many bytes each has.
    const LENGTHS: [(usize, usize); 4] = [(632, 4), (766, 4), (1218, 2), (1222, 4)];

    #[test]
    fn the_smallest_quote_is_read_whatever_follows() {
        TdQuote::parse(&quote()).unwrap();
        TdQuote::parse(&[quote(), vec![0; 3000]].concat()).unwrap();
    }

    #[test]
    fn a_quote_cut_anywhere_does_not_parse() {
        for len in 0..quote().len() {
            TdQuote::parse(&quote()[..len]).unwrap_err();
        }
    }

    #[test]
    fn two_gib_lengths_are_refused_before_any_room_is_made() {
        for (at, size) in LENGTHS {
            let mut quote = quote();
            quote[at..at + size].fill(0xff);
            let error = TdQuote::parse(&quote).unwrap_err();
            assert!(error.problem.contains("announced"), "{at}: {error}");
        }
    }

    #[test]
    fn other_versions_enclaves_and_giants_are_refused() {
        let refusal = |change: fn(&mut Vec<u8>)| {
            let mut quote = quote();
            change(&mut quote);
            TdQuote::parse(&quote).unwrap_err().to_string()
        };
        assert!(refusal(|quote| quote[0] = 3).contains("3 is neither 4 nor 5"));
        assert!(refusal(|quote| quote[4] = 0).contains("an SGX enclave's"));
        assert!(refusal(|quote| quote.resize(LIMIT + 1, 0)).contains("at most 131072"));
    }
}
