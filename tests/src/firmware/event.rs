//! One measurement, and whom it is told.

use sha2::{Digest, Sha256, Sha384};

/// One measurement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Whom it is told.
    pub registers: Registers,
    /// Its type (PFP 1.06 §10.4.1).
    pub kind: u32,
    /// What is hashed.
    pub measured: Vec<u8>,
    /// What the log says about it.
    pub data: Vec<u8>,
}

/// The registers that a measurement extends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registers {
    /// A PCR, and the RTMR of its class (UEFI 2.10 §38.4.1).
    Both {
        /// 1 to 15.
        pcr: u8,
        /// 0 to 2.
        rtmr: u8,
    },
    /// A PCR alone.
    Tpm(u8),
    /// An RTMR alone.
    Td(u8),
    /// None: the TPM's log informs its reader.
    Informative,
}

pub(super) const EV_NO_ACTION: u32 = 0x03;
pub(super) const EV_SEPARATOR: u32 = 0x04;
pub(super) const EV_EVENT_TAG: u32 = 0x06;
pub(super) const EV_S_CRTM_VERSION: u32 = 0x08;
pub(super) const EV_PLATFORM_CONFIG_FLAGS: u32 = 0x0a;
pub(super) const EV_IPL: u32 = 0x0d;
pub(super) const EV_NONHOST_INFO: u32 = 0x11;
pub(super) const EV_EFI_VARIABLE_DRIVER_CONFIG: u32 = 0x8000_0001;
pub(super) const EV_EFI_VARIABLE_BOOT: u32 = 0x8000_0002;
pub(super) const EV_EFI_BOOT_SERVICES_APPLICATION: u32 = 0x8000_0003;
pub(super) const EV_EFI_GPT_EVENT: u32 = 0x8000_0006;
pub(super) const EV_EFI_ACTION: u32 = 0x8000_0007;
pub(super) const EV_EFI_PLATFORM_FIRMWARE_BLOB2: u32 = 0x8000_000a;
pub(super) const EV_EFI_HANDOFF_TABLES2: u32 = 0x8000_000b;
pub(super) const EV_EFI_VARIABLE_AUTHORITY: u32 = 0x8000_00e0;

impl Event {
    /// What TPM and TD are both told. `pcr` is 1 to 15.
    pub fn both(pcr: u8, kind: u32, measured: impl Into<Vec<u8>>, data: impl Into<Vec<u8>>) -> Self {
        let rtmr = match pcr {
            1 | 7 => 0,
            2..=6 => 1,
            _ => 2,
        };
        Self::of(Registers::Both { pcr, rtmr }, kind, measured, data)
    }

    /// What is told to these registers.
    pub fn of(
        registers: Registers,
        kind: u32,
        measured: impl Into<Vec<u8>>,
        data: impl Into<Vec<u8>>,
    ) -> Self {
        Self {
            registers,
            kind,
            measured: measured.into(),
            data: data.into(),
        }
    }

    /// The PCR it extends.
    pub fn pcr(&self) -> Option<u8> {
        match self.registers {
            Registers::Both { pcr, .. } | Registers::Tpm(pcr) => Some(pcr),
            Registers::Td(_) | Registers::Informative => None,
        }
    }

    /// The RTMR it extends.
    pub fn rtmr(&self) -> Option<u8> {
        match self.registers {
            Registers::Both { rtmr, .. } | Registers::Td(rtmr) => Some(rtmr),
            Registers::Tpm(_) | Registers::Informative => None,
        }
    }

    /// Its digest in the SHA-256 bank.
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(&self.measured).into()
    }

    /// Its digest in the SHA-384 bank, and in the TD.
    pub fn sha384(&self) -> [u8; 48] {
        Sha384::digest(&self.measured).into()
    }
}
