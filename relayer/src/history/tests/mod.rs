//! Against logs that the replay takes for a registry's.

pub(crate) mod scribe;

use alloy::{primitives::B256, sol_types::SolCall as _};

use super::*;
use crate::{
    registry::{
        IProofOfCloudGovernance::{liftFreezeCall, unpauseCall},
        IProofOfCloudRegistry::{Denial, Status},
    },
    replay::Subject,
};
use scribe::{GUARDIAN, HOUR, PROVIDER, Scribe, operator, order, platform, relayer, set};

fn denial(scribe: &Scribe, n: u8, time: u64) -> Denial {
    scribe.history.at(operator(n), time, Floor::DEFAULT).denial
}

#[test]
fn renewals_lengthen_a_span_and_nothing_grows() {
    let mut scribe = Scribe::new();
    scribe.enrol(&[1, 2], 0xa1);
    let begun = scribe.time - 1;
    for _ in 0..200 {
        scribe.wait(HOUR);
        let happenings = scribe.post(vec![], &[(1, 12 * HOUR), (2, 12 * HOUR)], 0b110);
        assert_eq!(happenings.len(), 3, "two renewals and the batch");
    }
    let history = scribe.history.operator(operator(1)).unwrap();
    let [span] = &history.spans[..] else {
        panic!("{history:?}")
    };
    assert_eq!(
        (span.from.time, span.renewals, span.last_batch),
        (begun, 200, 201)
    );
    assert_eq!(
        (span.to, &span.end),
        ((scribe.time + 12 * HOUR) & !63, &End::Expiry)
    );
    assert!(history.gaps(scribe.time).is_empty());
    // Batches 0 and 1 were signed by the first two, the others by the last two.
    let signed = |n| scribe.history.relayer(relayer(n)).unwrap().signed;
    assert_eq!([signed(0), signed(1), signed(2)], [2, 202, 200]);
    let last = scribe.history.batch(201).unwrap();
    assert_eq!(scribe.history.signers(last), [relayer(1), relayer(2)]);
    assert_eq!((last.renewals, last.grants), (2, 0));
}

#[test]
fn nobody_renews_and_it_runs_out_then_comes_back() {
    let mut scribe = Scribe::new();
    scribe.enrol(&[1], 0xa1);
    let (begun, end) = (scribe.time, (scribe.time + 12 * HOUR) & !63);
    scribe.wait(20 * HOUR);
    scribe.enrol(&[1], 0xa1);
    let history = scribe.history.operator(operator(1)).unwrap();
    let [gap] = &history.gaps(scribe.time)[..] else {
        panic!("{history:?}")
    };
    assert_eq!(
        (gap.from, gap.to, &gap.cause),
        (end, Some(scribe.time), &End::Expiry)
    );
    assert_eq!(history.spans[1].since, scribe.time, "continuity begins anew");
    let asked = [begun - 1, begun, end - 1, end, scribe.time - 1, scribe.time];
    let answers = asked.map(|time| denial(&scribe, 1, time));
    assert_eq!(
        answers,
        [
            Denial::Unknown,
            Denial::None,
            Denial::None,
            Denial::Expired,
            Denial::Expired,
            Denial::None
        ]
    );
    assert_eq!(denial(&scribe, 9, scribe.time), Denial::Unknown);
}

#[test]
fn a_freeze_ends_a_span_and_says_who_and_why() {
    let mut scribe = Scribe::new();
    scribe.enrol(&[1, 2], 0xa1);
    scribe.wait(HOUR);
    let freeze = scribe.status(Subject::Operator(operator(1)), Status::Frozen);
    let happenings = scribe.transaction(vec![freeze]);
    let frozen = scribe.time;
    let What::StatusChanged(change) = &happenings[0].what else {
        panic!("{happenings:?}")
    };
    assert_eq!(
        (change.by, change.actor, change.reason),
        (By::Guardian, GUARDIAN, 17)
    );
    // The other one by signatures of the first and third relayer, whoever sent them.
    let freeze = scribe.status(Subject::Operator(operator(2)), Status::Frozen);
    scribe.wait(1);
    scribe.transaction(vec![freeze, order(0b101)]);
    let two = scribe.history.operator(operator(2)).unwrap();
    assert_eq!(two.changes[0].by, By::Relayers { set: 1, mask: 0b101 });
    assert_eq!(scribe.history.members(1, 0b101), [relayer(0), relayer(2)]);

    let one = scribe.history.operator(operator(1)).unwrap();
    assert_eq!(one.spans[0].to, frozen);
    assert!(matches!(&one.spans[0].end, End::Status(end) if end.reason == 17));
    assert_eq!(denial(&scribe, 1, frozen - 1), Denial::None);
    let moment = scribe.history.at(operator(1), frozen, Floor::DEFAULT);
    assert_eq!((moment.denial, moment.status()), (Denial::Frozen, Status::Frozen));
    assert_eq!(moment.why, Why::Status(&one.changes[0]));

    // Lifting restores nothing; a grant does.
    let call = liftFreezeCall {
        kind: 0,
        subject: operator(1).into_word(),
        statusNonce: 1,
    };
    let executed = scribe.ripe(call.abi_encode());
    let lift = scribe.status(Subject::Operator(operator(1)), Status::Frozen);
    scribe.transaction(vec![executed, lift]);
    let lifted = scribe.time;
    assert_eq!(denial(&scribe, 1, lifted), Denial::Frozen);
    scribe.enrol(&[1], 0xa1);
    assert_eq!(denial(&scribe, 1, scribe.time), Denial::None);
    let one = scribe.history.operator(operator(1)).unwrap();
    assert!(one.changes[1].is_lift() && !one.changes[0].is_lift());
    assert_eq!((one.spans.len(), one.changes.len()), (2, 2));
}

