//! The table of attacks in SECURITY.md says what the tests show, and nothing else.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use chassis_verifier::CheckId;

/// Tests among the attacks that show what must *not* fail.
const CONTROLS: [&str; 11] = [
    "alone::a_certified_key_in_software_that_signs_the_truth",
    "claims::an_owner_endorses_its_platform",
    "claims::one_issuer_endorses_the_machines_of_two_providers",
    "claims::witnesses_never_give_more_than_witnessed",
    "host::a_host_whose_iak_the_provider_certified_reaches_chassis",
    "host::a_registered_host_reaches_chassis",
    "logs::a_further_log_that_the_policy_lists",
    "logs::any_other_retyping_changes_nothing",
    "logs::padding_is_no_event_and_other_bytes_are",
    "paravisor::a_paravisors_td_reaches_quote_and_no_more",
    "pzid::an_honest_host_names_its_instance",
];

/// Of each row: the test, and the checks that catch the attack.
fn table() -> BTreeMap<String, BTreeSet<String>> {
    let text = fs::read_to_string(root().join("SECURITY.md")).unwrap();
    let (_, section) = text.split_once("## Attacks that must fail").expect("the section");
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| ")).skip(1);
    rows.map(|row| {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [_, _, caught, name] = cells[..] else {
            panic!("a row of four cells: {row}")
        };
        let checks = caught.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        (name.trim_matches('`').to_owned(), checks)
    })
    .collect()
}

/// Of each test: the source of it and of the functions beside it that it calls.
fn tests() -> BTreeMap<String, String> {
    let mut tests = BTreeMap::new();
    for entry in fs::read_dir(root().join("tests/it/attacks")).unwrap() {
        let path = entry.unwrap().path();
        let module = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let source = fs::read_to_string(&path).unwrap();
        let bodies = functions(&source);
        for (name, body) in &bodies {
            if !source.contains(&format!("#[test]\nfn {name}(")) {
                continue;
            }
            let called = bodies
                .iter()
                .filter(|(other, _)| body.contains(&format!("{other}(")));
            let whole = called.map(|(_, body)| body.as_str()).collect::<String>();
            tests.insert(format!("{module}::{name}"), whole);
        }
    }
    tests
}

/// Every top-level function, by name. It ends at the first brace that stands in the first column.
fn functions(source: &str) -> BTreeMap<String, String> {
    let starts = source.match_indices("fn ").filter(|(at, _)| {
        let line = source[..*at].rfind('\n').map_or(0, |newline| newline + 1);
        matches!(&source[line..*at], "" | "pub(super) ")
    });
    starts
        .map(|(at, _)| {
            let body = &source[at..];
            let body = &body[..body.find("\n}").unwrap_or(body.len())];
            let name = body[3..].split(['(', '<']).next().unwrap().to_owned();
            (name, body.to_owned())
        })
        .collect()
}

#[test]
fn every_attack_is_in_the_table_and_every_row_is_a_test() {
    let (table, tests) = (table(), tests());
    let tested: BTreeSet<_> = tests.keys().map(String::as_str).collect();
    let listed: BTreeSet<_> = table.keys().map(String::as_str).chain(CONTROLS).collect();
    assert_eq!(listed, tested);
    assert!(table.len() > 60, "{} rows", table.len());
}

#[test]
fn every_row_names_the_checks_that_its_test_expects() {
    let tests = tests();
    let names: BTreeMap<_, _> = CheckId::ALL
        .iter()
        .map(|id| (format!("CheckId::{id:?}"), id.name().to_owned()))
        .collect();
    let mut differing = Vec::new();
    for (test, checks) in table() {
        let body = &tests[&test];
        let expected: BTreeSet<_> = names
            .iter()
            .filter(|(variant, _)| {
                body.match_indices(variant.as_str())
                    .any(|(at, found)| !body[at + found.len()..].starts_with(char::is_alphanumeric))
            })
            .map(|(_, name)| name.clone())
            .collect();
        if checks != expected {
            differing.push((test, checks, expected));
        }
    }
    assert!(differing.is_empty(), "row, listed, expected: {differing:#?}");
}

#[test]
fn every_check_that_can_fail_is_failed_by_an_attack() {
    let caught: BTreeSet<_> = table().into_values().flatten().collect();
    let never: Vec<_> = CheckId::ALL
        .iter()
        .map(|id| id.name())
        .filter(|name| !caught.contains(*name))
        .collect();
    // The policy either takes AK certificates for custody or does not: there is nothing to fail.
    assert_eq!(never, ["custody.ak"]);
}

/// So that none of the others can be left out unnoticed.
#[test]
fn every_check_fails_alone_in_some_attack_but_those_that_cannot() {
    let table = table();
    let alone: BTreeSet<_> = table
        .values()
        .filter(|checks| checks.len() == 1)
        .flatten()
        .collect();
    let never: Vec<_> = CheckId::ALL
        .iter()
        .map(|id| id.name())
        .filter(|name| !alone.contains(&(*name).to_owned()))
        .collect();
    // SECURITY.md says why.
    let cannot = [
        "tpm.hcl_report",
        "tpm.hcl_ak",
        "host.platform",
        "custody.ak",
        "custody.registrar",
    ];
    assert_eq!(never, cannot);
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}
