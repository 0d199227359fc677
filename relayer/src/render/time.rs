//! Times that a person gives.

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Unix seconds, or RFC 3339.
pub(crate) fn parse_time(text: &str) -> Result<u64, String> {
    if let Ok(seconds) = text.parse() {
        return Ok(seconds);
    }
    let time = OffsetDateTime::parse(text, &Rfc3339)
        .map_err(|_| format!("`{text}` is neither Unix seconds nor a time as 2026-06-30T08:47:13Z"))?;
    u64::try_from(time.unix_timestamp()).map_err(|_| format!("`{text}` is before 1970"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_given_in_seconds_or_as_a_date() {
        for text in ["1782809233", "2026-06-30T08:47:13Z", "2026-06-30T10:47:13+02:00"] {
            assert_eq!(parse_time(text), Ok(1_782_809_233), "{text}");
        }
        for text in ["", "-1", "soon", "2026-06-30", "1969-12-31T23:59:59Z"] {
            assert!(parse_time(text).is_err(), "{text}");
        }
    }
}
