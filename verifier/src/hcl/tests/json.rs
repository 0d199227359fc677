//! The variable data itself.

use super::*;

#[test]
fn unknown_fields_are_passed_over() {
    let mut json = variable_data();
    json["future"] = json!({ "a": [1, -2, 0.5, true, null, "x"] });
    json["vm-configuration"]["hardware-sealing-policy"] = "none".into();
    json["keys"][0]["alg"] = "RS256".into();
    parse(&json.to_string()).unwrap();
}

#[test]
fn no_key_may_be_there_twice() {
    for (field, twice) in [
        ("user-data", r#"{"user-data":"","#),
        ("user-data", r#"{"user-dat\u0061":"","#),
        ("keys", r#"{"keys":[],"#),
        ("future", r#"{"future":1,"future":1,"#),
    ] {
        let json = variable_data().to_string().replacen('{', twice, 1);
        assert_twice(&json, field);
    }
    let inside = |object: &str, field: &str| {
        let once = format!(r#""{object}":{{"#);
        let twice = format!(r#"{once}"{field}":null,"#);
        variable_data().to_string().replacen(&once, &twice, 1)
    };
    for field in ["secure-boot", "vmUniqueId", "root-cert-thumbprint"] {
        assert_twice(&inside("vm-configuration", field), field);
    }
    let key = variable_data()
        .to_string()
        .replacen(r#""kid":"#, r#""kid":"HCLAkPub","kid":"#, 1);
    assert_twice(&key, "kid");
    let deep = variable_data()
        .to_string()
        .replacen('{', r#"{"future":[{"a":{"b":1,"b":1}}],"#, 1);
    assert_twice(&deep, "b");
}

#[test]
fn every_field_must_be_there_and_of_its_type() {
    for pointer in [
        "/keys",
        "/vm-configuration",
        "/user-data",
        "/keys/0/kid",
        "/keys/0/kty",
        "/keys/0/key_ops",
        "/keys/0/n",
        "/keys/0/e",
        "/keys/1/n",
        "/vm-configuration/console-enabled",
        "/vm-configuration/secure-boot",
        "/vm-configuration/tpm-enabled",
        "/vm-configuration/tpm-persisted",
        "/vm-configuration/vmUniqueId",
    ] {
        let mut json = variable_data();
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        let object = json.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        object.remove(field).unwrap();
        let error = parse(&json.to_string()).unwrap_err();
        assert_eq!(error.field, "variable data");
        assert!(
            error.problem.contains(&format!("missing field `{field}`")),
            "{error}"
        );

        let mut json = variable_data();
        *json.pointer_mut(pointer).unwrap() = json!(7);
        parse(&json.to_string()).unwrap_err();
    }
    let mut json = variable_data();
    json["vm-configuration"]["filtered-vpci-devices-allowed"] = "yes".into();
    parse(&json.to_string()).unwrap_err();
}

#[test]
fn what_is_no_json_object_is_refused() {
    let deep = "[".repeat(5000);
    for json in ["", "null", "[]", "{}", "{", "\u{feff}{}", "{\"a\":nan}", &deep] {
        assert_eq!(parse(json).unwrap_err().field, "variable data", "{json:.20}");
    }
    let mut bytes = Sample::new().bytes();
    let at = bytes.windows(8).position(|window| window == b"3c18c97a").unwrap();
    bytes[at] = 0xff; // not UTF-8
    assert_eq!(HclReport::parse(&bytes).unwrap_err().field, "variable data");
}

#[test]
fn there_is_one_attestation_key() {
    let mut without = variable_data();
    without["keys"][0]["kid"] = "HCLTransferKey".into();
    let mut none = variable_data();
    none["keys"] = json!([]);
    let mut two = variable_data();
    two["keys"][1]["kid"] = "HCLAkPub".into();
    let mut case = variable_data();
    case["keys"][0]["kid"] = "hclakpub".into();
    for json in [without, none, two, case] {
        assert_eq!(parse(&json.to_string()).unwrap_err().field, "HCLAkPub");
    }
    let mut swapped = variable_data();
    swapped["keys"].as_array_mut().unwrap().swap(0, 1);
    parse(&swapped.to_string()).unwrap();
}

#[test]
fn the_attestation_key_is_a_signing_rsa_key() {
    for kty in ["EC", "rsa", ""] {
        assert_eq!(ak_error("kty", &json!(kty)), "HCLAkPub kty");
    }
    for operations in [
        json!([]),
        json!(["encrypt"]),
        json!(["sign", "encrypt"]),
        json!(["sign", "sign"]),
        json!("sign"),
        json!([1]),
    ] {
        assert_eq!(ak_error("key_ops", &operations), "HCLAkPub key_ops");
    }
}

#[test]
fn the_modulus_has_2048_to_4096_bits_and_one_spelling() {
    let url = |bytes: &[u8]| json!(URL_SAFE_NO_PAD.encode(bytes));
    let leading_zero = [&[0][..], &[0xd7; 256]].concat();
    let standard = base64::engine::general_purpose::STANDARD_NO_PAD.encode([0xfb; 256]);
    for n in [
        url(&[]),
        url(&[0]),
        url(&leading_zero),
        url(&[0xd7; 255]),
        url(&[0xd7; 513]),
        url(&[0x7f; 256]),
        json!(standard),
        json!(format!("{}==", URL_SAFE_NO_PAD.encode([0xd7; 256]))),
        json!("A"),
    ] {
        assert_eq!(ak_error("n", &n), "HCLAkPub n", "{n}");
    }
    // 256 bytes leave four bits of the last letter unused; set, they spell the same number again.
    let mut again = URL_SAFE_NO_PAD.encode([0xd7; 256]);
    again.pop();
    again.push('x');
    assert_eq!(ak_error("n", &json!(again)), "HCLAkPub n");
    for len in [256, 384, 512] {
        let mut json = variable_data();
        json["keys"][0]["n"] = url(&vec![0xd7; len]);
        parse(&json.to_string()).unwrap();
    }
}

#[test]
fn the_exponent_is_odd_and_fits() {
    let url = |bytes: &[u8]| json!(URL_SAFE_NO_PAD.encode(bytes));
    for e in [
        url(&[]),
        url(&[0]),
        url(&[1]),
        url(&[2]),
        url(&[1, 0, 0]),
        url(&[0, 3]),
        url(&[1; 9]),
        json!("AQAB=="),
    ] {
        assert_eq!(ak_error("e", &e), "HCLAkPub e", "{e}");
    }
    for (bytes, e) in [(&[3][..], 3), (&[0xff; 8], u64::MAX)] {
        let mut json = variable_data();
        json["keys"][0]["e"] = url(bytes);
        let sample = Sample::of(json.to_string()).bytes();
        let report = HclReport::parse(&sample).unwrap();
        assert!(matches!(report.ak(), PublicKey::Rsa { e: found, .. } if *found == e));
    }
}

#[test]
fn user_data_is_64_bytes_of_hex() {
    for text in [
        String::new(),
        "ab".repeat(63),
        "ab".repeat(65),
        "a".repeat(127),
        "0x".to_owned() + &"ab".repeat(63),
        "zz".repeat(64),
    ] {
        let mut json = variable_data();
        json["user-data"] = text.into();
        assert_eq!(parse(&json.to_string()).unwrap_err().field, "user-data");
    }
}

fn ak_error(field: &str, value: &Value) -> &'static str {
    let mut json = variable_data();
    json["keys"][0][field] = value.clone();
    let error = parse(&json.to_string()).unwrap_err();
    assert_eq!(error.offset, Some(1236));
    error.field
}

#[track_caller]
fn assert_twice(json: &str, field: &str) {
    let error = parse(json).unwrap_err();
    assert_eq!(error.field, "variable data");
    assert!(
        error.problem.contains(&format!("`{field}` is there twice")),
        "{error}"
    );
}

fn parse(json: &str) -> Result<VariableData, ParseError> {
    let bytes = Sample::of(json.to_owned()).bytes();
    HclReport::parse(&bytes).map(|report| report.variable_data().clone())
}