#[test]
fn a_platforms_stop_is_its_operators_stop() {
    let mut scribe = Scribe::new();
    scribe.enrol(&[1, 2], 0xa1);
    scribe.enrol(&[3], 0xa2);
    scribe.wait(HOUR);
    let freeze = scribe.status(Subject::Platform(platform(0xa1)), Status::Frozen);
    scribe.transaction(vec![freeze]);
    let answers = [1, 2, 3].map(|n| denial(&scribe, n, scribe.time));
    assert_eq!(answers, [Denial::Frozen, Denial::Frozen, Denial::None]);
    let platform = scribe.history.platform(platform(0xa1)).unwrap();
    assert_eq!(platform.stopped_at(scribe.time), Some(&platform.changes[0]));
    assert_eq!(platform.stopped_at(scribe.time - 1), None);
    let end = &scribe.history.operator(operator(2)).unwrap().spans[0].end;
    assert_eq!(*end, End::Status(Box::new(platform.changes[0].clone())));
}

#[test]
fn a_lowered_platform_cuts_its_operators() {
    let mut scribe = Scribe::new();
    scribe.enrol(&[1, 2], 0xa1);
    scribe.wait(HOUR);
    let entry = scribe.entry(0xa1, 2, 2 * HOUR);
    let happenings = scribe.post(vec![entry], &[], 0b011);
    let cut = (scribe.time + 2 * HOUR) & !63;
    assert!(matches!(happenings[1].what, What::Cut { expiry, .. } if expiry == cut));
    let span = &scribe.history.operator(operator(1)).unwrap().spans[0];
    assert_eq!(span.to, cut);
    assert!(matches!(span.end, End::PlatformLowered { .. }));
    scribe.wait(64);
    let entry = scribe.entry(0xa1, 1, 24 * HOUR);
    scribe.post(vec![entry], &[], 0b011);
    assert_eq!(denial(&scribe, 1, scribe.time), Denial::Expired, "cut to nothing");
    let tenures = &scribe.history.platform(platform(0xa1)).unwrap().tenures;
    assert_eq!(
        tenures.iter().map(|t| (t.custody, t.entries)).collect::<Vec<_>>(),
        [(2, 2), (1, 1)]
    );
}

#[test]
fn levels_and_moves_split_spans_without_a_gap() {
    let mut scribe = Scribe::new();
    scribe.enrol(&[1], 0xa1);
    let since = scribe.time;
    scribe.wait(HOUR);
    let grant = scribe.grant(1, 0xa1, None, 2, 12 * HOUR);
    scribe.post(vec![grant], &[], 0b011);
    let lowered = scribe.time;
    assert_eq!(denial(&scribe, 1, lowered), Denial::Tcb);
    assert!(scribe.history.at(operator(1), lowered, Floor::ANY).is_attested());
    scribe.wait(HOUR);
    let happenings = scribe.enrol(&[1], 0xa2);
    let What::Granted(granted) = &happenings[1].what else {
        panic!("{happenings:?}")
    };
    assert_eq!(granted.before.unwrap().platform, platform(0xa1));
    assert!(!granted.after_gap);
    assert!(
        happenings[1].is_about(Subject::Platform(platform(0xa1))),
        "the one it left"
    );
    let history = scribe.history.operator(operator(1)).unwrap();
    assert!(history.gaps(scribe.time).is_empty());
    let begun: Vec<_> = history.spans.iter().map(|span| span.since).collect();
    assert_eq!(
        begun,
        [since, since, scribe.time],
        "what is less goes on, a new place begins anew"
    );
    let ends: Vec<_> = history.spans.iter().map(|span| &span.end).collect();
    assert_eq!(ends, [&End::Regrant, &End::Regrant, &End::Expiry]);
    let good = scribe
        .history
        .stretches(operator(1), 0, scribe.time + HOUR, Floor::DEFAULT);
    let times: Vec<_> = good.iter().map(|s| (s.from, s.to)).collect();
    assert_eq!(times, [(since, lowered), (scribe.time, scribe.time + HOUR)]);
}

