//! Of a small history, every number.

use alloy::sol_types::SolCall as _;

use super::*;
use crate::{
    history::tests::scribe::{HOUR, Scribe, operator, platform, relayer, set},
    registry::{IProofOfCloudGovernance::unpauseCall, IProofOfCloudRegistry::Status},
    render::date,
    replay::Subject,
};

/// Four operators on two platforms, and what became of them.
struct Story {
    scribe: Scribe,
    begun: u64,
    /// When those of the first platform were granted.
    first: [u64; 3],
    frozen: u64,
    paused: u64,
    lowered: u64,
    end: u64,
}

/// 1, 2 and 3 on one platform, 4 on another. Two hours later 1 is frozen; the registry is paused for an hour; relayer 2 is
/// disabled; the second platform is lowered, which cuts 4 to the next two hours. Nobody renews.
fn story() -> Story {
    let mut scribe = Scribe::new();
    let unpausing = scribe.ripe(unpauseCall {}.abi_encode());
    let begun = scribe.time;
    scribe.enrol(&[1, 2, 3], 0xa1);
    let first = [begun + 1, begun + 2, begun + 3];
    scribe.enrol(&[4], 0xa2);
    scribe.wait(2 * HOUR);
    let frozen = scribe.time;
    let freeze = scribe.status(Subject::Operator(operator(1)), Status::Frozen);
    scribe.transaction(vec![freeze]);
    scribe.wait(HOUR);
    let paused = scribe.time;
    let pause = scribe.switch(true, false);
    scribe.transaction(vec![pause]);
    scribe.wait(HOUR);
    let unpause = scribe.switch(false, false);
    scribe.transaction(vec![unpausing, unpause]);
    scribe.transaction(vec![set(1, 0b100, 0)]);
    scribe.wait(HOUR);
    let lowered = scribe.time;
    let entry = scribe.entry(0xa2, 2, 2 * HOUR);
    scribe.post(vec![entry], &[], 0b011);
    Story {
        scribe,
        begun,
        first,
        frozen,
        paused,
        lowered,
        end: begun + 10 * HOUR,
    }
}

fn period(from: u64, to: u64) -> Period {
    assert!(from < to);
    Period { from, to }
}

impl Story {
    fn whole(&self) -> Period {
        period(self.begun, self.end)
    }
}

#[test]
fn coverage_is_the_seconds_without_freezes_pauses_and_ends() {
    let story = story();
    let history = &story.scribe.history;
    let rows = coverage(history, story.whole());
    let row = |n: u8| rows.iter().find(|row| row.operator == operator(n)).unwrap();
    let values = |n| {
        let row = row(n);
        (row.possible, row.attested, row.gaps, row.is_attested)
    };
    assert_eq!(rows.len(), 4);
    let (end, [one, two, _]) = (story.end, story.first);
    assert_eq!(values(1), (end - one, story.frozen - one, 1, false));
    // Paused for an hour.
    assert_eq!(values(2), (end - two, end - two - HOUR, 0, true));
    let cut = (story.lowered + 2 * HOUR) & !63;
    let four = story.begun + 4;
    assert_eq!(values(4), (end - four, cut - four - HOUR, 1, false));
    // A period of which the first half is the pause.
    let rows = coverage(history, period(story.paused, story.paused + 2 * HOUR));
    let row = rows.iter().find(|row| row.operator == operator(2)).unwrap();
    assert_eq!((row.possible, row.attested), (2 * HOUR, HOUR));
    assert!(
        coverage(history, period(story.begun - 9, story.begun)).is_empty(),
        "nobody yet"
    );
}

#[test]
fn incidents_are_told_once_each_in_order_and_only_the_periods_own() {
    let story = story();
    let history = &story.scribe.history;
    let told = incidents(history, story.whole());
    let brief: Vec<_> = told
        .iter()
        .map(|i| {
            (
                i.time,
                i.subject.clone(),
                i.what.split([',', ':', ';']).next().unwrap(),
            )
        })
        .collect();
    let one = format!("operator {}", operator(1));
    let four = format!("operator {}", operator(4));
    let cut = (story.lowered + 2 * HOUR) & !63;
    assert_eq!(
        brief,
        [
            (story.frozen, one, "active to frozen"),
            (story.paused, "everybody".into(), "stopped"),
            (story.paused + HOUR, format!("relayer {}", relayer(2)), "disabled"),
            (cut, four, "ended"),
        ]
    );
    assert!(
        told[1].what.contains("until 2027-01-18 12:00:04 UTC"),
        "{}",
        told[1].what
    );
    assert!(
        told[3].what.contains("entered with less custody"),
        "{}",
        told[3].what
    );
    assert!(told[3].what.ends_with("it has not come back"), "{}", told[3].what);
    let none = incidents(history, period(story.begun, story.frozen));
    assert_eq!(none, []);
}

