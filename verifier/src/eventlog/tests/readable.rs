//! What people see of a log.

use super::{super::LogView, *};

fn describe(event_type: u32, data: &[u8]) -> String {
    let mut log = Encoder::agile(&SHA256_AND_384);
    log.event(4, event_type, &[1; 64], data);
    TcgLog::parse(&[&log.bytes[..], &[0xff; 8]].concat())
        .unwrap()
        .events()[0]
        .describe()
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn variable(name: &str, value: &[u8]) -> Vec<u8> {
    let mut data = vec![7; 16];
    data.extend((name.len() as u64).to_le_bytes());
    data.extend((value.len() as u64).to_le_bytes());
    data.extend(utf16(name));
    data.extend(value);
    data
}

fn image(nodes: &[(u8, u8, &[u8])]) -> Vec<u8> {
    let path: Vec<u8> = nodes
        .iter()
        .flat_map(|(kind, sub, body)| {
            let len = u16::try_from(body.len() + 4).unwrap().to_le_bytes();
            [&[*kind, *sub, len[0], len[1]], *body].concat()
        })
        .collect();
    [&[7; 24][..], &(path.len() as u64).to_le_bytes(), &path].concat()
}

#[test]
fn records_are_named_by_what_they_measure() {
    assert_eq!(
        describe(0x8000_0001, &variable("SecureBoot", &[1])),
        "Secure Boot: on"
    );
    assert_eq!(describe(0x8000_0001, &variable("db", b"..")), "Secure Boot db");
    assert_eq!(
        describe(0x8000_0002, &variable("Boot0001", b"..")),
        "boot entry Boot0001"
    );
    assert_eq!(
        describe(0x8000_00e0, &variable("db", b"..")),
        "Secure Boot authority: an entry of db"
    );
    assert_eq!(describe(0x8000_0006, b"EFI PART"), "GPT (partition table)");
    let shim = utf16("\\EFI\\ubuntu\\shimx64.efi\0");
    assert_eq!(
        describe(
            0x8000_0003,
            &image(&[(2, 1, &[0; 8]), (4, 4, &shim), (0x7f, 0xff, &[])])
        ),
        "boot image \\EFI\\ubuntu\\shimx64.efi"
    );
    assert_eq!(describe(IPL, &utf16(".initrd\0")), "initrd (UKI section .initrd)");
    assert_eq!(
        describe(IPL, &utf16(".uname\0")),
        "kernel version (UKI section .uname)"
    );
    assert_eq!(
        describe(IPL, b"(hd0,gpt2)/grub/grub.cfg\0"),
        "file that the boot loader reads: (hd0,gpt2)/grub/grub.cfg"
    );
    assert_eq!(
        describe(0x8000_00e0, &variable("SbatLevel", b"..")),
        "Secure Boot authority: SbatLevel"
    );
    assert_eq!(describe(5, b"Calling INT 19h"), "Calling INT 19h");
    assert_eq!(describe(5, b""), "EV_ACTION");
    assert_eq!(
        describe(IPL, b"kernel_cmdline: /vmlinuz ro\0"),
        "kernel command line: /vmlinuz ro"
    );
    assert_eq!(
        describe(6, b"\x01\0\0\0\x0d\0\0\0Linux initrd\0"),
        "initrd (EFI stub)"
    );
}

#[test]
fn text_is_short_and_printable_whatever_the_data() {
    assert_eq!(
        describe(IPL, b"grub_cmd: \x1b[2J\x07\xe2\x80\xae<b>"),
        "GRUB command: .[2J....<b>"
    );
    let long = describe(IPL, &[b'x'; 4096]);
    assert_eq!(long, format!("boot loader: {}...", "x".repeat(96)));
    assert_eq!(describe(IPL, &utf16("a\u{202e}b")), "boot loader: a?b");
}

#[test]
fn lengths_inside_the_data_are_not_believed() {
    for (event_type, whole) in [
        (0x8000_0001, variable("db", b"value")),
        (0x8000_0003, image(&[(4, 4, &utf16("\\a"))])),
        (6, b"\x01\0\0\0\x0d\0\0\0x".to_vec()),
    ] {
        for len in 0..whole.len() {
            describe(event_type, &whole[..len]);
        }
    }
    let mut huge = variable("db", b"value");
    huge[16..24].fill(0xff);
    assert_eq!(describe(0x8000_0001, &huge), "UEFI variable");
    assert_eq!(
        describe(0x8000_0003, &image(&[])),
        describe(0x8000_0003, &image(&[(4, 1, &[0; 9])]))
    );
    // A node that claims fewer bytes than its own header has.
    let mut stuck = image(&[(4, 4, b""), (4, 4, b"")]);
    stuck[34..36].fill(0);
    assert!(describe(0x8000_0003, &stuck).starts_with("image without a file name"));
}

#[test]
fn the_view_serialises_every_register_in_order() {
    let zeros = [0; 4];
    let digest = ring::digest::digest(&ring::digest::SHA384, &zeros);
    let mut log = Encoder::agile(&[Algorithm::Sha384]);
    log.event(7, 4, digest.as_ref(), &zeros);
    log.event(9, 0x1234, &[0xab; 64], b"named, not measured");
    let view: LogView = TcgLog::parse(&log.bytes).unwrap().view();
    let json = serde_json::to_string(&view).unwrap();
    let zero = "0".repeat(96);
    assert!(json.starts_with(&format!(
        r#"{{"banks":[{{"algorithm":"sha384","registers":{{"0":"{zero}","1":"{zero}","#
    )));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["banks"][0]["registers"].as_object().unwrap().len(), 24);
    assert_eq!(json["banks"][0]["extended"], serde_json::json!([7, 9]));
    assert_eq!(
        json["events"][1],
        serde_json::json!({
            "index": 1,
            "register": "PCR 9",
            "type": "0x00001234",
            "extends": true,
            "digests": {"sha384": "ab".repeat(48)},
            "data": "named, not measured",
            "data_hashes_to_digest": false,
        })
    );
    assert_eq!(json["events"][0]["data_hashes_to_digest"], true);
}

#[test]
fn a_td_view_names_registers_as_tdx_does() {
    let mut log = Encoder::agile(&[Algorithm::Sha384]);
    for register in 0..=4 {
        log.event(register, 1, &[1; 64], b"x");
    }
    let view = Ccel::parse(&log.bytes).unwrap().view();
    let names: Vec<_> = view.events.iter().map(|event| event.register.as_str()).collect();
    assert_eq!(names, ["MRTD", "RTMR0", "RTMR1", "RTMR2", "RTMR3"]);
    assert_eq!(view.banks[0].registers.len(), 4);
    assert_eq!(view.banks[0].extended, [0, 1, 2, 3]);
}
