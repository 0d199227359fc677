//! What others say about the evidence: Intel's collateral, CRLs, the chain's anchor, the provider's host registry.
//!
//! The set is named by its digest, which every relayer signs: k signatures need identical bytes. In what order somebody
//! fetched its parts is none of its business, so its lists have one order.

use std::borrow::Cow;

use alloy_primitives::{Address, B256};
use dcap_qvl::QuoteCollateralV3;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use crate::{
    Base64, Error,
    canonical::{canonical_digest, canonical_json, first_difference},
    claims::ZONE_LIMIT,
    json::{self, at_most},
};

/// Largest endorsement set accepted, in bytes.
pub const ENDORSEMENTS_LIMIT: usize = 4 << 20;

/// Most CRLs in a set: every issuer of every provider has one, and few have more than two.
const CRLS_LIMIT: usize = 64;

/// A content-addressed set of endorsements.
///
/// Its lists may be filled in any order; [`Self::canonical`] is what is appraised with, archived and hashed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Endorsements {
    /// Always 1.
    pub version: u8,
    /// The block that the evidence names, as the signer itself saw it.
    pub anchor: AnchorClaim,
    /// Intel's collateral for the quote's FMSPC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tdx_collateral: Option<QuoteCollateralV3>,
    /// Certificate revocation lists of providers' roots and intermediates, DER. Canonical: ascending by their bytes.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "at_most::<CRLS_LIMIT, _, _>"
    )]
    pub provider_crls: Vec<Base64>,
    /// What providers' host registries say. Unsigned: every signer must have fetched the same claim itself. Canonical:
    /// ascending by platform, provider, zone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub host_registry: Vec<HostRegistryClaim>,
}

/// A block that every signer confirms as canonical and finalized, and the registry it serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AnchorClaim {
    /// The chain.
    #[serde(with = "json::integer")]
    pub chain_id: u64,
    /// The registry that the signer posts to.
    pub registry: Address,
    /// The block's number.
    #[serde(with = "json::integer")]
    pub number: u64,
    /// The block's hash.
    pub hash: B256,
    /// The block's time, Unix seconds: the evidence's time.
    #[serde(with = "json::integer")]
    pub timestamp: u64,
}

/// An entry in a provider's registry of its own hosts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HostRegistryClaim {
    /// The platform, by [`platform_id`](crate::platform_id).
    pub platform_id: B256,
    /// The provider, by the policy's number.
    pub provider: u16,
    /// Where the provider says the machine is, as `us-central1-a`: at most 64 bytes, as a registrar's. Empty where it does not
    /// say.
    #[serde(deserialize_with = "zone")]
    pub zone: String,
}

impl Endorsements {
    /// Parses an endorsement set.
    ///
    /// # Errors
    /// If it is too large, not of this shape, not version 1, or not in canonical form (RFC 8785, each list ascending and
    /// without repetition): its digest is over that form, so any other spelling would be a second document of one name.
    pub fn parse(document: &[u8]) -> Result<Self, Error> {
        if document.len() > ENDORSEMENTS_LIMIT {
            return Err(Error::TooLarge {
                size: document.len(),
                limit: ENDORSEMENTS_LIMIT,
            });
        }
        let set: Self = json::parse(document).map_err(Error::Endorsements)?;
        if set.version != 1 {
            return Err(Error::Endorsements(format!(
                "version {} is not supported",
                set.version
            )));
        }
        match first_difference(&*set.canonical(), document) {
            None => Ok(set),
            Some(offset) => Err(Error::Endorsements(format!(
                "not in canonical form (RFC 8785, lists ascending without repetition) at byte {offset}"
            ))),
        }
    }

