//! Collects Proof-of-Cloud evidence on a node, brings it on chain by way of relayers, and keeps it there ([`Service`]).
//!
//! [`doctor`] says what a machine lacks. Of bare metal: [`HostAgent`] quotes a host's TPM for the TDs on it, [`enrol`] and
//! [`Registrar`] state which key is in it.
//!
//! [`collect`] joins what the [`Sources`] say, in the order that binds one to the next; [`consent`] makes it a bundle.
//! [`ConfigfsTsm`], [`GoogleAk`] and [`SysLogs`] are the sources of a Google TDX VM. The simulated cloud is reached
//! through the very same types: a software TPM through its TCTI, `/sys` through a directory.

mod advice;
mod anchor;
mod azure;
mod blocking;
mod certificates;
mod claims;
mod collect;
mod deregister;
pub mod doctor;
mod error;
mod file;
mod host;
mod http;
mod issuers;
mod logs;
mod machine;
mod operator;
mod privileges;
mod registrar;
mod registry;
mod relayer;
mod rpc;
mod service;
mod session;
mod share;
mod source;
mod tpm;
mod tsm;

pub use advice::advice;
pub use anchor::finalized_anchor;
pub use azure::{Azure, AzureTpmQuote, METADATA_SERVICE};
pub use certificates::CertificatePool;
pub use claims::ClaimFiles;
pub use collect::{Request, Sources, collect, consent};
pub use deregister::Deregistration;
pub use error::Error;
pub use file::write_private;
pub use host::{AgentConfig, EnrolledKey, Enroller, HostAgent, HostTpm, SocketAddress, drtm_log, enrol};
pub use issuers::fetch_issuers;
pub use logs::SysLogs;
pub use machine::{Machine, TpmPlace};
pub use operator::{KEY_VARIABLE, KeySource, OperatorKey, PASSWORD_VARIABLE, create_sealed_key};
pub use privileges::{User, become_user};
pub use registrar::{Registrar, RegistrarConfig, RegistrarKey, serve as serve_registrar};
pub use registry::{OnChain, Registry, Standing};
pub use relayer::{CheckReport, Errand, Progress, Reason, Relayer, Relayers, State, Status, Warning};
pub use rpc::{At, Rpc};
pub use service::{CATALOGUE, Collector, Kind, LONGEST_PAUSE, Metric, Service, SessionHash, Settings};
pub use session::{Rotation, SessionKey};
pub use source::{
    AttestationKey, CustodyClaims, EventLogs, HostEvidence, Subject, TdEvidence, TdQuoter, TpmQuote,
    TpmQuoter,
};
pub use tpm::{GOOGLE_AK, GoogleAk, NvPair, Primary, QUOTED_PCRS, SEALED_TO, Sealed, Tpm};
pub use tsm::ConfigfsTsm;
