//! What events say that change the rules: timelocked calls, and what they did.

use alloy::{
    primitives::{Address, B256, FixedBytes, U256, keccak256},
    sol_types::{SolCall, SolValue},
};

use super::{
    Replay,
    error::{Problem, expect},
    head::Kind,
    state::RelayerSet,
    status::byte,
};
use crate::registry::{
    IProofOfCloudGovernance::{
        ActionExecuted, ActionSubmitted, ActionVetoed, OrderExecuted, addGuardianCall, admitProviderCall,
        lengthenDelayCall, liftFreezeCall, registerPolicyCall, reinstateCall, removeGuardianCall,
        rotateRelayersCall, setGovernorCall, unpauseCall,
    },
    IProofOfCloudRegistry::{
        Authority, AuthorityChanged, ControlChanged, PolicyRegistered, PolicyRetired, RelayerSetChanged,
    },
};

#[cfg(test)]
mod tests;

/// For how long a ripe call can be made.
const WINDOW: u64 = 14 * 86_400;
const MAX_SEAT: u64 = 15;

/// A timelocked call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    LiftFreeze,
    Reinstate,
    Unpause,
    AdmitProvider,
    RegisterPolicy,
    RotateRelayers,
    AddGuardian,
    RemoveGuardian,
    SetGovernor,
    LengthenDelay,
}

impl Action {
    fn of(selector: FixedBytes<4>) -> Option<Self> {
        Some(match selector.0 {
            liftFreezeCall::SELECTOR => Self::LiftFreeze,
            reinstateCall::SELECTOR => Self::Reinstate,
            unpauseCall::SELECTOR => Self::Unpause,
            admitProviderCall::SELECTOR => Self::AdmitProvider,
            registerPolicyCall::SELECTOR => Self::RegisterPolicy,
            rotateRelayersCall::SELECTOR => Self::RotateRelayers,
            addGuardianCall::SELECTOR => Self::AddGuardian,
            removeGuardianCall::SELECTOR => Self::RemoveGuardian,
            setGovernorCall::SELECTOR => Self::SetGovernor,
            lengthenDelayCall::SELECTOR => Self::LengthenDelay,
            _ => return None,
        })
    }

    /// Whether one such call waits at a time, since its arguments can be chosen without end.
    fn is_one_at_a_time(self) -> bool {
        matches!(
            self,
            Self::RegisterPolicy | Self::RotateRelayers | Self::AddGuardian | Self::SetGovernor
        )
    }
}

impl Replay {
    /// What raises trust stands after the timelocked call that did it, or in the registry's creation.
    fn raised_by(&mut self, action: Action) -> Result<(), Problem> {
        if self.in_genesis && self.action.is_none() {
            return Ok(());
        }
        let found = self.action.take();
        if found == Some(action) {
            return Ok(());
        }
        Err(Problem::impossible(
            "the call before it",
            format!("{action:?}"),
            format!("{found:?}"),
        ))
    }

    pub(super) fn control_changed(&mut self, e: &ControlChanged) -> Result<(), Problem> {
        let now = self.state.control;
        if !self.in_genesis {
            let closed = (e.frozenProviders & !now.frozen_providers).count_ones();
            let opened = (now.frozen_providers & !e.frozenProviders).count_ones();
            let is_new_set = e.relayerSetId != now.relayer_set;
            match (now.paused, e.paused, closed, opened, is_new_set) {
                (false, true, 0, 0, false) => {}
                (was, is, 1, 0, false) if was == is => {}
                (true, false, 0, 0, false) => self.raised_by(Action::Unpause)?,
                (was, is, 0, 1, false) if was == is => self.raised_by(Action::AdmitProvider)?,
                (was, is, 0, 0, true) if was == is => {
                    expect("the relayer set", now.relayer_set + 1, e.relayerSetId)?;
                    self.raised_by(Action::RotateRelayers)?;
                }
                _ => {
                    return Err(Problem::impossible(
                        "the change",
                        "one thing",
                        "none, or several at once",
                    ));
                }
            }
        }
        if !self.state.relayer_sets.contains_key(&e.relayerSetId) && !self.in_genesis {
            return Err(Problem::impossible(
                "the relayer set",
                "a known one",
                e.relayerSetId,
            ));
        }
        self.state.control.paused = e.paused;
        self.state.control.frozen_providers = e.frozenProviders;
        self.state.control.relayer_set = e.relayerSetId;
        let words = (
            e.paused,
            e.frozenProviders,
            e.relayerSetId,
            e.reason,
            e.evidenceHash,
            e.actor,
        );
        self.move_head(Kind::Control, &words.abi_encode(), e.head)
    }

