//! What the profile demands, broken singly, and what it lets pass.

use super::*;

#[test]
fn what_a_verifier_is_to_ignore_is_ignored() {
    let pki = Pki::new();
    let anything = || Value::Map(entries([(1, Value::from("anything"))]));
    let changes: [fn(&mut Draft, Value); 16] = [
        |draft, any| draft.corim.push((Value::from(2), any)),
        |draft, any| draft.corim.push((Value::from(5), any)),
        |draft, any| draft.corim.push((Value::from(99), any)),
        |draft, any| draft.corim.push((Value::from("new"), any)),
        |draft, any| draft.comid.push((Value::from(5), any)),
        |draft, _| {
            draft.comid = entries([(
                1,
                Value::Map(entries([(0, Value::from("id")), (1, Value::from(3))])),
            )]);
        },
        |draft, any| draft.triples.push((Value::from(0), any)),
        |draft, any| draft.condition.environment.push((Value::from(1), any)),
        |draft, any| draft.condition.class.push((Value::from(1), any)),
        |draft, any| draft.endorsement.class.push((Value::from(2), any)),
        |draft, any| draft.endorsement.measurement.push((Value::from(9), any)),
        |draft, _| draft.condition.measurement = entries([(0, absent())]),
        |draft, any| draft.protected.push((Value::from("tee.refresh-uri"), any)),
        |draft, any| draft.protected.push((Value::from(8), any)),
        |draft, _| draft.protected[2].0 = Value::from("no kid"),
        |draft, _| draft.corim = entries([(0, Value::from("a name"))]),
    ];
    for (index, change) in changes.into_iter().enumerate() {
        let mut draft = Draft::default();
        change(&mut draft, anything());
        let poe = draft.poe(&pki);
        assert_eq!((poe.piid(), poe.owner()), (&PIID[..], "csp.example"), "{index}");
        poe.verify(&[&pki.root], &[], AT).unwrap();
    }
}

#[test]
fn exactly_one_comid_and_one_record() {
    for count in [0, 2, 3] {
        assert_eq!(
            Draft {
                comids: count,
                ..Draft::default()
            }
            .refusal(),
            "tags"
        );
        assert_eq!(
            Draft {
                records: count,
                ..Draft::default()
            }
            .refusal(),
            "conditional-endorsement-triples"
        );
    }
    // CoSWID, CoTL, an untagged CoMID.
    for comid_tag in [505, 508, 507] {
        assert_eq!(
            Draft {
                comid_tag,
                ..Draft::default()
            }
            .refusal(),
            "tags"
        );
    }
    let tags = |tags: Value| {
        Draft {
            corim: entries([(1, tags)]),
            ..Draft::default()
        }
        .refusal()
    };
    assert_eq!(tags(absent()), "tags");
    assert_eq!(
        tags(Value::Array(vec![Value::Bytes(Draft::default().comid())])),
        "tags"
    );
    let triples = |triples: Entries| {
        Draft {
            triples,
            ..Draft::default()
        }
        .refusal()
    };
    assert_eq!(
        triples(entries([(10, absent())])),
        "conditional-endorsement-triples"
    );
    let comid = |comid: Entries| {
        Draft {
            comid,
            ..Draft::default()
        }
        .refusal()
    };
    assert_eq!(comid(entries([(4, absent())])), "triples");
    assert_eq!(comid(entries([(1, absent())])), "tag-identity");
    assert_eq!(comid(entries([(1, Value::Map(vec![]))])), "tag-id");
    assert_eq!(
        comid(entries([(
            1,
            Value::Map(entries([(0, Value::Bytes(vec![0; 15]))]))
        )])),
        "tag-id"
    );
}

