//! What holds for every pair of logs.

use proptest::prelude::*;

use super::*;
use crate::eventlog::{Algorithm, Ccel, TcgLog, encode::Encoder};

/// What happens at one step of a boot.
#[derive(Clone, Copy, Debug)]
enum Step {
    Both(u8),
    TpmOnly(u8),
    TdOnly(u8),
    SeparatorInBoth,
    SeparatorInTpm,
    SeparatorInTd,
}

fn step() -> impl Strategy<Value = (u8, Step)> {
    let pcr = prop_oneof![
        Just(1u8),
        Just(2),
        Just(4),
        Just(5),
        Just(7),
        Just(8),
        Just(9),
        Just(11),
        Just(14)
    ];
    let step = prop_oneof![
        6 => (1u8..6).prop_map(Step::Both),
        1 => prop_oneof![Just(b'a'), Just(b'b')].prop_map(Step::TpmOnly),
        1 => prop_oneof![Just(b'y'), Just(b'z')].prop_map(Step::TdOnly),
        1 => Just(Step::SeparatorInBoth),
        1 => Just(Step::SeparatorInTpm),
        1 => Just(Step::SeparatorInTd),
    ];
    (pcr, step)
}

fn boot() -> impl Strategy<Value = Vec<(u8, Step)>> {
    prop::collection::vec(step(), 1..40)
}

/// Records of a log: register, digest.
type Records = Vec<(u8, [u8; 48])>;

/// What both sides log, by PCR and by measurement register.
fn logs(boot: &[(u8, Step)]) -> (Records, Records) {
    let (mut tpm, mut td) = (Vec::new(), Vec::new());
    for (pcr, step) in boot {
        let register = match Class::of_pcr((*pcr).into()).unwrap() {
            Class::Rtmr0 => 1,
            Class::Rtmr1 => 2,
            Class::Rtmr2 => 3,
        };
        let (digest, in_tpm, in_td) = match *step {
            Step::Both(digest) => ([digest; 48], true, true),
            Step::TpmOnly(digest) => ([digest; 48], true, false),
            Step::TdOnly(digest) => ([digest; 48], false, true),
            Step::SeparatorInBoth => (SEPARATOR, true, true),
            Step::SeparatorInTpm => (SEPARATOR, true, false),
            Step::SeparatorInTd => (SEPARATOR, false, true),
        };
        if in_tpm {
            tpm.push((*pcr, digest));
        }
        if in_td {
            td.push((register, digest));
        }
    }
    (tpm, td)
}

fn encoded(records: &[(u8, [u8; 48])], types: impl Fn(usize) -> u32) -> Vec<u8> {
    let mut log = Encoder::agile(&[Algorithm::Sha384]);
    for (index, (register, digest)) in records.iter().enumerate() {
        log.event((*register).into(), types(index), digest, b"data");
    }
    log.bytes
}

fn result(tpm: &[u8], td: &[u8]) -> CrossCheck {
    let tpm = tpm_measured(&TcgLog::parse(tpm).unwrap()).unwrap();
    cross_check(&tpm, &td_measured(&Ccel::parse(td).unwrap()), &exceptions())
}

fn passes(tpm: &Records, td: &Records) -> bool {
    result(&encoded(tpm, |_| 1), &encoded(td, |_| 1)).passed()
}

/// Whether `digest` may be in one log alone.
fn free(digest: &[u8; 48]) -> bool {
    *digest == SEPARATOR || exceptions().tpm_only.contains(digest) || exceptions().td_only.contains(digest)
}

fn class(of_tpm: bool, register: u8) -> Option<Class> {
    if of_tpm {
        Class::of_pcr(register.into())
    } else {
        Class::of_td_register(register.into())
    }
}

/// Whether *some* choice of deletions makes both equal: the definition, by search.
fn alignable(tpm: &[Measured<'_>], td: &[Measured<'_>]) -> bool {
    let exceptions = exceptions();
    let skip =
        |digest: &[u8; 48], listed: &BTreeSet<[u8; 48]>| *digest == SEPARATOR || listed.contains(digest);
    let mut reachable = vec![vec![false; td.len() + 1]; tpm.len() + 1];
    reachable[0][0] = true;
    for i in 0..=tpm.len() {
        for j in 0..=td.len() {
            if !reachable[i][j] {
                continue;
            }
            if i < tpm.len() && j < td.len() && tpm[i].digest == td[j].digest {
                reachable[i + 1][j + 1] = true;
            }
            if i < tpm.len() && skip(&tpm[i].digest, &exceptions.tpm_only) {
                reachable[i + 1][j] = true;
            }
            if j < td.len() && skip(&td[j].digest, &exceptions.td_only) {
                reachable[i][j + 1] = true;
            }
        }
    }
    reachable[tpm.len()][td.len()]
}

/// Event types, `EV_NO_ACTION` excepted.
fn types() -> impl Strategy<Value = Vec<u32>> {
    let known = [0u32, 1, 4, 5, 6, 8, 0x0a, 0x0d, 0x11];
    let uefi = [
        0x8000_0001u32,
        0x8000_0003,
        0x8000_0006,
        0x8000_0009,
        0x8000_000b,
        0x8000_00e0,
    ];
    prop::collection::vec(prop::sample::select([&known[..], &uefi[..]].concat()), 1..8)
}

