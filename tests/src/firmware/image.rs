//! What boots, and on what.

use sha2::{Digest, Sha384};

/// A disk image with the firmware it boots under. Contents stand for themselves: what is measured is the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// For people; not measured.
    pub name: String,
    /// The virtual firmware's build. Decides MRTD.
    pub firmware: String,
    /// Who owns the Secure Boot keys (PK, KEK, db, dbx).
    pub secure_boot: String,
    /// What the firmware starts.
    pub loader: Loader,
    /// The kernel.
    pub kernel: String,
    /// The initial file system.
    pub initrd: String,
    /// The kernel's command line.
    pub cmdline: String,
    /// Whom the kernel's EFI stub tells.
    pub stub: EfiStub,
}

/// What the firmware starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loader {
    /// A unified kernel image: systemd-stub, kernel, initrd and command line in one signed file.
    Uki,
    /// Shim, then GRUB with its scripts: an ordinary distribution.
    Grub,
}

/// Whom the kernel's EFI stub tells about initrd and command line (PCR 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EfiStub {
    /// The TPM alone, as on the Google machines we have seen.
    TpmOnly,
    /// The TPM and the TD, as kernels do since 6.9.
    Both,
}

/// A machine type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// As the provider names it.
    pub name: &'static str,
    /// Virtual CPUs; in the ACPI tables.
    pub vcpus: u32,
    /// Memory; in the TD HOB and the ACPI tables.
    pub memory_gib: u32,
    /// Disks; in the boot variables.
    pub disks: u16,
    /// What keeps the host out; in PCR 0.
    pub technology: Technology,
}

/// What keeps the host out, as Google's firmware numbers it in `EV_NONHOST_INFO`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Technology {
    /// Nothing: an ordinary virtual machine.
    None = 0,
    /// Intel TDX.
    Tdx = 3,
}

impl Image {
    /// The image that the simulation's policy has as reviewed.
    pub fn reviewed() -> Self {
        Self {
            name: "reviewed".into(),
            firmware: "simulated-ovmf 2026.07".into(),
            secure_boot: "provider defaults".into(),
            loader: Loader::Uki,
            kernel: "linux 6.12.40-chassis".into(),
            initrd: "initrd of chassis-node 0.1.0".into(),
            cmdline: "ro quiet lockdown=confidentiality chassis.node=1".into(),
            stub: EfiStub::TpmOnly,
        }
    }

    /// The reviewed image with another kernel.
    pub fn other_kernel() -> Self {
        Self {
            name: "other-kernel".into(),
            kernel: "linux 6.12.40-backdoor".into(),
            ..Self::reviewed()
        }
    }

    /// The reviewed image with another command line.
    pub fn other_cmdline() -> Self {
        Self {
            name: "other-cmdline".into(),
            cmdline: "ro quiet chassis.node=1 init=/bin/sh".into(),
            ..Self::reviewed()
        }
    }

    /// The reviewed image with another initrd.
    pub fn other_initrd() -> Self {
        Self {
            name: "other-initrd".into(),
            initrd: "initrd with a shell".into(),
            ..Self::reviewed()
        }
    }

    /// An ordinary distribution with shim and GRUB, which nobody reviewed.
    pub fn distribution() -> Self {
        Self {
            name: "distribution".into(),
            loader: Loader::Grub,
            kernel: "linux 6.8.0-1030".into(),
            initrd: "initrd.img-6.8.0-1030".into(),
            cmdline: "root=UUID=34ae08e9 ro console=ttyS0".into(),
            ..Self::reviewed()
        }
    }

    /// MRTD: what the TD holds before it runs.
    pub fn mrtd(&self) -> [u8; 48] {
        Sha384::digest(format!("firmware volume of {}", self.firmware)).into()
    }
}

impl Shape {
    /// Four CPUs, 16 GiB, one disk.
    pub const SMALL: Self = Self {
        name: "c3-standard-4",
        vcpus: 4,
        memory_gib: 16,
        disks: 1,
        technology: Technology::Tdx,
    };

    /// Twenty-two CPUs, 88 GiB, three disks.
    pub const LARGE: Self = Self {
        name: "c3-standard-22",
        vcpus: 22,
        memory_gib: 88,
        disks: 3,
        technology: Technology::Tdx,
    };

    /// The small machine type, without TDX: what anybody may rent for little.
    pub const ORDINARY: Self = Self {
        name: "n2-standard-4",
        technology: Technology::None,
        ..Self::SMALL
    };
}
