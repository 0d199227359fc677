//! Collects Proof-of-Cloud evidence on a node, and hands it to a relayer.
//!
//! [`collect`] joins what the [`Sources`] say, in the order that binds one to the next; [`consent`] makes it a bundle.
//! [`ConfigfsTsm`], [`GoogleAk`] and [`SysLogs`] are the sources of a Google TDX VM. The simulated cloud is reached
//! through the very same types: a software TPM through its TCTI, `/sys` through a directory.

mod anchor;
mod certificates;
mod collect;
pub mod doctor;
mod error;
mod http;
mod logs;
mod machine;
mod operator;
mod privileges;
mod relayer;
mod source;
mod tpm;
mod tsm;

pub use anchor::finalized_anchor;
pub use certificates::CertificatePool;
pub use collect::{Request, Sources, collect, consent};
pub use error::Error;
pub use logs::SysLogs;
pub use machine::Machine;
pub use operator::{KEY_VARIABLE, PASSWORD_VARIABLE, operator_key};
pub use privileges::{User, become_user};
pub use relayer::{CheckReport, Relayer, State, Status};
pub use source::{AttestationKey, EventLogs, TdQuoter, TpmQuote, TpmQuoter};
pub use tpm::{GOOGLE_AK, GoogleAk, NvPair, Primary, QUOTED_PCRS, Tpm};
pub use tsm::ConfigfsTsm;
