//! How far a bundle has come.

use std::fmt;

use serde::Serialize;
use utoipa::ToSchema;

/// How far a bundle has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Archived and acknowledged.
    Received,
    /// Appraised, and fit to be attested.
    Appraised,
    /// In a report that has not all its signatures, or that another relayer posts.
    Cosigning,
    /// In a signed report.
    Queued,
    /// The report's transaction has been sent.
    Posted,
    /// In a block.
    Included,
    /// In a finalized block.
    Final,
    /// The appraisal found against it.
    Rejected,
    /// Given up; the reason says why.
    Failed,
}

impl State {
    /// Every state there is.
    pub const ALL: [Self; 9] = [
        Self::Received,
        Self::Appraised,
        Self::Cosigning,
        Self::Queued,
        Self::Posted,
        Self::Included,
        Self::Final,
        Self::Rejected,
        Self::Failed,
    ];

    /// As stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Appraised => "appraised",
            Self::Cosigning => "cosigning",
            Self::Queued => "queued",
            Self::Posted => "posted",
            Self::Included => "included",
            Self::Final => "final",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
        }
    }

    pub(super) fn is_under_way(self) -> bool {
        !matches!(self, Self::Final | Self::Rejected | Self::Failed)
    }

    pub(super) fn from_name(name: &str) -> Self {
        // Only this program writes the column, and only names from here.
        Self::ALL
            .into_iter()
            .find(|state| state.name() == name)
            .unwrap_or(Self::Failed)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
