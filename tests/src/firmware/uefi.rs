//! Layouts of event data (UEFI 2.10; PFP 1.06 §10.4, "TCG PC Client Platform Firmware Profile").

/// `EFI_GLOBAL_VARIABLE`.
pub(super) const GLOBAL: [u8; 16] = guid("61dfe48bca93d211aa0d00e098032b8c");
/// `EFI_IMAGE_SECURITY_DATABASE_GUID`.
pub(super) const SECURITY_DATABASE: [u8; 16] = guid("cbb219d73a3d9645a3bcdad00e67656f");
/// `SHIM_LOCK_GUID`.
pub(super) const SHIM: [u8; 16] = guid("50ab5d6046e00043abb63dd810dd8b23");
const CERT_X509: [u8; 16] = guid("a159c0a5e494a74a87b5ab155c2bf072");
const OWNER: [u8; 16] = guid("1cbc47adc85b0c4f8f5bd4e4b2a6e4c1");
const TDX_TABLE: [u8; 16] = guid("af96bb93f2b9b84e9462e0ba74564236");

/// `UEFI_VARIABLE_DATA`.
pub(super) fn variable(vendor: [u8; 16], name: &str, value: &[u8]) -> Vec<u8> {
    let wide: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    [
        &vendor[..],
        &(wide.len() as u64 / 2).to_le_bytes(),
        &(value.len() as u64).to_le_bytes(),
        &wide,
        value,
    ]
    .concat()
}

/// `EFI_SIGNATURE_LIST` with one certificate.
pub(super) fn signature_list(certificate: &[u8]) -> Vec<u8> {
    let signature = length(16 + certificate.len());
    let list = length(28 + 16 + certificate.len());
    [
        &CERT_X509[..],
        &list,
        &[0; 4],
        &signature,
        &signature_data(certificate),
    ]
    .concat()
}

/// `EFI_SIGNATURE_DATA`.
pub(super) fn signature_data(certificate: &[u8]) -> Vec<u8> {
    [&OWNER[..], certificate].concat()
}

/// `EFI_LOAD_OPTION` for the file at `path` on the boot disk, or for the whole disk.
pub(super) fn load_option(description: &str, path: Option<&str>) -> Vec<u8> {
    let device = device_path(path);
    let device_length = u16::try_from(device.len()).expect("a short path");
    [
        &1_u32.to_le_bytes()[..],
        &device_length.to_le_bytes(),
        &wide_z(description),
        &device,
    ]
    .concat()
}

/// `UEFI_IMAGE_LOAD_EVENT`.
pub(super) fn image_load(image: &[u8], path: &str) -> Vec<u8> {
    let device = device_path(Some(path));
    [
        &0x7d40_3018_u64.to_le_bytes()[..],
        &(image.len() as u64).to_le_bytes(),
        &0_u64.to_le_bytes(),
        &(device.len() as u64).to_le_bytes(),
        &device,
    ]
    .concat()
}

/// `UEFI_GPT_DATA`: header and one partition, which holds the EFI system.
pub(super) fn gpt(disk: [u8; 16], partition: [u8; 16]) -> Vec<u8> {
    let mut header = [0; 92];
    header[..16].copy_from_slice(b"EFI PART\0\0\x01\0\x5c\0\0\0");
    header[24..32].copy_from_slice(&1_u64.to_le_bytes());
    header[40..48].copy_from_slice(&34_u64.to_le_bytes());
    header[56..72].copy_from_slice(&disk);
    header[72..80].copy_from_slice(&2_u64.to_le_bytes());
    header[80..84].copy_from_slice(&128_u32.to_le_bytes());
    header[84..88].copy_from_slice(&128_u32.to_le_bytes());
    let mut entry = [0; 128];
    entry[..16].copy_from_slice(&guid("28732ac11ff8d211ba4b00a0c93ec93b"));
    entry[16..32].copy_from_slice(&partition);
    entry[32..40].copy_from_slice(&2048_u64.to_le_bytes());
    [&header[..], &1_u64.to_le_bytes(), &entry].concat()
}

/// `UEFI_HANDOFF_TABLE_POINTERS2` for the TD HOB.
pub(super) fn td_hob() -> Vec<u8> {
    [
        b"\x09TdxTable\0",
        &1_u64.to_le_bytes()[..],
        &TDX_TABLE,
        &0x80_9000_u64.to_le_bytes(),
    ]
    .concat()
}

/// `UEFI_PLATFORM_FIRMWARE_BLOB2` for the configuration firmware volume.
pub(super) fn configuration_volume() -> Vec<u8> {
    let name = b"Fv(48DB5E17-707C-472D-91CD-1613E7EF51B0)\0";
    [
        &[u8::try_from(name.len()).expect("a short name")][..],
        name,
        &0xffe0_0000_u64.to_le_bytes(),
        &0x2_0000_u64.to_le_bytes(),
    ]
    .concat()
}

/// `TCG_PCClientTaggedEvent`.
pub(super) fn tagged(id: u32, text: &str) -> Vec<u8> {
    let text = [text.as_bytes(), b"\0"].concat();
    [&id.to_le_bytes()[..], &length(text.len()), &text].concat()
}

/// UTF-16, little-endian, with a terminating zero.
pub(super) fn wide_z(text: &str) -> Vec<u8> {
    text.encode_utf16()
        .chain([0])
        .flat_map(u16::to_le_bytes)
        .collect()
}

/// A disk, or a file on its first partition.
fn device_path(path: Option<&str>) -> Vec<u8> {
    // ACPI(PNP0A03), PCI(4,0), NVMe(1).
    let mut bytes = vec![0x02, 0x01, 12, 0, 0xd0, 0x41, 0x03, 0x0a, 0, 0, 0, 0];
    bytes.extend([0x01, 0x01, 6, 0, 0, 4]);
    bytes.extend([0x03, 0x17, 16, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    if let Some(path) = path {
        let path = wide_z(path);
        // HD(1, GPT, …).
        bytes.extend([0x04, 0x01, 42, 0]);
        bytes.extend(1_u32.to_le_bytes());
        bytes.extend(2048_u64.to_le_bytes());
        bytes.extend(0x4_0000_u64.to_le_bytes());
        bytes.extend(guid("72e4d8178788884e8556c7ce50fbc2b4"));
        bytes.extend([2, 2]);
        bytes.extend([0x04, 0x04]);
        bytes.extend(u16::try_from(path.len() + 4).expect("a short path").to_le_bytes());
        bytes.extend(path);
    }
    bytes.extend([0x7f, 0xff, 0x04, 0x00]);
    bytes
}

fn length(bytes: usize) -> [u8; 4] {
    u32::try_from(bytes).expect("less than 4 GiB").to_le_bytes()
}

/// A GUID from the hex of its bytes as they lie in memory.
const fn guid(hex: &str) -> [u8; 16] {
    const fn nibble(digit: u8) -> u8 {
        if digit >= b'a' {
            digit - b'a' + 10
        } else {
            digit - b'0'
        }
    }
    let digits = hex.as_bytes();
    let mut bytes = [0; 16];
    let mut i = 0;
    while i < 16 {
        bytes[i] = (nibble(digits[2 * i]) << 4) | nibble(digits[2 * i + 1]);
        i += 1;
    }
    bytes
}
