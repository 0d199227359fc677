//! The index: what was read of the registry's log, in steps, each by one replica.

use alloy::{
    primitives::{LogData, U256},
    sol_types::SolEvent as _,
};

use super::*;
use crate::{
    chain::Header,
    registry::IProofOfCloudRegistry::{BatchPosted, OperatorGranted},
    replay::{Position, Subject},
    store::{BlockRef, EventFilter, EventRow, IndexChange, IndexState},
};

fn block(number: u64) -> BlockRef {
    BlockRef {
        number,
        hash: hash(number),
    }
}

fn state(version: u64, at: u64) -> IndexState {
    IndexState {
        version,
        chain_id: 1,
        registry: Address::repeat_byte(7),
        block: block(at),
        verified: block(at),
    }
}

fn header(number: u64) -> Header {
    Header {
        number,
        hash: hash(number),
        parent: hash(number - 1),
        time: 1_700_000_000 + number,
    }
}

fn operator(n: u8) -> Subject {
    Subject::Operator(Address::repeat_byte(n))
}

fn platform(n: u8) -> Subject {
    Subject::Platform(B256::repeat_byte(n))
}

fn event(at: (u64, u64), kind: &str, batch: Option<u64>, data: LogData) -> EventRow {
    let (number, log_index) = at;
    EventRow {
        at: Position {
            block: number,
            block_hash: hash(number),
            time: 1_700_000_000 + number,
            transaction: hash(9_000 + number),
            log_index,
        },
        kind: kind.into(),
        batch,
        data,
    }
}

/// `on` is the platform's byte, `digest` of the result that was posted.
fn grant(at: (u64, u64), n: u8, on: u8, digest: u64) -> (EventRow, Vec<Subject>) {
    let granted = OperatorGranted {
        operator: Address::repeat_byte(n),
        platformId: B256::repeat_byte(on),
        workloadId: B256::ZERO,
        instanceId: B256::repeat_byte(n),
        digest: hash(digest),
        operatorWord: U256::MAX,
        laneWord: 5,
    };
    let row = event(at, "OperatorGranted", None, granted.encode_log_data());
    // An event that is about the same twice stands there once.
    (row, vec![operator(n), platform(on), operator(n)])
}

fn posted(at: (u64, u64), batch: u64, renewed: &[u64]) -> (EventRow, Vec<Subject>) {
    let posted = BatchPosted {
        batch,
        policyDigest: hash(1),
        origin: U256::from(7),
        reportHash: hash(2),
        archive: hash(3),
        applied: U256::ZERO,
        renewals: vec![0, 255].into(),
        digests: renewed.iter().copied().map(hash).collect(),
        head: hash(4),
    };
    (
        event(at, "BatchPosted", Some(batch), posted.encode_log_data()),
        Vec::new(),
    )
}

/// Two batches: in block 5 two grants, in block 8 one more, and the first operator's renewal.
fn log() -> Vec<(EventRow, Vec<Subject>)> {
    vec![
        grant((5, 0), 1, 0xa1, 100),
        grant((5, 1), 2, 0xa1, 200),
        posted((5, 2), 1, &[]),
        grant((8, 3), 2, 0xa2, 201),
        posted((8, 4), 2, &[100, 101]),
    ]
}

async fn with_log(db: &TestDb) -> Store {
    let store = db.open().await;
    assert!(store.start_index(None, &state(1, 3)).await.unwrap());
    let change = IndexChange {
        events: log(),
        ..IndexChange::default()
    };
    assert!(store.change_index(&state(2, 8), &change).await.unwrap());
    store
}

fn up_to(to: u64) -> EventFilter {
    EventFilter {
        to,
        limit: 100,
        ..EventFilter::default()
    }
}

/// Of each, its block and place.
async fn places(store: &Store, filter: EventFilter) -> Vec<(u64, u64)> {
    let events = store.events(&filter).await.unwrap();
    events
        .iter()
        .map(|event| (event.at.block, event.at.log_index))
        .collect()
}