#[test]
fn exactly_one_condition_and_one_endorsement() {
    for count in [0, 2] {
        let changes: [fn(&mut Draft, usize); 4] = [
            |draft, count| draft.condition.statements = count,
            |draft, count| draft.condition.measurements = count,
            |draft, count| draft.endorsement.statements = count,
            |draft, count| draft.endorsement.measurements = count,
        ];
        for (index, change) in changes.into_iter().enumerate() {
            let mut draft = Draft::default();
            change(&mut draft, count);
            assert_eq!(
                draft.refusal(),
                "conditional-endorsement-triples",
                "{index}, {count}"
            );
        }
    }
    // A further value would be a further condition, or a further claim.
    let mut draft = Draft::default();
    draft.condition.mval.push((Value::from(-102), Value::from(1)));
    assert_eq!(draft.refusal(), "mval");
    let mut draft = Draft::default();
    draft
        .endorsement
        .mval
        .push((Value::from(-402), Value::from("zone")));
    assert_eq!(draft.refusal(), "mval");
    // And the two do not stand in for each other.
    let mut draft = Draft::default();
    std::mem::swap(&mut draft.condition, &mut draft.endorsement);
    assert_eq!(draft.refusal(), "class-id");
    let mut draft = Draft::default();
    std::mem::swap(&mut draft.condition.mval, &mut draft.endorsement.mval);
    assert_eq!(draft.refusal(), "tee.platform-instance-id");
}

#[test]
fn piid_and_owner_are_of_their_sizes() {
    for len in [0, 1, 15, 17, 31, 33, 64] {
        let mut draft = Draft::default();
        draft.condition.mval = entries([(-101, Value::Bytes(vec![1; len]))]);
        assert_eq!(draft.refusal(), "tee.platform-instance-id", "{len}");
    }
    let mut draft = Draft::default();
    draft.condition.mval = entries([(-101, Value::from("0011223344556677"))]);
    assert_eq!(draft.refusal(), "tee.platform-instance-id");
    let owner = |owner: Value| {
        let mut draft = Draft::default();
        draft.endorsement.mval = entries([(-401, owner)]);
        draft
    };
    for bad in [
        Value::from(""),
        Value::from("é".repeat(513)),
        Value::Bytes(b"csp.example".into()),
    ] {
        assert_eq!(owner(bad).refusal(), "tee.owner-name");
    }
    for good in ["x".to_owned(), "é".repeat(512)] {
        assert_eq!(owner(Value::from(good.as_str())).poe(&Pki::new()).owner(), good);
    }
}

#[test]
fn authorized_by_is_refused_on_either_side() {
    let changes: [fn(&mut Draft) -> &mut Clause; 2] =
        [|draft| &mut draft.condition, |draft| &mut draft.endorsement];
    for clause in changes {
        let mut draft = Draft::default();
        clause(&mut draft)
            .measurement
            .push((Value::from(2), Value::Array(vec![])));
        assert_eq!(draft.refusal(), "authorized-by");
        let mut draft = Draft::default();
        clause(&mut draft).measurement = entries([(0, Value::from(7))]);
        assert_eq!(draft.refusal(), "mkey");
        let mut draft = Draft::default();
        clause(&mut draft).measurement = entries([(1, absent())]);
        assert_eq!(draft.refusal(), "mval");
        let mut draft = Draft::default();
        clause(&mut draft).environment = entries([(0, absent())]);
        assert_eq!(draft.refusal(), "class");
        let mut draft = Draft::default();
        // The sibling OID, the right one under another tag, and bare.
        let oid = |hex: &str| Value::Bytes(hex::decode(hex).unwrap());
        clause(&mut draft).class = entries([(0, Value::Tag(111, Box::new(oid("6086480186f84d010d020602"))))]);
        assert_eq!(draft.refusal(), "class-id");
        let Value::Tag(_, good) = clause(&mut Draft::default()).class[0].1.clone() else {
            unreachable!()
        };
        clause(&mut draft).class = entries([(0, Value::Tag(37, good.clone()))]);
        assert_eq!(draft.refusal(), "class-id");
        clause(&mut draft).class = entries([(0, *good)]);
        assert_eq!(draft.refusal(), "class-id");
    }
}

