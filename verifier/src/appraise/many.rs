//! Many bundles under one policy, with one set of endorsements.

use alloy_primitives::B256;

use super::appraise_with;
use crate::{Appraisal, Endorsements, Error, Policy, bundle::Bundle, memo};

/// Appraises `bundles`, each as [`appraise`](crate::appraise) does, in less time.
///
/// What one fleet shares is done once: the digests of policy and endorsements, and every signature that several bundles
/// rest on, such as those of certificates, CRLs and Intel's collateral. Signatures are shared by content (see
/// `memo`), never by name, and only where they have verified, so no bundle passes here that fails alone. Everything
/// else, from the building of certificate paths to the replay of logs, is done for each bundle.
///
/// Results are in the order of `bundles`. One that cannot be read is an error in its own place.
pub fn appraise_many<'a>(
    bundles: impl IntoIterator<Item = &'a Bundle>,
    endorsements: &Endorsements,
    policy: &Policy,
    as_of: u64,
) -> Vec<Result<Appraisal, Error>> {
    let shared = Shared::of(endorsements, policy);
    let appraise = |bundle| {
        appraise_with(
            bundle,
            endorsements,
            policy,
            as_of,
            shared.as_ref().map_err(Clone::clone)?,
        )
    };
    memo::scope(|| bundles.into_iter().map(appraise).collect())
}

/// What depends on endorsements and policy alone.
pub(super) struct Shared {
    pub(super) endorsements_digest: B256,
    pub(super) policy_digest: B256,
}

impl Shared {
    pub(super) fn of(endorsements: &Endorsements, policy: &Policy) -> Result<Self, Error> {
        Ok(Self {
            endorsements_digest: endorsements.digest()?,
            policy_digest: policy.digest()?,
        })
    }
}