on_both! {
    async fn of_two_that_begin_one_does_and_so_with_each_step(db: &TestDb) {
        let a = db.open().await;
        let b = a.clone();
        assert_eq!(a.index_state().await.unwrap(), None);
        assert!(!a.change_index(&state(2, 4), &IndexChange::default()).await.unwrap(), "there is none");
        assert!(a.start_index(None, &state(1, 3)).await.unwrap());
        assert!(!b.start_index(None, &state(1, 4)).await.unwrap());
        assert_eq!(b.index_state().await.unwrap(), Some(state(1, 3)));

        let first = IndexChange { push: Some(header(4)), events: vec![grant((4, 0), 1, 0xa1, 1)], ..IndexChange::default() };
        assert!(a.change_index(&state(2, 3), &first).await.unwrap());
        // It had read the same, or something else.
        let late = IndexChange { push: Some(header(5)), events: vec![grant((5, 0), 1, 0xa1, 2)], ..IndexChange::default() };
        assert!(!b.change_index(&state(2, 5), &late).await.unwrap());
        assert_eq!(b.index_state().await.unwrap(), Some(state(2, 3)));
        assert_eq!(b.index_tail().await.unwrap(), [header(4)]);
        assert_eq!(places(&b, up_to(9)).await, [(4, 0)]);

        assert!(!b.start_index(Some(1), &state(2, 0)).await.unwrap(), "it has moved since");
        assert!(b.start_index(Some(2), &state(3, 0)).await.unwrap());
        assert_eq!(a.index_state().await.unwrap(), Some(state(3, 0)));
        assert!(a.index_tail().await.unwrap().is_empty());
        assert!(places(&a, up_to(9)).await.is_empty(), "read anew");
        assert_eq!(a.batch_of_digest(hash(1), 9).await.unwrap(), None);
    }

    async fn a_step_is_taken_whole_or_not_at_all(db: &TestDb) {
        let store = with_log(db).await;
        // Its second event is there already.
        let change = IndexChange {
            push: Some(header(9)),
            events: vec![grant((9, 0), 3, 0xa3, 300), grant((8, 3), 2, 0xa2, 201)],
            ..IndexChange::default()
        };
        store.change_index(&state(3, 8), &change).await.unwrap_err();
        assert_eq!(store.index_state().await.unwrap(), Some(state(2, 8)));
        assert!(store.index_tail().await.unwrap().is_empty());
        assert_eq!(places(&store, up_to(9)).await.len(), 5);
        // There is one batch of each number.
        let change = IndexChange { events: vec![posted((9, 0), 2, &[])], ..IndexChange::default() };
        store.change_index(&state(3, 9), &change).await.unwrap_err();
        assert_eq!(store.index_state().await.unwrap(), Some(state(2, 8)));
    }

    async fn events_come_back_as_they_were_page_by_page(db: &TestDb) {
        let store = with_log(db).await;
        let all: Vec<_> = log().into_iter().map(|(row, _)| row).collect();
        assert_eq!(store.events(&up_to(8)).await.unwrap(), all);
        assert_eq!(store.events(&up_to(7)).await.unwrap(), all[..3]);
        let mut read = Vec::new();
        let mut filter = EventFilter { limit: 2, ..up_to(8) };
        loop {
            let page = store.events(&filter).await.unwrap();
            assert!(page.len() <= 2);
            let Some(last) = page.last() else { break };
            filter.after = Some((last.at.block, last.at.log_index));
            read.extend(page);
        }
        assert_eq!(read, all);
        let after = EventFilter { after: Some((5, u64::MAX)), ..up_to(8) };
        assert_eq!(places(&store, after).await, [(8, 3), (8, 4)], "all of a block is behind");
        assert_eq!(store.events_of_block(5).await.unwrap(), all[..3]);
        assert!(store.events_of_block(6).await.unwrap().is_empty());
        assert_eq!(store.batch_event(2).await.unwrap().as_ref(), all.last());
        assert_eq!(store.batch_event(3).await.unwrap(), None);
    }

    async fn a_page_ends_when_it_is_large(db: &TestDb) {
        let store = with_log(db).await;
        let all: Vec<_> = log().into_iter().map(|(row, _)| row).collect();
        let sizes: Vec<_> = all.iter().map(|row| u32::try_from(row.data.data.len()).unwrap()).collect();
        let page = async |bytes, filter| {
            let filter = EventFilter { bytes: Some(bytes), ..filter };
            store.events(&filter).await.unwrap()
        };
        assert_eq!(page(0, up_to(8)).await, all[..1], "at least one");
        assert_eq!(page(sizes[0], up_to(8)).await, all[..1]);
        assert_eq!(page(sizes[0] + 1, up_to(8)).await, all[..2]);
        assert_eq!(page(sizes.iter().sum(), up_to(8)).await, all);
        let after = EventFilter { after: Some((5, 1)), ..up_to(8) };
        assert_eq!(page(sizes[2] + 1, after.clone()).await, all[2..4], "what is behind counts for nothing");
        assert_eq!(page(u32::MAX, EventFilter { limit: 2, ..after }).await, all[2..4]);
        let about = EventFilter { subjects: vec![operator(2), platform(0xa2)], ..up_to(8) };
        assert_eq!(page(1, about).await, all[3..4]);
    }

    async fn events_are_found_by_whom_they_are_about_and_by_their_name(db: &TestDb) {
        let store = with_log(db).await;
        let about = |subjects: &[Subject]| EventFilter { subjects: subjects.to_vec(), ..up_to(8) };
        assert_eq!(places(&store, about(&[operator(1)])).await, [(5, 0)]);
        assert_eq!(places(&store, about(&[operator(2)])).await, [(5, 1), (8, 3)]);
        assert_eq!(places(&store, about(&[operator(2), platform(0xa2)])).await, [(8, 3)]);
        assert!(places(&store, about(&[operator(1), platform(0xa2)])).await.is_empty());
        let of_kind = |kind: &str, filter| EventFilter { kind: Some(kind.into()), ..filter };
        assert_eq!(places(&store, of_kind("BatchPosted", up_to(8))).await, [(5, 2), (8, 4)]);
        assert_eq!(places(&store, of_kind("OperatorGranted", about(&[platform(0xa1)]))).await, [(5, 0), (5, 1)]);
        assert!(places(&store, of_kind("BatchPosted", about(&[operator(1)]))).await.is_empty());

        let latest = |to, limit| {
            let store = store.clone();
            async move {
                let events = store.latest_events(operator(2), to, limit).await.unwrap();
                events.iter().map(|event| event.at.block).collect::<Vec<_>>()
            }
        };
        assert_eq!(latest(8, 9).await, [8, 5]);
        assert_eq!(latest(8, 1).await, [8]);
        assert_eq!(latest(7, 9).await, [5]);
    }

    async fn a_digest_is_in_the_last_batch_that_posted_it(db: &TestDb) {
        let store = with_log(db).await;
        let batch = |digest, to| {
            let store = store.clone();
            async move { store.batch_of_digest(hash(digest), to).await.unwrap() }
        };
        assert_eq!(batch(200, 8).await, Some(1), "granted");
        assert_eq!(batch(201, 8).await, Some(2));
        assert_eq!(batch(101, 8).await, Some(2), "renewed");
        assert_eq!(batch(100, 8).await, Some(2), "granted, and renewed by the same result");
        assert_eq!(batch(100, 7).await, Some(1));
        assert_eq!(batch(101, 7).await, None);
        assert_eq!(batch(999, 8).await, None);
    }

    async fn what_a_reorg_takes_back_leaves_nothing(db: &TestDb) {
        let store = with_log(db).await;
        let mut version = 2;
        for number in 9..=11 {
            version += 1;
            let change = IndexChange {
                push: Some(header(number)),
                events: vec![grant((number, 0), 4, 0xa4, number * 100), posted((number, 1), number, &[])],
                ..IndexChange::default()
            };
            assert!(store.change_index(&state(version, 8), &change).await.unwrap());
        }
        assert_eq!(store.index_tail().await.unwrap(), [header(9), header(10), header(11)]);
        let settled = IndexChange { settle_to: Some(9), ..IndexChange::default() };
        assert!(store.change_index(&state(6, 9), &settled).await.unwrap());
        assert_eq!(store.index_tail().await.unwrap(), [header(10), header(11)]);
        assert_eq!(store.batch_of_digest(hash(900), 9).await.unwrap(), Some(9), "its events stay");

        let dropped = IndexChange { drop_above: Some(10), ..IndexChange::default() };
        assert!(store.change_index(&state(7, 9), &dropped).await.unwrap());
        assert_eq!(store.index_state().await.unwrap(), Some(state(7, 9)));
        assert_eq!(store.index_tail().await.unwrap(), [header(10)]);
        assert_eq!(store.batch_event(11).await.unwrap(), None);
        assert_eq!(store.batch_of_digest(hash(1_100), 99).await.unwrap(), None);
        assert_eq!(store.batch_of_digest(hash(1_000), 99).await.unwrap(), Some(10));
        let subjects = EventFilter { subjects: vec![operator(4)], ..up_to(99) };
        assert_eq!(places(&store, subjects).await, [(9, 0), (10, 0)]);

        // Another block in its place, with the same batch.
        let other = Header { hash: hash(7_777), ..header(11) };
        let change = IndexChange { push: Some(other), events: vec![posted((11, 0), 11, &[5])], ..IndexChange::default() };
        assert!(store.change_index(&state(8, 9), &change).await.unwrap());
        assert_eq!(store.index_tail().await.unwrap(), [header(10), other]);
        assert_eq!(store.batch_of_digest(hash(5), 99).await.unwrap(), Some(11));
    }
}
