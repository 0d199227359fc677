//! The history that pages are made from, kept up with the index.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::PoisonError,
};

use alloy::primitives::{Address, B256};
use tracing::warn;

use super::{
    Explorer,
    change::{Change, Changed},
};
use crate::{
    Error,
    history::{End, Happening, History, Place, What},
    index::Published,
    replay::RegistryLog,
    store::{BlockRef, EventFilter},
};

/// Events in one read from the database.
const PAGE: u32 = 1_000;
/// Changes that are kept for the feeds; older ones stand in the operators' own histories.
const CHANGES: usize = 5_000;

/// A registry's history, and what pages need beside it.
#[derive(Debug)]
pub(super) struct Book {
    pub(super) history: History,
    /// The block it reaches to. `None`: it is still being read.
    pub(super) block: Option<BlockRef>,
    /// That block's time, Unix seconds.
    pub(super) time: u64,
    /// The last ones, the first first.
    pub(super) changes: VecDeque<Change>,
    /// By operator: what was posted about it last.
    pub(super) latest: HashMap<Address, Posted>,
    /// The last event that was taken.
    last: Option<(u64, u64)>,
    /// When whose lane runs out, unless it is renewed or ended before.
    due: BTreeSet<(u64, Address)>,
}

/// An attestation as it was posted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Posted {
    /// The digest of its `AttestationResult`.
    pub(super) digest: B256,
    pub(super) batch: Option<u64>,
    pub(super) at: Place,
}

/// After which event reading goes on; `None`: from the first.
struct From(Option<(u64, u64)>);

impl Book {
    pub(super) fn new(registry: Address) -> Self {
        Self {
            history: History::new(registry),
            block: None,
            time: 0,
            changes: VecDeque::new(),
            latest: HashMap::new(),
            last: None,
            due: BTreeSet::new(),
        }
    }

    /// Takes whole transactions. The error: it is of no further use.
    fn take(&mut self, logs: &[RegistryLog]) -> Result<(), String> {
        let happenings = self.history.take(logs).map_err(|error| error.to_string())?;
        for happening in &happenings {
            self.lapse(happening.at.time);
            self.note(happening);
        }
        Ok(())
    }

    fn note(&mut self, happening: &Happening) {
        let posted = |digest| Posted {
            digest,
            batch: happening.batch,
            at: happening.at,
        };
        match &happening.what {
            What::Granted(granted) => {
                self.latest.insert(granted.operator, posted(granted.digest));
                self.due.insert((granted.expiry, granted.operator));
            }
            What::Renewed {
                operator,
                digest,
                expiry,
            } => {
                self.latest.insert(*operator, posted(*digest));
                self.due.insert((*expiry, *operator));
            }
            What::Cut { operator, expiry, .. } => {
                self.due.insert((*expiry, *operator));
            }
            _ => {}
        }
        if let Some(change) = Change::of(happening, self.changes.back()) {
            self.push(change);
        }
    }

    /// Tells of the lanes that have run out by `time`: no event does.
    fn lapse(&mut self, time: u64) {
        while let Some((expiry, operator)) = self.due.first().copied().filter(|(expiry, _)| *expiry <= time) {
            self.due.pop_first();
            let spans = self
                .history
                .operator(operator)
                .map_or(&[][..], |known| &known.spans);
            let span = spans.iter().rev().find(|span| span.to <= expiry);
            // It was renewed, or ended otherwise.
            if span.is_some_and(|span| span.to == expiry && span.end == End::Expiry) {
                self.push(Change::expired(operator, expiry));
            }
        }
    }

    fn push(&mut self, change: Change) {
        if self.changes.len() == CHANGES {
            self.changes.pop_front();
        }
        self.changes.push_back(change);
    }

    /// The changes after the one with this id. `None`: it is not known here.
    pub(super) fn changes_after(&self, id: &str) -> Option<impl Iterator<Item = &Change>> {
        let place = self.changes.iter().rposition(|change| change.id == id)?;
        Some(self.changes.iter().skip(place + 1))
    }