#[test]
fn the_profile_is_this_one_in_any_minor_version() {
    let draft = |profile: Value| Draft {
        corim: entries([(3, profile)]),
        ..Draft::default()
    };
    let uri = |text: &str| Value::Tag(32, Box::new(Value::from(text)));
    let pki = Pki::new();
    for minor in ["0", "1", "10", "4294967296"] {
        let text = format!("tag:intel.com,2026:tee.poe#1.{minor}");
        draft(uri(&text)).poe(&pki).verify(&[&pki.root], &[], AT).unwrap();
        // As revision 01 had it.
        draft(Value::from(text))
            .poe(&pki)
            .verify(&[&pki.root], &[], AT)
            .unwrap();
    }
    for bad in [
        "tag:intel.com,2026:tee.poe#2.0",
        "tag:intel.com,2026:tee.poe#10.0",
        "tag:intel.com,2026:tee.poe#1",
        "tag:intel.com,2026:tee.poe#1.",
        "tag:intel.com,2026:tee.poe#1.0 ",
        "tag:intel.com,2026:tee.poe#1.0.0",
        "tag:intel.com,2026:tee.poe#1.-1",
        "tag:intel.com,2025:tee.poe#1.0",
        "TAG:intel.com,2026:tee.poe#1.0",
        "https://intel.com/tee.poe#1.0",
        "",
    ] {
        assert_eq!(draft(uri(bad)).refusal(), "profile", "{bad}");
        assert_eq!(draft(Value::from(bad)).refusal(), "profile", "{bad}");
    }
    let text = || Box::new(Value::from("tag:intel.com,2026:tee.poe#1.0"));
    for bad in [
        absent(),
        Value::Null,
        Value::Tag(33, text()),
        Value::Tag(32, Box::new(uri("x"))),
        Value::Tag(111, text()),
    ] {
        assert_eq!(draft(bad).refusal(), "profile");
    }
    assert_eq!(
        draft(Value::Bytes(b"tag:intel.com,2026:tee.poe#1.0".into())).refusal(),
        "profile"
    );
}

#[test]
fn both_dates_are_there_and_in_order() {
    let draft = |validity: Value| Draft {
        corim: entries([(4, validity)]),
        ..Draft::default()
    };
    let time = |value: Value| Value::Tag(1, Box::new(value));
    let of = |map: Entries| draft(Value::Map(map)).refusal();
    assert_eq!(draft(absent()).refusal(), "rim-validity");
    assert_eq!(of(entries([(0, time(Value::from(1)))])), "not-after");
    assert_eq!(of(entries([(1, time(Value::from(1)))])), "not-before");
    let pair = |before: Value, after: Value| of(entries([(0, before), (1, after)]));
    assert_eq!(pair(Value::from(1), time(Value::from(2))), "not-before");
    assert_eq!(pair(time(Value::from(1)), Value::from(2)), "not-after");
    assert_eq!(pair(time(Value::from(-1)), time(Value::from(2))), "not-before");
    assert_eq!(
        pair(time(Value::from("2026-06-02T00:00:00Z")), time(Value::from(2))),
        "not-before"
    );
    assert_eq!(
        pair(
            Value::Tag(0, Box::new(Value::from("2026-06-02T00:00:00Z"))),
            time(Value::from(2))
        ),
        "not-before"
    );
    assert_eq!(pair(time(Value::from(3)), time(Value::from(2))), "rim-validity");
    assert_eq!(pair(time(Value::from(1.0)), time(Value::from(2))), "CBOR");
}

