//! Several bundles at once, those with the same endorsements together.

use std::panic::{AssertUnwindSafe, catch_unwind};

use alloy::primitives::B256;
use chassis_verifier::{Appraisal, Appraiser, Endorsements, Memo, Policy, bundle::Bundle};

use tokio::sync::OwnedSemaphorePermit;

use super::Ready;
use crate::{Error, store::BundleRow};

/// Bundles that were appraised with the same endorsements.
pub(super) struct Group {
    /// The endorsement set's digest.
    pub(super) digest: B256,
    /// The set.
    pub(super) endorsements: Endorsements,
    /// Each with its appraisal, or why there is none.
    pub(super) judged: Vec<(BundleRow, Result<Appraisal, Error>)>,
}

impl Group {
    pub(super) fn rows(&self) -> impl Iterator<Item = &BundleRow> {
        self.judged.iter().map(|(row, _)| row)
    }
}

/// Bundles that are to be appraised with the same endorsements.
struct Alike {
    endorsements: Endorsements,
    as_of: u64,
    rows: Vec<BundleRow>,
    bundles: Vec<Bundle>,
    /// Of each bundle, as long as it is in memory.
    room: Vec<OwnedSemaphorePermit>,
}

/// Appraises all; what signatures are in `memo` is not verified again. Blocks.
///
/// # Errors
/// If an endorsement set or the policy cannot be serialised.
pub(super) fn appraise(some: Vec<Ready>, policy: &Policy, memo: &Memo) -> Result<Vec<Group>, Error> {
    let mut groups: Vec<Alike> = Vec::new();
    for ready in some {
        let at = groups
            .iter()
            .position(|group| group.as_of == ready.as_of && group.endorsements == ready.endorsements);
        let at = at.unwrap_or_else(|| {
            groups.push(Alike {
                endorsements: ready.endorsements,
                as_of: ready.as_of,
                rows: Vec::new(),
                bundles: Vec::new(),
                room: Vec::new(),
            });
            groups.len() - 1
        });
        groups[at].rows.push(ready.row);
        groups[at].bundles.push(ready.bundle);
        groups[at].room.push(ready.room);
    }
    memo.scope(|| groups.into_iter().map(|group| group.appraise(policy)).collect())
}

impl Alike {
    fn appraise(self, policy: &Policy) -> Result<Group, Error> {
        let appraiser = Appraiser::new(&self.endorsements, policy)?;
        let appraisals = apart_at_a_panic(
            &self.bundles,
            |bundles| {
                let all = appraiser.appraise_many(bundles, self.as_of).into_iter();
                all.map(|one| one.map_err(Error::from)).collect()
            },
            |bundle| Ok(appraiser.appraise(bundle, self.as_of)?),
        );
        drop((self.bundles, self.room));
        Ok(Group {
            digest: appraiser.endorsements_digest(),
            endorsements: self.endorsements,
            judged: self.rows.into_iter().zip(appraisals).collect(),
        })
    }
}

/// What comes of all together; if that panics, of each alone. One at which the verifier panics must not take the others
/// along. The panic's own words go to the log by the panic hook.
fn apart_at_a_panic<T, R>(
    all: &[T],
    together: impl FnOnce(&[T]) -> Vec<Result<R, Error>>,
    alone: impl Fn(&T) -> Result<R, Error>,
) -> Vec<Result<R, Error>> {
    let panicked = |_| Error::Io {
        doing: "appraise".into(),
        source: std::io::Error::other("the verifier panicked"),
    };
    catch_unwind(AssertUnwindSafe(|| together(all))).unwrap_or_else(|_| {
        let each = all.iter();
        each.map(|one| catch_unwind(AssertUnwindSafe(|| alone(one))).map_err(panicked)?)
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_panics_takes_no_other_along() {
        let appraise = |n: &u32| {
            assert_ne!(*n, 2, "as expected by this test");
            Ok(*n)
        };
        let together = |all: &[u32]| all.iter().map(appraise).collect();
        let outcomes = |all: &[u32]| {
            let judged = apart_at_a_panic(all, together, appraise);
            judged.into_iter().map(Result::ok).collect::<Vec<_>>()
        };
        assert_eq!(outcomes(&[1, 2, 3]), [Some(1), None, Some(3)]);
        assert_eq!(outcomes(&[1, 3]), [Some(1), Some(3)]);
        assert_eq!(outcomes(&[2]), [None]);
    }
}
