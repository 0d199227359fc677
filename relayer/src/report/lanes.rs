//! A report's renewals: lane words, eight to a slot, as the registry stores them.

use std::collections::BTreeMap;

use alloy::primitives::{B256, Bytes};

use crate::replay::LaneWord;

/// The renewals of a report: groups of slot index ‖ eight words, and the digests in the same order.
#[derive(Debug, Default)]
pub(super) struct Renewals(BTreeMap<u32, (LaneWord, B256)>);

impl Renewals {
    /// Adds a lane.
    pub(super) fn add(&mut self, lane: u32, word: LaneWord, digest: B256) {
        self.0.insert(lane, (word, digest));
    }

    /// `renewals` and `digests` of a report.
    pub(super) fn encode(&self) -> (Bytes, Vec<B256>) {
        let mut slots: BTreeMap<u32, [u32; 8]> = BTreeMap::new();
        for (lane, (word, _)) in &self.0 {
            slots.entry(lane / 8).or_default()[(lane % 8) as usize] = word.0;
        }
        let mut bytes = Vec::with_capacity(slots.len() * 36);
        for (slot, words) in slots {
            bytes.extend_from_slice(&slot.to_be_bytes());
            bytes.extend(words.iter().flat_map(|word| word.to_be_bytes()));
        }
        (bytes.into(), self.0.values().map(|(_, digest)| *digest).collect())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// The vector file's section, which the contracts' tests make.
    #[test]
    fn renewals_are_what_the_registry_reads() {
        let file = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../contracts/test/vectors/encoding.json"
        );
        let file: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        let (lanes, output) = (&file["renewals"]["input"]["lanes"], &file["renewals"]["output"]);
        let mut words = Vec::new();
        let mut renewals = Renewals::default();
        // In what order they are added does not matter.
        for lane in lanes.as_array().unwrap().iter().rev() {
            let number = |field: &str| lane[field].as_u64().unwrap();
            let generation = number("generation").try_into().unwrap();
            let word = LaneWord::new(number("expiry"), generation).unwrap();
            let digest = serde_json::from_value(lane["digest"].clone()).unwrap();
            renewals.add(number("lane").try_into().unwrap(), word, digest);
            words.insert(0, word.0);
        }
        let (bytes, digests) = renewals.encode();
        assert_eq!(serde_json::json!(words), output["laneWords"]);
        assert_eq!(serde_json::json!(bytes), output["renewals"]);
        assert_eq!(serde_json::json!(digests), output["digests"]);
    }

    #[test]
    fn groups_ascend_and_digests_follow_the_lanes() {
        let mut renewals = Renewals::default();
        let word = |n: u64| LaneWord::new(64 * n, 1).unwrap();
        renewals.add(17, word(2), B256::repeat_byte(2));
        renewals.add(8, word(1), B256::repeat_byte(1));
        renewals.add(23, word(3), B256::repeat_byte(3));
        let (bytes, digests) = renewals.encode();
        let at = |start: usize| u32::from_be_bytes(bytes[start..start + 4].try_into().unwrap());
        assert_eq!(bytes.len(), 72);
        assert_eq!((at(0), at(4)), (1, (1 << 6) | 1), "lane 8 is slot 1's first word");
        assert_eq!(
            (at(36), at(44)),
            (2, (2 << 6) | 1),
            "lane 17 is slot 2's second word"
        );
        assert_eq!(at(68), (3 << 6) | 1, "lane 23 is slot 2's last word");
        assert_eq!(digests, [1, 2, 3].map(B256::repeat_byte));
    }
}
