//! Measured boot: what firmware, boot loader and kernel of a machine tell its TPM and its TD.
//!
//! The order, registers, types and layouts are those of real Google TDX machines; the contents are made up. One
//! description of a boot gives both logs, as one boot of a real machine does.

mod boot;
mod event;
mod image;
mod loader;
mod log;
mod uefi;

pub use boot::MeasuredBoot;
pub use event::{Event, Registers};
pub use image::{EfiStub, Image, Loader, Shape, Technology};
