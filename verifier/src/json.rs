//! Reading documents that strangers wrote, in memory of the order of their size.
//!
//! Three things in serde's way of reading would take many times that: an error that quotes what it met, escaped, whatever
//! its size (hence [`parse`]); a list of things that are smaller in JSON than in memory (hence [`at_most`]); and the
//! buffering that `untagged` and internally tagged enums do, which documents from strangers must therefore not have.

use std::fmt::{self, Display, Write as _};

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, SeqAccess, Visitor},
};

/// Longest error text kept, in bytes.
const TEXT_LIMIT: usize = 256;

/// Bytes looked at together.
const BLOCK: usize = 256;

/// Parses a document of printable ASCII, which nothing that is evidence ever needs to leave: bytes are in base64 or hex.
///
/// # Errors
/// If it has other bytes, or is not of `T`'s shape.
pub(crate) fn parse<'a, T: Deserialize<'a>>(document: &'a [u8]) -> Result<T, String> {
    if let Some((offset, byte)) = first_unprintable(document) {
        return Err(format!(
            "byte 0x{byte:02x} at offset {offset} is not printable ASCII"
        ));
    }
    parse_printable(document)
}

/// [`parse`], of a part of a document that has been parsed.
pub(crate) fn parse_printable<'a, T: Deserialize<'a>>(part: &'a [u8]) -> Result<T, String> {
    serde_json::from_slice(part).map_err(|error| short(&error))
}

fn first_unprintable(document: &[u8]) -> Option<(usize, u8)> {
    let printable = |byte: u8| matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r');
    // Whole blocks without a way out in between: those the compiler makes vectors of.
    let block = |block: &[u8]| block.iter().fold(true, |all, byte| all & printable(*byte));
    let passed = document.chunks(BLOCK).take_while(|bytes| block(bytes)).count() * BLOCK;
    let mut rest = document.iter().copied().enumerate().skip(passed);
    rest.find(|(_, byte)| !printable(*byte))
}

/// Deserializes a list of at most `N`: for `deserialize_with`.
///
/// An empty string is three bytes in JSON and twenty-four in memory, so no list of strings may grow at will.
pub(crate) fn at_most<'de, const N: usize, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    struct AtMost<const N: usize, T>(std::marker::PhantomData<T>);

    impl<'de, const N: usize, T: Deserialize<'de>> Visitor<'de> for AtMost<N, T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list of at most {N}")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
            let mut list = Vec::new();
            while let Some(item) = items.next_element()? {
                if list.len() == N {
                    return Err(A::Error::custom(format_args!("a list of more than {N}")));
                }
                list.push(item);
            }
            Ok(list)
        }
    }

    deserializer.deserialize_seq(AtMost::<N, T>(std::marker::PhantomData))
}

/// The greatest integer that canonical JSON (RFC 8785) writes as a number. It writes doubles, so of two integers beyond
/// it, one would be written as the other.
pub(crate) const GREATEST_NUMBER: u64 = 1 << 53;

/// Integers in documents that are hashed, for `with`: numbers up to 2^53, beyond that decimal strings.
pub(crate) mod integer {
    use serde::{Deserializer, Serializer, de};

    use super::GREATEST_NUMBER;

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    pub(crate) fn serialize<S: Serializer>(value: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        if *value <= GREATEST_NUMBER {
            serializer.serialize_u64(*value)
        } else {
            serializer.collect_str(value)
        }
    }

    /// Takes either form: whether it is the right one, the comparison with the canonical form decides.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        struct Integer;

        impl de::Visitor<'_> for Integer {
            type Value = u64;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an unsigned integer of at most 64 bits, a decimal string beyond 2^53")
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<u64, E> {
                Ok(value)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<u64, E> {
                text.parse()
                    .map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_any(Integer)
    }
}

/// The front of an error's text.
pub(crate) fn short(error: &impl Display) -> String {
    let mut text = Short(String::new());
    if write!(text, "{error}").is_err() {
        text.0.push('…');
    }
    text.0
}

/// Refuses what exceeds [`TEXT_LIMIT`], so that formatting ends there.
struct Short(String);

impl fmt::Write for Short {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = text.floor_char_boundary(TEXT_LIMIT.saturating_sub(self.0.len()));
        self.0.push_str(&text[..end]);
        if end == text.len() {
            Ok(())
        } else {
            Err(fmt::Error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Listed {
        #[serde(deserialize_with = "at_most::<2, _, _>")]
        list: Vec<String>,
    }

    #[test]
    fn a_list_has_its_limit() {
        let listed: Listed = parse(br#"{"list":["a","b"]}"#).unwrap();
        assert_eq!(listed.list, ["a", "b"]);
        let error = parse::<Listed>(br#"{"list":["a","b","c"]}"#).unwrap_err();
        assert!(error.starts_with("a list of more than 2"), "{error}");
    }

    #[derive(Debug, PartialEq, serde::Serialize, Deserialize)]
    struct Counted {
        #[serde(with = "integer")]
        count: u64,
    }

    #[test]
    fn no_two_integers_have_one_canonical_form() {
        for (count, form) in [
            (0, "0"),
            (1 << 53, "9007199254740992"),
            ((1 << 53) + 1, r#""9007199254740993""#),
            (u64::MAX, r#""18446744073709551615""#),
        ] {
            let document = format!(r#"{{"count":{form}}}"#);
            let canonical = crate::canonical::canonical_json(&Counted { count }).unwrap();
            assert_eq!(String::from_utf8(canonical).unwrap(), document);
            assert_eq!(parse::<Counted>(document.as_bytes()), Ok(Counted { count }));
        }
        // Read, but not written: the comparison with the canonical form refuses them.
        for other in [r#"{"count":"7"}"#, r#"{"count":9007199254740993}"#] {
            let counted = parse::<Counted>(other.as_bytes()).unwrap();
            assert!(crate::canonical::first_difference(&counted, other.as_bytes()).is_some());
        }
        for wrong in [
            "-1",
            "1.5",
            r#""x""#,
            r#""-1""#,
            r#""18446744073709551616""#,
            "null",
        ] {
            let document = format!(r#"{{"count":{wrong}}}"#);
            assert!(parse::<Counted>(document.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_printable_ascii_is_read() {
        assert_eq!(parse::<Vec<u8>>(b"[1,\r\n\t2]"), Ok(vec![1, 2]));
        for (document, offset) in [("\"\u{7f}\"", 1), ("[\"ü\"]", 2), ("\u{feff}[]", 0), ("[] \0", 3)] {
            let error = parse::<Vec<String>>(document.as_bytes()).unwrap_err();
            assert!(error.contains(&format!("at offset {offset} ")), "{error}");
        }
        for len in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK] {
            let document = vec![b'~'; len];
            assert_eq!(first_unprintable(&document), None);
            for at in 0..len {
                for byte in [0, 8, 11, 12, 14, 31, 127, 128, 255] {
                    let mut document = document.clone();
                    document[at..].fill(byte);
                    assert_eq!(first_unprintable(&document), Some((at, byte)));
                }
            }
        }
    }

    #[test]
    fn an_error_quotes_no_more_than_its_front() {
        let error = parse::<u8>(format!("\"{}\"", "a".repeat(100_000)).as_bytes()).unwrap_err();
        assert!(
            error.starts_with("invalid type: string \"aaa") && error.len() < 300,
            "{error}"
        );
        assert!(error.ends_with('…'));
        assert_eq!(short(&"ü".repeat(128)), "ü".repeat(128));
        assert_eq!(
            short(&("a".to_owned() + &"ü".repeat(128))),
            format!("a{}…", "ü".repeat(127))
        );
    }
}
