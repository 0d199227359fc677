//! What a bundle is appraised with, gathered.

use alloy::primitives::B256;
use chassis_verifier::{
    Endorsements,
    bundle::{Bundle, DEFAULT_LIMIT},
};
use tokio::sync::OwnedSemaphorePermit;
use tracing::Instrument;

use super::{Appraiser, span, view::View};
use crate::{Error, archive::Kind, store::BundleRow};

/// A bundle that was put back this often is given up.
const MOST_TRIES: i64 = 5;

/// A bundle with all that it is appraised with.
pub(super) struct Ready {
    pub(super) row: BundleRow,
    pub(super) bundle: Bundle,
    pub(super) endorsements: Endorsements,
    /// Unix seconds: the latest finalized block's.
    pub(super) as_of: u64,
    pub(super) room: OwnedSemaphorePermit,
}

/// A bundle that was taken up.
pub(super) struct Prepared {
    pub(super) row: BundleRow,
    pub(super) outcome: Result<Ready, Unready>,
}

/// Why a bundle is not appraised.
pub(super) enum Unready {
    /// It never will be, for this reason.
    Failed(String),
    /// It is not now, or is wrong.
    Waits(Error),
}

impl From<Error> for Unready {
    fn from(error: Error) -> Self {
        Self::Waits(error)
    }
}

impl Appraiser {
    /// Makes one ready to be appraised. Writes nothing.
    pub(super) async fn prepare(&self, row: BundleRow, view: &View) -> Prepared {
        let span = span(&row);
        let outcome = self.gather(&row, view).instrument(span).await;
        Prepared { row, outcome }
    }

    async fn gather(&self, row: &BundleRow, view: &View) -> Result<Ready, Unready> {
        if row.tries >= MOST_TRIES {
            let reason = row.reason.as_deref().unwrap_or("put back too often");
            return Err(Unready::Failed(reason.to_owned()));
        }
        let Some((bundle, room)) = self.bundle(row.digest, view).await? else {
            return Err(Unready::Failed("its evidence is not in the archive".into()));
        };
        let finalized = view.finalized(&self.chain).await?;
        let anchor = view
            .anchor(&self.chain, &bundle.evidence.anchor, finalized)
            .await?;
        let is_old = finalized.timestamp > anchor.timestamp + u64::from(self.policy.max_evidence_age);
        match self.endorser.endorse(&bundle, anchor).await {
            Ok(endorsements) => Ok(Ready {
                row: row.clone(),
                bundle,
                endorsements,
                as_of: finalized.timestamp,
                room,
            }),
            Err(error @ Error::Endorsement { .. }) if is_old => Err(Unready::Failed(format!(
                "no endorsements while it was fresh: {error}"
            ))),
            Err(error) => Err(error.into()),
        }
    }

    async fn bundle(
        &self,
        digest: B256,
        view: &View,
    ) -> Result<Option<(Bundle, OwnedSemaphorePermit)>, Error> {
        if let Some((bundle, place)) = self.held.take(digest) {
            return Ok(Some((bundle, place.into())));
        }
        let Some(document) = self.archive.get(Kind::Bundle, digest).await? else {
            return Ok(None);
        };
        let room = view.room(document.len()).await?;
        Ok(Some((Bundle::parse(&document, DEFAULT_LIMIT)?, room)))
    }
}
