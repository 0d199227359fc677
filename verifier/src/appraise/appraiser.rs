//! What an appraisal rests on besides evidence, made ready once.

use std::borrow::Cow;

use alloy_primitives::B256;

use super::{appraise_with, fresh};
use crate::{Appraisal, Check, CheckId, Endorsements, Error, Policy, bundle::Bundle, memo};

/// Endorsements and a policy to appraise any number of bundles with. Digesting both, which every appraisal must name,
/// costs a tenth of what `dcap-qvl` takes for a quote.
///
/// It borrows them, so they cannot change under their digests.
#[derive(Clone, Debug)]
pub struct Appraiser<'a> {
    /// Canonical: in whatever order they were fetched, signers must find the same facts.
    pub(super) endorsements: Cow<'a, Endorsements>,
    pub(super) policy: &'a Policy,
    pub(super) endorsements_digest: B256,
    pub(super) policy_digest: B256,
    /// Whether the operator is taken to consent, whatever the bundle has.
    supposes_consent: bool,
}

impl<'a> Appraiser<'a> {
    /// Digests both.
    ///
    /// # Errors
    /// If one of them cannot be serialised.
    pub fn new(endorsements: &'a Endorsements, policy: &'a Policy) -> Result<Self, Error> {
        let endorsements = endorsements.canonical();
        Ok(Self {
            endorsements_digest: endorsements.digest()?,
            endorsements,
            policy_digest: policy.digest()?,
            policy,
            supposes_consent: false,
        })
    }

    /// The endorsement set's digest.
    pub fn endorsements_digest(&self) -> B256 {
        self.endorsements_digest
    }

    /// Takes the operator's consent for given. For auditors: no digest names the consent, so whoever keeps a bundle can have
    /// replaced it, and what signers say of all the rest is to be judged even so. Ask [`crate::consent_signer`] apart.
    #[must_use]
    pub fn danger_supposing_consent(mut self) -> Self {
        self.supposes_consent = true;
        self
    }

    pub(super) fn consent_check(&self, bundle: &Bundle) -> Check {
        if self.supposes_consent {
            Check::pass(CheckId::Consent, "supposed")
        } else {
            fresh::consent_check(bundle)
        }
    }

    /// As [`appraise`](crate::appraise).
    ///
    /// # Errors
    /// If a part of the evidence cannot be read.
    pub fn appraise(&self, bundle: &Bundle, as_of: u64) -> Result<Appraisal, Error> {
        // A certificate chain is walked twice, the second time with its CRLs.
        memo::scope(|| appraise_with(self, bundle, as_of))
    }

    /// Appraises `bundles`, each as [`Self::appraise`] does, in less time.
    ///
    /// Every signature that several bundles rest on, such as those of certificates, CRLs and Intel's collateral, is
    /// verified once. Signatures are shared by content (see `memo`), never by name, and only where they have verified, so
    /// no bundle passes here that fails alone. Everything else, from the building of certificate paths to the replay of
    /// logs, is done for each bundle.
    ///
    /// Results are in the order of `bundles`. One that cannot be read is an error in its own place.
    pub fn appraise_many<'b>(
        &self,
        bundles: impl IntoIterator<Item = &'b Bundle>,
        as_of: u64,
    ) -> Vec<Result<Appraisal, Error>> {
        let appraise = |bundle| appraise_with(self, bundle, as_of);
        memo::scope(|| bundles.into_iter().map(appraise).collect())
    }
}

/// [`Appraiser::appraise_many`] under one policy, with one set of endorsements.
pub fn appraise_many<'b>(
    bundles: impl IntoIterator<Item = &'b Bundle>,
    endorsements: &Endorsements,
    policy: &Policy,
    as_of: u64,
) -> Vec<Result<Appraisal, Error>> {
    match Appraiser::new(endorsements, policy) {
        Ok(appraiser) => appraiser.appraise_many(bundles, as_of),
        Err(error) => bundles.into_iter().map(|_| Err(error.clone())).collect(),
    }
}
