use super::*;
use crate::policy::tests::rooted;

const MISTAKEN: &str = r#"version = 2 # semantic
max_evidence_age = "2 h" # type
max_evidence_agee = 1 # unknown
[tcb]
accepted = ["UpToDate", "Fine"] # bad word in a list
[[provider]] # `name` is missing
id = 1
profile = "google-vtpm"
roots = ["ROOT_A"]
[[provider]]
id = 128 # semantic, in a section with a key that does not read
name = "b"
profile = "google-vtpm"
require_crl = "yes" # type
roots = ["ROOT_B"]
[[workload]]
name = "w"
mrtd = "any" # semantic
rtmr0 = "any"
rtmr1 = [
    "11", # too short
    "111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111",
    "zz", # no hex
]
rtmr2 = []
mrseam = "any"
xfam = "any"
td_attributes = "any"
"#;

fn mistakes(text: &str) -> Vec<(Option<usize>, String, String)> {
    let mistakes = Policy::read(&rooted(text)).unwrap_err();
    mistakes
        .into_iter()
        .map(|mistake| (mistake.line, mistake.path, mistake.problem))
        .collect()
}

#[test]
fn every_mistake_is_listed_with_its_line() {
    let found = mistakes(MISTAKEN);
    let expected = [
        (None, "name", "is missing"),
        (Some(1), "version", "2 is not supported"),
        (Some(2), "max_evidence_age", "invalid type: string"),
        (Some(3), "max_evidence_agee", "unknown field `max_evidence_agee`"),
        (Some(5), "tcb.accepted[1]", "unknown variant `Fine`"),
        (Some(6), "provider[0].name", "is missing"),
        (Some(11), "provider[1].id", "128 is not in 1 to 127"),
        (Some(14), "provider[1].require_crl", "invalid type: string"),
        (Some(18), "workload[0].mrtd", "names the image"),
        (Some(21), "workload[0].rtmr1[0]", "`11` is not 48 bytes in hex"),
        (Some(23), "workload[0].rtmr1[2]", "`zz` is not 48 bytes in hex"),
    ];
    for (line, path, problem) in expected {
        assert!(
            found
                .iter()
                .any(|found| (found.0, &*found.1) == (line, path) && found.2.starts_with(problem)),
            "line {line:?}, {path}: {problem} in {found:#?}"
        );
    }
    assert_eq!(found.len(), expected.len(), "{found:#?}");
}

#[test]
fn a_value_that_stands_for_an_unreadable_one_is_nobodys_mistake() {
    // Read as `google-vtpm`, the first would have no roots; read as `sha256`, PCR 17 would be too long.
    let long = "ab".repeat(48);
    let text = format!(
        "version = 1\nname = \"n\"\n[[provider]]\nid = 1\nname = \"p\"\nprofile = \"metal\"\n\
         [[provider]]\nid = \"2\"\nname = \"q\"\nprofile = \"google-vtpm\"\nroots = [\"ROOT_A\"]\n\
         [[host]]\nname = \"h\"\nbank = \"sha-384\"\npcr17 = [\"{long}\"]\npcr18 = [\"{long}\"]\n\
         [[poe_issuer]]\nname = \"i\"\nprovider = 2\nroots = [\"ROOT_A\"]\nowners = [\"o\"]\n"
    );
    let found: Vec<_> = mistakes(&text)
        .into_iter()
        .map(|(line, path, _)| (line, path))
        .collect();
    let expected = [
        (6, "provider[0].profile"),
        (8, "provider[1].id"),
        (14, "host[0].bank"),
    ];
    assert_eq!(found, expected.map(|(line, path)| (Some(line), path.to_owned())));
}

#[test]
fn what_an_unreadable_key_does_not_decide_is_told() {
    let value = "ab".repeat(48);
    let host = |name: &str, bank: &str| {
        format!(
            "[[host]]\nname = \"{name}\"\nbank = \"{bank}\"\npcr17 = [\"{value}\"]\npcr18 = [\"{value}\"]\n"
        )
    };
    let text = format!(
        "version = 1\nname = \"n\"\n[[provider]]\nid = 200\nname = \"p\"\nprofile = \"metal\"\nhost_registry = 1\n{}{}",
        host("h", "sha384"),
        host("h", "sha-384"),
    );
    let found = mistakes(&text);
    let found: Vec<_> = found
        .iter()
        .map(|(line, path, _)| (line.unwrap(), &**path))
        .collect();
    assert_eq!(
        found,
        [
            (4, "provider[0].id"),
            (6, "provider[0].profile"),
            (7, "provider[0].host_registry"),
            (13, "host[1]"),
            (14, "host[1].name"),
            (15, "host[1].bank"),
        ]
    );
}

