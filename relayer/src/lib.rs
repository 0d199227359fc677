//! Appraises bundles, signs and posts attestations to the registry, and shows why.
//!
//! A bundle's way: [`http`] archives and acknowledges it, [`appraiser`] asks the verifier, [`cosign`] has a report signed,
//! [`post`] brings it on chain. Each step is stored before the next begins, so a crash anywhere doubles and loses nothing.

mod asked;
mod error;
mod freeze;

pub mod appraiser;
pub mod archive;
pub mod audit;
pub mod chain;
pub mod command;
pub mod config;
pub mod cosign;
pub mod ear;
pub mod endorse;
pub mod explorer;
pub mod failpoint;
pub mod history;
pub mod http;
pub mod index;
pub mod inspect;
pub mod key;
pub mod metrics;
pub mod post;
pub mod reappraise;
pub mod registry;
pub mod render;
pub mod replay;
pub mod report;
pub mod service;
pub mod store;
pub mod verify;
pub mod webhook;

pub use error::Error;
