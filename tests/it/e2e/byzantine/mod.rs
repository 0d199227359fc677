//! One of three relayers is a liar. Nothing false is posted, and the others go on.

mod chain;
mod deliveries;
mod flood;
mod liar;
mod messages;
mod offer;
mod signing;
mod votes;

pub(super) use chain::{finalized, hash, posted, selector};
pub(super) use liar::Liar;
pub(super) use offer::{Offer, report};