#[test]
fn a_pause_is_no_gap_and_still_nobody_is_attested() {
    let mut scribe = Scribe::new();
    scribe.enrol(&[1], 0xa1);
    let begun = scribe.time;
    scribe.wait(HOUR);
    let pause = scribe.switch(true, false);
    scribe.transaction(vec![pause]);
    let paused = scribe.time;
    scribe.wait(64);
    scribe.post(vec![], &[(1, 23 * HOUR)], 0b011);
    let freeze = scribe.switch(true, true);
    scribe.wait(64);
    scribe.transaction(vec![freeze]);
    assert_eq!(denial(&scribe, 1, scribe.time), Denial::Paused);
    let moment = scribe.history.at(operator(9), paused, Floor::ANY);
    assert_eq!(moment.denial, Denial::Paused, "strangers, too");
    assert_eq!(moment.why, Why::Switch(&scribe.history.switches()[1]));
    let executed = scribe.ripe(unpauseCall {}.abi_encode());
    let unpause = scribe.switch(false, true);
    scribe.transaction(vec![executed, unpause]);
    assert_eq!(denial(&scribe, 1, scribe.time), Denial::ProviderFrozen);
    assert_eq!(scribe.history.switches().last().unwrap().by, By::Timelock);

    let outages = scribe.history.outages();
    let shape: Vec<_> = outages
        .iter()
        .map(|o| (o.provider, o.cause.at.time, o.to))
        .collect();
    assert_eq!(
        shape,
        [
            (None, paused, Some(scribe.time)),
            (Some(PROVIDER), paused + 128, None)
        ]
    );
    let stretches = scribe
        .history
        .stretches(operator(1), begun, u64::MAX, Floor::DEFAULT);
    assert_eq!(
        stretches.iter().map(|s| (s.from, s.to)).collect::<Vec<_>>(),
        [(begun, paused)]
    );
    let history = scribe.history.operator(operator(1)).unwrap();
    assert_eq!(history.spans.len(), 1);
}

#[test]
fn a_disabled_relayer_is_named_with_its_reason() {
    let mut scribe = Scribe::new();
    scribe.enrol(&[1], 0xa1);
    scribe.wait(1);
    let happenings = scribe.transaction(vec![set(1, 0b100, 0)]);
    assert!(matches!(happenings[0].what, What::Disabled { relayer: who, .. } if who == relayer(2)));
    let seat = &scribe.history.relayer(relayer(2)).unwrap().seats[0];
    assert_eq!(
        seat.disabled.as_ref().map(|d| (d.by, d.reason)),
        Some((By::Guardian, 4))
    );
    assert!(seat.counts_at(scribe.time - 1) && !seat.counts_at(scribe.time));
    assert!(scribe.history.relayer(relayer(1)).unwrap().seats[0].counts_at(scribe.time));
}

#[test]
fn a_log_that_breaks_the_rules_is_refused() {
    let mut scribe = Scribe::new();
    scribe.enrol(&[1], 0xa1);
    let mut other = History::new(alloy::primitives::Address::ZERO);
    let log = crate::replay::RegistryLog {
        at: crate::replay::Position {
            block: 1,
            block_hash: B256::ZERO,
            time: scribe.time,
            transaction: B256::ZERO,
            log_index: 0,
        },
        event: order(1),
    };
    assert!(
        other.take(std::slice::from_ref(&log)).is_err(),
        "a log without its beginning"
    );
    assert!(scribe.history.take(&[log]).is_err(), "a log before the last one");
}

/// A regrant in the same range of logs must not be held against the renewals before it.
#[test]
fn a_place_in_the_log_has_the_span_that_it_had_then() {
    let mut scribe = Scribe::new();
    scribe.enrol(&[1], 0xa1);
    let mut renewed = Vec::new();
    for tcb in [1, 5] {
        if tcb != 1 {
            scribe.wait(HOUR);
            let grant = scribe.grant(1, 0xa1, None, tcb, 12 * HOUR);
            scribe.post(vec![grant], &[], 0b011);
        }
        scribe.wait(HOUR);
        renewed.push(scribe.post(vec![], &[(1, 13 * HOUR)], 0b011)[0].at);
    }
    let history = scribe.history.operator(operator(1)).unwrap();
    let tcbs = renewed
        .iter()
        .map(|at| history.span_after(*at).unwrap().standing.tcb);
    assert_eq!(tcbs.collect::<Vec<_>>(), [1, 5]);
    let first = history.spans[0].from;
    assert_eq!(history.span_after(first), history.spans.first());
    let before = Place {
        log_index: first.log_index - 1,
        ..first
    };
    assert_eq!(history.span_after(before), None);
}
