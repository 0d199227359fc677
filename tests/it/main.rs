//! The simulated cloud against the code that verifies the real one, and every end-to-end test.

#![allow(clippy::unwrap_used, reason = "tests")]

mod attack_table;
mod attacks;
mod consent;
mod determinism;
mod e2e;
mod encoding;
mod endorse;
mod fidelity;
mod firmware;
mod host;
mod inspect;
mod intel;
mod machine;
mod many;
mod program;
mod report;
mod tpm;
mod verdict;
mod world;
