use std::sync::LazyLock;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};

use super::*;

const POLICY: &str = r#"
version = 1
name = "test"

[tcb]
accepted = ["UpToDate", "SWHardeningNeeded"]

[[provider]]
id = 1
name = "google"
profile = "google-vtpm"
roots = ["ROOT_A"]
host_registry = true

[[workload]]
name = "image 1"
mrtd = ["333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333"]
rtmr0 = "any"
rtmr1 = ["111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111"]
rtmr2 = ["222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222"]
mrseam = "any"
xfam = "any"
td_attributes = ["0000001000000000"]
pcr0 = ["000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"]
vtpm_sealed = true
"#;

/// `text` with roots for `ROOT_A`, for its renewal `ROOT_A2`, and for `ROOT_B`.
pub(super) fn rooted(text: &str) -> String {
    static ROOTS: LazyLock<[(&str, String); 3]> = LazyLock::new(|| {
        let [a, b] = ["a", "b"].map(|name| (name, KeyPair::generate().unwrap()));
        [("ROOT_A2", &a, 2040), ("ROOT_A", &a, 2030), ("ROOT_B", &b, 2030)].map(
            |(word, (name, key), year)| {
                let mut params = CertificateParams::default();
                params.distinguished_name.push(DnType::CommonName, *name);
                params.not_after = date_time_ymd(year, 1, 1);
                (word, STANDARD.encode(params.self_signed(key).unwrap().der()))
            },
        )
    });
    let put = |text: String, (word, root): &(&str, String)| text.replace(word, root);
    ROOTS.iter().fold(text.to_owned(), put)
}

fn parsed(text: &str) -> Result<Policy, Error> {
    Policy::from_toml(&rooted(text))
}

fn error(text: &str) -> String {
    parsed(text).unwrap_err().to_string()
}

#[test]
fn defaults_are_the_strict_ones() {
    let policy = parsed("version = 1\nname = \"empty\"").unwrap();
    assert_eq!(policy.tcb.accepted, [Tcb::UpToDate]);
    assert_eq!(
        (policy.max_evidence_age, policy.binding_ttl, policy.custody_ttl),
        (7200, 86_400, 604_800)
    );
    assert!(policy.danger_intel_root.is_none());
}

#[test]
fn what_is_believed_ends() {
    let with = |key: &str, seconds: u32| {
        parsed(&format!("version = 1\nname = \"n\"\n{key} = {seconds}\n")).map_err(|e| e.to_string())
    };
    for (key, most) in [("binding_ttl", 604_800), ("custody_ttl", 2_592_000)] {
        assert!(with(key, 64).is_ok() && with(key, most).is_ok(), "{key}");
        for wrong in [0, 63, most + 1, u32::MAX] {
            let problem = with(key, wrong).unwrap_err();
            assert!(
                problem.contains(&format!("{key}: {wrong} s is not in 64 to {most}")),
                "{problem}"
            );
        }
    }
}

#[test]
fn a_register_nobody_mentions_must_be_zero() {
    let policy = parsed(POLICY).unwrap();
    assert!(policy.workloads[0].rtmr3.accepts(&[0; 48]));
    assert!(!policy.workloads[0].rtmr3.accepts(&[1; 48]));
}

#[test]
fn the_digest_ignores_comments_and_layout_and_nothing_else() {
    let digest = |text: &str| parsed(text).unwrap().digest().unwrap();
    assert_eq!(digest(POLICY), digest(&format!("# a comment\n{POLICY}\n\n")));
    assert_ne!(digest(POLICY), digest(&POLICY.replace("image 1", "image 2")));
    assert_ne!(
        digest(POLICY),
        digest(&POLICY.replace("vtpm_sealed = true", "vtpm_sealed = false"))
    );
    assert_ne!(digest(POLICY), digest(&POLICY.replace("\"UpToDate\", ", "")));
}

#[test]
fn all_mistakes_are_listed_at_once() {
    let text = POLICY
        .replace("id = 1", "id = 128")
        .replace("\"ROOT_A\"", "")
        .replace(
            "host_registry = true",
            "host_registry = true\nak_certificate_custody = \"automated\"",
        );
    let error = error(&text);
    for part in [
        "provider[0].id: 128 is not in 1 to 127",
        "provider[0].roots: there are none",
        "provider[0].ak_certificate_custody: must be none",
    ] {
        assert!(error.contains(part), "{part} in {error}");
    }
}

