//! A batch, out of the log: what it applied and skipped, and the leaves of its root.

use alloy::primitives::{Address, B256, U256};
use alloy::sol_types::SolValue as _;
use chassis_verifier::merkle_root;

use crate::{
    Error,
    registry::IProofOfCloudRegistry::BatchPosted,
    replay::{Event, LaneWord, RegistryLog, State},
    store::{EventRow, Store},
};

/// A batch.
#[derive(Clone, Debug)]
pub(crate) struct BatchLog {
    /// Its `BatchPosted`, as stored.
    pub(crate) row: EventRow,
    /// The same.
    pub(crate) posted: BatchPosted,
    /// Platform entries, grants and skipped items, in order.
    pub(crate) items: Vec<RegistryLog>,
    /// As the root has them: the grants' digests, then the renewals'.
    pub(crate) leaves: Vec<Leaf>,
}

/// A digest that was posted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leaf {
    pub(crate) digest: B256,
    pub(crate) is_grant: bool,
    /// `None`: the lane's owner is not known yet.
    pub(crate) operator: Option<Address>,
    pub(crate) expiry: u64,
}

impl BatchLog {
    /// The batch with this number, if it stands in a block up to `to`.
    ///
    /// # Errors
    /// Of the database, or what is in it.
    pub(crate) async fn read(
        store: &Store,
        state: &State,
        number: u64,
        to: u64,
    ) -> Result<Option<Self>, Error> {
        let row = store.batch_event(number).await?;
        let Some(row) = row.filter(|row| row.at.block <= to) else {
            return Ok(None);
        };
        let block = store.events_of_block(row.at.block).await?;
        let block = block.iter().map(|row| RegistryLog::decode(row.at, &row.data));
        let block = block
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| Error::Rpc(format!("the indexed log is damaged: {error}")))?;
        let end = block.iter().position(|log| log.at == row.at);
        let Some((end, Event::BatchPosted(posted))) = end.and_then(|end| Some((end, &block.get(end)?.event)))
        else {
            return Ok(None);
        };
        // What stands before it in its transaction, back to another batch, is its own.
        let before = block.iter().take(end).rev();
        let of_batch = before.take_while(|log| {
            log.at.transaction == row.at.transaction && !matches!(log.event, Event::BatchPosted(_))
        });
        let mut items: Vec<_> = of_batch.filter(|log| is_item(&log.event)).cloned().collect();
        items.reverse();
        Ok(Some(Self {
            leaves: leaves(&items, posted, state),
            posted: (**posted).clone(),
            items,
            row,
        }))
    }

    /// The root over its digests, as the registry computed it.
    pub(crate) fn root(&self) -> B256 {
        let digests = self.leaves.iter().enumerate();
        merkle_root(digests.map(|(i, leaf)| (U256::from(i), leaf.digest).abi_encode()))
    }

    /// Who signed it, in the order of their set.
    pub(crate) fn signers(&self, state: &State) -> Vec<Address> {
        let set = u32::try_from(self.posted.origin >> 72_usize).unwrap_or_default();
        let mask = self.posted.origin.wrapping_to::<u32>();
        let members = state.relayer_sets().get(&set).map(|set| &set.members);
        let signed = members.into_iter().flatten().enumerate();
        signed
            .filter(|(i, _)| mask >> i & 1 == 1)
            .map(|(_, member)| *member)
            .collect()
    }
}

fn is_item(event: &Event) -> bool {
    matches!(
        event,
        Event::PlatformUpdated(_) | Event::OperatorGranted(_) | Event::ItemSkipped(_)
    )
}

fn leaves(items: &[RegistryLog], posted: &BatchPosted, state: &State) -> Vec<Leaf> {
    let granted = items.iter().filter_map(|log| match &log.event {
        Event::OperatorGranted(e) => Some(Leaf {
            digest: e.digest,
            is_grant: true,
            operator: Some(e.operator),
            expiry: LaneWord(e.laneWord).expiry(),
        }),
        _ => None,
    });
    let renewed = posted.renewals.as_chunks::<36>().0.iter().flat_map(|group| {
        let words = group.as_chunks::<4>().0;
        let number = |i: usize| words.get(i).map_or(0, |word| u32::from_be_bytes(*word));
        let slot = u64::from(number(0));
        (0..8).map(move |i| (8 * slot + i as u64, LaneWord(number(i + 1))))
    });
    let renewed = renewed.filter(|(_, word)| word.0 != 0).zip(&posted.digests);
    let renewed = renewed.map(|((lane, word), digest)| Leaf {
        digest: *digest,
        is_grant: false,
        operator: state.lane_owner(lane),
        expiry: word.expiry(),
    });
    granted.chain(renewed).collect()
}
