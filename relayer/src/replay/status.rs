//! What changes of a status say.

use alloy::{
    primitives::{Address, B256, U256},
    sol_types::SolValue,
};

use super::{
    Replay, Subject,
    error::{Problem, expect},
    governance::Action,
    head::Kind,
};
use crate::registry::IProofOfCloudRegistry::{Status, StatusChanged, Subject as SubjectKind};

/// How long a guardian must wait before it freezes the same subject again.
const FREEZE_AGAIN_AFTER: u64 = 30 * 86_400;
impl Replay {
    pub(super) fn status_changed(
        &mut self,
        e: &StatusChanged,
        time: u64,
        is_ordered: bool,
    ) -> Result<Vec<Subject>, Problem> {
        let thaw = self
            .action
            .filter(|a| matches!(a, Action::LiftFreeze | Action::Reinstate));
        let about = match e.kind {
            SubjectKind::Operator => {
                let operator = Address::from_word(e.subject);
                expect("the subject, an address", operator.into_word(), e.subject)?;
                Subject::Operator(operator)
            }
            _ => Subject::Platform(e.subject),
        };
        let stored = match about {
            Subject::Operator(operator) => self.state.operator(operator).status_number(),
            Subject::Platform(id) => self
                .state
                .platforms
                .get(&id)
                .map_or(0, |p| p.word.status_number()),
        };
        expect("the status before", stored, e.oldStatus as u64)?;
        self.may_change(e, about, thaw, is_ordered)?;
        self.action = None;
        let is_guardians = e.newStatus == Status::Frozen && thaw.is_none() && !is_ordered;
        let seat = if is_guardians {
            self.state.seats.get(&e.actor).copied()
        } else {
            None
        };
        match about {
            Subject::Operator(operator) => self.operator_changed(operator, e.newStatus, seat, thaw, time),
            Subject::Platform(id) => self.platform_changed(id, e.newStatus, seat, thaw, time),
        }
        let words = (
            byte(e.kind as u8),
            e.subject,
            byte(e.oldStatus as u8),
            byte(e.newStatus as u8),
            e.reason,
        );
        let payload = (words, e.evidenceHash, e.actor).abi_encode();
        self.move_head(Kind::Status, &payload, e.head)?;
        Ok(vec![about])
    }

    /// Whose right it was.
    fn may_change(
        &self,
        e: &StatusChanged,
        about: Subject,
        thaw: Option<Action>,
        is_ordered: bool,
    ) -> Result<(), Problem> {
        let is_allowed = match (e.newStatus, self.action) {
            (Status::Frozen, Some(Action::LiftFreeze)) => thaw.is_some() && e.oldStatus == Status::Frozen,
            (Status::Frozen, Some(Action::Reinstate)) => thaw.is_some() && e.oldStatus == Status::Revoked,
            (Status::Frozen, None) => {
                e.oldStatus != Status::Revoked && (is_ordered || self.state.seats.contains_key(&e.actor))
            }
            (Status::Revoked, None) => {
                e.oldStatus != Status::Revoked && (is_ordered || e.actor == self.state.governor)
            }
            (Status::Deregistered, None) => {
                e.oldStatus == Status::Active && about == Subject::Operator(e.actor) && !is_ordered
            }
            _ => false,
        };
        if is_allowed {
            return Ok(());
        }
        let expected = "a change that its actor, relayers or the governor's call may make";
        let found = format!("{:?} to {:?} by {}", e.oldStatus, e.newStatus, e.actor);
        Err(Problem::impossible("the change", expected, found))
    }

    fn operator_changed(
        &mut self,
        operator: Address,
        to: Status,
        seat: Option<u64>,
        thaw: Option<Action>,
        time: u64,
    ) {
        let old = self.state.operator(operator);
        let mut word = old.with_status(to, if thaw.is_some() { 0 } else { time });
        if thaw.is_none() {
            self.state.zero_lane(old.lane());
        }
        if to != Status::Frozen {
            word = word.with_evidence_time(time);
        } else if let Some(seat) = seat {
            let last = (old.frozen_by(), old.frozen_at(), old.more() != 0);
            let more = self.put_aside(SubjectKind::Operator, operator.into_word(), seat, last, time);
            word = word.with_freezer(seat, time, more);
        }
        self.state.operators.insert(operator, word);
    }

    fn platform_changed(&mut self, id: B256, to: Status, seat: Option<u64>, thaw: Option<Action>, time: u64) {
        let old = self.state.platforms.entry(id).or_default().word;
        let word = if thaw.is_some() {
            old.thawed()
        } else if to == Status::Frozen {
            let seat = seat.unwrap_or(0);
            let last = (old.frozen_by(), old.frozen_at(), old.more() != 0);
            let more = self.put_aside(SubjectKind::Platform, id, seat, last, time);
            old.frozen(time, seat, more)
        } else {
            old.with_status(to)
        };
        if thaw.is_none() {
            self.state.zero_lanes(id);
        }
        self.state.platforms.entry(id).or_default().word = word;
    }

    /// Another guardian's freeze, younger than 30 days, leaves the word. Says whether any ever has.
    fn put_aside(
        &mut self,
        kind: SubjectKind,
        subject: B256,
        seat: u64,
        (by, at, more): (u64, u64, bool),
        time: u64,
    ) -> bool {
        if by == 0 || by == seat || time >= at + FREEZE_AGAIN_AFTER {
            return more;
        }
        self.state.older_freezes.insert((kind as u8, subject, by), at);
        true
    }
}

/// A `uint8` is a word like any other.
pub(super) fn byte(number: u8) -> U256 {
    U256::from(number)
}
