//! What the bundles of one step share: the chain is asked once, and they may take so much memory.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chassis_verifier::{AnchorClaim, bundle::Anchor};
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};

use super::failed;
use crate::{
    Error,
    chain::{Block, Chain},
};

/// Most KiB of documents that were read from the archive and wait with their bundles, beside the few being read.
const ROOM: usize = 8 << 10;

/// Most blocks that one step asks the chain about. Honest evidence names few, and most of those are known; who makes
/// bundles up can name any number.
const MOST_ASKED: usize = 128;

/// Most blocks that are remembered, the latest: more than a day has.
const MOST_KNOWN: usize = 8_192;

/// What the chain has said of blocks that are final: it stays so. Clones are one.
#[derive(Clone, Debug, Default)]
pub struct Blocks(Arc<Mutex<BTreeMap<u64, AnchorClaim>>>);

/// What many bundles share.
pub(super) struct View {
    /// In KiB.
    room: Arc<Semaphore>,
    blocks: Blocks,
    finalized: OnceCell<Block>,
    latest: OnceCell<Block>,
    /// What the chain says of blocks that it was asked about, by number. Others that name the same one wait for it.
    asked: Mutex<HashMap<u64, Arc<OnceCell<AnchorClaim>>>>,
}

impl View {
    pub(super) fn new(blocks: Blocks) -> Self {
        Self {
            room: Arc::new(Semaphore::new(ROOM)),
            blocks,
            finalized: OnceCell::new(),
            latest: OnceCell::new(),
            asked: Mutex::default(),
        }
    }

    /// Waits until there is room for a bundle whose document has so many bytes.
    pub(super) async fn room(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Error> {
        // A document has at most 4 MiB, so this is less than all.
        let kib = u32::try_from(bytes.div_ceil(1 << 10).min(ROOM)).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).acquire_many_owned(kib).await;
        room.map_err(failed)
    }

    /// The latest finalized block.
    pub(super) async fn finalized(&self, chain: &Chain) -> Result<Block, Error> {
        let ask = async || {
            let block = chain.finalized().await?;
            self.blocks.keep(chain.claim(block));
            Ok(block)
        };
        self.finalized.get_or_try_init(ask).await.copied()
    }

    /// What this relayer says of the block that evidence names, as [`Chain::anchor_claim`].
    pub(super) async fn anchor(
        &self,
        chain: &Chain,
        anchor: &Anchor,
        finalized: Block,
    ) -> Result<AnchorClaim, Error> {
        let number = anchor.block_number;
        if number > finalized.number {
            let latest = self.latest.get_or_try_init(|| chain.latest()).await?;
            return chain.not_final(number, finalized, *latest);
        }
        if let Some(claim) = self.blocks.known(number) {
            return Ok(claim);
        }
        let asked = self.asked(number)?;
        let claim = asked
            .get_or_try_init(|| chain.anchor_claim(anchor, finalized))
            .await?;
        if claim.number == number {
            self.blocks.keep(*claim);
        }
        Ok(*claim)
    }

    fn asked(&self, number: u64) -> Result<Arc<OnceCell<AnchorClaim>>, Error> {
        let mut asked = lock(&self.asked);
        if asked.len() >= MOST_ASKED && !asked.contains_key(&number) {
            return Err(Error::Rpc(format!(
                "this step has asked about {MOST_ASKED} blocks already: block {number} comes in a later one"
            )));
        }
        Ok(Arc::clone(asked.entry(number).or_default()))
    }
}

impl Blocks {
    fn known(&self, number: u64) -> Option<AnchorClaim> {
        lock(&self.0).get(&number).copied()
    }

