//! What loaders measure, from the firmware's first image to the kernel.

use sha2::{Digest, Sha256};

use super::{
    EfiStub, Event, Image, Loader, Registers,
    event::{
        EV_EFI_BOOT_SERVICES_APPLICATION, EV_EFI_GPT_EVENT, EV_EFI_VARIABLE_AUTHORITY, EV_EVENT_TAG, EV_IPL,
    },
    uefi::{self, SECURITY_DATABASE, SHIM},
};

pub(super) fn load(image: &Image) -> Vec<Event> {
    let mut events = vec![allowed_by_db(image), partitions(image)];
    events.extend(match image.loader {
        Loader::Uki => unified_kernel_image(image),
        Loader::Grub => shim_and_grub(image),
    });
    events.extend(efi_stub(image));
    events
}

fn allowed_by_db(image: &Image) -> Event {
    let certificate = format!("db of {}", image.secure_boot);
    authority(
        SECURITY_DATABASE,
        "db",
        &uefi::signature_data(certificate.as_bytes()),
    )
}

/// Google's firmware measures the partition table to PCR 2, where the specification says 5.
fn partitions(image: &Image) -> Event {
    let uuid = |what: &str| {
        let mut uuid = [0; 16];
        uuid.copy_from_slice(&Sha256::digest(format!("{what} for {:?}", image.loader))[..16]);
        uuid
    };
    let gpt = uefi::gpt(uuid("disk"), uuid("partition"));
    Event::both(2, EV_EFI_GPT_EVENT, gpt.clone(), gpt)
}

/// systemd-stub: one signed image, and each of its sections by name and content (PCR 11).
fn unified_kernel_image(image: &Image) -> Vec<Event> {
    let release = "ID=chassis\nIMAGE_VERSION=1";
    let sections = [
        (".linux", &*image.kernel),
        (".osrel", release),
        (".cmdline", &image.cmdline),
        (".initrd", &image.initrd),
        (".uname", &image.kernel),
        (".sbat", "sbat,1\nsystemd-stub,1"),
    ];
    let whole = sections.map(|(name, content)| [name, content].concat()).concat();
    let mut events = vec![application(2, &whole, r"\EFI\BOOT\BOOTX64.EFI")];
    for (name, content) in sections {
        let wide = uefi::wide_z(name);
        events.push(Event::both(11, EV_IPL, wide.clone(), wide.clone()));
        events.push(Event::both(11, EV_IPL, content, wide));
    }
    events.push(application(2, &image.kernel, ".linux"));
    events
}

/// A distribution's chain: shim and its lists, GRUB, and every command GRUB runs and file it reads.
fn shim_and_grub(image: &Image) -> Vec<Event> {
    let list = |name: &str| Event::both(14, EV_IPL, format!("{name}: empty"), format!("{name}\0"));
    let command = |text: &str| Event::both(8, EV_IPL, text, format!("grub_cmd: {text}\0"));
    let file = |path: &str, content: &str| Event::both(9, EV_IPL, content, format!("{path}\0"));
    let linux = format!("linux /vmlinuz {}", image.cmdline);
    vec![
        application(2, "shim 15.8", r"\EFI\ubuntu\shimx64.efi"),
        list("MokList"),
        list("MokListX"),
        authority(SHIM, "SbatLevel", b"sbat,1,2023012900\nshim,2\ngrub,3\n"),
        list("MokListTrusted"),
        authority(
            SHIM,
            "MokListRT",
            &uefi::signature_data(b"the distribution's key"),
        ),
        application(4, "grub 2.12", r"\EFI\ubuntu\grubx64.efi"),
        file(
            "(hd0,gpt1)/EFI/ubuntu/grub.cfg",
            "configfile (hd0,gpt2)/grub/grub.cfg",
        ),
        command("configfile (hd0,gpt2)/grub/grub.cfg"),
        file("(hd0,gpt2)/grub/grub.cfg", &linux),
        command("set default=0"),
        command("set timeout=0"),
        command(&linux),
        file("/vmlinuz", &image.kernel),
        application(4, &image.kernel, r"\vmlinuz"),
        Event::both(
            8,
            EV_IPL,
            &*image.cmdline,
            format!("kernel_cmdline: /vmlinuz {}\0", image.cmdline),
        ),
        command("initrd /initrd.img"),
        file("/initrd.img", &image.initrd),
    ]
}

/// The kernel's own measurements of what it was given (PCR 9).
fn efi_stub(image: &Image) -> Vec<Event> {
    let registers = match image.stub {
        EfiStub::TpmOnly => Registers::Tpm(9),
        EfiStub::Both => Registers::Both { pcr: 9, rtmr: 2 },
    };
    vec![
        Event::of(
            registers,
            EV_EVENT_TAG,
            uefi::wide_z(&image.cmdline),
            uefi::tagged(0x8f3b_22ed, "LOADED_IMAGE::LoadOptions"),
        ),
        Event::of(
            registers,
            EV_EVENT_TAG,
            &*image.initrd,
            uefi::tagged(0x8f3b_22ec, "Linux initrd"),
        ),
    ]
}

fn application(pcr: u8, content: &str, path: &str) -> Event {
    Event::both(
        pcr,
        EV_EFI_BOOT_SERVICES_APPLICATION,
        content,
        uefi::image_load(content.as_bytes(), path),
    )
}

fn authority(vendor: [u8; 16], name: &str, value: &[u8]) -> Event {
    let data = uefi::variable(vendor, name, value);
    Event::both(7, EV_EFI_VARIABLE_AUTHORITY, data.clone(), data)
}