#[test]
fn who_ran_out_is_an_incident_and_when_it_came_back() {
    let mut scribe = Scribe::new();
    scribe.enrol(&[1], 0xa1);
    let ended = (scribe.time + 12 * HOUR) & !63;
    scribe.wait(20 * HOUR);
    scribe.enrol(&[1], 0xa1);
    let told = incidents(&scribe.history, period(ended, scribe.time));
    let [only] = &told[..] else { panic!("{told:?}") };
    assert_eq!(only.time, ended);
    let back = format!("ran out: nobody renewed it; back {}", date(scribe.time));
    assert_eq!(only.what, back);
}

#[test]
fn concentration_counts_who_is_attested_at_the_end_by_place() {
    let story = story();
    let zones = BTreeMap::from([(operator(1), "z-a"), (operator(2), "z-a"), (operator(4), "z-b")]);
    let zones = zones
        .into_iter()
        .map(|(who, zone)| (who, zone.to_owned()))
        .collect();
    let groups = |to| {
        let groups = concentration(&story.scribe.history, period(story.begun, to), &zones);
        let rows = groups
            .into_iter()
            .map(|g| (g.by, g.name, g.operators, g.per_mille));
        rows.collect::<Vec<_>>()
    };
    let [a1, a2] = [0xa1, 0xa2].map(|n| platform(n).to_string());
    let zone = |name: &str| format!("{name} (provider 3)");
    // Before the freeze, all four.
    assert_eq!(
        groups(story.frozen),
        [
            ("platform", a1.clone(), 3, 750),
            ("platform", a2, 1, 250),
            ("provider", "3".into(), 4, 1000),
            ("zone", zone("z-a"), 2, 666),
            ("zone", zone("z-b"), 1, 333),
        ]
    );
    // In the end 2 and 3: of 3 no zone is known.
    assert_eq!(
        groups(story.end),
        [
            ("platform", a1, 2, 1000),
            ("provider", "3".into(), 2, 1000),
            ("zone", zone("z-a"), 1, 1000),
        ]
    );
    assert_eq!(groups(story.paused + 1), [], "under a pause nobody is attested");
}

#[test]
fn participation_is_of_batches_while_the_signature_counted() {
    let story = story();
    let rows = participation(&story.scribe.history, story.whole());
    let rows: Vec<_> = rows
        .into_iter()
        .map(|row| (row.relayer, row.signed, row.possible, row.is_in_office))
        .collect();
    // Four grants by the first two; after the third was disabled, one batch more.
    assert_eq!(
        rows,
        [
            (relayer(0), 5, 5, true),
            (relayer(1), 5, 5, true),
            (relayer(2), 0, 4, false),
        ]
    );
}

#[test]
fn owners_share_a_platform_only_while_both_are_there() {
    let mut scribe = Scribe::new();
    scribe.enrol(&[1], 0xa1);
    let begun = scribe.time;
    // The first has run out when the second comes; the third comes to the second, and is of the same owner as the fourth.
    scribe.wait(20 * HOUR);
    scribe.enrol(&[2], 0xa1);
    let since = |scribe: &Scribe| period(begun, scribe.time + HOUR);
    let owners = BTreeMap::from([(operator(3), "us".to_owned()), (operator(4), "us".to_owned())]);
    assert!(
        shared(&scribe.history, since(&scribe), &owners).is_empty(),
        "one after the other"
    );
    scribe.enrol(&[3, 4], 0xa1);
    scribe.enrol(&[5], 0xa2);
    let found = shared(&scribe.history, since(&scribe), &owners);
    let [only] = &found[..] else { panic!("{found:?}") };
    assert_eq!(only.platform, platform(0xa1));
    assert_eq!(only.operators, [2, 3, 4].map(operator).into());
    assert_eq!(only.owners, [operator(2).to_string(), "us".to_owned()].into());
    let ours: BTreeMap<_, _> = (2..=4).map(|n| (operator(n), "us".to_owned())).collect();
    assert!(
        shared(&scribe.history, since(&scribe), &ours).is_empty(),
        "one owner's"
    );
}