#[test]
fn sections_of_another_shape_are_one_mistake_each() {
    let found =
        mistakes("version = 1\nname = \"n\"\ntcb = 1\nprovider = { id = 1 }\nhost = [1]\nalliance = \"x\"\n");
    let found: Vec<_> = found
        .iter()
        .map(|(line, path, _)| (line.unwrap(), &**path))
        .collect();
    assert_eq!(
        found,
        [(3, "tcb"), (4, "provider"), (5, "host[0]"), (6, "alliance")]
    );
}

#[test]
fn text_that_is_not_toml_has_its_mistakes_of_grammar() {
    let found = mistakes("version = 1\nname = \nname = \"n\"\n[tcb\n");
    let lines: Vec<_> = found.iter().map(|(line, ..)| line.unwrap()).collect();
    assert_eq!(lines, [2, 3, 4], "{found:#?}");
    assert!(found.iter().all(|(_, path, _)| path.is_empty()), "{found:#?}");
}

#[test]
fn the_good_tables_have_the_mandatory_keys_and_no_others() {
    fn holds<T: DeserializeOwned>(good: &str) {
        let table: Table = good.parse().unwrap();
        assert!(T::deserialize(Value::Table(table.clone())).is_ok(), "{good}");
        for key in table.keys() {
            let mut without = table.clone();
            without.remove(key);
            assert!(
                T::deserialize(Value::Table(without)).is_err(),
                "{key} is optional in {good}"
            );
        }
    }
    holds::<Policy>(POLICY);
    holds::<TcbPolicy>("");
    holds::<Platforms>("");
    holds::<Provider>(PROVIDER);
    holds::<Workload>(WORKLOAD);
    holds::<HostStack>(HOST);
    holds::<PoeIssuer>(POE_ISSUER);
    holds::<Alliance>(ALLIANCE);
}

#[test]
fn a_good_policy_is_read_as_serde_reads_it() {
    let long = "11".repeat(48);
    let text = format!(
        "version = 1\nname = \"n\"\nbinding_ttl = 500\n[tcb]\naccepted = [\"OutOfDate\"]\n[[workload]]\nname = \"w\"\n\
         mrtd = [\"{long}\"]\nrtmr0 = \"any\"\nrtmr1 = []\nrtmr2 = []\nmrseam = \"any\"\nxfam = \"any\"\n\
         td_attributes = \"any\"\n[platforms]\nfmspcs = [\"00806f050000\"]\n"
    );
    let read = Policy::read(&text).unwrap();
    let serde: Policy = toml::from_str(&text).unwrap();
    assert_eq!(read.digest().unwrap(), serde.digest().unwrap());
    assert_eq!(
        (
            read.binding_ttl,
            read.workloads.len(),
            read.platforms.fmspcs.len()
        ),
        (500, 1, 1)
    );
}

/// What a relayer serves under a policy's digest is its canonical JSON: who audits must be able to read it back.
#[test]
fn canonical_json_is_read_as_the_toml_it_came_from() {
    let example = include_str!("../../../policy.example.toml").replace("AAEC", "ROOT_A");
    let policy = Policy::read(&rooted(&example)).unwrap();
    let json = String::from_utf8(crate::canonical::canonical_json(&policy).unwrap()).unwrap();
    let indented = serde_json::to_string_pretty(&policy).unwrap();
    for text in [json, format!(" \n{indented}\n")] {
        let read = Policy::read(&text).unwrap();
        assert_eq!(read.digest().unwrap(), policy.digest().unwrap());
    }
}

#[test]
fn json_is_held_to_the_same_as_toml() {
    for (text, line, path, problem) in [
        (
            "{\"version\":1,\n\"name\":\"n\",\n\"nam\":1}",
            3,
            "nam",
            "unknown field `nam`",
        ),
        (
            "{\"version\":1,\n\"name\":\"n\",\"tcb\":\n{\"x\":1}}",
            3,
            "tcb.x",
            "unknown field `x`",
        ),
        (
            "{\"version\":\n2,\"name\":\"n\"}",
            2,
            "version",
            "2 is not supported",
        ),
        (
            "{\"version\":1,\"name\":\"n\",\n\"binding_ttl\":\"x\"}",
            2,
            "binding_ttl",
            "invalid type",
        ),
        (
            "{\"version\":1,\n\"name\":\"n\",\"name\":\"m\"}",
            2,
            "",
            "duplicate key",
        ),
        (
            "{\"version\":1,\"name\":\"n\",\n\"tcb\":{\"accepted\":[],\"accepted\":[]}}",
            2,
            "",
            "duplicate key",
        ),
        ("{\"version\":1,\n\"name\":null}", 2, "", "invalid type: null"),
        (
            "{\"version\":1,\n\"name\":\"n\"} {}",
            2,
            "",
            "trailing characters",
        ),
        ("{\"version\":1,\n", 2, "", "EOF"),
    ] {
        let found = mistakes(text);
        let [(Some(at), of, what)] = &found[..] else {
            panic!("{text}: {found:#?}")
        };
        assert_eq!((*at, &**of), (line, path), "{text}: {what}");
        assert!(what.starts_with(problem), "{text}: {what}");
    }
}
