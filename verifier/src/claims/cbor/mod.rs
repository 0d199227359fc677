//! CBOR (RFC 8949) in the one spelling that claims are accepted in.
//!
//! `ciborium` decodes. It neither over-allocates for an announced length nor recurses without bound, but it takes several
//! spellings of one value for the same, keeps duplicate keys, and makes 32 bytes of every byte that is an item. So one pass
//! over the heads goes before it. Refused are: heads that are not the shortest, indefinite lengths, floats, big numbers
//! (tags 2 and 3), simple values but `false`, `true` and `null`; more than [`ITEMS_LIMIT`] items, nesting beyond
//! [`NESTING_LIMIT`]; keys that are neither integer nor text, keys there twice; bytes left over. What remains decodes to a
//! value that has no second encoding, but for the order of keys.

use ciborium::value::Value;

use crate::{Cursor, ParseError};

/// Deepest nesting of arrays, maps and tags. A POE has ten levels.
const NESTING_LIMIT: usize = 16;

/// Most data items in one document. A POE has about seventy.
const ITEMS_LIMIT: usize = 256;

/// The item that `bytes` are; `what` is for error messages.
pub(super) fn decode(what: &'static str, bytes: &[u8]) -> Result<Value, ParseError> {
    check_heads(what, bytes)?;
    let mut rest = bytes;
    let decoded = ciborium::de::from_reader_with_recursion_limit(&mut rest, NESTING_LIMIT);
    let mut cursor = Cursor::new(what, bytes);
    let value = decoded.map_err(|error| cursor.error("CBOR", problem(&error)))?;
    cursor.take("CBOR", bytes.len() - rest.len())?;
    cursor.finish()?;
    check_keys(what, &value)?;
    Ok(value)
}

/// The shortest spelling of `value`, its maps in the order they are in.
pub(super) fn encode(what: &'static str, value: &Value) -> Result<Vec<u8>, ParseError> {
    let mut bytes = Vec::new();
    ciborium::ser::into_writer(value, &mut bytes)
        .map_err(|error| Cursor::new(what, &[]).error("CBOR", error.to_string()))?;
    Ok(bytes)
}

/// A value with the name of its field, to be taken apart.
pub(super) struct Item {
    what: &'static str,
    field: &'static str,
    value: Value,
}

/// A map, emptied entry by entry.
pub(super) struct Map {
    what: &'static str,
    field: &'static str,
    entries: Vec<(Value, Value)>,
}

impl Item {
    pub(super) fn new(what: &'static str, field: &'static str, value: Value) -> Self {
        Self { what, field, value }
    }

    pub(super) fn decode(what: &'static str, field: &'static str, bytes: &[u8]) -> Result<Self, ParseError> {
        Ok(Self::new(what, field, decode(what, bytes)?))
    }

    pub(super) fn map(self) -> Result<Map, ParseError> {
        let (what, field) = (self.what, self.field);
        match self.value {
            Value::Map(entries) => Ok(Map { what, field, entries }),
            _ => Err(self.is_no("map")),
        }
    }

    /// An array of exactly `N`.
    pub(super) fn array<const N: usize>(self) -> Result<[Self; N], ParseError> {
        let (what, field) = (self.what, self.field);
        let Value::Array(values) = self.value else {
            return Err(self.is_no("array"));
        };
        let count = values.len();
        let items: Vec<_> = values
            .into_iter()
            .map(|value| Self::new(what, field, value))
            .collect();
        items
            .try_into()
            .map_err(|_| error(what, field, format!("{count} entries, there must be {N}")))
    }

    pub(super) fn tagged(self, tag: u64) -> Result<Self, ParseError> {
        let (what, field) = (self.what, self.field);
        match self.value {
            Value::Tag(found, value) if found == tag => Ok(Self::new(what, field, *value)),
            _ => Err(self.error(format!("it is not tagged {tag}"))),
        }
    }

    pub(super) fn bytes(self) -> Result<Vec<u8>, ParseError> {
        match self.value {
            Value::Bytes(bytes) => Ok(bytes),
            _ => Err(self.is_no("byte string")),
        }
    }

    pub(super) fn sized<const N: usize>(self) -> Result<[u8; N], ParseError> {
        let (what, field) = (self.what, self.field);
        let bytes = self.bytes()?;
        <[u8; N]>::try_from(bytes.as_slice())
            .map_err(|_| error(what, field, format!("{} bytes, there must be {N}", bytes.len())))
    }

