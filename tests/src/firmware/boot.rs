//! What the firmware measures, up to the first thing it starts and after the last.

use super::{
    Event, Image, Registers, Shape,
    event::{
        EV_EFI_ACTION, EV_EFI_HANDOFF_TABLES2, EV_EFI_PLATFORM_FIRMWARE_BLOB2, EV_EFI_VARIABLE_BOOT,
        EV_EFI_VARIABLE_DRIVER_CONFIG, EV_NO_ACTION, EV_NONHOST_INFO, EV_PLATFORM_CONFIG_FLAGS,
        EV_S_CRTM_VERSION, EV_SEPARATOR,
    },
    loader,
    uefi::{self, GLOBAL, SECURITY_DATABASE},
};

/// One boot of one image on one shape of machine. Two machines of the same image and shape measure the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeasuredBoot {
    /// In the order they happen.
    pub events: Vec<Event>,
}

impl MeasuredBoot {
    /// Boots.
    pub fn of(image: &Image, shape: &Shape) -> Self {
        let events = [
            root_of_trust(shape),
            td_configuration(image, shape),
            secure_boot(image),
            hardware(shape),
            boot_order(shape),
            hand_over(),
            loader::load(image),
            exit_boot_services(),
        ]
        .concat();
        Self { events }
    }

    /// SHA-384 digests that only the TPM is told, besides PCR 0 and separators: what a policy must list.
    pub fn tpm_only(&self) -> Vec<[u8; 48]> {
        self.events
            .iter()
            .filter(|event| matches!(event.registers, Registers::Tpm(1..)) && event.kind != EV_SEPARATOR)
            .map(Event::sha384)
            .collect()
    }

    /// Digests of the TD HOB and of the configuration volume: RTMR0's first two events.
    pub fn td_only(&self) -> [[u8; 48]; 2] {
        let mut digests = self
            .events
            .iter()
            .filter(|event| matches!(event.registers, Registers::Td(_)))
            .map(Event::sha384);
        std::array::from_fn(|_| digests.next().expect("td_configuration makes two"))
    }
}

/// PCR 0, which has no counterpart in the TD but MRTD.
fn root_of_trust(shape: &Shape) -> Vec<Event> {
    let version = uefi::wide_z("Simulated Virtual Firmware v2");
    let mut nonhost = b"GCE NonHostInfo\0".to_vec();
    nonhost.push(shape.technology as u8);
    nonhost.resize(32, 0);
    vec![
        Event::of(
            Registers::Informative,
            EV_NO_ACTION,
            [],
            b"SP800-155 Event3 of the simulation".as_slice(),
        ),
        Event::of(Registers::Tpm(0), EV_S_CRTM_VERSION, version.clone(), version),
        Event::of(Registers::Tpm(0), EV_NONHOST_INFO, nonhost.clone(), nonhost),
    ]
}

fn td_configuration(image: &Image, shape: &Shape) -> Vec<Event> {
    let hob = format!("TD HOB: {} GiB for {} CPUs", shape.memory_gib, shape.vcpus);
    let volume = format!("configuration volume of {}", image.firmware);
    vec![
        Event::of(Registers::Td(0), EV_EFI_HANDOFF_TABLES2, hob, uefi::td_hob()),
        Event::of(
            Registers::Td(0),
            EV_EFI_PLATFORM_FIRMWARE_BLOB2,
            volume,
            uefi::configuration_volume(),
        ),
    ]
}

fn secure_boot(image: &Image) -> Vec<Event> {
    // As long as on Google's machines; these four make up three quarters of a log.
    let keys = |name, length| {
        let mut keys = format!("{name} of {}", image.secure_boot).into_bytes();
        keys.resize(keys.len().max(length), 0);
        uefi::signature_list(&keys)
    };
    let variable = |vendor, name, value: &[u8]| {
        let data = uefi::variable(vendor, name, value);
        Event::both(7, EV_EFI_VARIABLE_DRIVER_CONFIG, data.clone(), data)
    };
    vec![
        variable(GLOBAL, "SecureBoot", &[1]),
        variable(GLOBAL, "PK", &keys("PK", 760)),
        variable(GLOBAL, "KEK", &keys("KEK", 3020)),
        variable(SECURITY_DATABASE, "db", &keys("db", 6090)),
        variable(SECURITY_DATABASE, "dbx", &keys("dbx", 11_890)),
        separator(Registers::Both { pcr: 7, rtmr: 0 }),
    ]
}

fn hardware(shape: &Shape) -> Vec<Event> {
    let table = |name| {
        let table = format!(
            "{name}: {} CPUs, {} GiB, {} disks",
            shape.vcpus, shape.memory_gib, shape.disks
        );
        Event::both(1, EV_PLATFORM_CONFIG_FLAGS, table, b"ACPI DATA".as_slice())
    };
    ["etc/table-loader", "etc/acpi/rsdp", "etc/acpi/tables"]
        .map(table)
        .to_vec()
}

fn boot_order(shape: &Shape) -> Vec<Event> {
    // Firmware of this age measures the value alone and logs the whole variable.
    let variable = |name: &str, value: Vec<u8>| {
        Event::both(
            1,
            EV_EFI_VARIABLE_BOOT,
            value.clone(),
            uefi::variable(GLOBAL, name, &value),
        )
    };
    let order = (1..=shape.disks).chain([0]).flat_map(u16::to_le_bytes).collect();
    let mut events = vec![variable("BootOrder", order)];
    events.extend((1..=shape.disks).map(|disk| {
        let description = format!("UEFI nvme_card-pd {disk}");
        variable(&format!("Boot{disk:04}"), uefi::load_option(&description, None))
    }));
    events.push(variable("Boot0000", uefi::load_option("UiApp", None)));
    events
}

fn hand_over() -> Vec<Event> {
    let mut events = vec![action(4, "Calling EFI Application from Boot Option")];
    // A separator in every PCR, but one for all of RTMR1.
    events.extend((0..=6).map(|pcr| {
        separator(if pcr == 2 {
            Registers::Both { pcr, rtmr: 1 }
        } else {
            Registers::Tpm(pcr)
        })
    }));
    events
}

fn exit_boot_services() -> Vec<Event> {
    vec![
        action(5, "Exit Boot Services Invocation"),
        action(5, "Exit Boot Services Returned with Success"),
    ]
}

fn action(pcr: u8, text: &str) -> Event {
    Event::both(pcr, EV_EFI_ACTION, text, text)
}

fn separator(registers: Registers) -> Event {
    Event::of(registers, EV_SEPARATOR, [0; 4], [0; 4])
}