    /// The set with each list in order and without repetition. Borrowed, where it is so already.
    pub fn canonical(&self) -> Cow<'_, Self> {
        if ascends(&self.provider_crls) && ascends(&self.host_registry) {
            return Cow::Borrowed(self);
        }
        let mut set = self.clone();
        set.provider_crls.sort_unstable();
        set.provider_crls.dedup();
        set.host_registry.sort_unstable();
        set.host_registry.dedup();
        Cow::Owned(set)
    }

    /// The set in canonical form: what is archived and hashed.
    ///
    /// # Errors
    /// If it cannot be serialised.
    pub fn to_json(&self) -> Result<Vec<u8>, Error> {
        canonical_json(&*self.canonical())
    }

    /// SHA-256 of the canonical form.
    ///
    /// # Errors
    /// If it cannot be serialised.
    pub fn digest(&self) -> Result<B256, Error> {
        canonical_digest(&*self.canonical())
    }
}

fn zone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let zone = String::deserialize(deserializer)?;
    if zone.len() > ZONE_LIMIT {
        let text = format_args!("a zone of {} bytes, at most {ZONE_LIMIT} are allowed", zone.len());
        return Err(D::Error::custom(text));
    }
    Ok(zone)
}

/// Strictly: an entry that stands there twice does not ascend.
fn ascends<T: PartialOrd>(list: &[T]) -> bool {
    list.is_sorted_by(|earlier, later| earlier < later)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set() -> Endorsements {
        let claim = |platform, provider, zone: &str| HostRegistryClaim {
            platform_id: B256::repeat_byte(platform),
            provider,
            zone: zone.into(),
        };
        Endorsements {
            version: 1,
            anchor: AnchorClaim {
                chain_id: 1,
                registry: Address::ZERO,
                number: 2,
                hash: B256::ZERO,
                timestamp: 3,
            },
            tdx_collateral: None,
            provider_crls: [&b"a"[..], b"ab", b"b"].map(|der| der.to_vec().into()).into(),
            host_registry: vec![
                claim(1, 1, "a"),
                claim(1, 1, "b"),
                claim(1, 2, "a"),
                claim(2, 1, ""),
            ],
        }
    }

    #[test]
    fn one_set_has_one_digest_however_it_was_fetched() {
        let digest = set().digest().unwrap();
        let mut fetched = set();
        fetched.provider_crls.rotate_left(1);
        assert_eq!(fetched.digest().unwrap(), digest);
        fetched.host_registry.reverse();
        assert_eq!(fetched.digest().unwrap(), digest);
        let twice = fetched.host_registry[1].clone();
        fetched.host_registry.push(twice);
        fetched.provider_crls.push(fetched.provider_crls[0].clone());
        assert_eq!(fetched.digest().unwrap(), digest);
        fetched.host_registry[0].zone.push('x');
        assert_ne!(fetched.digest().unwrap(), digest);
    }

    #[test]
    fn a_document_in_another_order_is_refused() {
        let json = set().to_json().unwrap();
        Endorsements::parse(&json).unwrap();
        let mut swapped = set();
        swapped.provider_crls.swap(0, 2);
        let mut doubled = set();
        doubled.host_registry.insert(0, doubled.host_registry[0].clone());
        for other in [swapped, doubled] {
            let error = Endorsements::parse(&canonical_json(&other).unwrap()).unwrap_err();
            assert!(error.to_string().contains("ascending"), "{error}");
        }
    }

    #[test]
    fn a_zone_is_as_long_as_a_registrars_at_most() {
        let with = |bytes| {
            let mut set = set();
            set.host_registry[3].zone = "a".repeat(bytes);
            Endorsements::parse(&set.to_json().unwrap())
        };
        with(ZONE_LIMIT).unwrap();
        let error = with(ZONE_LIMIT + 1).unwrap_err().to_string();
        assert!(
            error.contains("a zone of 65 bytes, at most 64 are allowed"),
            "{error}"
        );
    }

    #[test]
    fn what_is_in_order_is_not_copied() {
        assert!(matches!(set().canonical(), Cow::Borrowed(_)));
    }
}
