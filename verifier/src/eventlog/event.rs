//! One record of an event log.

use super::{Algorithm, describe};

/// One record, borrowed from the log's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// The PCR (TCG2), or the measurement register counted from 1 (CCEL). Not authenticated in `EV_NO_ACTION` records,
    /// where it may be any number.
    pub register: u32,
    /// What the writer says was measured. Not authenticated.
    pub event_type: EventType,
    /// What the writer says about it. Not authenticated.
    pub data: &'a [u8],
    /// Bytes from the log's front to this record.
    pub offset: usize,
    pub(super) digests: Digests<'a>,
    pub(super) extends: bool,
}

/// A record's digests, as they stand in the log: a record is kept as small as the smallest record is in the log, lest a
/// log of many takes a multiple of its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Digests<'a> {
    /// One SHA-1 digest.
    Sha1(&'a [u8]),
    /// `TPML_DIGEST_VALUES` without its count: known to hold one digest of each announced algorithm.
    List(&'a [u8]),
}

impl<'a> Event<'a> {
    /// The same record, which informs its reader and extends nothing.
    pub(super) fn informative(self) -> Self {
        Self {
            extends: false,
            ..self
        }
    }

    /// The digest in one bank, of that bank's length.
    pub fn digest(&self, algorithm: Algorithm) -> Option<&'a [u8]> {
        match self.digests {
            Digests::Sha1(digest) => (algorithm == Algorithm::Sha1).then_some(digest),
            Digests::List(list) => find(list, algorithm),
        }
    }

    /// The digest in the SHA-384 bank, the only one TDX registers have.
    pub fn sha384(&self) -> Option<[u8; 48]> {
        self.digest(Algorithm::Sha384)?.try_into().ok()
    }

    /// Whether this record went into its register. `EV_NO_ACTION` never does, nor do a dynamic launch's marks
    /// ([`DrtmLog`](super::DrtmLog)).
    pub fn extends(&self) -> bool {
        self.extends
    }

    /// What the record claims to be about, in a few words of printable ASCII. For people: nothing here is authenticated.
    pub fn describe(&self) -> String {
        describe::describe(self)
    }
}

/// An event type (PFP 1.06 §10.4.1; Intel TXT's from `0x400`, UEFI's from `0x80000000`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventType(pub u32);

impl EventType {
    /// A record that extends nothing.
    pub const NO_ACTION: Self = Self(0x0000_0003);
    /// The line between firmware and what it starts.
    pub const SEPARATOR: Self = Self(0x0000_0004);
    /// Intel TXT: how its measurements are spread over PCR 17 and 18. Names PCR 255 and extends nothing.
    pub const TXT_PCR_MAPPING: Self = Self(0x0000_0401);
    /// Linux Secure Launch: the kernel's own measurements follow. Names PCR 17 and extends nothing.
    pub const SLAUNCH_START: Self = Self(0x0000_0503);
    /// Linux Secure Launch: the kernel's own measurements end. Names PCR 17 and extends nothing.
    pub const SLAUNCH_END: Self = Self(0x0000_0504);

    /// Its name in the specification.
    pub fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0x0000_0000 => "EV_PREBOOT_CERT",
            0x0000_0001 => "EV_POST_CODE",
            0x0000_0003 => "EV_NO_ACTION",
            0x0000_0004 => "EV_SEPARATOR",
            0x0000_0005 => "EV_ACTION",
            0x0000_0006 => "EV_EVENT_TAG",
            0x0000_0007 => "EV_S_CRTM_CONTENTS",
            0x0000_0008 => "EV_S_CRTM_VERSION",
            0x0000_0009 => "EV_CPU_MICROCODE",
            0x0000_000a => "EV_PLATFORM_CONFIG_FLAGS",
            0x0000_000b => "EV_TABLE_OF_DEVICES",
            0x0000_000c => "EV_COMPACT_HASH",
            0x0000_000d => "EV_IPL",
            0x0000_000e => "EV_IPL_PARTITION_DATA",
            0x0000_000f => "EV_NONHOST_CODE",
            0x0000_0010 => "EV_NONHOST_CONFIG",
            0x0000_0011 => "EV_NONHOST_INFO",
            0x0000_0012 => "EV_OMIT_BOOT_DEVICE_EVENTS",
            0x0000_0013 => "EV_POST_CODE2",
            0x0000_0401 => "EVTYPE_PCRMAPPING",
            0x0000_0402 => "EVTYPE_HASH_START",
            0x0000_0403 => "EVTYPE_COMBINED_HASH",
            0x0000_0404 => "EVTYPE_MLE_HASH",
            0x0000_040a => "EVTYPE_BIOSAC_REG_DATA",
            0x0000_040b => "EVTYPE_CPU_SCRTM_STAT",
            0x0000_040c => "EVTYPE_LCP_CONTROL_HASH",
            0x0000_040d => "EVTYPE_ELEMENTS_HASH",
            0x0000_040e => "EVTYPE_STM_HASH",
            0x0000_040f => "EVTYPE_OSSINITDATA_CAP_HASH",
            0x0000_0410 => "EVTYPE_SINIT_PUBKEY_HASH",
            0x0000_0411 => "EVTYPE_LCP_HASH",
            0x0000_0412 => "EVTYPE_LCP_DETAILS_HASH",
            0x0000_0413 => "EVTYPE_LCP_AUTHORITIES_HASH",
            0x0000_0414 => "EVTYPE_NV_INFO_HASH",
            0x0000_0502 => "TXT_EVTYPE_SLAUNCH",
            0x0000_0503 => "TXT_EVTYPE_SLAUNCH_START",
            0x0000_0504 => "TXT_EVTYPE_SLAUNCH_END",
            0x8000_0001 => "EV_EFI_VARIABLE_DRIVER_CONFIG",
            0x8000_0002 => "EV_EFI_VARIABLE_BOOT",
            0x8000_0003 => "EV_EFI_BOOT_SERVICES_APPLICATION",
            0x8000_0004 => "EV_EFI_BOOT_SERVICES_DRIVER",
            0x8000_0005 => "EV_EFI_RUNTIME_SERVICES_DRIVER",
            0x8000_0006 => "EV_EFI_GPT_EVENT",
            0x8000_0007 => "EV_EFI_ACTION",
            0x8000_0008 => "EV_EFI_PLATFORM_FIRMWARE_BLOB",
            0x8000_0009 => "EV_EFI_HANDOFF_TABLES",
            0x8000_000a => "EV_EFI_PLATFORM_FIRMWARE_BLOB2",
            0x8000_000b => "EV_EFI_HANDOFF_TABLES2",
            0x8000_000c => "EV_EFI_VARIABLE_BOOT2",
            0x8000_000d => "EV_EFI_GPT_EVENT2",
            0x8000_0010 => "EV_EFI_HCRTM_EVENT",
            0x8000_00e0 => "EV_EFI_VARIABLE_AUTHORITY",
            0x8000_00e1 => "EV_EFI_SPDM_FIRMWARE_BLOB",
            0x8000_00e2 => "EV_EFI_SPDM_FIRMWARE_CONFIG",
            _ => return None,
        })
    }
}

impl std::fmt::Display for EventType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "0x{:08x}", self.0),
        }
    }
}

fn find(mut list: &[u8], wanted: Algorithm) -> Option<&[u8]> {
    while let Some((id, rest)) = list.split_first_chunk() {
        let algorithm = Algorithm::from_id(u16::from_le_bytes(*id))?;
        let (digest, rest) = rest.split_at_checked(algorithm.digest_len())?;
        if algorithm == wanted {
            return Some(digest);
        }
        list = rest;
    }
    None
}