/// Digests of every kind, few enough to meet each other often.
fn soup() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(
        prop::sample::select(&[0u8, 1, 2, b'a', b'b', b'y', b'z'][..]),
        0..9,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn one_boot_in_two_logs_passes(boot in boot()) {
        let (tpm, td) = logs(&boot);
        prop_assert!(passes(&tpm, &td));
    }

    #[test]
    fn any_single_change_of_an_unlisted_record_fails(
        boot in boot(),
        at: prop::sample::Index,
        in_tpm: bool,
        byte in 0usize..48,
    ) {
        let (tpm, td) = logs(&boot);
        let side = if in_tpm { &tpm } else { &td };
        let unlisted: Vec<usize> = (0..side.len()).filter(|at| !free(&side[*at].1)).collect();
        prop_assume!(!unlisted.is_empty());
        let at = unlisted[at.index(unlisted.len())];
        let fails = |changed: &Records| {
            !if in_tpm { passes(changed, &td) } else { passes(&tpm, changed) }
        };

        let mut changed = side.clone();
        changed[at].1[byte] ^= 0x80;
        prop_assert!(fails(&changed), "changed");
        let mut dropped = side.clone();
        dropped.remove(at);
        prop_assert!(fails(&dropped), "dropped");
        let mut added = side.clone();
        added.insert(at, (side[at].0, [0x77; 48]));
        prop_assert!(fails(&added), "added");
        let mut doubled = side.clone();
        doubled.insert(at, side[at]);
        prop_assert!(fails(&doubled), "doubled");
        let mut separator = side.clone();
        separator[at].1 = SEPARATOR;
        prop_assert!(fails(&separator), "replaced by a separator");

        let next = unlisted.iter().copied().find(|next| {
            *next > at && class(in_tpm, side[*next].0) == class(in_tpm, side[at].0)
        });
        if let Some(next) = next.filter(|next| side[*next].1 != side[at].1) {
            let mut swapped = side.clone();
            swapped.swap(at, next);
            prop_assert!(fails(&swapped), "swapped");
        }
    }

    #[test]
    fn retyping_changes_no_result(boot in boot(), at: prop::sample::Index, damage: bool, types in types()) {
        let (tpm, mut td) = logs(&boot);
        prop_assume!(!td.is_empty() && !tpm.is_empty());
        if damage {
            let at = at.index(td.len());
            td[at].1[0] ^= 0x80;
        }
        let retype = |index: usize| types[index % types.len()];
        let plain = result(&encoded(&tpm, |_| 1), &encoded(&td, |_| 1));
        let retyped = result(&encoded(&tpm, retype), &encoded(&td, retype));
        prop_assert_eq!(plain.passed(), retyped.passed());
        for ((_, plain), (_, retyped)) in plain.classes.iter().zip(&retyped.classes) {
            match (plain, retyped) {
                (Ok(plain), Ok(retyped)) => prop_assert_eq!(plain, retyped),
                (Err(plain), Err(retyped)) => prop_assert_eq!(plain.reason, retyped.reason),
                _ => prop_assert!(false),
            }
        }
    }

    #[test]
    fn retyping_to_no_action_changes_the_replay(boot in boot(), at: prop::sample::Index) {
        let (tpm, td) = logs(&boot);
        prop_assume!(!td.is_empty() && !tpm.is_empty());
        let (t, d) = (at.index(tpm.len()), at.index(td.len()));
        let pcrs = |hidden| {
            let bytes = encoded(&tpm, |index| if Some(index) == hidden { 3 } else { 1 });
            TcgLog::parse(&bytes).unwrap().sha384().unwrap()
        };
        let rtmrs = |hidden| {
            let bytes = encoded(&td, |index| if Some(index) == hidden { 3 } else { 1 });
            Ccel::parse(&bytes).unwrap().rtmrs()
        };
        prop_assert_ne!(pcrs(None), pcrs(Some(t)));
        prop_assert_ne!(rtmrs(None), rtmrs(Some(d)));
    }

    #[test]
    fn the_walk_accepts_only_what_the_definition_does(tpm in soup(), td in soup()) {
        let accepted = compare(&tpm, &td);
        if let Ok(matched) = &accepted {
            prop_assert!(alignable(&rtmr1(&tpm), &rtmr1(&td)));
            prop_assert_eq!(matched.pairs + matched.tpm_only, tpm.len());
            prop_assert_eq!(matched.pairs + matched.td_only, td.len());
            let unlisted = |side: &[u8]| -> Vec<u8> { side.iter().copied().filter(|d| [1, 2].contains(d)).collect() };
            prop_assert_eq!(unlisted(&tpm), unlisted(&td));
        }
        prop_assert_eq!(accepted, compare(&tpm, &td));
    }

    #[test]
    fn it_refuses_nothing_right_where_no_listed_digest_is_on_the_other_side(tpm in soup(), td in soup()) {
        let tpm: Vec<u8> = tpm.into_iter().filter(|digest| ![b'y', b'z'].contains(digest)).collect();
        let td: Vec<u8> = td.into_iter().filter(|digest| ![b'a', b'b'].contains(digest)).collect();
        prop_assert_eq!(compare(&tpm, &td).is_ok(), alignable(&rtmr1(&tpm), &rtmr1(&td)));
    }
}
