//! Sources against a real software TPM and directories in the shape of `/sys`; the binary against scripted servers.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod certificates;
mod cli;
mod deployed;
mod doctor;
mod issuers;
mod node;
mod privileges;
mod provision;
mod relayers;
mod renew;
mod seal;
mod servers;
mod swtpm;
mod tpm;
mod tsm;
