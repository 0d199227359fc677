//! How the head moves: `docs/ENCODING.md`, "The head".

use alloy::{
    primitives::{B256, U256, keccak256},
    sol_types::SolValue,
};

use super::{
    Replay,
    error::{Problem, expect},
};

/// What moves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Batch = 1,
    Status = 2,
    Control = 3,
    RelayerSet = 4,
    Policy = 5,
    Authority = 6,
}

/// The head after a step: 216 bits of hash, and in the low 40 the number of batches so far.
pub(super) fn next(head: B256, kind: Kind, payload: B256) -> B256 {
    let hash: U256 = keccak256((head, U256::from(kind as u8), payload).abi_encode()).into();
    let batches = U256::from_be_bytes(head.0) + U256::from(kind == Kind::Batch);
    (hash & !BATCHES | batches & BATCHES).into()
}

impl Replay {
    /// Moves the head by the hash of what `payload` encodes; the event must have come to the same.
    pub(super) fn move_head(&mut self, kind: Kind, payload: &[u8], found: B256) -> Result<(), Problem> {
        let head = next(self.state.head, kind, keccak256(payload));
        expect("the head", head, found)?;
        self.state.head = head;
        Ok(())
    }
}

const BATCHES: U256 = U256::from_limbs([(1 << 40) - 1, 0, 0, 0]);
