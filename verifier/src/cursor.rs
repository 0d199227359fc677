//! One reader for every binary structure: it never copies, never reads past the end, and never allocates.
//!
//! A length found in evidence is checked against what remains *before* anything is taken or allocated, so a 2-GiB
//! length field costs nothing.

use crate::ParseError;

/// A position in a byte string, with the name of the structure being read for error messages.
#[derive(Clone, Debug)]
pub struct Cursor<'a> {
    bytes: &'a [u8],
    position: usize,
    what: &'static str,
}

impl<'a> Cursor<'a> {
    /// Starts at the front of `bytes`, which hold a `what` (the field's own term: `TPMS_ATTEST`, `CCEL`).
    pub fn new(what: &'static str, bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            position: 0,
            what,
        }
    }

    /// Offset from the front, in bytes.
    pub fn position(&self) -> usize {
        self.position
    }

    /// Everything not yet read.
    pub fn rest(&self) -> &'a [u8] {
        &self.bytes[self.position..]
    }

    /// Whether all has been read.
    pub fn is_empty(&self) -> bool {
        self.rest().is_empty()
    }

    /// An error that names this structure, `field` and the present offset: where the field begins, so call it on a clone from
    /// before the reading.
    pub fn error(&self, field: &'static str, problem: impl Into<String>) -> ParseError {
        self.error_at(self.position, field, problem)
    }

    /// The same with the offset of a field that was read before.
    pub fn error_at(&self, offset: usize, field: &'static str, problem: impl Into<String>) -> ParseError {
        ParseError {
            what: self.what,
            field,
            offset: Some(offset),
            problem: problem.into(),
        }
    }

    /// The next `len` bytes.
    ///
    /// # Errors
    /// If fewer remain.
    pub fn take(&mut self, field: &'static str, len: usize) -> Result<&'a [u8], ParseError> {
        let rest = self.rest();
        if len > rest.len() {
            return Err(self.error(field, format!("{len} bytes announced, {} remain", rest.len())));
        }
        self.position += len;
        Ok(&rest[..len])
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    /// If fewer remain.
    pub fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], ParseError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(field, N)?);
        Ok(array)
    }

    /// One byte.
    ///
    /// # Errors
    /// At the end.
    pub fn u8(&mut self, field: &'static str) -> Result<u8, ParseError> {
        self.array::<1>(field).map(|[byte]| byte)
    }

    /// A big-endian `u16` (TPM structures).
    ///
    /// # Errors
    /// If fewer than two bytes remain.
    pub fn u16_be(&mut self, field: &'static str) -> Result<u16, ParseError> {
        self.array(field).map(u16::from_be_bytes)
    }

    /// A big-endian `u32` (TPM structures).
    ///
    /// # Errors
    /// If fewer than four bytes remain.
    pub fn u32_be(&mut self, field: &'static str) -> Result<u32, ParseError> {
        self.array(field).map(u32::from_be_bytes)
    }

    /// A big-endian `u64` (TPM structures).
    ///
    /// # Errors
    /// If fewer than eight bytes remain.
    pub fn u64_be(&mut self, field: &'static str) -> Result<u64, ParseError> {
        self.array(field).map(u64::from_be_bytes)
    }

    /// A little-endian `u16` (event logs, quotes).
    ///
    /// # Errors
    /// If fewer than two bytes remain.
    pub fn u16_le(&mut self, field: &'static str) -> Result<u16, ParseError> {
        self.array(field).map(u16::from_le_bytes)
    }

    /// A little-endian `u32` (event logs, quotes).
    ///
    /// # Errors
    /// If fewer than four bytes remain.
    pub fn u32_le(&mut self, field: &'static str) -> Result<u32, ParseError> {
        self.array(field).map(u32::from_le_bytes)
    }

    /// A `TPM2B_*`: a big-endian `u16` length, then that many bytes.
    ///
    /// # Errors
    /// If the length exceeds what remains.
    pub fn tpm2b(&mut self, field: &'static str) -> Result<&'a [u8], ParseError> {
        let len = self.u16_be(field)?;
        self.take(field, usize::from(len))
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// If bytes are left over: two encodings of one structure would be two names for one thing.
    pub fn finish(self) -> Result<(), ParseError> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(self.error("end", format!("{} trailing bytes", self.rest().len())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_beyond_the_end_names_field_and_offset() {
        let mut cursor = Cursor::new("TPM2B_TEST", &[0x00, 0x01, 0xff, 0xff, 0xff]);
        assert_eq!(cursor.u16_be("first"), Ok(1));
        let error = cursor.tpm2b("name").unwrap_err();
        assert_eq!(
            error.to_string(),
            "TPM2B_TEST: name at offset 4: 65535 bytes announced, 1 remain"
        );
    }

    #[test]
    fn trailing_bytes_are_an_error() {
        let mut cursor = Cursor::new("X", &[1, 2]);
        assert_eq!(cursor.u8("a"), Ok(1));
        assert_eq!(
            cursor.finish().unwrap_err().to_string(),
            "X: end at offset 1: 1 trailing bytes"
        );
    }
}
