//! Against logs that the replay takes for a registry's.

use super::*;
use crate::{
    history::tests::scribe::{HOUR, Scribe, operator, platform},
    registry::IProofOfCloudRegistry::Status,
};

/// A book of what a scribe writes.
struct Reader {
    scribe: Scribe,
    book: Book,
}

impl Reader {
    fn new() -> Self {
        Self {
            scribe: Scribe::new(),
            book: Book::new(Address::ZERO),
        }
    }

    fn read(&mut self, write: impl FnOnce(&mut Scribe) -> Vec<Happening>) {
        let happenings = write(&mut self.scribe);
        self.book.history = self.scribe.history.clone();
        self.book.tell(&happenings);
    }

    fn enrol(&mut self, operators: &[u8], on: u8) {
        self.read(|scribe| scribe.enrol(operators, on));
    }

    fn freeze(&mut self, on: u8) {
        self.read(|scribe| {
            scribe.wait(1);
            let freeze = scribe.status(Subject::Platform(platform(on)), Status::Frozen);
            scribe.transaction(vec![freeze])
        });
    }

    /// The kinds of the changes there are, with their times, and forgets them.
    fn news(&mut self) -> Vec<(&'static str, u64)> {
        let news = std::mem::take(&mut self.book.news);
        let news = news.after(crate::explorer::change::ChangeId::FIRST);
        news.map(|change| (change.kind, change.time)).collect()
    }
}

#[test]
fn a_lane_that_a_lowered_platform_cut_expires_like_any_other() {
    let mut reader = Reader::new();
    reader.enrol(&[1, 2], 0xa1);
    reader.news();
    reader.read(|scribe| {
        scribe.wait(HOUR);
        let entry = scribe.entry(0xa1, 2, 2 * HOUR);
        scribe.post(vec![entry], &[], 0b011)
    });
    let (now, cut) = (reader.scribe.time, (reader.scribe.time + 2 * HOUR) & !63);
    assert_eq!(reader.news(), [("cut", now); 2]);
    reader.book.lapse(cut - 1);
    assert_eq!(reader.news(), []);
    reader.book.lapse(cut);
    assert_eq!(reader.news(), [("expired", cut); 2]);
}

#[test]
fn a_lane_of_which_nothing_is_left_has_expired_and_once() {
    let mut reader = Reader::new();
    reader.enrol(&[1], 0xa1);
    reader.news();
    reader.read(|scribe| {
        scribe.wait(HOUR);
        let entry = scribe.entry(0xa1, 1, 720 * HOUR);
        scribe.post(vec![entry], &[], 0b011)
    });
    assert_eq!(reader.news(), [("expired", reader.scribe.time)]);
    reader.book.lapse(reader.scribe.time + 24 * HOUR);
    assert_eq!(reader.news(), []);
}

#[test]
fn a_platforms_freeze_concerns_who_was_there_and_nobody_who_had_left() {
    let mut reader = Reader::new();
    reader.enrol(&[1, 2], 0xa1);
    reader.enrol(&[3], 0xa2);
    // One moves before the freeze, another after it.
    reader.read(|scribe| {
        scribe.wait(HOUR);
        let grant = scribe.grant(1, 0xa2, None, 1, 12 * HOUR);
        scribe.post(vec![grant], &[], 0b011)
    });
    reader.news();
    reader.freeze(0xa1);
    reader.read(|scribe| {
        scribe.wait(1);
        let grant = scribe.grant(2, 0xa2, None, 1, 12 * HOUR);
        scribe.post(vec![grant], &[], 0b011)
    });
    let book = &reader.book;
    let (changes, _) = book.news.page(None, 10, |change| change.kind == "frozen");
    let [freeze] = changes[..] else {
        panic!("{changes:?}")
    };
    let concerned = [1, 2, 3, 9].map(|n| book.concerns(freeze, operator(n)));
    assert_eq!(concerned, [false, true, false, false]);
}

#[test]
fn names_lead_to_the_last_thing_that_has_them() {
    let mut reader = Reader::new();
    reader.enrol(&[1, 2], 0xa1);
    let history = &reader.scribe.history;
    let batch = history.batch(1).unwrap();
    let named = |word| reader.book.names.get(&word).copied();
    assert_eq!(named(batch.report), Some(Named::Batch(1)));
    assert_eq!(named(batch.at.transaction), Some(Named::Batch(1)));
    // One manifest for both.
    assert_eq!(named(batch.manifest), Some(Named::Batch(1)));
    let instance = history.operator(operator(2)).unwrap().spans[0].standing.instance;
    assert_eq!(named(instance), Some(Named::Operator(operator(2))));
    assert_eq!(named(B256::repeat_byte(9)), None);
    assert_eq!(reader.book.batches_of, BTreeMap::from([(1, 2)]));
}
