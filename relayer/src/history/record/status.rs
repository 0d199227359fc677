//! Whose status changed.

use super::{
    super::{By, End, OperatorHistory, Place, StatusChange, What},
    Recorder,
};
use crate::{
    registry::IProofOfCloudRegistry::{Status, StatusChanged},
    replay::Subject,
};

impl Recorder<'_> {
    pub(super) fn status_changed(&mut self, at: Place, e: &StatusChanged, about: &[Subject]) {
        let Some(subject) = about.first().copied() else {
            return;
        };
        let alone = match e.newStatus {
            Status::Deregistered => By::Operator,
            Status::Revoked => By::Governor,
            _ => By::Guardian,
        };
        let change = StatusChange {
            at,
            subject,
            old: e.oldStatus,
            new: e.newStatus,
            reason: e.reason,
            evidence: e.evidenceHash,
            actor: e.actor,
            by: self.by(alone),
        };
        let stopped = match subject {
            Subject::Operator(operator) => {
                let history: &mut OperatorHistory = self.history.operators.entry(operator).or_default();
                history.changes.push(change.clone());
                vec![operator]
            }
            Subject::Platform(id) => {
                let history = self.history.platforms.entry(id).or_default();
                history.changes.push(change.clone());
                self.owners(id)
                    .into_iter()
                    .map(|(operator, _)| operator)
                    .collect()
            }
        };
        if !change.is_lift() {
            for operator in stopped {
                let end = End::Status(Box::new(change.clone()));
                self.history.shorten(operator, at.time, end);
            }
        }
        self.say(at, What::StatusChanged(change));
    }
}
