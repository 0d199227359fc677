//! Nobody signs what a record is called. Only `EV_NO_ACTION` says something, and what it says shows in the replay.

use chassis_verifier::{
    cross_check::{Class, CrossCheck, Measured, What, cross_check, td_measured, tpm_measured},
    eventlog::{Ccel, EventType, TcgLog},
};

use crate::{
    edits::UNLISTED,
    machine::{GRUB, Machine, Side, UKI},
    written::Written,
};

pub(crate) const NO_ACTION: u32 = EventType::NO_ACTION.0;

/// Every type with a name, `EV_NO_ACTION` excepted.
pub(crate) fn known_types() -> Vec<u32> {
    let all = (0..0x100).chain(0x8000_0000..0x8000_0100);
    all.filter(|event_type| *event_type != NO_ACTION && EventType(*event_type).name().is_some())
        .collect()
}

/// A result without the words, which do depend on types.
fn wordless(mut crossed: CrossCheck) -> CrossCheck {
    for (_, class) in &mut crossed.classes {
        if let Err(mismatch) = class {
            for event in [&mut mismatch.tpm, &mut mismatch.td].into_iter().flatten() {
                event.what.clear();
            }
        }
    }
    crossed
}

/// The machine, and one machine for each class that differs in that class's last record of one log.
fn machine_and_three_that_fail(machine: &Machine, side: Side) -> Vec<Machine> {
    let mut machines = vec![machine.clone()];
    for class in Class::ALL {
        let mut other = machine.clone();
        let mut records = other.records(side).iter_mut();
        let last = records.rfind(|record| side.class(record) == Some(class));
        last.unwrap().set_sha384(UNLISTED);
        machines.push(other);
    }
    machines
}

/// What is compared of a log, without the words, which do depend on types.
fn measured(side: Side, log: &Written) -> Vec<Measured<'static>> {
    let bytes = log.bytes();
    let measured = match side {
        Side::Tpm => tpm_measured(&TcgLog::parse(&bytes).unwrap()).unwrap(),
        Side::Td => td_measured(&Ccel::parse(&bytes).unwrap()),
    };
    let wordless = measured.into_iter().map(|event| Measured {
        class: event.class,
        digest: event.digest,
        index: event.index,
        what: What::Words(""),
    });
    wordless.collect()
}

#[test]
fn there_are_35_types_to_choose_from() {
    assert_eq!(known_types().len(), 35);
}

#[test]
fn a_record_of_any_other_type_is_the_same_record() {
    for name in [GRUB, UKI] {
        let Some(machine) = Machine::of(name).map(Machine::without_data) else {
            return;
        };
        for side in Side::BOTH {
            let others: Vec<_> = machine_and_three_that_fail(&machine, side.other())
                .iter()
                .map(|machine| {
                    let [tpm, td] = Side::BOTH.map(|side| measured(side, machine.log(side)));
                    let said = wordless(cross_check(&tpm, &td, &machine.exceptions));
                    (tpm, td, said)
                })
                .collect();
            for at in 0..machine.log(side).records.len() {
                if !machine.log(side).records[at].extends() {
                    continue;
                }
                for event_type in known_types() {
                    let mut retyped = machine.log(side).clone();
                    retyped.records[at].event_type = event_type;
                    let retyped = measured(side, &retyped);
                    for (tpm, td, said) in &others {
                        let crossed = match side {
                            Side::Tpm => cross_check(&retyped, td, &machine.exceptions),
                            Side::Td => cross_check(tpm, &retyped, &machine.exceptions),
                        };
                        assert_eq!(wordless(crossed), *said, "{name}: {at} as {event_type:#x}");
                    }
                }
            }
        }
    }
}

#[test]
fn all_records_of_one_other_type_are_the_same_records() {
    for name in [GRUB, UKI] {
        let Some(machine) = Machine::of(name) else { return };
        for machine in machine_and_three_that_fail(&machine, Side::Td) {
            let machine = machine.requoted();
            let plain = wordless(machine.answer().crossed);
            for event_type in known_types() {
                let mut retyped = machine.clone();
                for side in Side::BOTH {
                    for record in retyped.records(side).iter_mut().filter(|record| record.extends()) {
                        record.event_type = event_type;
                    }
                }
                let answer = retyped.answer();
                assert!(answer.replays);
                assert_eq!(wordless(answer.crossed), plain);
            }
        }
    }
}

/// Hides one record more than was measured, or shows one that was not, at every place of either log: the cross-check, which
/// failed, passes, and the replay, which gave the quoted registers, no longer does.
#[test]
fn hiding_or_showing_the_record_that_differs_breaks_the_replay() {
    for name in [GRUB, UKI] {
        let Some(machine) = Machine::of(name).map(Machine::without_data) else {
            return;
        };
        let mut tried = 0;
        for side in Side::BOTH {
            for at in 0..machine.log(side).records.len() {
                let record = machine.log(side).records[at].clone();
                let digest = record.sha384();
                if side.class(&record).is_none() || machine.may_stand_alone(side, &digest) {
                    continue;
                }
                tried += 1;

                // One machine measured more than the other.
                let mut more = machine.clone();
                more.records(side)
                    .insert(at + 1, record.with(record.register, UNLISTED));
                let more = more.requoted();
                assert_eq!(verdict(&more), (true, false));
                let mut hidden = more;
                hidden.records(side)[at + 1].event_type = NO_ACTION;
                assert_eq!(verdict(&hidden), (false, true));

                // One machine measured less than the other.
                let mut less = machine.clone();
                less.records(side)[at].event_type = NO_ACTION;
                let less = less.requoted();
                assert_eq!(verdict(&less), (true, false));
                let mut shown = less;
                shown.records(side)[at].event_type = record.event_type;
                assert_eq!(verdict(&shown), (false, true));
            }
        }
        assert_eq!(tried, if name == GRUB { 88 + 90 } else { 31 + 33 });
    }
}

#[test]
fn any_record_to_or_from_no_action_breaks_the_replay() {
    for name in [GRUB, UKI] {
        let Some(machine) = Machine::of(name).map(Machine::without_data) else {
            return;
        };
        for side in Side::BOTH {
            for at in 0..machine.log(side).records.len() {
                let mut retyped = machine.clone();
                let record = &mut retyped.records(side)[at];
                record.event_type = if record.extends() { NO_ACTION } else { 1 };
                assert!(!retyped.answer().replays, "{name}: {side:?} {at}");
            }
        }
    }
}

/// Whether it replays, and whether it passes.
fn verdict(machine: &Machine) -> (bool, bool) {
    let answer = machine.answer();
    (answer.replays, answer.crossed.passed())
}
