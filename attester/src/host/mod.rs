//! Scenario 2: the agent of a bare-metal host, and what talks to it.
//!
//! A TD on such a host has no TPM of its own. The host's TPM says what the host launched; that the TD runs on *this* host is
//! the agent's word, which counts because the agent was measured into that launch. It gives its word for one reason only:
//!
//! ```text
//! TD ──TDREPORT──▶ hypervisor ──▶ agent's relay ──▶ quote generation service ──▶ quoting enclave (verifies the MAC)
//! TD ◀───quote──── hypervisor ◀── agent's relay ◀──────────────────────────────────────┘
//!                                     │ remembers the quotes it saw made
//! TD ──quote(anchor, operator, td quote)──▶ agent ──▶ TPM: extraData = f(anchor, operator, td quote), by policy session
//! ```
//!
//! A TDREPORT's MAC is made with a key that never leaves the CPU: only an enclave of that CPU can verify one
//! (`EVERIFYREPORT2`), and no ordinary process can. The quoting enclave does so before it signs. So the agent stands between
//! hypervisor and quote generation service, and a TD quote that it saw come back is a quote of a TD on this CPU.

mod address;
mod agent;
mod ak;
mod client;
mod drtm;
mod enrol;
mod enrolment;
mod frame;
mod made;
mod protocol;
mod qgs;
mod relay;
mod serve;

pub use address::SocketAddress;
pub use agent::{AgentConfig, HostAgent};
pub use client::HostTpm;
pub use drtm::drtm_log;
pub use enrol::{Enroller, enrol};
pub use enrolment::EnrolledKey;
