//! Bundles that arrive at once are written down in one transaction: each still waits until it is on disk, but they wait for
//! the disk together.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use alloy::primitives::B256;
use tokio::sync::{
    Notify,
    oneshot::{self, error::TryRecvError},
};

use super::{
    Connection, NewBundle, State, Store,
    row::parse,
    sql::{AT_ONCE, insert_rows},
};
use crate::Error;

/// Who waits, and whose turn it is to write for all.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    /// Rung when any have arrived.
    bell: Arc<Notify>,
    waiting: Mutex<Vec<(NewBundle, oneshot::Sender<bool>)>>,
    turn: tokio::sync::Mutex<()>,
}

impl Store {
    /// Keeps a bundle; when it returns, it is on disk. `false` if it was there already.
    ///
    /// # Errors
    /// Of the database.
    pub async fn add_bundle(&self, bundle: &NewBundle) -> Result<bool, Error> {
        let mut told = self.arrivals.wait(*bundle);
        let _turn = self.arrivals.turn.lock().await;
        match told.try_recv() {
            Ok(is_new) => return Ok(is_new),
            Err(TryRecvError::Empty) => {}
            // Whoever wrote for all failed, or was given up half-way.
            Err(TryRecvError::Closed) => told = self.arrivals.wait(*bundle),
        }
        let mut together = self.arrivals.take();
        // Rows are locked as they come: everybody takes them in one order, or two replicas wait for each other.
        together.sort_unstable_by_key(|(bundle, _)| bundle.digest);
        let mut all = self.begin().await?;
        let mut added = HashSet::new();
        for some in together.chunks(AT_ONCE) {
            added.extend(add(&mut all, some.iter().map(|(bundle, _)| bundle)).await?);
        }
        all.commit().await?;
        self.arrivals.bell.notify_one();
        for (bundle, tell) in together {
            // One that has given up meanwhile is kept all the same. Of two that are the same, one is new.
            let _ = tell.send(added.remove(&bundle.digest));
        }
        told.try_recv().map_err(|_| sqlx::Error::WorkerCrashed.into())
    }
}

impl Store {
    /// Rung when bundles have arrived here: in time, not for each. What another replica takes in does not ring.
    pub fn arrival(&self) -> Arc<Notify> {
        Arc::clone(&self.arrivals.bell)
    }
}

impl Arrivals {
    fn wait(&self, bundle: NewBundle) -> oneshot::Receiver<bool> {
        let (tell, told) = oneshot::channel();
        // A push is not left half-done by a panic.
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push((bundle, tell));
        told
    }

    fn take(&self) -> Vec<(NewBundle, oneshot::Sender<bool>)> {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Keeps some. Returns which were not there.
async fn add(
    connection: &mut Connection,
    bundles: impl ExactSizeIterator<Item = &NewBundle>,
) -> Result<Vec<B256>, sqlx::Error> {
    let rows = bundles.map(|bundle| {
        [
            bundle.digest.into(),
            bundle.operator.into(),
            bundle.is_public.into(),
            State::Received.name().into(),
            bundle.received_at.into(),
        ]
    });
    let query = insert_rows(
        "bundles",
        ["digest", "operator", "is_public", "state", "received_at"],
        rows,
        "ON CONFLICT (digest) DO NOTHING RETURNING digest",
    );
    let added = query.fetch_all(connection).await?;
    added.iter().map(|row| parse(row, "digest")).collect()
}
