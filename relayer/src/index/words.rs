//! What no head covers, against the registry's storage: the words of operators, lanes and platforms.

use std::collections::BTreeMap;

use alloy::primitives::{B256, U256};
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::Index;
use crate::{
    Error,
    replay::{RegistryLog, State},
};

/// Questions at once.
const AT_ONCE: usize = 16;
/// From so many slots on, the storage's root is asked for first: one question, and much to reckon.
const MANY: usize = 512;

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// What the logs say.
    Logs,
    /// All there is: what stands before the logs was not compared yet.
    All,
}

impl Index {
    /// Compares with what two endpoints say of the storage after this block. The inner error: what the logs say is not so.
    pub(super) async fn words_fit(
        &self,
        state: &State,
        logs: &[RegistryLog],
        extent: Extent,
        block: B256,
    ) -> Result<Result<(), String>, Error> {
        let slots: BTreeMap<B256, U256> = match extent {
            Extent::Logs => logs
                .iter()
                .flat_map(|log| state.slots_about(&log.event))
                .collect(),
            Extent::All => state.slots().collect(),
        };
        if slots.len() >= MANY && self.chain.storage_root_at(block).await? == Some(state.storage_root()) {
            return Ok(Ok(()));
        }
        let mut differing = stream::iter(slots)
            .map(|(slot, word)| async move {
                let stored = self.chain.slot_at(slot, block).await?;
                Ok::<_, Error>((slot, word, stored))
            })
            .buffer_unordered(AT_ONCE)
            .try_filter(|(_, word, stored)| std::future::ready(word != stored));
        Ok(match differing.try_next().await? {
            None => Ok(()),
            Some((slot, word, stored)) => {
                Err(format!("slot {slot} is {stored:#x}, by the log it is {word:#x}"))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::{
        history::tests::scribe::{HOUR, Scribe, operator, platform},
        replay::Subject,
    };

    /// Whatever of a state differs after one lie about a word, the slots that are compared tell.
    #[test]
    fn what_logs_say_of_words_is_among_the_slots() {
        let mut scribe = Scribe::new();
        scribe.enrol(&[1, 2, 3, 4, 5], 0xa1);
        let state = scribe.state();
        let all: BTreeSet<_> = state.slots().collect();
        let entry = scribe.entry(0xa1, 2, HOUR);
        let grant = scribe.grant(2, 0xa1, None, 1, HOUR);
        for (event, count) in [(&entry, 3), (&grant, 3)] {
            let slots: BTreeSet<_> = state.slots_about(event).into_iter().collect();
            assert!(slots.is_subset(&all), "{event:?}");
            // Platform, more lanes there, a slot of lanes; operator, the same slot of lanes, instance.
            assert_eq!(slots.len(), count, "{event:?}");
        }
        let words: Vec<_> = state
            .slots_about(&grant)
            .into_iter()
            .map(|(_, word)| word)
            .collect();
        assert!(words.contains(&state.operator(operator(2)).0));
        let words: Vec<_> = state
            .slots_about(&entry)
            .into_iter()
            .map(|(_, word)| word)
            .collect();
        assert!(words.contains(&state.platform(platform(0xa1)).unwrap().word.0));
        let freeze = scribe.status(
            Subject::Operator(operator(1)),
            crate::registry::IProofOfCloudRegistry::Status::Frozen,
        );
        assert!(state.slots_about(&freeze).is_empty(), "the head covers it");
    }
}
