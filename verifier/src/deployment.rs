//! The file that says where a registry is, who relays to it, and where evidence is kept: `deployments/<chainId>.json`, as
//! the deploy script writes it. Both programs take from it what nobody told them.

use alloy_primitives::Address;
use serde::Deserialize;

use crate::Error;

/// What a deployment file says that programs use. The file says more, for people.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deployment {
    /// The registry's address.
    pub registry: Address,
    /// No log of the registry lies before this block.
    pub from_block: u64,
    /// Base URLs of relayers.
    pub relayer_urls: Vec<String>,
    /// URLs of archives.
    pub archives: Vec<String>,
}

impl Deployment {
    /// Reads a deployment file.
    ///
    /// # Errors
    /// If it is not JSON, or a field is missing or of another type.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        serde_json::from_str(text).map_err(|error| Error::Deployment(error.to_string()))
    }

    /// Options of a command line for which files have values.
    pub const OPTIONS: [&'static str; 4] = ["registry", "start-block", "relayer", "archive"];

    /// The same, with this file's values.
    pub fn options(self) -> [(&'static str, Vec<String>); 4] {
        let [registry, start, relayer, archive] = Self::OPTIONS;
        [
            (registry, vec![self.registry.to_string()]),
            (start, vec![self.from_block.to_string()]),
            (relayer, self.relayer_urls),
            (archive, self.archives),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"{"chainId":31337,"registry":"0x00000000000000000000000000000000000000aa","fromBlock":7,
        "relayerUrls":["https://relayer.example"],"archives":[],"threshold":2}"#;

    #[test]
    fn a_file_says_what_options_say() {
        let [registry, block, relayers, archives] = Deployment::from_json(FILE).unwrap().options();
        assert_eq!(
            registry,
            (
                "registry",
                vec!["0x00000000000000000000000000000000000000AA".to_owned()]
            )
        );
        assert_eq!(block, ("start-block", vec!["7".to_owned()]));
        assert_eq!(relayers, ("relayer", vec!["https://relayer.example".to_owned()]));
        assert_eq!(archives, ("archive", vec![]));
    }

    #[test]
    fn a_file_without_a_registry_is_none() {
        let error = Deployment::from_json(&FILE.replace("registry", "other")).unwrap_err();
        assert!(
            error.to_string().contains("deployment: missing field `registry`"),
            "{error}"
        );
    }
}
