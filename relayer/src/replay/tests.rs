//! The vectors; a whole history is replayed against a real registry in `tests/it/e2e/`.

use alloy::primitives::{Address, B256, Bytes, LogData, U256};
use serde_json::Value;

use super::*;

fn vectors() -> Value {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../contracts/test/vectors/encoding.json"
    );
    let mut file: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    file["heads"].take()
}

#[test]
fn every_step_of_the_head_is_the_vectors() {
    let section = vectors();
    let kinds = [
        head::Kind::Batch,
        head::Kind::Status,
        head::Kind::Control,
        head::Kind::RelayerSet,
        head::Kind::Policy,
        head::Kind::Authority,
    ];
    let steps = section["input"].as_object().unwrap();
    assert!(steps.len() >= 8, "every kind, and both forms of two");
    for (name, input) in steps {
        let kind = kinds[usize::try_from(input["kind"].as_u64().unwrap()).unwrap() - 1];
        let hash = |value: &Value| serde_json::from_value::<B256>(value.clone()).unwrap();
        let output = &section["output"][name];
        let head = head::next(hash(&input["previous"]), kind, hash(&output["payload"]));
        assert_eq!(head, hash(&output["head"]), "{name}");
    }
}

fn place() -> Position {
    Position {
        block: 7,
        block_hash: B256::repeat_byte(7),
        time: 1_800_000_000,
        transaction: B256::repeat_byte(9),
        log_index: 3,
    }
}

#[test]
fn an_unknown_event_is_named_with_its_place() {
    let log = LogData::new_unchecked(vec![B256::repeat_byte(0xee)], Bytes::new());
    let error = RegistryLog::decode(place(), &log).unwrap_err();
    assert_eq!(*error.problem, Problem::Unknown);
    let text = error.to_string();
    for part in [
        "block 7",
        &format!("{}", B256::repeat_byte(9)),
        "log 3",
        "0xeeee",
        "unknown event",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn an_event_has_one_encoding() {
    use crate::registry::IProofOfCloudRegistry::AuthorityChanged;
    use alloy::sol_types::SolEvent as _;

    let event = AuthorityChanged {
        kind: crate::registry::IProofOfCloudRegistry::Authority::Governor,
        subject: B256::with_last_byte(1),
        value: U256::ZERO,
        actor: Address::with_last_byte(2),
        head: B256::ZERO,
    };
    let data = event.encode_log_data();
    assert!(RegistryLog::decode(place(), &data).is_ok());

    let longer = [data.data.as_ref(), &[0; 32]].concat();
    let longer = LogData::new_unchecked(data.topics().to_vec(), longer.into());
    let mut dirty = data.data.to_vec();
    dirty[32] = 1; // above the actor's 20 bytes
    let dirty = LogData::new_unchecked(data.topics().to_vec(), dirty.into());
    let mut topics = data.topics().to_vec();
    topics[1] = B256::with_last_byte(9); // no such authority
    let topics = LogData::new_unchecked(topics, data.data.clone());
    for wrong in [longer, dirty, topics] {
        let error = RegistryLog::decode(place(), &wrong).unwrap_err();
        assert!(matches!(*error.problem, Problem::Malformed(_)), "{error}");
    }
}

#[test]
fn a_log_without_its_beginning_is_refused() {
    use crate::registry::IProofOfCloudGovernance::OrderExecuted;

    let event = Event::OrderExecuted(Box::new(OrderExecuted {
        digest: B256::repeat_byte(1),
        relayerSetId: 1,
        signerMask: 1,
    }));
    let log = RegistryLog { at: place(), event };
    let error = Replay::new(Address::ZERO).take(&[log]).unwrap_err();
    assert!(error.to_string().contains("the registry's creation"), "{error}");
}

#[test]
fn lane_words_pack_expiry_and_generation() {
    assert_eq!(LaneWord::new(64 * 5, 3), Some(LaneWord((5 << 6) | 3)));
    assert_eq!(LaneWord::new(64 << 26, 0), None);
    assert_eq!(LaneWord::new(64, 64), None);
}
