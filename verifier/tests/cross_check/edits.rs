//! Every single edit, at every place of either log, in every class.
//!
//! An edit must fail unless it provably changes nothing that is compared. [`expected`] says which those are, a table says
//! how many there are, and each must in fact pass: so no exemption is wider than what the check itself exempts.

use std::collections::BTreeMap;

use chassis_verifier::cross_check::{Class, SEPARATOR};

use crate::{
    machine::{GRUB, Machine, Side, UKI},
    written::Record,
};

/// A digest that no log has and no policy lists.
pub(crate) const UNLISTED: [u8; 48] = [0x77; 48];

/// One edit of one log. Places count records from 0.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Edit {
    /// One bit of the digest.
    Change(usize),
    /// The digest becomes a separator's, which needs no twin.
    Hide(usize),
    Drop(usize),
    /// Once more, right before itself.
    Double(usize),
    /// A digest nobody lists, before this record, in this register.
    Add(usize, u32),
    /// Into this register, of another class than its own.
    Move(usize, u32),
    /// This record and the next of the log.
    Swap(usize),
    /// This record and the next of its class, whatever stands between.
    SwapInClass(usize, usize),
}

/// Why an edit is none. Anything else must fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Exempt {
    /// The record is in no compared register before and after: PCR 0, PCR 16 and up, RTMR3, `EV_NO_ACTION`.
    NoClass,
    /// Two neighbours of different classes, whose order says nothing.
    OtherClass,
    /// The digests are equal.
    Equal,
    /// It is, or is one of, a separator, which may stand in one log alone.
    Separator,
    /// Likewise a digest that the policy lists for this log.
    Listed,
}

impl Exempt {
    fn name(self) -> &'static str {
        match self {
            Self::NoClass => "in no class",
            Self::OtherClass => "of other classes",
            Self::Equal => "equal",
            Self::Separator => "separators",
            Self::Listed => "listed",
        }
    }
}

/// By log, edit and reason.
type Tally = BTreeMap<(&'static str, &'static str, Option<Exempt>), usize>;

/// A name, and the registers that stand for each class and for none.
const REGISTERS: [(Side, &[u32]); 2] = [(Side::Tpm, &[0, 1, 2, 8, 16]), (Side::Td, &[0, 1, 2, 3, 4])];

/// How many edits of each kind fail, and how many are none, by reason.
const GRUB_TABLE: &str = "\
CCEL, added: 279 fail, 186 in no class
CCEL, changed: 92 fail
CCEL, doubled: 90 fail, 2 separators
CCEL, dropped: 90 fail, 2 separators
CCEL, made a separator: 90 fail, 2 equal
CCEL, moved to another register: 360 fail, 8 separators
CCEL, swapped with its neighbour: 76 fail, 12 of other classes, 3 separators
CCEL, swapped with the next of its class: 85 fail, 4 separators
TPM log, added: 303 fail, 202 in no class
TPM log, changed: 95 fail, 5 in no class
TPM log, doubled: 88 fail, 5 in no class, 7 separators
TPM log, dropped: 88 fail, 5 in no class, 7 separators
TPM log, made a separator: 88 fail, 5 in no class, 7 equal
TPM log, moved to another register: 358 fail, 16 in no class, 31 separators
TPM log, swapped with its neighbour: 74 fail, 6 in no class, 13 of other classes, 4 equal, 2 separators
TPM log, swapped with the next of its class: 82 fail, 4 equal, 6 separators
";

/// Likewise.
const UKI_TABLE: &str = "\
CCEL, added: 108 fail, 72 in no class
CCEL, changed: 35 fail
CCEL, doubled: 33 fail, 2 separators
CCEL, dropped: 33 fail, 2 separators
CCEL, made a separator: 33 fail, 2 equal
CCEL, moved to another register: 132 fail, 8 separators
CCEL, swapped with its neighbour: 27 fail, 3 of other classes, 4 separators
CCEL, swapped with the next of its class: 28 fail, 4 separators
TPM log, added: 138 fail, 92 in no class
TPM log, changed: 40 fail, 5 in no class
TPM log, doubled: 31 fail, 5 in no class, 7 separators, 2 listed
TPM log, dropped: 31 fail, 5 in no class, 7 separators, 2 listed
TPM log, made a separator: 31 fail, 5 in no class, 7 equal, 2 listed
TPM log, moved to another register: 130 fail, 16 in no class, 31 separators, 8 listed
TPM log, swapped with its neighbour: 24 fail, 6 in no class, 6 of other classes, 4 equal, 3 separators, 1 listed
TPM log, swapped with the next of its class: 26 fail, 4 equal, 5 separators, 2 listed
";

#[test]
fn every_edit_of_the_grub_machine_fails_unless_it_is_none() {
    check(GRUB, GRUB_TABLE);
}

#[test]
fn every_edit_of_the_uki_machine_fails_unless_it_is_none() {
    check(UKI, UKI_TABLE);
}

