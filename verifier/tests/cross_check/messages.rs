//! A failure says which record differs first, where in both logs, and what it measures, in words.

use chassis_verifier::cross_check::Class;

use crate::{
    edits::UNLISTED,
    machine::{GRUB, Machine, Side, UKI},
};

/// What is said where the CCEL differs in the twins of these records of the TPM log, class by class.
fn differing(machine: &Machine, places: &[usize]) -> [Option<String>; 3] {
    let mut machine = machine.clone();
    for at in places {
        let record = machine.tpm.records[*at].clone();
        let class = Side::Tpm.class(&record);
        let mut twins = machine.records(Side::Td).iter_mut();
        let twin = twins.find(|twin| Side::Td.class(twin) == class && twin.sha384() == record.sha384());
        twin.unwrap().set_sha384(UNLISTED);
    }
    let classes = machine.requoted().answer().crossed.classes;
    classes.map(|(_, class)| class.err().map(|mismatch| mismatch.to_string()))
}

/// A record by its place in the TPM log, its PCR and its place in the CCEL, and what is said of it.
type Said = (usize, u32, usize, &'static str);

/// Changes each record alone. Nothing else is named, and no other class fails.
fn check(name: &str, expected: &[Said]) {
    let Some(machine) = Machine::of(name) else { return };
    for (at, pcr, td, words) in expected {
        let class = Class::of_pcr(*pcr).unwrap();
        let digest = hex::encode(&machine.tpm.records[*at].sha384()[..8]);
        let text = format!(
            "{class}: the logs differ and the policy lists neither digest; \
             TPM log record {at} (PCR {pcr}: {words}, {digest}…), CCEL record {td} ({class}: {words}, 7777777777777777…)"
        );
        let mut messages = [None, None, None];
        messages[class as usize] = Some(text);
        assert_eq!(differing(&machine, &[*at]), messages);
    }
}

#[test]
fn each_part_of_the_grub_machine() {
    check(
        GRUB,
        &[
            (4, 7, 2, "Secure Boot: on"),
            (7, 7, 5, "Secure Boot db"),
            (8, 7, 6, "Secure Boot dbx"),
            (10, 1, 8, "ACPI tables"),
            (13, 1, 11, "boot order"),
            (25, 7, 17, "Secure Boot authority: an entry of db"),
            (26, 2, 18, "GPT (partition table)"),
            (27, 2, 19, "boot image \\EFI\\ubuntu\\shimx64.efi"),
            (28, 14, 20, "shim's MokList"),
            (30, 7, 22, "Secure Boot authority: SbatLevel"),
            (33, 4, 25, "boot image \\EFI\\ubuntu\\grubx64.efi"),
            (
                34,
                9,
                26,
                "file that the boot loader reads: (hd0,gpt1)/EFI/ubuntu/grub.cfg",
            ),
            (36, 8, 28, "GRUB command: set prefix=(hd0,gpt2)/grub"),
            (93, 9, 85, "kernel image /vmlinuz-6.8.0-1030-gcp"),
            (
                94,
                4,
                86,
                "image without a file name (kernel image, where GRUB loads one)",
            ),
            (
                95,
                8,
                87,
                "kernel command line: /vmlinuz-6.8.0-1030-gcp ro rd.dm=1 systemd.verity=1 \
                 lsm=lockdown,capability,land...",
            ),
            (97, 9, 89, "initrd /initrd.img-6.8.0-1030-gcp"),
            (99, 5, 91, "Exit Boot Services Returned with Success"),
        ],
    );
}

#[test]
fn each_part_of_the_uki_machine() {
    check(
        UKI,
        &[
            (7, 7, 5, "Secure Boot db"),
            (26, 2, 18, "GPT (partition table)"),
            (27, 2, 19, "boot image \\EFI\\BOOT\\BOOTX64.EFI"),
            (29, 11, 21, "kernel image (UKI section .linux)"),
            (33, 11, 25, "kernel command line (UKI section .cmdline)"),
            (35, 11, 27, "initrd (UKI section .initrd)"),
            (37, 11, 29, "kernel version (UKI section .uname)"),
            (40, 2, 32, "kernel image (inside a UKI)"),
        ],
    );
}

/// Another kernel is another file, another image, and another command line that names it: the first of each class is named.
#[test]
fn another_kernel_on_the_grub_machine() {
    let Some(machine) = Machine::of(GRUB) else { return };
    let [configuration, loader, system] = differing(&machine, &[93, 94, 95]);
    assert_eq!(configuration, None);
    assert!(
        loader
            .unwrap()
            .contains("TPM log record 94 (PCR 4: image without")
    );
    assert!(
        system
            .unwrap()
            .contains("TPM log record 93 (PCR 9: kernel image /vmlinuz")
    );
}

/// Command line and initrd as the EFI stub measured them: the CCEL has none, so nothing but the policy's list excuses them.
#[test]
fn another_command_line_or_initrd_that_only_the_tpm_was_told() {
    let Some(machine) = Machine::of(UKI) else { return };
    for (at, words) in [(41, "kernel command line (EFI stub)"), (42, "initrd (EFI stub)")] {
        let mut other = machine.clone();
        other.tpm.records[at].set_sha384(UNLISTED);
        let crossed = other.requoted().answer().crossed;
        assert_eq!(
            crossed.mismatch().unwrap().to_string(),
            format!(
                "RTMR2: only the TPM log has this record and the policy does not list it; \
                 TPM log record {at} (PCR 9: {words}, 7777777777777777…), CCEL has no further record of this class"
            )
        );
    }
}

#[test]
fn another_firmware_volume_or_memory_map() {
    let Some(machine) = Machine::of(UKI) else { return };
    for (at, text) in [
        (0, "CCEL record 0 (RTMR0: hand-off table (TD HOB)"),
        (1, "CCEL record 1 (RTMR0: firmware volume"),
    ] {
        let mut other = machine.clone();
        other.td.records[at].set_sha384(UNLISTED);
        let crossed = other.requoted().answer().crossed;
        let message = crossed.mismatch().unwrap().to_string();
        assert!(message.contains(text), "{message}");
    }
}
