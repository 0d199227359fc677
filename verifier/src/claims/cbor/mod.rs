//! CBOR (RFC 8949) in the one spelling that claims are accepted in.
//!
//! `ciborium` decodes. It neither over-allocates for an announced length nor recurses without bound, but it takes several
//! spellings of one value for the same, keeps duplicate keys, and makes 32 bytes of every byte that is an item. So one pass
//! over the heads goes before it. Refused are:
//!
//! - heads that are not the shortest, indefinite lengths, floats, big numbers (tags 2 and 3), simple values but `false`,
//!   `true` and `null`;
//! - more than [`ITEMS_LIMIT`](heads::ITEMS_LIMIT) items, nesting beyond [`NESTING_LIMIT`];
//! - keys that are neither integer nor text, keys there twice, bytes left over.
//!
//! What remains decodes to a value that has no second encoding, but for the order of keys. A byte string that holds CBOR is
//! an encoding of its own.

mod heads;
mod item;

#[cfg(test)]
mod tests;

use ciborium::value::Value;

use crate::{Cursor, ParseError};

pub(super) use item::{Item, Map};

/// Deepest nesting of arrays, maps and tags. A POE has nine levels.
const NESTING_LIMIT: usize = 16;

/// The item that `bytes` are; `what` is for error messages.
pub(super) fn decode(what: &'static str, bytes: &[u8]) -> Result<Value, ParseError> {
    heads::check_heads(what, bytes)?;
    let mut rest = bytes;
    let decoded = ciborium::de::from_reader_with_recursion_limit(&mut rest, NESTING_LIMIT);
    let mut cursor = Cursor::new(what, bytes);
    let value = decoded.map_err(|error| ParseError::decoded(what, "CBOR", problem(&error)))?;
    cursor.take("CBOR", bytes.len() - rest.len())?;
    cursor.finish()?;
    check_keys(what, &value)?;
    Ok(value)
}

/// The shortest spelling of `value`, its maps in the order they are in.
pub(super) fn encode(what: &'static str, value: &Value) -> Result<Vec<u8>, ParseError> {
    let mut bytes = Vec::new();
    ciborium::ser::into_writer(value, &mut bytes)
        .map_err(|error| ParseError::decoded(what, "CBOR", error.to_string()))?;
    Ok(bytes)
}

/// An error about a decoded part, whose offset is no longer known.
pub(super) fn error(what: &'static str, field: &'static str, problem: impl Into<String>) -> ParseError {
    ParseError::decoded(what, field, problem)
}

fn check_keys(what: &'static str, value: &Value) -> Result<(), ParseError> {
    match value {
        Value::Array(values) => values.iter().try_for_each(|value| check_keys(what, value)),
        Value::Tag(_, value) => check_keys(what, value),
        Value::Map(entries) => {
            for (index, (key, value)) in entries.iter().enumerate() {
                if !matches!(key, Value::Integer(_) | Value::Text(_)) {
                    return Err(error(what, "key", "neither an integer nor text"));
                }
                if entries.iter().take(index).any(|(earlier, _)| earlier == key) {
                    return Err(error(what, "key", format!("{key:?} is there twice")));
                }
                check_keys(what, value)?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn problem<E: std::fmt::Debug>(error: &ciborium::de::Error<E>) -> String {
    use ciborium::de::Error::{Io, RecursionLimitExceeded, Semantic, Syntax};
    match error {
        Io(_) => "it ends early".into(),
        Syntax(offset) => format!("no CBOR at byte {offset}"),
        Semantic(_, text) => text.clone(),
        RecursionLimitExceeded => format!("nested deeper than {NESTING_LIMIT}"),
    }
}