fn check(name: &str, table: &str) {
    let Some(machine) = Machine::of(name).map(Machine::without_data) else {
        return;
    };
    let mut tally = Tally::new();
    for side in Side::BOTH {
        for edit in edits(&machine, side) {
            let exempt = expected(&machine, side, edit);
            let mut edited = machine.clone();
            edit.apply(edited.records(side));
            let answer = edited.answer();
            assert_eq!(
                answer.crossed.passed(),
                exempt.is_some(),
                "{side:?}: {edit:?}: {exempt:?}"
            );
            // Under the quotes of the machine as it was, nothing that must be in both logs can change at all.
            if answer.replays && answer.crossed.passed() {
                for class in Class::ALL {
                    assert_eq!(
                        edited.unlisted(side, class),
                        machine.unlisted(side, class),
                        "{edit:?}"
                    );
                }
            }
            *tally.entry((side.name(), edit.name(), exempt)).or_insert(0usize) += 1;
        }
    }
    let shown = shown(&tally);
    assert!(shown == table, "{name}:\n{shown}");
}

/// Every edit of one log.
pub(crate) fn edits(machine: &Machine, side: Side) -> Vec<Edit> {
    let records = &machine.log(side).records;
    let registers = REGISTERS[side as usize].1;
    let class = |at: usize| side.class(&records[at]);
    let mut edits = Vec::new();
    for at in 0..records.len() {
        edits.extend([Edit::Change(at), Edit::Hide(at), Edit::Drop(at), Edit::Double(at)]);
        let elsewhere = registers
            .iter()
            .filter(|register| class(at).is_none() || class_of(side, **register) != class(at));
        edits.extend(elsewhere.map(|register| Edit::Move(at, *register)));
        if at + 1 < records.len() {
            edits.push(Edit::Swap(at));
        }
        let next = (at + 1..records.len()).find(|next| class(at).is_some() && class(*next) == class(at));
        edits.extend(next.map(|next| Edit::SwapInClass(at, next)));
    }
    for at in 0..=records.len() {
        edits.extend(registers.iter().map(|register| Edit::Add(at, *register)));
    }
    edits
}

impl Edit {
    fn name(self) -> &'static str {
        match self {
            Self::Change(_) => "changed",
            Self::Hide(_) => "made a separator",
            Self::Drop(_) => "dropped",
            Self::Double(_) => "doubled",
            Self::Add(..) => "added",
            Self::Move(..) => "moved to another register",
            Self::Swap(_) => "swapped with its neighbour",
            Self::SwapInClass(..) => "swapped with the next of its class",
        }
    }

    pub(crate) fn apply(self, records: &mut Vec<Record>) {
        match self {
            Self::Change(at) => {
                let mut digest = records[at].sha384();
                digest[at % 48] ^= 1;
                records[at].set_sha384(digest);
            }
            Self::Hide(at) => records[at].set_sha384(SEPARATOR),
            Self::Drop(at) => drop(records.remove(at)),
            Self::Double(at) => records.insert(at, records[at].clone()),
            Self::Add(at, register) => {
                // Any record's type and data will do, if it extends.
                let model = records.iter().find(|record| record.extends()).unwrap();
                let added = model.with(register, UNLISTED);
                records.insert(at, added);
            }
            Self::Move(at, register) => records[at].register = register,
            Self::Swap(at) => records.swap(at, at + 1),
            Self::SwapInClass(at, next) => records.swap(at, next),
        }
    }
}

/// The definition of "provably none". `None`: it must fail.
fn expected(machine: &Machine, side: Side, edit: Edit) -> Option<Exempt> {
    let records = &machine.log(side).records;
    let class = |at: usize| side.class(&records[at]);
    let free = |at: usize| {
        let digest = records[at].sha384();
        if digest == SEPARATOR {
            Some(Exempt::Separator)
        } else {
            machine.lists(side, &digest).then_some(Exempt::Listed)
        }
    };
    match edit {
        Edit::Change(at) => class(at).is_none().then_some(Exempt::NoClass),
        Edit::Hide(at) if class(at).is_none() => Some(Exempt::NoClass),
        Edit::Hide(at) if records[at].sha384() == SEPARATOR => Some(Exempt::Equal),
        Edit::Drop(at) | Edit::Double(at) if class(at).is_none() => Some(Exempt::NoClass),
        Edit::Hide(at) | Edit::Drop(at) | Edit::Double(at) => free(at),
        Edit::Add(_, register) => class_of(side, register).is_none().then_some(Exempt::NoClass),
        Edit::Move(at, register) => {
            let stays_out = class(at).is_none() && class_of(side, register).is_none();
            if stays_out || !records[at].extends() {
                Some(Exempt::NoClass)
            } else {
                free(at)
            }
        }
        Edit::Swap(at) if class(at).is_none() || class(at + 1).is_none() => Some(Exempt::NoClass),
        Edit::Swap(at) if class(at) != class(at + 1) => Some(Exempt::OtherClass),
        Edit::Swap(at) => expected(machine, side, Edit::SwapInClass(at, at + 1)),
        Edit::SwapInClass(at, next) if records[at].sha384() == records[next].sha384() => Some(Exempt::Equal),
        Edit::SwapInClass(at, next) => free(at).or(free(next)),
    }
}

fn class_of(side: Side, register: u32) -> Option<Class> {
    match side {
        Side::Tpm => Class::of_pcr(register),
        Side::Td => Class::of_td_register(register),
    }
}

fn shown(tally: &Tally) -> String {
    let mut lines: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for ((side, edit, exempt), count) in tally {
        let counts = lines.entry(format!("{side}, {edit}")).or_default();
        counts.push(match exempt {
            None => format!("{count} fail"),
            Some(exempt) => format!("{count} {}", exempt.name()),
        });
    }
    let lines = lines.iter();
    let lines: Vec<_> = lines
        .map(|(edit, counts)| format!("{edit}: {}\n", counts.join(", ")))
        .collect();
    lines.concat()
}
