//! The appraisal: every check, then what they add up to.

use crate::{Appraisal, Endorsements, Error, Policy, bundle::Bundle};

/// Appraises `bundle` under `policy`, at `as_of` (Unix seconds).
///
/// # Errors
/// If a part of the evidence cannot be read. Evidence that can be read but fails is an [`Appraisal`].
pub fn appraise(
    bundle: &Bundle,
    endorsements: &Endorsements,
    policy: &Policy,
    as_of: u64,
) -> Result<Appraisal, Error> {
    let _ = (bundle, endorsements, policy, as_of);
    Err(Error::Policy("the appraisal is not wired up yet".into()))
}
