//! What a record claims to be about, for people.
//!
//! Everything here is taken from unauthenticated bytes and printed: so it is short, printable ASCII, and no number found in
//! the data is believed without a check. No verdict depends on it.

use super::{Event, EventType};
use crate::{Cursor, ParseError};

/// Longest text taken from a record.
const TEXT_LIMIT: usize = 96;
/// The device-path vendor node of a kernel inside a unified kernel image (systemd's `STUB_PAYLOAD_GUID`).
const UKI_PAYLOAD: [u8; 16] = [
    0xf8, 0xd1, 0xc5, 0x55, 0xcd, 0x04, 0xb5, 0x46, 0x8a, 0x20, 0xe5, 0x6c, 0xbb, 0x30, 0x52, 0xd0,
];

pub(super) fn describe(event: &Event<'_>) -> String {
    match event.event_type.0 {
        0x3 => no_action(event.data),
        0x4 => "separator".to_owned(),
        0x7 | 0x8 => format!("firmware version: {}", text(event.data)),
        0x6 => tagged(event.data).unwrap_or_else(|_| "tagged event".to_owned()),
        0xa if event.data.starts_with(b"ACPI DATA") => "ACPI tables".to_owned(),
        0xd => ipl(event.data),
        0x11 => format!("confidential-computing technology: {}", text(event.data)),
        0x8000_0001 | 0x8000_0002 | 0x8000_000c | 0x8000_00e0 => {
            variable(event.event_type, event.data).unwrap_or_else(|_| "UEFI variable".to_owned())
        }
        0x8000_0003..=0x8000_0005 => image(event.data).unwrap_or_else(|_| "image".to_owned()),
        0x8000_0006 | 0x8000_000d => "GPT (partition table)".to_owned(),
        0x8000_0008 | 0x8000_000a => format!("firmware volume: {}", text(event.data)),
        0x8000_0009 | 0x8000_000b => format!("hand-off table (TD HOB): {}", text(event.data)),
        _ => match text(event.data) {
            words if words.is_empty() => event.event_type.to_string(),
            words => words,
        },
    }
}

fn no_action(data: &[u8]) -> String {
    let end = data.iter().position(|byte| *byte == 0).unwrap_or(data.len());
    format!("not extended: {}", text(&data[..end.min(16)]))
}

/// What boot loaders write: GRUB's commands and files, shim's lists, systemd-stub's sections.
fn ipl(data: &[u8]) -> String {
    let words = text(data);
    if let Some(command_line) = words.strip_prefix("kernel_cmdline: ") {
        return format!("kernel command line: {command_line}");
    }
    if let Some(command) = words.strip_prefix("grub_cmd: ") {
        return format!("GRUB command: {command}");
    }
    match words.as_str() {
        ".linux" => "kernel image (UKI section .linux)".to_owned(),
        ".initrd" => "initrd (UKI section .initrd)".to_owned(),
        ".cmdline" => "kernel command line (UKI section .cmdline)".to_owned(),
        ".osrel" => "name of the system (UKI section .osrel)".to_owned(),
        ".uname" => "kernel version (UKI section .uname)".to_owned(),
        ".sbat" => "revocation level (UKI section .sbat)".to_owned(),
        _ if words.starts_with('.') => format!("UKI section {words}"),
        _ if words.starts_with("MokList") => format!("shim's {words}"),
        _ if words.contains("vmlinuz") => format!("kernel image {words}"),
        _ if words.contains("initr") => format!("initrd {words}"),
        _ if words.starts_with(['(', '/']) => format!("file that the boot loader reads: {words}"),
        _ => format!("boot loader: {words}"),
    }
}

/// `TCG_PCClientTaggedEvent`, as the Linux EFI stub writes it.
fn tagged(data: &[u8]) -> Result<String, ParseError> {
    let mut cursor = Cursor::new("TCG_PCClientTaggedEvent", data);
    cursor.u32_le("taggedEventID")?;
    cursor.u32_le("taggedEventDataSize")?;
    Ok(match text(cursor.rest()).as_str() {
        "LOADED_IMAGE::LoadOptions" => "kernel command line (EFI stub)".to_owned(),
        "Linux initrd" => "initrd (EFI stub)".to_owned(),
        other => other.to_owned(),
    })
}