    pub(super) fn relayer_set_changed(&mut self, e: &RelayerSetChanged) -> Result<(), Problem> {
        let set = RelayerSet {
            members: e.members.clone(),
            threshold: e.threshold,
            freeze_threshold: e.freezeThreshold,
            disabled: e.disabled,
            retired_at: e.retiredAt.to(),
        };
        let is_rotation = self.action == Some(Action::RotateRelayers);
        if let Some(old) = self.state.relayer_sets.get(&e.setId) {
            // Its retirement, when the next one comes, or before its time; or one member's end.
            let is_same = RelayerSet {
                disabled: set.disabled,
                retired_at: set.retired_at,
                ..old.clone()
            } == set;
            let is_down =
                old.disabled & !set.disabled == 0 && (set.disabled ^ old.disabled).count_ones() <= 1;
            let is_retired = set.retired_at != old.retired_at;
            let may_retire = (old.retired_at == 0) == is_rotation;
            if !is_same || !is_down || is_retired && !may_retire {
                let expected = format!("{old:?}, or less");
                return Err(Problem::impossible("the set", expected, format!("{set:?}")));
            }
        } else {
            let next = self.state.relayer_sets.len() as u64 + 1;
            expect("the set's number", next, e.setId.into())?;
            if !is_rotation && !self.in_genesis {
                return Err(Problem::impossible(
                    "the call before it",
                    "RotateRelayers",
                    "another",
                ));
            }
        }
        self.state.relayer_sets.insert(e.setId, set);
        let members: Vec<_> = e.members.iter().map(Address::into_word).collect();
        let thresholds = (byte(e.threshold), byte(e.freezeThreshold));
        let words = (e.setId, keccak256(members.concat()), thresholds, e.disabled);
        let change = (U256::from(e.retiredAt), e.reason, e.evidenceHash, e.actor);
        self.move_head(Kind::RelayerSet, &(words, change).abi_encode(), e.head)
    }

    pub(super) fn policy_registered(&mut self, e: &PolicyRegistered) -> Result<(), Problem> {
        self.raised_by(Action::RegisterPolicy)?;
        if !self.state.policies.insert(e.policyDigest) {
            return Err(Problem::impossible(
                "the policy",
                "one not in force",
                e.policyDigest,
            ));
        }
        let words = (e.policyDigest, true, 0_u16, B256::ZERO, e.actor);
        self.move_head(Kind::Policy, &words.abi_encode(), e.head)
    }

    pub(super) fn policy_retired(&mut self, e: &PolicyRetired) -> Result<(), Problem> {
        if !self.state.policies.remove(&e.policyDigest) {
            return Err(Problem::impossible("the policy", "one in force", e.policyDigest));
        }
        let words = (e.policyDigest, false, e.reason, e.evidenceHash, e.actor);
        self.move_head(Kind::Policy, &words.abi_encode(), e.head)
    }

