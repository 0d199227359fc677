//! What others say about the evidence: Intel's collateral, CRLs, the chain's anchor, the provider's host registry.
//!
//! The set is named by its digest, which every relayer signs: k signatures need identical bytes.

use alloy_primitives::{Address, B256};
use dcap_qvl::QuoteCollateralV3;
use serde::{Deserialize, Serialize};

use crate::{
    Base64, Error,
    bundle::{canonical_json, first_difference},
    digest::sha256,
};

/// Largest endorsement set accepted, in bytes.
pub const ENDORSEMENTS_LIMIT: usize = 4 << 20;

/// A content-addressed set of endorsements.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Endorsements {
    /// Always 1.
    pub version: u8,
    /// The block that the evidence names, as the signer itself saw it.
    pub anchor: AnchorClaim,
    /// Intel's collateral for the quote's FMSPC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tdx_collateral: Option<QuoteCollateralV3>,
    /// Certificate revocation lists of providers' roots and intermediates, DER.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub provider_crls: Vec<Base64>,
    /// What providers' host registries say. Unsigned: every signer must have fetched the same claim itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub host_registry: Vec<HostRegistryClaim>,
}

/// A block that every signer confirms as canonical and finalized, and the registry it serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AnchorClaim {
    /// The chain.
    pub chain_id: u64,
    /// The registry that the signer posts to.
    pub registry: Address,
    /// The block's number.
    pub number: u64,
    /// The block's hash.
    pub hash: B256,
    /// The block's time, Unix seconds: the evidence's time.
    pub timestamp: u64,
}

/// An entry in a provider's registry of its own hosts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HostRegistryClaim {
    /// The platform, by [`platform_id`](crate::platform_id).
    pub platform_id: B256,
    /// The provider, by the policy's number.
    pub provider: u16,
    /// Where the provider says the machine is, as `us-central1-a`. Empty where it does not say.
    pub zone: String,
}

impl Endorsements {
    /// Parses an endorsement set.
    ///
    /// # Errors
    /// If it is too large, not of this shape, not version 1, or not in canonical form (RFC 8785): its digest is over that
    /// form, so any other spelling would be a second document of one name.
    pub fn parse(document: &[u8]) -> Result<Self, Error> {
        if document.len() > ENDORSEMENTS_LIMIT {
            return Err(Error::TooLarge {
                size: document.len(),
                limit: ENDORSEMENTS_LIMIT,
            });
        }
        let set: Self =
            serde_json::from_slice(document).map_err(|error| Error::Endorsements(error.to_string()))?;
        if set.version != 1 {
            return Err(Error::Endorsements(format!(
                "version {} is not supported",
                set.version
            )));
        }
        match first_difference(document, &set.to_json()?) {
            None => Ok(set),
            Some(offset) => Err(Error::Endorsements(format!(
                "not in canonical form (RFC 8785) at byte {offset}"
            ))),
        }
    }

    /// The set in canonical form: what is archived and hashed.
    ///
    /// # Errors
    /// If it cannot be serialised.
    pub fn to_json(&self) -> Result<Vec<u8>, Error> {
        canonical_json(self)
    }

    /// SHA-256 of the canonical form.
    ///
    /// # Errors
    /// If it cannot be serialised.
    pub fn digest(&self) -> Result<B256, Error> {
        Ok(sha256(&self.to_json()?))
    }
}
