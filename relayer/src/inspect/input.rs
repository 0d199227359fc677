//! Files of strangers: read within a limit, in whichever spelling they come.

use std::{
    borrow::Cow,
    fs::File,
    io::{self, Read},
    path::Path,
};

use base64::{Engine as _, alphabet, engine};
use x509_parser::pem::Pem;

use crate::render::Refusal;

/// Most bytes read of any file: four times the largest bundle.
pub(crate) const LIMIT: usize = 16 << 20;

/// Reads `path`, or standard input for `-`.
///
/// # Errors
/// If it cannot be read, or has more than `limit` bytes; no more are read.
pub(crate) fn read(path: &Path, limit: usize) -> Result<Vec<u8>, Refusal> {
    let name = path.display();
    let refuse = |error: io::Error| Refusal(format!("{name}: {error}"));
    let mut bytes = Vec::new();
    let bound = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    if path.as_os_str() == "-" {
        io::stdin().lock().take(bound).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(bound).read_to_end(&mut bytes))
    }
    .map_err(refuse)?;
    if bytes.len() > limit {
        return Err(Refusal(format!("{name}: more than {limit} bytes, the limit")));
    }
    if bytes.is_empty() {
        return Err(Refusal(format!("{name}: empty, at offset 0")));
    }
    Ok(bytes)
}

/// Reads `path` as UTF-8.
///
/// # Errors
/// As [`read`], and if it is not UTF-8.
pub(crate) fn read_text(path: &Path, limit: usize) -> Result<String, Refusal> {
    String::from_utf8(read(path, limit)?)
        .map_err(|error| Refusal(format!("{}: not text: {error}", path.display())))
}

/// The bytes a text file of hex (with or without `0x`) or base64 (either alphabet) spells; other files as they are.
///
/// # Errors
/// If the text is cut off.
pub(crate) fn spelled(bytes: &[u8]) -> Result<Cow<'_, [u8]>, Refusal> {
    let text: Vec<u8> = bytes
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    let digits = text.strip_prefix(b"0x").unwrap_or(&text);
    if !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit) {
        let decoded = hex::decode(digits).map_err(|error| {
            Refusal(format!(
                "hex text at offset {}: {error}",
                bytes.len().saturating_sub(1)
            ))
        })?;
        return Ok(Cow::Owned(decoded));
    }
    let url = text.iter().any(|byte| matches!(byte, b'-' | b'_'));
    let alphabet = if url {
        alphabet::URL_SAFE
    } else {
        alphabet::STANDARD
    };
    let lenient = engine::GeneralPurposeConfig::new()
        .with_decode_padding_mode(engine::DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    match engine::GeneralPurpose::new(&alphabet, lenient).decode(&text) {
        // A short word of letters is base64 of something, but not of evidence.
        Ok(decoded) if decoded.len() >= 48 => Ok(Cow::Owned(decoded)),
        _ => Ok(Cow::Borrowed(bytes)),
    }
}

/// The certificates in a PEM file, or the one in a DER file, as DER. Never empty.
///
/// # Errors
/// If a PEM block does not decode.
pub(crate) fn certificates(bytes: &[u8]) -> Result<Vec<Vec<u8>>, Refusal> {
    let marker = b"-----BEGIN ";
    if !bytes.windows(marker.len()).any(|window| window == marker) {
        return Ok(vec![bytes.to_vec()]);
    }
    let mut certificates = Vec::new();
    for block in Pem::iter_from_buffer(bytes) {
        let block = block.map_err(|error| Refusal(format!("PEM: {error}")))?;
        if block.label.contains("CERTIFICATE") {
            certificates.push(block.contents);
        }
    }
    if certificates.is_empty() {
        return Err(Refusal("PEM: no certificate in it".into()));
    }
    Ok(certificates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_and_base64_are_decoded_and_other_bytes_are_kept() {
        assert_eq!(spelled(b"0x00ff\n").unwrap().as_ref(), [0x00, 0xff]);
        assert_eq!(spelled(b"00 fF").unwrap().as_ref(), [0x00, 0xff]);
        assert_eq!(spelled(&[4, 0, 2, 0]).unwrap().as_ref(), [4, 0, 2, 0]);
        assert_eq!(
            spelled(b"0x0").unwrap_err().0,
            "hex text at offset 2: Odd number of digits"
        );
        let long = engine::general_purpose::URL_SAFE_NO_PAD.encode([0xfb; 100]);
        assert_eq!(spelled(long.as_bytes()).unwrap().as_ref(), [0xfb; 100]);
        assert_eq!(spelled(b"hello").unwrap().as_ref(), b"hello");
    }
}