#[test]
fn an_ak_certificate_speaks_only_where_nobody_speaks_of_cpus() {
    let text = r#"
version = 1
name = "test"

[[provider]]
id = 1
name = "metal"
profile = "bare-metal"
roots = ["ROOT_A"]
ak_certificate_custody = "automated"
"#;
    assert!(parsed(text).is_ok());
    let key = "MCowBQYDK2VwAyEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let registrars = format!("{text}registrars = [\"{key}\"]\n");
    assert!(error(&registrars).contains("provider[0].ak_certificate_custody: must be none"));
    let issuer = format!(
        "{text}[[poe_issuer]]\nname = \"i\"\nprovider = 1\nroots = [\"ROOT_B\"]\nowners = [\"owner.example\"]\n"
    );
    assert!(error(&issuer).contains("poe_issuer[0].provider: provider[0] has ak_certificate_custody"));
}

#[test]
fn an_image_must_be_named_by_its_registers() {
    let start = POLICY.find("rtmr2 = [").unwrap();
    let end = start + POLICY[start..].find('\n').unwrap();
    let any = format!("{}rtmr2 = \"any\"{}", &POLICY[..start], &POLICY[end..]);
    assert!(error(&any).contains("workload[0].rtmr2: names the image"));
    let firmware = POLICY.replace("vtpm_sealed = true", "vtpm_sealed = true\nrtmr3 = \"any\"");
    assert!(error(&firmware).contains("workload[0].rtmr3: names the image"));
}

/// What nothing was measured into has nothing to compare.
#[test]
fn a_sealed_workload_measures_something_into_each_compared_register() {
    let nothing = "0".repeat(96);
    for (key, value) in [("rtmr1", "1".repeat(96)), ("rtmr2", "2".repeat(96))] {
        let untouched = POLICY.replace(&value, &nothing);
        assert!(error(&untouched).contains(&format!("workload[0].{key}: lists a register that nothing")));
        parsed(&untouched.replace("vtpm_sealed = true", "")).unwrap();
    }
    let untouched = POLICY.replace("rtmr0 = \"any\"", &format!("rtmr0 = [\"{nothing}\"]"));
    assert!(error(&untouched).contains("workload[0].rtmr0: lists a register that nothing"));
}

#[test]
fn unknown_keys_and_bad_values_are_refused() {
    assert!(error(&POLICY.replace("vtpm_sealed", "vtpm_saeled")).contains("vtpm_saeled"));
    assert!(error(&POLICY.replace("UpToDate", "Revoked")).contains("Revoked"));
    assert!(error(&POLICY.replace("0000001000000000", "00")).contains("`00` is not 8 bytes in hex"));
    assert!(error(&POLICY.replace("rtmr0 = \"any\"", "rtmr0 = \"all\"")).contains("`all` is neither"));
    assert!(error(&POLICY.replace("version = 1", "version = 2")).contains("version: 2 is not supported"));
}

#[test]
fn hosts_issuers_and_registrars_must_make_sense() {
    let zeros = "00".repeat(32);
    let text = format!(
        r#"{POLICY}
[[provider]]
id = 2
name = "metal"
profile = "bare-metal"

[[provider]]
id = 3
name = "vm"
profile = "google-vtpm"
roots = ["ROOT_A"]
registrars = ["AAEC"]
require_pzid = true

[[host]]
name = "stack"
bank = "sha512"
pcr17 = []
pcr18 = ["00"]

[[host]]
name = "stack"
bank = "sha256"
pcr17 = ["{zeros}"]
pcr18 = ["{}"]

[[poe_issuer]]
name = "owner"
provider = 9
roots = []
owners = []
"#,
        "ab".repeat(32)
    );
    let error = error(&text);
    for part in [
        "provider[1].roots",
        "provider[2].registrars",
        "provider[2].require_pzid",
        "host[0].bank",
        "host[0].pcr17: lists no value",
        "host[0].pcr18: `00` is not 64 bytes",
        "host[1].name: `stack` is there twice",
        "host[1].pcr17: all zero",
        "poe_issuer[0].roots",
        "poe_issuer[0].owners: there are none",
        "poe_issuer[0].provider: there is no provider 9",
    ] {
        assert!(error.contains(part), "{part} in {error}");
    }
    assert!(!error.contains("host[1].pcr18"), "{error}");
}

