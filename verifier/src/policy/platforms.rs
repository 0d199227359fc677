//! Which platforms are accepted, whatever they run.

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};

use super::HexBytes;

/// Lists of platforms. An empty list of accepted ones accepts every one.
///
/// Platforms are listed by [`platform_id`](crate::platform_id), never by PPID: policies are public.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Platforms {
    /// Accepted FMSPCs: family, model, stepping, platform, custom SKU.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fmspcs: Vec<HexBytes<6>>,
    /// Accepted platforms.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub accepted: Vec<B256>,
    /// Platforms that are refused, whatever else is said of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub denied: Vec<B256>,
}

impl Platforms {
    /// Whether nothing is listed.
    pub fn is_any(&self) -> bool {
        *self == Self::default()
    }
}
