//! Random sequences of edits against a definition that does not walk.

use std::cell::Cell;

use chassis_verifier::{
    Accept,
    cross_check::{Class, Exceptions, SEPARATOR},
};
use proptest::{
    prelude::*,
    sample::Index,
    test_runner::{Config, TestRunner},
};

use crate::{
    edits::{Edit, UNLISTED},
    machine::{GRUB, Machine, Side, UKI},
    retyping::{NO_ACTION, known_types},
};

/// What happens to one log, or to both.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// One of the single edits.
    Edit(Side, Kind),
    /// The record and its twin are dropped, or changed alike.
    InBoth(Side, Twin),
    /// A separator is added, in the register of the record there.
    Separator(Side),
    /// A digest the policy lists is repeated.
    Listed(Side),
    /// The policy lists the record's digest for this log.
    List(Side),
    /// The record gets another type.
    Retype(Side, Index),
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Change,
    Hide,
    Drop,
    Double,
    Add,
    Swap,
}

#[derive(Clone, Copy, Debug)]
enum Twin {
    Drop,
    Change,
    Double,
}

fn step() -> impl Strategy<Value = (Step, Index)> {
    let side = || prop::sample::select(&Side::BOTH[..]);
    let edit = prop::sample::select(
        &[
            Kind::Change,
            Kind::Hide,
            Kind::Drop,
            Kind::Double,
            Kind::Add,
            Kind::Swap,
        ][..],
    );
    let twin = prop::sample::select(&[Twin::Drop, Twin::Change, Twin::Double][..]);
    let step = prop_oneof![
        1 => (side(), edit).prop_map(|(side, edit)| Step::Edit(side, edit)),
        2 => (side(), twin).prop_map(|(side, twin)| Step::InBoth(side, twin)),
        1 => side().prop_map(Step::Separator),
        1 => side().prop_map(Step::Listed),
        1 => side().prop_map(Step::List),
        1 => (side(), any::<Index>()).prop_map(|(side, event_type)| Step::Retype(side, event_type)),
    ];
    (step, any::<Index>())
}

fn apply(machine: &mut Machine, step: Step, place: Index) {
    let (Step::Edit(side, _)
    | Step::InBoth(side, _)
    | Step::Separator(side)
    | Step::Listed(side)
    | Step::List(side)
    | Step::Retype(side, _)) = step;
    // The last record stays whole, so that there is a neighbour to swap with.
    let at = place.index(machine.log(side).records.len() - 1);
    let record = machine.log(side).records[at].clone();
    match step {
        Step::Edit(_, edit) => {
            let edit = match edit {
                Kind::Change => Edit::Change(at),
                Kind::Hide => Edit::Hide(at),
                Kind::Drop => Edit::Drop(at),
                Kind::Double => Edit::Double(at),
                Kind::Add => Edit::Add(at, record.register),
                Kind::Swap => Edit::Swap(at),
            };
            edit.apply(machine.records(side));
        }
        Step::InBoth(_, twin) => {
            for side in Side::BOTH {
                let records = machine.records(side);
                let Some(at) = records.iter().position(|twin| twin.sha384() == record.sha384()) else {
                    continue;
                };
                match twin {
                    Twin::Drop => drop(records.remove(at)),
                    Twin::Change => records[at].set_sha384(UNLISTED),
                    Twin::Double => records.insert(at, records[at].clone()),
                }
            }
        }
        Step::Separator(_) => {
            let separator = record.with(record.register, SEPARATOR);
            machine.records(side).insert(at, separator);
        }
        Step::Listed(_) => {
            let Exceptions {
                tpm_only, td_only, ..
            } = &machine.exceptions;
            if let Some(digest) = tpm_only.iter().chain(td_only).next().copied() {
                let listed = record.with(record.register, digest);
                machine.records(side).insert(at, listed);
            }
        }
        Step::List(Side::Tpm) => drop(machine.exceptions.tpm_only.insert(record.sha384())),
        Step::List(Side::Td) => drop(machine.exceptions.td_only.insert(record.sha384())),
        Step::Retype(_, event_type) if record.extends() => {
            machine.records(side)[at].event_type = *event_type.get(&known_types());
        }
        Step::Retype(..) => {}
    }
}

/// The definition: what is neither separator nor listed is in both logs, as often and in the same order; and RTMR0 begins
/// with the two records the policy accepts there.
fn is_one_boot(machine: &Machine) -> bool {
    let front = machine.sequence(Side::Td, Class::Rtmr0);
    let accepted = |slot: &Option<Accept<48>>, at: usize| {
        slot.as_ref().unwrap().accepts(front.get(at).unwrap_or(&UNLISTED))
    };
    accepted(&machine.exceptions.td_hob, 0)
        && accepted(&machine.exceptions.cfv, 1)
        && Class::ALL
            .iter()
            .all(|class| machine.unlisted(Side::Tpm, *class) == machine.unlisted(Side::Td, *class))
}

/// Whether a digest listed for one log stands in the other, where the walk may refuse what a search would pair.
fn lists_cross(machine: &Machine) -> bool {
    let foreign = |side: Side, other: Side| {
        let records = machine.log(side).records.iter();
        records
            .into_iter()
            .any(|record| machine.lists(other, &record.sha384()))
    };
    foreign(Side::Tpm, Side::Td) || foreign(Side::Td, Side::Tpm)
}

#[test]
fn edits_pass_only_where_the_logs_are_equal_but_for_what_may_differ() {
    for name in [GRUB, UKI] {
        let Some(machine) = Machine::of(name).map(Machine::without_data) else {
            return;
        };
        let [taken, failed, refused] = [(); 3].map(|()| Cell::new(0));
        let count = |counter: &Cell<usize>| counter.set(counter.get() + 1);
        let edits = prop::collection::vec(step(), 0..7);
        let strategy = (edits, prop::sample::select(&Side::BOTH[..]), any::<Index>());
        let config = Config {
            failure_persistence: None,
            ..Config::with_cases(300)
        };
        let result = TestRunner::new(config).run(&strategy, |(steps, side, hidden)| {
            let mut edited = machine.clone();
            for (step, place) in steps {
                apply(&mut edited, step, place);
            }
            let edited = edited.requoted();
            let answer = edited.answer();
            prop_assert!(answer.replays);
            let (passes, one_boot) = (answer.crossed.passed(), is_one_boot(&edited));
            prop_assert!(one_boot || !passes);
            prop_assert!(passes || !one_boot || lists_cross(&edited));
            count(match (passes, one_boot) {
                (true, _) => &taken,
                (false, true) => &refused,
                (false, false) => &failed,
            });

            // No failure is turned into a pass by hiding or showing a record.
            let mut retyped = edited;
            let at = hidden.index(retyped.log(side).records.len());
            let record = &mut retyped.records(side)[at];
            record.event_type = if record.extends() { NO_ACTION } else { 1 };
            let answer = retyped.answer();
            prop_assert!(!answer.replays);
            Ok(())
        });
        result.unwrap();
        // Both outcomes were seen often; a right pair was refused less often than taken.
        let [taken, failed, refused] = [taken, failed, refused].map(Cell::into_inner);
        assert!(
            taken > 40 && failed > 40 && refused < taken,
            "{taken} {failed} {refused}"
        );
    }
}
