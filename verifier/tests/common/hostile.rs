//! Input made to exhaust whoever reads it.
#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "every test binary uses a part of this"
)]

use chassis_verifier::bundle::DEFAULT_LIMIT;

/// `TPM_ALG_SHA384`.
const SHA384: u16 = 0x000c;

/// Size of documents, in bytes: a quarter of the greatest, which is enough to see a multiple.
pub const SIZE: usize = DEFAULT_LIMIT / 4;

/// As many of `item` as a document of [`SIZE`] has room for, between `front` and `back`.
fn filled(front: &str, item: &str, back: &str) -> Vec<u8> {
    let room = SIZE - front.len() - back.len();
    [front, &item.repeat(room / item.len()), back]
        .concat()
        .into_bytes()
}

/// Bundles, none of which is one.
pub fn bundles() -> Vec<(&'static str, Vec<u8>)> {
    const TEE: &str = r#"{"consent":"0x","evidence":{"tee":{"kind":"tdx","quote":"#;
    const TPM: &str = r#"{"consent":"0x","evidence":{"tpm":{"#;
    let tpm = |list: &str| [TPM, list].concat();
    vec![
        ("numbers for a quote", filled(&[TEE, "["].concat(), "0,", "0]}}}")),
        (
            "unknown parts",
            filled(
                r#"{"consent":"0x","evidence":{"tee":{"#,
                r#""a":1,"#,
                r#""a":1}}}"#,
            ),
        ),
        (
            "certificates",
            filled(&tpm(r#""akCertificates":["#), r#""","#, r#"""]}}}"#),
        ),
        (
            "PCRs",
            filled(&tpm(r#""pcrs":["#), r#"{"index":0,"value":""},"#, "0]}}}"),
        ),
        (
            "a long PCR",
            filled(&tpm(r#""pcrs":[{"index":17,"value":""#), "AAAA", r#""}]}}}"#),
        ),
        (
            "logs",
            filled(
                r#"{"consent":"0x","evidence":{"logs":["#,
                r#"{"kind":"ima","data":""},"#,
                "0]}}",
            ),
        ),
        ("a consent of numbers", filled(r#"{"consent":["#, "0,", "0]}")),
        (
            "a long consent",
            filled(r#"{"consent":"0x"#, "00", r#"","evidence":{}}"#),
        ),
        (
            "a version in DEL",
            filled(r#"{"consent":"0x","evidence":{"version":""#, "\u{7f}", r#""}}"#),
        ),
        (
            "a version in C1",
            filled(r#"{"consent":"0x","evidence":{"version":""#, "\u{80}", r#""}}"#),
        ),
        (
            "an escaped version",
            filled(r#"{"consent":"0x","evidence":{"version":""#, r"\u0080", r#""}}"#),
        ),
        ("a long name", filled(r#"{""#, "a", r#"":1}"#)),
        ("brackets", filled(r#"{"consent":"0x","evidence":"#, "[", "")),
        (
            "a quote that is no quote",
            filled(&[TEE, "\""].concat(), "AAAA", r#""}}}"#),
        ),
    ]
}

/// Endorsement sets, some of which are.
pub fn endorsements() -> Vec<(&'static str, Vec<u8>)> {
    let hash = "5e".repeat(32);
    let anchor = format!(
        r#"{{"anchor":{{"chainId":1,"registry":"0x{}","number":1,"hash":"0x{hash}","timestamp":1}},"version":1,"#,
        "5e".repeat(20)
    );
    let with = |list: &str| [&anchor, list].concat();
    let host = format!(r#"{{"platformId":"0x{hash}","provider":1,"zone":"a"}},"#);
    let last = format!("{}]}}", host.trim_end_matches(','));
    let collateral = r#""tdxCollateral":{"pck_crl_issuer_chain":"","root_ca_crl":"","pck_crl":"","tcb_info_issuer_chain":"","tcb_info_signature":"","qe_identity_issuer_chain":"","qe_identity":"","qe_identity_signature":"","tcb_info":""#;
    vec![
        ("CRLs", filled(&with(r#""providerCrls":["#), r#""","#, r#"""]}"#)),
        ("a CRL", filled(&with(r#""providerCrls":[""#), "AAAA", r#""]}"#)),
        ("hosts", filled(&with(r#""hostRegistry":["#), &host, &last)),
        ("a TCB info", filled(&with(collateral), "a", r#""}}"#)),
        (
            "a TCB info of line ends",
            filled(&with(collateral), r"\n", r#""}}"#),
        ),
        (
            "an escaped list",
            filled(&with(r#""providerCrls":""#), r"\u0080", r#""}"#),
        ),
    ]
}

/// A log of the old form, SHA-1 only, of the smallest records there are: 32 bytes.
pub fn sha1_log(records: usize) -> Vec<u8> {
    record(8, 0x0d, None, b"").repeat(records)
}

/// A log with SHA-384 only, of the smallest records there are: 66 bytes.
pub fn sha384_log(register: u32, records: usize) -> Vec<u8> {
    let mut header = b"Spec ID Event03\0\0\0\0\0\0\x02\0\x02\x01\0\0\0".to_vec();
    header.extend(SHA384.to_le_bytes());
    header.extend([48, 0, 0]);
    // `confidential-computing technology: `, the longest name of no data.
    [
        record(0, 3, None, &header),
        record(register, 0x11, Some(SHA384), b"").repeat(records),
    ]
    .concat()
}

fn record(register: u32, event_type: u32, agile: Option<u16>, data: &[u8]) -> Vec<u8> {
    let mut record = [register.to_le_bytes(), event_type.to_le_bytes()].concat();
    match agile {
        None => record.extend([1; 20]),
        Some(algorithm) => {
            record.extend(1u32.to_le_bytes());
            record.extend(algorithm.to_le_bytes());
            record.extend([7; 48]);
        }
    }
    record.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
    record.extend(data);
    record
}

/// An IMA list of the smallest records there are: 32 bytes.
pub fn ima_list(records: usize) -> Vec<u8> {
    let record = [&10u32.to_le_bytes()[..], &[1; 20], &[0; 8]].concat();
    record.repeat(records)
}

/// A CRL of the smallest entries there are, 20 bytes, by nobody.
pub fn crl(entries: usize) -> Vec<u8> {
    let algorithm = tlv(0x30, &hex::decode("06082a8648ce3d040302").unwrap());
    let time = tlv(0x17, b"250101000000Z");
    let entry = tlv(0x30, &[&[2, 1, 7], &time[..]].concat());
    let number = tlv(0x30, &hex::decode("0603551d140403020101").unwrap());
    let list = [
        &[2, 1, 1][..],
        &algorithm,
        &tlv(0x30, b""),
        &time,
        &time,
        &tlv(0x30, &entry.repeat(entries)),
        &tlv(0xa0, &tlv(0x30, &number)),
    ];
    tlv(
        0x30,
        &[tlv(0x30, &list.concat()), algorithm, vec![3, 2, 0, 1]].concat(),
    )
}

/// A certificate of the greatest size that is read, made of as many names as there is room for.
pub fn certificate() -> Vec<u8> {
    let algorithm = tlv(0x30, &hex::decode("06082a8648ce3d040302").unwrap());
    let time = tlv(0x17, b"250101000000Z");
    let names = tlv(0x30, &[0x82, 0].repeat(3_950));
    let extension = [hex::decode("0603551d11").unwrap(), tlv(4, &names)].concat();
    let mut key = hex::decode("3059301306072a8648ce3d020106082a8648ce3d03010703420004").unwrap();
    key.extend([1; 64]);
    let certificate = [
        &hex::decode("a003020102020101").unwrap()[..],
        &algorithm,
        &tlv(0x30, b""),
        &tlv(0x30, &[&time[..], &time].concat()),
        &tlv(0x30, b""),
        &key,
        &tlv(0xa3, &tlv(0x30, &tlv(0x30, &extension))),
    ];
    tlv(
        0x30,
        &[tlv(0x30, &certificate.concat()), algorithm, vec![3, 2, 0, 1]].concat(),
    )
}

/// DER.
fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let len = content.len().to_be_bytes();
    let len = &len[len.iter().take_while(|byte| **byte == 0).count()..];
    let header = match len {
        [] => vec![tag, 0],
        [len @ 0..128] => vec![tag, *len],
        _ => [&[tag, 0x80 | u8::try_from(len.len()).unwrap()], len].concat(),
    };
    [&header, content].concat()
}
