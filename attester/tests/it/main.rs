//! Sources against a real software TPM and directories in the shape of `/sys`; the binary against scripted servers.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod certificates;
mod cli;
mod node;
mod privileges;
mod provision;
mod swtpm;
mod tpm;
mod tsm;
