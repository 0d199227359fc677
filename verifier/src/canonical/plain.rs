//! Canonical JSON of plain values: strings, booleans, unsigned integers up to 2^53, lists, and objects whose keys are ASCII
//! without escapes.
//!
//! Of these `serde_json`'s compact form is the canonical one but for the order of keys. Everything else is refused: null
//! too, for that is what `serde_json` makes of a number that is none.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CharEscape, CompactFormatter, Formatter, Serializer};

use crate::json::GREATEST_NUMBER;

/// `value` in canonical form. `None` where it is not plain, or has no JSON form, or one that is longer than `most` bytes.
pub(super) fn write<T: Serialize>(value: &T, most: Option<usize>) -> Option<Vec<u8>> {
    let mut plain = Plain {
        out: Vec::with_capacity(2 * most.unwrap_or(0)), // an object is sorted behind itself
        most: most.unwrap_or(usize::MAX),
        ..Plain::default()
    };
    value
        .serialize(&mut Serializer::with_formatter(Refusal, Sorting(&mut plain)))
        .ok()?;
    Some(plain.out)
}

/// Where `serde_json` would write. All that [`Sorting`] does not take care of ends here.
struct Refusal;

impl Write for Refusal {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(not_plain())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn not_plain() -> io::Error {
    io::ErrorKind::Unsupported.into()
}

#[derive(Default)]
struct Plain {
    out: Vec<u8>,
    /// Bytes that it may have.
    most: usize,
    in_key: bool,
    /// The entries, so far, of all objects that are not closed yet.
    entries: Vec<Entry>,
    /// Where each of these objects has its first entry.
    objects: Vec<usize>,
}

/// An object's entry, `"key":value`, by its places in what is written.
#[derive(Clone, Copy)]
struct Entry {
    start: usize,
    key_end: usize,
    end: usize,
}

impl Entry {
    /// Without its quotes, which come before letters and would come after a space.
    fn key(self, out: &[u8]) -> &[u8] {
        &out[self.start + 1..self.key_end - 1]
    }
}

impl Plain {
    fn number(&mut self, number: u64) -> io::Result<()> {
        if number > GREATEST_NUMBER {
            return Err(not_plain());
        }
        write!(self.out, "{number}")?;
        self.put(b"")
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.out.len().saturating_add(bytes.len()) > self.most {
            return Err(not_plain());
        }
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    fn last_entry(&mut self) -> io::Result<&mut Entry> {
        self.entries.last_mut().ok_or_else(not_plain)
    }

    /// Ends an object, its entries in ascending order. Of ASCII, UTF-16's order is that of bytes.
    fn close(&mut self) -> io::Result<()> {
        let first = self.objects.pop().ok_or_else(not_plain)?;
        let (out, entries) = (&mut self.out, &mut self.entries[first..]);
        let ascending = |a: &Entry, b: &Entry| a.key(out) < b.key(out);
        if !entries.is_sorted_by(ascending) {
            let start = entries[0].start;
            entries.sort_unstable_by(|a, b| a.key(out).cmp(b.key(out)));
            if !entries.is_sorted_by(ascending) {
                return Err(not_plain()); // a key twice
            }
            // Behind themselves, and then in their own place.
            let end = out.len();
            out.reserve_exact(end - start);
            for entry in &*entries {
                if out.len() > end {
                    out.push(b',');
                }
                out.extend_from_within(entry.start..entry.end);
            }
            out.copy_within(end.., start);
            out.truncate(end);
        }
        self.entries.truncate(first);
        self.put(b"}")
    }
}

/// Writes into [`Plain`]. What it does not override writes into [`Refusal`].
struct Sorting<'a>(&'a mut Plain);

impl Formatter for Sorting<'_> {
    fn write_bool<W: ?Sized + Write>(&mut self, _: &mut W, value: bool) -> io::Result<()> {
        self.0.put(if value { b"true" } else { b"false" })
    }

    fn write_u8<W: ?Sized + Write>(&mut self, _: &mut W, value: u8) -> io::Result<()> {
        self.0.number(value.into())
    }

    fn write_u16<W: ?Sized + Write>(&mut self, _: &mut W, value: u16) -> io::Result<()> {
        self.0.number(value.into())
    }

    fn write_u32<W: ?Sized + Write>(&mut self, _: &mut W, value: u32) -> io::Result<()> {
        self.0.number(value.into())
    }

    fn write_u64<W: ?Sized + Write>(&mut self, _: &mut W, value: u64) -> io::Result<()> {
        self.0.number(value)
    }

    fn begin_string<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.0.put(b"\"")
    }

    fn end_string<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.0.put(b"\"")
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, _: &mut W, fragment: &str) -> io::Result<()> {
        if self.0.in_key && !fragment.is_ascii() {
            return Err(not_plain());
        }
        self.0.put(fragment.as_bytes())
    }

    fn write_char_escape<W: ?Sized + Write>(&mut self, _: &mut W, escape: CharEscape) -> io::Result<()> {
        if self.0.in_key {
            return Err(not_plain());
        }
        CompactFormatter.write_char_escape(&mut self.0.out, escape)?;
        self.0.put(b"")
    }

    fn begin_array<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.0.put(b"[")
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, _: &mut W, first: bool) -> io::Result<()> {
        if !first {
            self.0.put(b",")?;
        }
        Ok(())
    }

    fn end_array<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.0.put(b"]")
    }

    fn begin_object<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.0.put(b"{")?;
        self.0.objects.push(self.0.entries.len());
        Ok(())
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, _: &mut W, first: bool) -> io::Result<()> {
        if !first {
            self.0.put(b",")?;
        }
        let start = self.0.out.len();
        self.0.entries.push(Entry {
            start,
            key_end: start,
            end: start,
        });
        self.0.in_key = true;
        Ok(())
    }

    fn end_object_key<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.0.in_key = false;
        let end = self.0.out.len();
        let entry = self.0.last_entry()?;
        entry.key_end = end;
        // `serde_json` quotes every key.
        if end < entry.start + 2 {
            Err(not_plain())
        } else {
            Ok(())
        }
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.0.put(b":")
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        let end = self.0.out.len();
        self.0.last_entry()?.end = end;
        Ok(())
    }

    fn end_object<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.0.close()
    }
}