    /// Those that concern an operator, the last first, as far as they are kept: its own, and what stopped its platform or
    /// everybody while it was there.
    pub(super) fn changes_of(&self, operator: Address) -> impl Iterator<Item = &Change> {
        let spans = self
            .history
            .operator(operator)
            .map_or(&[][..], |known| &known.spans);
        let was_there = |time| spans.iter().any(|span| span.from.time <= time && time <= span.to);
        let concerns = move |change: &&Change| match change.what {
            Changed::Operator(whose) => whose == operator,
            Changed::Platform(id) => spans.iter().any(|span| {
                span.standing.platform == id && span.from.time <= change.time && change.time <= span.to
            }),
            Changed::Registry => change.is_switch() && was_there(change.time),
        };
        self.changes.iter().rev().filter(concerns)
    }
}

impl Explorer {
    /// Reads on, up to what is published. Returns whether there was anything.
    ///
    /// # Errors
    /// Of the database, or the chain. The same step is taken again later.
    pub async fn step(&self) -> Result<bool, Error> {
        let Some(published) = self.0.index.published() else {
            return Ok(false);
        };
        let Some(from) = self.begin(&published) else {
            return Ok(false);
        };
        let header = self.0.chain.header(published.block.number).await?;
        let header = header.filter(|header| header.hash == published.block.hash);
        let header =
            header.ok_or_else(|| Error::Rpc(format!("no endpoint has block {}", published.block.hash)))?;
        let mut filter = EventFilter {
            after: from.0,
            to: published.block.number,
            limit: PAGE,
            ..EventFilter::default()
        };
        // Transactions must be taken whole: what may go on in the next page waits.
        let mut waiting: Vec<RegistryLog> = Vec::new();
        loop {
            let rows = self.0.store.events(&filter).await?;
            let is_last = rows.len() < PAGE as usize;
            filter.after = rows
                .last()
                .map(|row| (row.at.block, row.at.log_index))
                .or(filter.after);
            let logs = rows.iter().map(|row| RegistryLog::decode(row.at, &row.data));
            match logs.collect::<Result<Vec<_>, _>>() {
                Ok(logs) => waiting.extend(logs),
                Err(error) => return Ok(self.give_up(&error.to_string())),
            }
            let last = waiting.last().map(|log| log.at.transaction);
            let whole = waiting
                .iter()
                .take_while(|log| is_last || Some(log.at.transaction) != last)
                .count();
            let rest = waiting.split_off(whole);
            let taken = self.take(&waiting, is_last.then_some((&published, header.time)));
            if let Err(problem) = taken {
                return Ok(self.give_up(&problem));
            }
            if is_last {
                return Ok(true);
            }
            waiting = rest;
        }
    }

    /// The index was begun anew under way, or its database is damaged, which it finds out by itself.
    fn give_up(&self, problem: &str) -> bool {
        warn!(problem, "the history does not go on from here; reading it anew");
        self.forget();
        false
    }

    /// Where reading goes on. `None`: nothing is new.
    fn begin(&self, published: &Published) -> Option<From> {
        let book = self.0.book.read().unwrap_or_else(PoisonError::into_inner);
        let is_behind = book
            .block
            .is_none_or(|block| block.number < published.block.number);
        if book.block == Some(published.block) {
            return None;
        }
        let last = book.last;
        drop(book);
        if is_behind {
            return Some(From(last));
        }
        self.forget();
        Some(From(None))
    }

    /// Takes logs. At the `end`, all up to the published block was taken: it must come to the same state. Until then there is
    /// nothing to show.
    fn take(&self, logs: &[RegistryLog], end: Option<(&Published, u64)>) -> Result<(), String> {
        let mut book = self.0.book.write().unwrap_or_else(PoisonError::into_inner);
        book.block = None;
        book.take(logs)?;
        if let Some(last) = logs.last() {
            book.last = Some((last.at.block, last.at.log_index));
        }
        let Some((published, time)) = end else {
            return Ok(());
        };
        if book.history.state().head() != published.replay.state().head() {
            return Err("its head is not the index's".into());
        }
        book.lapse(time);
        book.time = time;
        book.block = Some(published.block);
        Ok(())
    }

    fn forget(&self) {
        let mut book = self.0.book.write().unwrap_or_else(PoisonError::into_inner);
        *book = Book::new(*self.0.chain.registry.address());
    }
}
