//! Decoded values, taken apart field by field.

use ciborium::value::Value;

use super::{decode, error};
use crate::ParseError;

/// A value with the name of its field, to be taken apart.
pub(in crate::claims) struct Item {
    what: &'static str,
    field: &'static str,
    value: Value,
}

/// A map, emptied entry by entry.
pub(in crate::claims) struct Map {
    what: &'static str,
    field: &'static str,
    entries: Vec<(Value, Value)>,
}

impl Item {
    pub(in crate::claims) fn new(what: &'static str, field: &'static str, value: Value) -> Self {
        Self { what, field, value }
    }

    /// The encoding that `field`, a byte string, holds.
    pub(in crate::claims) fn decode(
        what: &'static str,
        field: &'static str,
        bytes: &[u8],
    ) -> Result<Self, ParseError> {
        let value = decode(what, bytes).map_err(ParseError::within)?;
        Ok(Self::new(what, field, value))
    }

    pub(in crate::claims) fn map(self) -> Result<Map, ParseError> {
        let (what, field) = (self.what, self.field);
        match self.value {
            Value::Map(entries) => Ok(Map { what, field, entries }),
            _ => Err(self.is_no("map")),
        }
    }

    /// An array of exactly `N`.
    pub(in crate::claims) fn array<const N: usize>(self) -> Result<[Self; N], ParseError> {
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

    pub(in crate::claims) fn tagged(self, tag: u64) -> Result<Self, ParseError> {
        let (what, field) = (self.what, self.field);
        match self.value {
            Value::Tag(found, value) if found == tag => Ok(Self::new(what, field, *value)),
            _ => Err(self.error(format!("it is not tagged {tag}"))),
        }
    }

    pub(in crate::claims) fn bytes(self) -> Result<Vec<u8>, ParseError> {
        match self.value {
            Value::Bytes(bytes) => Ok(bytes),
            _ => Err(self.is_no("byte string")),
        }
    }

    pub(in crate::claims) fn sized<const N: usize>(self) -> Result<[u8; N], ParseError> {
        let (what, field) = (self.what, self.field);
        let bytes = self.bytes()?;
        <[u8; N]>::try_from(bytes.as_slice())
            .map_err(|_| error(what, field, format!("{} bytes, there must be {N}", bytes.len())))
    }

    pub(in crate::claims) fn text(self) -> Result<String, ParseError> {
        match self.value {
            Value::Text(text) => Ok(text),
            _ => Err(self.is_no("text string")),
        }
    }

    pub(in crate::claims) fn unsigned(self) -> Result<u64, ParseError> {
        match &self.value {
            Value::Integer(number) => u64::try_from(*number).map_err(|_| self.is_no("unsigned integer")),
            _ => Err(self.is_no("unsigned integer")),
        }
    }

    pub(in crate::claims) fn field(&self) -> &'static str {
        self.field
    }

    /// The value itself, for what has several forms.
    pub(in crate::claims) fn value(self) -> Value {
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
    pub(in crate::claims) fn take(&mut self, key: impl Into<Value>, field: &'static str) -> Option<Item> {
        let key = key.into();
        let index = self.entries.iter().position(|(found, _)| *found == key)?;
        Some(Item::new(self.what, field, self.entries.swap_remove(index).1))
    }

    pub(in crate::claims) fn need(
        &mut self,
        key: impl Into<Value>,
        field: &'static str,
    ) -> Result<Item, ParseError> {
        let (what, name) = (self.what, self.field);
        self.take(key, field)
            .ok_or_else(|| error(what, field, format!("it is not in {name}")))
    }

    /// Nothing else is in it.
    pub(in crate::claims) fn finish(self) -> Result<(), ParseError> {
        match self.entries.first() {
            None => Ok(()),
            Some((key, _)) => Err(error(self.what, self.field, format!("key {key:?} is not known"))),
        }
    }
}
