//! What stops more than one: pauses and providers' freezes; and which policies were in force.

use alloy::primitives::{Address, B256};
use serde::Serialize;

use super::{By, History, Place};

/// The registry's switches after one was thrown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Switch {
    /// When.
    pub at: Place,
    /// No operator at all is attested.
    pub paused: bool,
    /// Bit p: provider p is frozen, or was never admitted.
    #[serde(serialize_with = "as_text")]
    pub frozen_providers: u128,
    /// The relayer set in office.
    pub relayer_set: u32,
    /// Why, in the actor's own numbers.
    pub reason: u16,
    /// What it rests on.
    pub evidence: B256,
    /// Who called.
    pub actor: Address,
    /// In what capacity.
    pub by: By,
}

/// A policy came into force, or was retired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyChange {
    /// When.
    pub at: Place,
    /// Its digest.
    pub policy: B256,
    /// Registered, or retired.
    pub is_registered: bool,
    /// Why it was retired, in the actor's own numbers.
    pub reason: u16,
    /// What that rests on.
    pub evidence: B256,
    /// Who called.
    pub actor: Address,
    /// In what capacity.
    pub by: By,
}

/// A time in which a switch was off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outage<'a> {
    /// The switch that began it.
    pub cause: &'a Switch,
    /// Which provider's; `None`: everybody's.
    pub provider: Option<u16>,
    /// When it ended; `None` if it goes on.
    pub to: Option<u64>,
}

/// The outages of a registry, in the order of their beginning.
pub type Outages<'a> = Vec<Outage<'a>>;

impl History {
    /// The switches as they stood at a time; `None` before the registry was created.
    pub fn switch_at(&self, time: u64) -> Option<&Switch> {
        let thrown = self.switches.partition_point(|switch| switch.at.time <= time);
        self.switches.get(thrown.checked_sub(1)?)
    }

    /// Pauses and providers' freezes. Before its first admission a provider has no outage.
    pub fn outages(&self) -> Outages<'_> {
        let mut outages: Outages<'_> = Vec::new();
        let mut before: Option<&Switch> = None;
        for switch in &self.switches {
            let (was_paused, was_frozen) = before.map_or((false, switch.frozen_providers), |b| {
                (b.paused, b.frozen_providers)
            });
            let changed = (0..128).filter(|p| (was_frozen ^ switch.frozen_providers) >> p & 1 == 1);
            let providers = changed.map(|p| (Some(p), switch.frozen_providers >> p & 1 == 1));
            let pause = (was_paused != switch.paused).then_some((None, switch.paused));
            for (provider, is_off) in providers.chain(pause) {
                if is_off {
                    outages.push(Outage {
                        cause: switch,
                        provider,
                        to: None,
                    });
                } else if let Some(open) = outages
                    .iter_mut()
                    .rev()
                    .find(|outage| outage.provider == provider && outage.to.is_none())
                {
                    open.to = Some(switch.at.time);
                }
            }
            before = Some(switch);
        }
        outages
    }
}

impl Switch {
    /// Whether it stops this provider's operators.
    pub fn stops(&self, provider: u16) -> bool {
        self.frozen_providers.checked_shr(provider.into()).unwrap_or(1) & 1 == 1
    }
}

fn as_text<S: serde::Serializer>(providers: &u128, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(providers)
}
