//! Measured-boot event logs: the TPM's (TCG2), the TDX firmware's (CCEL), and a dynamic launch's (DRTM).
//!
//! All are one format, TCG PC Client Platform Firmware Profile (PFP) 1.06 §10: records of *register, type, digests, data*.
//! [`TcgLog`] also reads the SHA-1-only form that came before; [`Ccel`] counts TDX measurement registers instead of PCRs;
//! [`DrtmLog`] knows the marks that Intel TXT and Linux leave between records.
//!
//! **What of a log can be believed.** A log is a claim by whoever collected it. Only the digests, their register and
//! their order become facts, and only in the bank that a quote signs, once [`TcgLog::replay`], [`DrtmLog::replay`] or
//! [`Ccel::rtmrs`] gives the quoted values. Event types and event data are never authenticated: they serve people,
//! never a verdict. The one exception is `EV_NO_ACTION` (and [`DrtmLog`]'s marks), which says that a record was not
//! extended; retyping to or from it changes the replay.
//!
//! Parsing takes linear time, copies nothing, and allocates in proportion to the input. A log of more than [`MAX_EVENTS`]
//! records is refused at that record: real ones have 20 to 120.

mod algorithm;
mod ccel;
mod describe;
mod drtm;
mod event;
mod ima;
mod log;
mod replay;
mod tcg;
mod view;

#[cfg(test)]
pub(crate) mod encode;
#[cfg(test)]
mod tests;

pub use algorithm::{Algorithm, Digest};
pub use ccel::Ccel;
pub use drtm::DrtmLog;
pub use event::{Event, EventType};
pub use ima::{ImaLog, ImaRecord};
pub use log::{Log, MAX_EVENTS};
pub use replay::Registers;
pub use tcg::TcgLog;
pub use view::{BankView, EventView, LogView};
