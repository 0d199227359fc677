//! One pass over the heads (RFC 8949 §3), before anything is built from them.

use crate::{Cursor, ParseError};

/// Most data items in one encoding. The largest in a POE has 42.
pub(super) const ITEMS_LIMIT: usize = 256;

/// That all heads are the shortest, of definite length, announce no more than there is, and are no floats or big numbers.
pub(super) fn check_heads(what: &'static str, bytes: &[u8]) -> Result<(), ParseError> {
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

/// Major types (RFC 8949 §3.1).
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;
const TAG: u8 = 6;
const SIMPLE: u8 = 7;
