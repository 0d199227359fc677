//! Appraises bundles, signs and posts attestations to the registry, and shows why.

pub mod inspect;
pub mod render;
pub mod verify;