#[test]
fn headers_are_a_poes() {
    let protected = |label: i64, value: Value| {
        let mut draft = Draft::default();
        draft.protected = replaced(draft.protected, &entries([(label, value)]));
        draft.refusal()
    };
    // ES256 and EdDSA sign other claims, not these.
    for alg in [-7, -8, 5, -36] {
        assert_eq!(protected(1, Value::from(alg)), "alg", "{alg}");
    }
    assert_eq!(protected(1, absent()), "alg");
    for bad in [
        absent(),
        Value::from("application/cbor"),
        Value::from("application/rim+cose"),
        Value::from(60),
    ] {
        assert_eq!(protected(3, bad), "content type");
    }
    assert_eq!(protected(15, absent()), "CWT claims");
    assert_eq!(
        protected(
            15,
            Value::Bytes(bytes(&Value::Map(entries([(1, Value::from("i"))]))))
        ),
        "CWT claims"
    );
    assert_eq!(protected(15, Value::Map(vec![])), "iss");
    assert_eq!(protected(15, Value::Map(entries([(1, Value::from(1))]))), "iss");
    for (key, name) in [(4, "exp"), (5, "nbf")] {
        let claims = entries([(1, Value::from("i")), (key, Value::from(AT))]);
        assert_eq!(protected(15, Value::Map(claims)), name);
    }
    assert_eq!(protected(2, Value::Array(vec![Value::from(15)])), "crit");
    assert_eq!(
        Draft {
            corim_tag: 500,
            ..Draft::default()
        }
        .refusal(),
        "corim"
    );
    assert_eq!(
        Draft {
            corim: entries([(0, absent())]),
            ..Draft::default()
        }
        .refusal(),
        "id"
    );
    assert_eq!(
        Draft {
            corim: entries([(0, Value::Bytes(vec![0; 17]))]),
            ..Draft::default()
        }
        .refusal(),
        "id"
    );
}

#[test]
fn the_chain_is_in_the_unprotected_header_in_one_of_two_forms() {
    let pki = Pki::new();
    let with = |x5chain: Value| Draft {
        unprotected: Some(entries([(33, x5chain)])),
        ..Draft::default()
    };
    let der = |count: usize| chain(&vec![&pki.leaf[..]; count]);
    for count in 2..=4 {
        with(der(count)).poe(&pki);
    }
    for count in [0, 1, 5, 100] {
        assert_eq!(with(der(count)).refusal(), "x5chain", "{count}");
    }
    for bad in [
        Value::Null,
        Value::from("MII"),
        Value::Map(vec![]),
        Value::Array(vec![Value::Null, Value::Null]),
    ] {
        assert_eq!(with(bad).refusal(), "x5chain");
    }
    assert_eq!(
        Draft {
            unprotected: Some(vec![]),
            ..Draft::default()
        }
        .refusal(),
        "x5chain"
    );
    let mut draft = Draft {
        unprotected: Some(vec![]),
        ..Draft::default()
    };
    draft.protected.push((Value::from(33), der(2)));
    assert_eq!(draft.refusal(), "x5chain");
    let mut draft = Draft::default();
    draft.protected.push((Value::from(33), der(2)));
    assert_eq!(draft.refusal(), "header");
}

#[test]
fn a_key_twice_is_refused_at_every_level() {
    type Entry = (Value, Value);
    let one = || (Value::from(0), Value::Null);
    let changes: [fn(&mut Draft, Entry); 8] = [
        |draft, entry| draft.corim.extend([entry.clone(), entry]),
        |draft, entry| draft.comid.extend([entry.clone(), entry]),
        |draft, entry| draft.triples.extend([entry.clone(), entry]),
        |draft, entry| draft.condition.environment.extend([entry.clone(), entry]),
        |draft, entry| draft.condition.class.push(entry),
        |draft, entry| draft.condition.measurement.push(entry),
        |draft, entry| draft.endorsement.mval.extend([entry.clone(), entry]),
        |draft, entry| draft.protected.extend([entry.clone(), entry]),
    ];
    for (index, change) in changes.into_iter().enumerate() {
        let mut draft = Draft::default();
        change(&mut draft, one());
        assert_eq!(draft.refusal(), "key", "{index}");
    }
}
