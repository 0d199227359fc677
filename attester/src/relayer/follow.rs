//! How far each relayer is with one bundle, by its own word.

use std::time::Duration;

use alloy_primitives::B256;

use super::{Relayer, State, attend::Heard, land::Progress};
use crate::Error;

/// How far one relayer is.
#[derive(Debug)]
pub(super) enum Seat {
    /// It has not taken the bundle; so many tries, and why the last one failed.
    Offered(u32, Option<Error>),
    /// It has; how far it is, and what keeps it.
    Follows(State, String),
    /// It says that it is final, in this block; believed or not `by` the time that our own endpoint has this block final.
    Claims { block: Option<u64>, by: Option<u64> },
    /// Nothing more is expected of it.
    Out(Error),
}

/// Who has not answered so often is not waited for, where nobody else is at work.
const TRIES: u32 = 3;

impl Seat {
    pub(super) fn hear(&mut self, relayer: &Relayer, heard: Heard, progress: &mut dyn FnMut(Progress<'_>)) {
        match heard {
            Heard::Said(status) => {
                progress(Progress::Said(relayer, &status));
                *self = match status.state {
                    State::Final => Self::Claims {
                        block: status.block_number,
                        by: None,
                    },
                    state => Self::Follows(state, status.reason),
                };
            }
            Heard::Away(error) => {
                progress(Progress::Trouble(relayer, &error));
                if let Self::Offered(tries, last) = self {
                    *tries += 1;
                    *last = Some(error);
                }
            }
            Heard::Out(error) => {
                progress(Progress::Trouble(relayer, &error));
                *self = Self::Out(error);
            }
        }
    }

    fn may_still_work(&self) -> bool {
        match self {
            Self::Offered(tries, _) => *tries < TRIES,
            Self::Follows(..) => true,
            Self::Claims { .. } | Self::Out(_) => false,
        }
    }

    pub(super) fn is_hopeless(&self) -> bool {
        !self.may_still_work() && !matches!(self, Self::Claims { .. })
    }
}

/// Says what the one says that is furthest.
pub(super) fn not_final(digest: B256, patience: Duration, seats: &[Seat]) -> Error {
    let states = seats.iter().map(|seat| match seat {
        Seat::Follows(state, reason) => (*state, &**reason),
        Seat::Claims { .. } => (State::Final, ""),
        Seat::Offered(..) | Seat::Out(_) => (State::Unknown, ""),
    });
    let (state, reason) = states
        .max_by_key(|(state, _)| state.rank())
        .unwrap_or((State::Unknown, ""));
    Error::NotFinal {
        digest,
        state,
        reason: reason.to_owned(),
        seconds: patience.as_secs(),
    }
}

/// The error that says most: a rejection, then that nothing was to be done, then a lie, then whatever else there is.
pub(super) fn worst(seats: Vec<Seat>) -> Error {
    let errors = seats.into_iter().filter_map(|seat| match seat {
        Seat::Offered(_, error) => error,
        Seat::Out(error) => Some(error),
        Seat::Follows(..) | Seat::Claims { .. } => None,
    });
    let weight = |error: &Error| match error {
        Error::Rejected { .. } => 3,
        Error::Unchanged { .. } => 2,
        Error::Untrue { .. } => 1,
        _ => 0,
    };
    errors.max_by_key(weight).unwrap_or(Error::NoRelayer)
}
