//! What everybody's status rests on: the switches, the relayers, the policies.

use alloy::primitives::{Address, B256};

use super::{
    super::{By, Disabled, Place, PolicyChange, Seat, Switch, What},
    Recorder,
};
use crate::registry::IProofOfCloudRegistry::{ControlChanged, RelayerSetChanged};

impl Recorder<'_> {
    pub(super) fn control_changed(&mut self, at: Place, e: &ControlChanged) {
        let switch = Switch {
            at,
            paused: e.paused,
            frozen_providers: e.frozenProviders,
            relayer_set: e.relayerSetId,
            reason: e.reason,
            evidence: e.evidenceHash,
            actor: e.actor,
            by: self.by(By::Guardian),
        };
        self.history.switches.push(switch.clone());
        self.say(at, What::Switched(switch));
    }

    pub(super) fn relayer_set_changed(&mut self, at: Place, e: &RelayerSetChanged) {
        let by = self.by(By::Guardian);
        for (index, relayer) in (0..32).zip(&e.members) {
            let seats = &mut self.history.relayers.entry(*relayer).or_default().seats;
            if seats.iter().all(|seat| seat.set != e.setId) {
                seats.push(Seat {
                    set: e.setId,
                    index,
                    from: at,
                    to: None,
                    disabled: None,
                });
            }
            let Some(seat) = seats.iter_mut().find(|seat| seat.set == e.setId) else {
                continue;
            };
            let ends_at: u64 = e.retiredAt.to();
            seat.to = (ends_at != 0).then_some(ends_at);
            if e.disabled >> index & 1 == 1 && seat.disabled.is_none() {
                let (reason, evidence) = (e.reason, e.evidenceHash);
                seat.disabled = Some(Disabled {
                    at,
                    by,
                    reason,
                    evidence,
                });
                self.say(
                    at,
                    What::Disabled {
                        relayer: *relayer,
                        set: e.setId,
                        by,
                        reason,
                        evidence,
                    },
                );
            }
        }
    }

    pub(super) fn policy(
        &mut self,
        at: Place,
        policy: B256,
        is_registered: bool,
        (reason, evidence): (u16, B256),
        actor: Address,
    ) {
        let change = PolicyChange {
            at,
            policy,
            is_registered,
            reason,
            evidence,
            actor,
            by: self.by(By::Guardian),
        };
        self.history.policies.push(change.clone());
        self.say(at, What::Policy(change));
    }
}
