//! The checks of one appraisal, as they are made.

use crate::{Check, CheckId, Outcome};

/// What has been found so far. Some checks rest on earlier ones, so their order counts: see
/// [`appraise_with`](super::appraise_with).
///
/// It can be asked what has passed, never what has not failed: a check that is not made yet has shown nothing, so a wrong order
/// refuses good evidence and passes no bad.
#[derive(Default)]
pub(super) struct Checks(Vec<Check>);

impl Checks {
    pub(super) fn push(&mut self, check: Check) {
        self.0.push(check);
    }

    pub(super) fn extend(&mut self, checks: impl IntoIterator<Item = Check>) {
        self.0.extend(checks);
    }

    /// Whether each of `ids` has been made, and has passed.
    pub(super) fn all_passed(&self, ids: &[CheckId]) -> bool {
        all_passed(&self.0, ids)
    }

    /// All of them, ascending by id.
    pub(super) fn finish(self) -> Vec<Check> {
        let mut checks = self.0;
        checks.sort_by_key(|check| check.id);
        checks
    }
}

/// Every listed check must be there and have passed: one that did not run has shown nothing.
pub(super) fn all_passed(checks: &[Check], ids: &[CheckId]) -> bool {
    ids.iter().all(|id| {
        checks
            .iter()
            .any(|check| check.id == *id && check.outcome == Outcome::Pass)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_that_is_not_made_yet_has_not_passed() {
        let mut checks = Checks::default();
        checks.push(Check::pass(CheckId::AkKey, ""));
        assert!(!checks.all_passed(&[CheckId::AkKey, CheckId::AkChain]));
        checks.push(Check::pass(CheckId::AkChain, ""));
        assert!(checks.all_passed(&[CheckId::AkKey, CheckId::AkChain]));
        checks.push(Check::fail(CheckId::AkKeyUsage, ""));
        checks.push(Check::not_applicable(CheckId::AkInstance, ""));
        assert!(!checks.all_passed(&[CheckId::AkKeyUsage]));
        assert!(!checks.all_passed(&[CheckId::AkInstance]));
        assert!(checks.finish().is_sorted_by_key(|check| check.id));
    }
}