    pub(super) fn text(self) -> Result<String, ParseError> {
        match self.value {
            Value::Text(text) => Ok(text),
            _ => Err(self.is_no("text string")),
        }
    }

    pub(super) fn unsigned(self) -> Result<u64, ParseError> {
        match &self.value {
            Value::Integer(number) => u64::try_from(*number).map_err(|_| self.is_no("unsigned integer")),
            _ => Err(self.is_no("unsigned integer")),
        }
    }

    pub(super) fn field(&self) -> &'static str {
        self.field
    }

    /// The value itself, for what has several forms.
    pub(super) fn value(self) -> Value {
        self.value
    }

    fn is_no(&self, kind: &str) -> ParseError {
        self.error(format!("it is no {kind}"))
    }

    fn error(&self, problem: String) -> ParseError {
        error(self.what, self.field, problem)
    }
}

impl Map {
    pub(super) fn take(&mut self, key: impl Into<Value>, field: &'static str) -> Option<Item> {
        let key = key.into();
        let index = self.entries.iter().position(|(found, _)| *found == key)?;
        Some(Item::new(self.what, field, self.entries.swap_remove(index).1))
    }

    pub(super) fn need(&mut self, key: impl Into<Value>, field: &'static str) -> Result<Item, ParseError> {
        let (what, name) = (self.what, self.field);
        self.take(key, field)
            .ok_or_else(|| error(what, field, format!("it is not in {name}")))
    }

    /// Nothing else is in it.
    pub(super) fn finish(self) -> Result<(), ParseError> {
        match self.entries.first() {
            None => Ok(()),
            Some((key, _)) => Err(error(self.what, self.field, format!("key {key:?} is not known"))),
        }
    }
}

/// An error about a decoded part, whose offset is no longer known.
pub(super) fn error(what: &'static str, field: &'static str, problem: impl Into<String>) -> ParseError {
    Cursor::new(what, &[]).error(field, problem)
}

fn check_heads(what: &'static str, bytes: &[u8]) -> Result<(), ParseError> {
    let mut cursor = Cursor::new(what, bytes);
    for _ in 0..ITEMS_LIMIT {
        if cursor.is_empty() {
            return Ok(());
        }
        check_head(&mut cursor)?;
    }
    if cursor.is_empty() {
        return Ok(());
    }
    Err(cursor.error("CBOR", format!("more than {ITEMS_LIMIT} items")))
}

/// One head, and the string it announces. What an array or map announces follows as heads of its own.
fn check_head(cursor: &mut Cursor<'_>) -> Result<(), ParseError> {
    let at = cursor.clone();
    let initial = cursor.u8("CBOR")?;
    let (argument, least) = match initial & 0x1f {
        short @ 0..24 => (u64::from(short), 0),
        24 => (u64::from(cursor.u8("CBOR")?), 24),
        25 => (u64::from(cursor.u16_be("CBOR")?), 1 << 8),
        26 => (u64::from(cursor.u32_be("CBOR")?), 1 << 16),
        27 => (cursor.u64_be("CBOR")?, 1 << 32),
        31 => return Err(at.error("CBOR", "an indefinite length, or its end")),
        reserved => return Err(at.error("CBOR", format!("additional information {reserved} is reserved"))),
    };
    if initial >> 5 == SIMPLE {
        return match initial {
            0xf4..=0xf6 => Ok(()),
            _ => Err(at.error(
                "CBOR",
                "neither false, true nor null: no claim has other simple values or floats",
            )),
        };
    }
    if argument < least {
        return Err(at.error("CBOR", format!("{argument} is not in its shortest form")));
    }
    let remain = cursor.rest().len();
    let announced = usize::try_from(argument).unwrap_or(usize::MAX);
    match initial >> 5 {
        BYTES | TEXT => cursor.take("CBOR", announced).map(drop),
        ARRAY if announced > remain => Err(at.error(
            "CBOR",
            format!("{announced} entries announced, {remain} bytes remain"),
        )),
        MAP if announced > remain / 2 => Err(at.error(
            "CBOR",
            format!("{announced} pairs announced, {remain} bytes remain"),
        )),
        TAG if matches!(argument, 2 | 3) => Err(at.error("CBOR", "a big number: no claim has any")),
        _ => Ok(()),
    }
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

/// Major types (RFC 8949 §3.1).
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;
const TAG: u8 = 6;
const SIMPLE: u8 = 7;

#[cfg(test)]
mod tests;
