//! The history that pages are made from, kept up with the index.

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::PoisonError,
};

use alloy::primitives::{Address, B256};
use tracing::warn;

use super::{
    Explorer,
    change::{Change, Changed},
    news::News,
};
use crate::{
    Error,
    history::{End, Happening, History, Place, Span, What},
    index::Published,
    replay::{RegistryLog, Subject},
    store::{BlockRef, EventFilter},
};

/// Events in one read from the database.
const PAGE: u32 = 1_000;

/// A registry's history, and what pages need beside it.
#[derive(Debug)]
pub(super) struct Book {
    pub(super) history: History,
    /// The block it reaches to. `None`: it is still being read.
    pub(super) block: Option<BlockRef>,
    /// That block's time, Unix seconds.
    pub(super) time: u64,
    pub(super) news: News,
    /// By operator: what was posted about it last.
    pub(super) latest: HashMap<Address, Posted>,
    /// What leads somewhere by its 32 bytes, platforms aside.
    pub(super) names: HashMap<B256, Named>,
    /// Batches by the set that signed them.
    pub(super) batches_of: BTreeMap<u32, u64>,
    /// The last event that was taken.
    last: Option<(u64, u64)>,
    /// When whose lane runs out, unless it is renewed or ended before.
    due: BTreeSet<(u64, Address)>,
}

/// Where a word leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// A report, a manifest, or the transaction of a batch.
    Batch(u64),
    /// An instance, or the transaction that changed a status.
    Operator(Address),
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
            news: News::default(),
            latest: HashMap::new(),
            names: HashMap::new(),
            batches_of: BTreeMap::new(),
            last: None,
            due: BTreeSet::new(),
        }
    }

    /// Takes whole transactions. The error: it is of no further use.
    fn take(&mut self, logs: &[RegistryLog]) -> Result<(), String> {
        let happenings = self.history.take(logs).map_err(|error| error.to_string())?;
        self.tell(&happenings);
        Ok(())
    }

    /// What has happened in the history.
    fn tell(&mut self, happenings: &[Happening]) {
        for happening in happenings {
            self.lapse(happening.at.time);
            self.note(happening);
        }
    }

    fn note(&mut self, happening: &Happening) {
        let posted = |digest| Posted {
            digest,
            batch: happening.batch,
            at: happening.at,
        };
        match &happening.what {
            What::Granted(granted) => {
                let operator = granted.operator;
                self.latest.insert(operator, posted(granted.digest));
                self.await_expiry(happening, operator, granted.expiry);
                if !granted.standing.instance.is_zero() {
                    self.names
                        .insert(granted.standing.instance, Named::Operator(operator));
                }
            }
            What::Renewed {
                operator,
                digest,
                expiry,
            } => {
                self.latest.insert(*operator, posted(*digest));
                self.await_expiry(happening, *operator, *expiry);
            }
            What::Cut { operator, expiry, .. } => self.await_expiry(happening, *operator, *expiry),
            What::StatusChanged(change) => {
                if let Subject::Operator(operator) = change.subject {
                    self.names
                        .insert(change.at.transaction, Named::Operator(operator));
                }
            }
            What::Posted(batch) => {
                *self.batches_of.entry(batch.relayer_set).or_default() += 1;
                for name in [batch.report, batch.manifest, batch.at.transaction] {
                    self.names.insert(name, Named::Batch(batch.number));
                }
            }
            _ => {}
        }
        if let Some(change) = Change::of(happening, self.news.last()) {
            self.news.push(change);
        }
    }

    fn await_expiry(&mut self, happening: &Happening, operator: Address, expiry: u64) {
        // What is over already is told by the event.
        if expiry > happening.at.time {
            self.due.insert((expiry, operator));
        }
    }

    /// Tells of the lanes that have run out by `time`: no event does.
    fn lapse(&mut self, time: u64) {
        while let Some((expiry, operator)) = self.due.first().copied().filter(|(expiry, _)| *expiry <= time) {
            self.due.pop_first();
            let spans = self.spans(operator);
            let span = spans.iter().rev().find(|span| span.to <= expiry);
            let is_over = |span: &Span| {
                let has_run_out = matches!(span.end, End::Expiry | End::PlatformLowered { .. });
                span.to == expiry && has_run_out
            };
            // Or it was renewed, or ended otherwise.
            if span.is_some_and(is_over) {
                self.news.push(Change::expired(operator, expiry));
            }
        }
    }

    fn spans(&self, operator: Address) -> &[Span] {
        let known = self.history.operator(operator);
        known.map_or(&[], |known| &known.spans)
    }

    /// Whether a change concerns an operator: it is its own, or its platform's where it was then, or stopped everybody.
    pub(super) fn concerns(&self, change: &Change, operator: Address) -> bool {
        let time = change.time;
        let begun = self
            .spans(operator)
            .iter()
            .rev()
            .filter(|span| span.from.time <= time);
        match change.what {
            Changed::Operator(whose) => whose == operator,
            // In the very block of the change it may have moved away.
            Changed::Platform(id) => begun
                .enumerate()
                .any(|(back, span)| span.standing.platform == id && (back == 0 || time <= span.to)),
            Changed::Registry => change.is_switch() && begun.count() > 0,
        }
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