/// The first entry would decide for both, and what the second takes back would not count.
#[test]
fn one_key_speaks_for_one_entry() {
    let text = format!(
        r#"{POLICY}
[[provider]]
id = 2
name = "another"
profile = "azure-paravisor"
roots = ["ROOT_A2"]

[[provider]]
id = 3
name = "metal"
profile = "bare-metal"
registrars = ["MCowBQYDK2VwAyEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]

[[provider]]
id = 4
name = "other metal"
profile = "bare-metal"
registrars = ["MCowBQYDK2VwAyEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]

[[poe_issuer]]
name = "owner"
provider = 1
roots = ["ROOT_A"]
owners = ["owner.example"]

[[poe_issuer]]
name = "other owner"
provider = 1
roots = ["ROOT_B", "ROOT_A2"]
owners = ["neighbour.example", "owner.example"]

[[alliance]]
name = "witnesses"
key = "{key}"

[[alliance]]
name = "other witnesses"
key = "{key}"
"#,
        key = "ab".repeat(32)
    );
    let error = error(&text);
    for part in [
        "provider[1].roots: provider[0] has one of them too",
        "provider[3].registrars: provider[2] has one of them too",
        "poe_issuer[1].owners: poe_issuer[0] has one of them too",
        "alliance[1].key: alliance[0] has one of them too",
    ] {
        assert!(error.contains(part), "{part} in {error}");
    }
    assert_eq!(error.matches(" too").count(), 4, "{error}");
}

#[test]
fn a_paravisor_reaches_nothing_unless_the_policy_says_so() {
    let parse = |reach: &str| parsed(&POLICY.replace("[tcb]", &format!("{reach}\n[tcb]")));
    assert_eq!(parse("").unwrap().paravisor_reaches, ParavisorReach::None);
    assert_eq!(
        parse("paravisor_reaches = \"quote\"").unwrap().paravisor_reaches,
        ParavisorReach::Quote
    );
    assert!(parse("paravisor_reaches = \"chassis\"").is_err());
}

/// A provider renews its root and pins both; one issuer endorses the machines of several.
#[test]
fn one_root_may_stand_where_what_it_says_stays_clear() {
    let text = format!(
        r#"{}
[[provider]]
id = 2
name = "another"
profile = "azure-paravisor"
roots = ["ROOT_B"]

[[poe_issuer]]
name = "owner"
provider = 1
roots = ["ROOT_A"]
owners = ["owner.example"]

[[poe_issuer]]
name = "other owner"
provider = 2
roots = ["ROOT_A", "ROOT_A2"]
owners = ["neighbour.example"]
"#,
        POLICY.replace("\"ROOT_A\"", "\"ROOT_A\", \"ROOT_A2\"")
    );
    let policy = parsed(&text).unwrap();
    assert_eq!(policy.providers[0].roots.len(), 2);
    let shared = text.replace("neighbour.example", "owner.example");
    assert!(error(&shared).contains("poe_issuer[1].owners: poe_issuer[0] has one of them too"));
}

/// The first would decide for both, whatever the second says of the vTPM or of the key.
#[test]
fn one_machine_fits_one_entry() {
    let entry = &POLICY[POLICY.find("[[workload]]").unwrap()..];
    let with = |from: &str, to: &str| {
        let second = entry.replace("image 1", "image 2").replace(from, to);
        parsed(&format!("{POLICY}{second}")).map_err(|error| error.to_string())
    };
    let overlap = "workload[1]: workload[0] accepts some of the same machines";
    let (other, both) = (
        "44".repeat(48),
        format!("{}\", \"{}", "11".repeat(48), "44".repeat(48)),
    );
    let all = [
        with("vtpm_sealed = true", "vtpm_sealed = false"),
        with("vtpm_sealed = true", "operator_key = \"in_td\""),
        with("rtmr0 = \"any\"", &format!("rtmr0 = [\"{other}\"]")),
        with(&"11".repeat(48), &both),
    ];
    for result in all {
        assert!(result.unwrap_err().contains(overlap));
    }
    for register in ["11", "22", "33"] {
        with(&register.repeat(48), &other).unwrap();
    }
    with("0000001000000000", "0000001100000000").unwrap();
    with("rtmr0 = \"any\"", "rtmr0 = []").unwrap();

    let host = |name: &str, pcr17: &str, pcr18: &str| {
        let [pcr17, pcr18] = [pcr17, pcr18].map(|byte| byte.repeat(32));
        format!(
            "[[host]]\nname = \"{name}\"\nbank = \"sha256\"\npcr17 = [\"{pcr17}\"]\npcr18 = [\"{pcr18}\"]\n"
        )
    };
    let first = format!("{POLICY}{}", host("a", "ab", "cd"));
    let problem = error(&format!("{first}{}", host("b", "AB", "CD")));
    assert!(
        problem.contains("host[1]: host[0] accepts some of the same machines"),
        "{problem}"
    );
    parsed(&format!("{first}{}", host("b", "ab", "ce"))).unwrap();
}

#[test]
fn an_advisory_is_spelled_as_intel_does() {
    let with =
        |name: &str| parsed(&POLICY.replace("[tcb]", &format!("[tcb]\nrejected_advisories = [\"{name}\"]")));
    for good in ["INTEL-SA-00960", "intel-sa-01234"] {
        with(good).unwrap();
    }
    for wrong in [
        "",
        "00960",
        "INTEL-SA-960",
        "INTEL-SA-009600",
        "INTEL-SA-0096O",
        "INTEL_SA_00960",
        "CVE-2024-1",
        "INTEL-SA-009 0",
        "INTEL-ßA-0096",
    ] {
        let problem = with(wrong).unwrap_err().to_string();
        assert!(problem.contains("tcb.rejected_advisories[0]: "), "{problem}");
    }
}

#[test]
fn a_key_is_revoked_by_its_whole_name() {
    let with = |head: &str| {
        metal(&format!(
            "roots = [\"ROOT_A\"]\nrevoked_aks = [\"{head}{}\"]",
            "77".repeat(32)
        ))
    };
    parsed(&with("000b")).unwrap();
    assert!(error(&with("000c")).contains("provider[0].revoked_aks: "));
}

fn metal(keys: &str) -> String {
    format!(
        "version = 1\nname = \"n\"\n[[provider]]\nid = 1\nname = \"m\"\nprofile = \"bare-metal\"\n{keys}\n"
    )
}

/// Whoever writes it there believes that the machine is out.
#[test]
fn what_takes_nothing_back_is_a_mistake() {
    let hash = "77".repeat(32);
    let revoked = [
        (
            "revoked_statements",
            format!("revoked_statements = [\"0x{hash}\"]"),
        ),
        ("revoked_eks", format!("revoked_eks = [\"0x{hash}\"]")),
        ("revoked_aks", format!("revoked_aks = [\"000b{hash}\"]")),
    ];
    let registrars = "registrars = [\"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==\"]";
    for (key, line) in revoked {
        let problem = format!("provider[0].{key}: ");
        parsed(&metal(&format!("{registrars}\n{line}"))).unwrap();
        let of_iaks = parsed(&metal(&format!("roots = [\"ROOT_A\"]\n{line}")));
        match key {
            "revoked_aks" => assert!(of_iaks.is_ok()),
            _ => assert!(of_iaks.unwrap_err().to_string().contains(&problem), "{key}"),
        }
        for profile in ["google-vtpm", "azure-paravisor"] {
            let text = metal(&format!("roots = [\"ROOT_A\"]\n{line}")).replace("bare-metal", profile);
            assert!(error(&text).contains(&problem), "{key}, {profile}");
        }
        let unreadable = error(&metal(&format!("registrars = [\"!\"]\n{line}")));
        assert!(!unreadable.contains(key), "{unreadable}");
        let unreadable = error(&metal(&format!("{registrars}\n{line}")).replace("bare-metal", "metal"));
        assert!(!unreadable.contains(key), "{unreadable}");
    }
}

/// Any root that cannot be read would let nothing verify, whoever pins it.
#[test]
fn a_root_is_a_certificate() {
    let text =
        format!("danger_intel_root = \"AAEC\"\n{POLICY}").replace("\"ROOT_A\"", "\"ROOT_A\", \"AAEC\"");
    let error = error(&text);
    for part in [
        "danger_intel_root: is no root certificate",
        "provider[0].roots[1]: is no root certificate",
    ] {
        assert!(error.contains(part), "{part} in {error}");
    }
}

#[test]
fn the_example_has_every_section_and_no_mistake_but_its_placeholders() {
    const EXAMPLE: &str = include_str!("../../policy.example.toml");
    let mistakes = Policy::read(EXAMPLE).unwrap_err();
    let paths: Vec<_> = mistakes.iter().map(|mistake| &*mistake.path).collect();
    assert_eq!(paths, ["provider[0].roots[0]", "poe_issuer[0].roots[0]"]);
    let line = |mistake: &Mistake| EXAMPLE.lines().nth(mistake.line.unwrap() - 1).unwrap();
    assert!(
        mistakes
            .iter()
            .all(|mistake| line(mistake).contains("PLACEHOLDER"))
    );

    let policy = parsed(&EXAMPLE.replace("AAEC", "ROOT_A")).unwrap();
    let sections = (policy.providers.len(), policy.workloads.len(), policy.hosts.len());
    assert_eq!(sections, (2, 1, 1));
    assert_eq!((policy.poe_issuers.len(), policy.alliances.len()), (1, 1));
}