/// `UEFI_VARIABLE_DATA`.
fn variable(event_type: EventType, data: &[u8]) -> Result<String, ParseError> {
    let mut cursor = Cursor::new("UEFI_VARIABLE_DATA", data);
    cursor.take("variableName", 16)?;
    let name_len = length(&mut cursor, "unicodeNameLength")?;
    let value_len = length(&mut cursor, "variableDataLength")?;
    let name = text(cursor.take("unicodeName", name_len.saturating_mul(2))?);
    let value = cursor.take("variableData", value_len)?;
    if event_type.0 == 0x8000_00e0 {
        return Ok(match name.as_str() {
            "db" => "Secure Boot authority: an entry of db".to_owned(),
            _ => format!("Secure Boot authority: {name}"),
        });
    }
    Ok(match (name.as_str(), value) {
        ("SecureBoot", [0]) => "Secure Boot: off".to_owned(),
        ("SecureBoot", [1]) => "Secure Boot: on".to_owned(),
        ("PK" | "KEK" | "db" | "dbx", _) => format!("Secure Boot {name}"),
        ("BootOrder", _) => "boot order".to_owned(),
        _ if name.len() == 8 && name.starts_with("Boot") => format!("boot entry {name}"),
        _ => format!("UEFI variable {name}"),
    })
}

/// `UEFI_IMAGE_LOAD_EVENT`: the file's name from its device path (UEFI 2.10 §10.3), where it has one.
fn image(data: &[u8]) -> Result<String, ParseError> {
    let mut cursor = Cursor::new("UEFI_IMAGE_LOAD_EVENT", data);
    cursor.take("address, length, link-time address", 24)?;
    let path_len = length(&mut cursor, "lengthOfDevicePath")?;
    let mut path = Cursor::new("EFI_DEVICE_PATH_PROTOCOL", cursor.take("devicePath", path_len)?);
    let mut file = String::new();
    while !path.is_empty() {
        let node = (path.u8("type")?, path.u8("subType")?);
        let len = usize::from(path.u16_le("length")?);
        // Every node has at least its own header's four bytes, so this always advances.
        let body = path.take("node", len.saturating_sub(4))?;
        match node {
            (0x04, 0x03) if body == UKI_PAYLOAD => return Ok("kernel image (inside a UKI)".to_owned()),
            (0x04, 0x04) => file = text(body),
            (0x7f, _) => break,
            _ => {}
        }
    }
    Ok(match file.as_str() {
        "" => "image without a file name (kernel image, where GRUB loads one)".to_owned(),
        name if name.contains("vmlinuz") || name == "kernel" => format!("kernel image {name}"),
        name => format!("boot image {name}"),
    })
}

fn length(cursor: &mut Cursor<'_>, field: &'static str) -> Result<usize, ParseError> {
    let low = cursor.u32_le(field)?;
    let high = cursor.u32_le(field)?;
    if high != 0 {
        return Err(cursor.error(field, "beyond 4 GiB"));
    }
    Ok(usize::try_from(low).unwrap_or(usize::MAX))
}

/// At most [`TEXT_LIMIT`] characters of ASCII or UTF-16LE text; what is not printable becomes a dot.
pub(super) fn text(data: &[u8]) -> String {
    let wide = data.len() >= 2 && data.len().is_multiple_of(2) && data[1] == 0;
    let step = if wide { 2 } else { 1 };
    let mut characters = data.chunks_exact(step).map(|unit| match unit {
        [byte, 0] | [byte] => *byte,
        _ => b'?',
    });
    let mut text = String::new();
    for byte in characters.by_ref().take(TEXT_LIMIT).take_while(|byte| *byte != 0) {
        text.push(if byte == b' ' || byte.is_ascii_graphic() {
            char::from(byte)
        } else {
            '.'
        });
    }
    if text.len() == TEXT_LIMIT && characters.next().is_some_and(|byte| byte != 0) {
        text.push_str("...");
    }
    text
}