    pub(super) fn authority_changed(&mut self, e: &AuthorityChanged) -> Result<(), Problem> {
        let account = Address::from_word(e.subject);
        match e.kind {
            Authority::Governor => {
                self.raised_by(Action::SetGovernor)?;
                self.state.governor = account;
            }
            Authority::Guardian if e.value.is_zero() => {
                self.raised_by(Action::RemoveGuardian)?;
                if self.state.seats.remove(&account).is_none() {
                    return Err(Problem::impossible("the guardian", "a known one", account));
                }
            }
            Authority::Guardian => {
                self.raised_by(Action::AddGuardian)?;
                let free = (1..=MAX_SEAT).find(|seat| !self.state.seats.values().any(|taken| taken == seat));
                expect("the guardian's seat", U256::from(free.unwrap_or(0)), e.value)?;
                if self.state.seats.insert(account, free.unwrap_or(0)).is_some() {
                    return Err(Problem::impossible("the guardian", "a new one", account));
                }
            }
            _ => {
                self.raised_by(Action::LengthenDelay)?;
                let selector = FixedBytes::<4>::from_slice(&e.subject[..4]);
                let old = self.state.delays.insert(selector, e.value).unwrap_or_default();
                if e.value <= old {
                    return Err(Problem::impossible("the delay, longer than", old, e.value));
                }
            }
        }
        let words = (byte(e.kind as u8), e.subject, e.value, e.actor);
        self.move_head(Kind::Authority, &words.abi_encode(), e.head)
    }

    pub(super) fn submitted(&mut self, e: &ActionSubmitted, time: u64) -> Result<(), Problem> {
        expect("the call's hash", keccak256(&e.data), e.id)?;
        if !e.data.starts_with(e.selector.as_slice()) {
            return Err(Problem::impossible("the call's selector", e.selector, &e.data));
        }
        let delay = self.state.delays.get(&e.selector).copied();
        let (Some(action), Some(delay)) = (Action::of(e.selector), delay) else {
            return Err(Problem::impossible("the call", "a timelocked one", e.selector));
        };
        let ripe = U256::from(time).saturating_add(delay);
        expect("when the call is ripe", ripe, U256::from(e.executableAt))?;
        let before = action
            .is_one_at_a_time()
            .then(|| self.state.latest.insert(e.selector, e.id));
        for id in before.flatten().into_iter().chain([e.id]) {
            if self.is_waiting(id, time) {
                return Err(Problem::impossible("the call", "one beside none that waits", id));
            }
        }
        self.state.executable_at.insert(e.id, e.executableAt.to());
        self.calls.insert(e.id, e.selector);
        Ok(())
    }

    /// Stands before what the call did.
    pub(super) fn executed(&mut self, e: &ActionExecuted, time: u64) -> Result<(), Problem> {
        let is_waiting = self.is_waiting(e.id, time);
        let ripe = self.state.executable_at.remove(&e.id);
        if !is_waiting || ripe.is_none_or(|ripe| time < ripe) {
            let found = format!("{} at {time}", e.id);
            return Err(Problem::impossible("the call", "one submitted and ripe", found));
        }
        self.was_submitted(e.id, e.selector)?;
        if let Some(action) = self.action {
            return Err(Problem::impossible(
                "what follows",
                format!("what {action:?} did"),
                "another call",
            ));
        }
        self.action = Action::of(e.selector);
        Ok(())
    }

    pub(super) fn vetoed(&mut self, e: &ActionVetoed, time: u64) -> Result<(), Problem> {
        if !self.is_waiting(e.id, time) {
            return Err(Problem::impossible("the call", "one that waits", e.id));
        }
        self.state.executable_at.remove(&e.id);
        self.was_submitted(e.id, e.selector)
    }

    /// What is made, or struck out, is the function that was submitted. Its call does not wait any more.
    fn was_submitted(&mut self, id: B256, selector: FixedBytes<4>) -> Result<(), Problem> {
        let submitted = self.calls.remove(&id).unwrap_or_default();
        expect("the submitted call's selector", submitted, selector)
    }

    /// Not ripe yet, or ripe: neither made, nor vetoed, nor run out.
    fn is_waiting(&self, id: B256, time: u64) -> bool {
        let ripe = self.state.executable_at.get(&id);
        ripe.is_some_and(|ripe| time <= ripe + WINDOW)
    }

    pub(super) fn ordered(&mut self, e: &OrderExecuted) -> Result<(), Problem> {
        if self.state.spent.insert(e.digest) {
            return Ok(());
        }
        Err(Problem::impossible(
            "the order",
            "one not carried out yet",
            e.digest,
        ))
    }
}
