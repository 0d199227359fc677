//! Commands that talk to a chain or write configuration.

mod archive;
mod config;
mod explore;
mod generate;
mod platform;
mod policy;
mod relay;
mod status;

pub use archive::ArchiveCommand;
pub use config::ConfigCommand;
pub use explore::Explore;
pub use generate::{Completions, Man};
pub use platform::PlatformCommand;
pub use policy::PolicyCommand;
pub use relay::Relay;
pub use status::Status;
