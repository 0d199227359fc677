use alloy_primitives::{Address, B256, Bytes};

use super::*;
use crate::Error;

fn evidence() -> Evidence {
    Evidence {
        version: 1,
        operator: Address::repeat_byte(0xaa),
        disclosure: Disclosure::Public,
        anchor: Anchor {
            chain_id: 31337,
            registry: Address::repeat_byte(0x22),
            block_number: 7,
            block_hash: B256::repeat_byte(0x33),
        },
        session_key_hash: B256::ZERO,
        tee: Tee::Tdx {
            quote: vec![4, 0].into(),
            ccel: None,
            hcl_report: None,
        },
        tpm: None,
        custody: Custody::default(),
        logs: Vec::new(),
    }
}

fn document() -> String {
    let bundle = Bundle {
        consent: Bytes::from(vec![1; 65]),
        ..Bundle::unsigned(evidence()).unwrap()
    };
    String::from_utf8(bundle.to_json().unwrap()).unwrap()
}

fn parse(document: &str) -> Result<Bundle, Error> {
    Bundle::parse(document.as_bytes(), DEFAULT_LIMIT)
}

#[test]
fn a_bundle_survives_the_wire() {
    let bundle = parse(&document()).unwrap();
    assert_eq!(bundle.digest, Bundle::unsigned(evidence()).unwrap().digest);
    assert_eq!(bundle.evidence.operator, evidence().operator);
    assert_eq!(bundle.to_json().unwrap(), document().as_bytes());
}

#[test]
fn a_second_spelling_of_the_same_evidence_is_refused() {
    let spaced = document().replace(r#""version":1"#, r#""version": 1"#);
    assert!(
        matches!(parse(&spaced), Err(Error::NotCanonical { .. })),
        "white space"
    );

    let upper = document().replace("aaaa", "AAAA");
    assert!(
        matches!(parse(&upper), Err(Error::NotCanonical { .. })),
        "other case"
    );

    let reordered = document().replacen(r#""anchor":"#, r#""zanchor":"#, 1);
    assert!(matches!(parse(&reordered), Err(Error::Json(_))), "unknown field");

    let explicit_default = document().replace(r#""operator":"#, r#""logs":[],"operator":"#);
    assert!(
        matches!(parse(&explicit_default), Err(Error::NotCanonical { .. })),
        "spelled-out default"
    );
}

/// Wherever they are: outside the evidence, too, where nothing else asks for one spelling.
#[test]
fn escapes_are_refused() {
    for key in ["consent", "operator"] {
        let escaped = document().replacen(key, &key.replacen('o', r"\u006f", 1), 1);
        let Err(Error::Json(problem)) = parse(&escaped) else {
            panic!("{key}: it is read");
        };
        let offset = escaped.find('\\').unwrap();
        assert!(
            problem.contains(&format!("offset {offset} it has an escape")),
            "{problem}"
        );
    }
}

#[test]
fn duplicate_keys_unknown_fields_and_trailing_bytes_are_refused() {
    let twice = document().replace(r#""version":1"#, r#""version":1,"version":1"#);
    assert!(matches!(parse(&twice), Err(Error::Json(_))));
    let unknown = document().replacen(r#"{"consent""#, r#"{"extra":0,"consent""#, 1);
    assert!(matches!(parse(&unknown), Err(Error::Json(_))));
    assert!(matches!(parse(&(document() + "x")), Err(Error::Json(_))));
}

#[test]
fn non_canonical_base64_is_refused() {
    // `BAB=` decodes to the same bytes as `BAA=` in a lax decoder: its last bits are not zero.
    let lax = document().replace("BAA=", "BAB=");
    assert_ne!(lax, document());
    assert!(matches!(parse(&lax), Err(Error::Json(_))));
}

#[test]
fn size_and_version_are_limited() {
    let too_large = Bundle::parse(document().as_bytes(), 10).unwrap_err();
    assert!(matches!(too_large, Error::TooLarge { limit: 10, .. }));
    let future = document().replace(r#""version":1"#, r#""version":2"#);
    assert!(parse(&future).unwrap_err().to_string().contains("version 2"));
}

#[test]
fn lists_are_limited_and_the_tee_is_not_buffered() {
    for (list, item, most) in [
        ("akCertificates", "\"\"", 16),
        ("pcrs", r#"{"index":0,"value":""}"#, 24),
    ] {
        let tpm = |count| {
            format!(
                r#""tpm":{{"akPublic":"","attest":"","eventLog":"","signature":"","pcrs":[],"{list}":[{}]}}"#,
                vec![item; count].join(",")
            )
        };
        let refusal = |count| {
            let tpm = tpm(count).replacen(r#""pcrs":[],"pcrs""#, r#""pcrs""#, 1);
            parse(&document().replace(r#""version":1"#, &format!(r#"{tpm},"version":1"#))).unwrap_err()
        };
        assert!(matches!(refusal(most), Error::NotCanonical { .. }), "{list}");
        let error = refusal(most + 1).to_string();
        assert!(error.contains(&format!("a list of more than {most}")), "{error}");
    }
    let logs = |count| {
        let logs = vec![r#"{"data":"","kind":"ima"}"#; count].join(",");
        parse(&document().replace(r#""operator":"#, &format!(r#""logs":[{logs}],"operator":"#)))
    };
    assert_eq!(logs(4).unwrap().evidence.logs.len(), 4);
    assert!(logs(5).unwrap_err().to_string().contains("a list of more than 4"));

    let unknown = document().replace(r#""kind":"tdx""#, r#""kind":"snp""#);
    assert!(
        parse(&unknown)
            .unwrap_err()
            .to_string()
            .contains("unknown variant `snp`")
    );
    let other = document().replace(r#""kind":"tdx""#, r#""kind":"tdx","other":[[[]]]"#);
    assert!(
        parse(&other)
            .unwrap_err()
            .to_string()
            .contains("unknown field `other`")
    );
}
