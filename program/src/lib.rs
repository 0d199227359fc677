//! What Chassis' programs have alike. `chassis` and `chassis-node` must not be linked into each other; so what both do in
//! the same way is here, and nothing that decides trust.

mod clock;
mod date;
mod deployment;
mod key;
#[cfg(feature = "kms")]
mod kms;
mod secret;

pub use clock::unix_now;
pub use date::date;
pub use deployment::parse;
pub use key::{Key, KeyError};
pub use secret::read_private;