    fn keep(&self, claim: AnchorClaim) {
        let mut blocks = lock(&self.0);
        blocks.insert(claim.number, claim);
        if blocks.len() > MOST_KNOWN {
            blocks.pop_first();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing in it can be left half-done by a panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use alloy::primitives::{Address, B256};
    use chassis_program::unix_now;
    use futures::future::join_all;

    use super::*;
    use crate::chain::tests::{
        connect,
        node::{Server, serve},
    };

    const BLOCKS: &str = "eth_getBlockByNumber";

    /// Which block is the finalized one, and what it is.
    const FINALIZED: usize = 2;

    /// A chain whose block 10,000 is final.
    async fn chain() -> (Server, Chain) {
        let (server, url) = serve(|node| {
            (node.head, node.finalized, node.late) = (10_064, 10_000, unix_now() - 11_064);
        })
        .await;
        (server, connect(vec![url]).await)
    }

    /// What is said of blocks that are named all at once, and how many questions that takes.
    async fn named(
        (server, chain): &(Server, Chain),
        view: &View,
        numbers: impl IntoIterator<Item = u64>,
    ) -> (Vec<Result<u64, Error>>, usize) {
        let before = server.asked(BLOCKS);
        let finalized = view.finalized(chain).await.unwrap();
        let claims = numbers.into_iter().map(async |block_number| {
            let anchor = Anchor {
                chain_id: 1,
                registry: Address::ZERO,
                block_number,
                block_hash: B256::ZERO,
            };
            let claim = view.anchor(chain, &anchor, finalized).await;
            claim.map(|claim| claim.number)
        });
        let claims = join_all(claims).await;
        (claims, server.asked(BLOCKS) - before)
    }

    #[tokio::test]
    async fn a_block_is_asked_about_once_and_for_all_steps() {
        let (chain, blocks) = (chain().await, Blocks::default());
        let view = View::new(blocks.clone());
        let (claims, asked) = named(&chain, &view, [500, 500, 10_000, 500, 600]).await;
        let claims: Vec<_> = claims.into_iter().map(Result::unwrap).collect();
        assert_eq!(claims, [500, 500, 10_000, 500, 600]);
        assert_eq!(asked, FINALIZED + 2);
        chain.0.set(|node| node.finalized = 10_032);
        let (_, asked) = named(&chain, &View::new(blocks), [500, 600, 10_000, 10_032]).await;
        assert_eq!(asked, FINALIZED, "what was finalized earlier is known, too");
    }

    #[tokio::test]
    async fn blocks_are_asked_about_at_once_and_so_many_in_a_step() {
        let (chain, blocks) = (chain().await, Blocks::default());
        let view = View::new(blocks.clone());
        view.finalized(&chain.1).await.unwrap();
        chain.0.set(|node| node.slow = Duration::from_millis(300));
        let start = Instant::now();
        let most = u64::try_from(MOST_ASKED).unwrap();
        let (claims, asked) = named(&chain, &view, 0..most + 20).await;
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "not one after the other"
        );
        assert_eq!(asked, MOST_ASKED);
        let (told, refused): (Vec<_>, Vec<_>) = claims.into_iter().partition(Result::is_ok);
        assert_eq!((told.len(), refused.len()), (MOST_ASKED, 20));
        assert!(refused.into_iter().all(|error| error.unwrap_err().is_transient()));
        let (claims, _) = named(&chain, &view, [0, 5]).await;
        assert!(claims.iter().all(Result::is_ok), "what was asked is known");
        let (claims, asked) = named(&chain, &View::new(blocks), 0..most + 20).await;
        assert!(claims.iter().all(Result::is_ok), "and the next step goes on");
        assert_eq!(asked, FINALIZED + 20);
    }

    #[tokio::test]
    async fn blocks_that_are_not_final_cost_one_look_in_all() {
        let chain = chain().await;
        let view = View::new(Blocks::default());
        let (claims, asked) = named(&chain, &view, (10_001..10_065).chain([u64::MAX, 1 << 40])).await;
        let told: Vec<_> = claims.into_iter().flatten().collect();
        assert_eq!(told, [10_000, 10_000], "these two are nowhere");
        assert_eq!(asked, FINALIZED + 2);
    }

    /// A backend that has not come so far, behind one name with others that have.
    #[tokio::test]
    async fn a_block_below_finality_that_is_not_there_is_asked_about_again() {
        let chain = chain().await;
        let lacking = async |number| {
            chain.0.set(|node| node.lacks = number..number + 1);
            let (mut claims, _) = named(&chain, &View::new(Blocks::default()), [number]).await;
            claims.remove(0)
        };
        for near in [10_000 - 64, 9_999] {
            let error = lacking(near).await.unwrap_err();
            assert!(
                error.is_transient() && error.to_string().contains(&format!("block {near}")),
                "{error}"
            );
        }
        assert_eq!(
            lacking(10_000 - 65).await.unwrap(),
            10_000,
            "an old one may be gone for good"
        );
        // One machine tells what is final, and another, which is far behind, does not know that block.
        let view = View::new(Blocks::default());
        view.finalized(&chain.1).await.unwrap();
        chain.0.set(|node| node.lacks = 5_000..20_000);
        let (claims, _) = named(&chain, &view, [5_000]).await;
        assert!(claims[0].as_ref().unwrap_err().is_transient(), "{claims:?}");
        chain.0.set(|node| node.lacks = 0..0);
        let (claims, _) = named(&chain, &View::new(Blocks::default()), [9_999]).await;
        assert_eq!(claims[0].as_ref().unwrap(), &9_999);
    }

    #[test]
    fn the_latest_blocks_are_remembered() {
        let blocks = Blocks::default();
        let claim = |number| AnchorClaim {
            chain_id: 1,
            registry: Address::ZERO,
            number,
            hash: B256::ZERO,
            timestamp: 0,
        };
        let most = u64::try_from(MOST_KNOWN).unwrap();
        (1..=most).for_each(|number| blocks.keep(claim(number)));
        blocks.keep(claim(0));
        assert_eq!(blocks.known(0), None, "an old one takes no recent one's place");
        assert!(blocks.known(1).is_some());
        blocks.keep(claim(most + 1));
        assert!(blocks.known(1).is_none() && blocks.known(most + 1).is_some());
    }
}
