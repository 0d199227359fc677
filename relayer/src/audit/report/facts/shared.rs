//! Where several owners were on one platform.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::{Address, B256};
use serde::Serialize;

use super::Period;
use crate::history::{Floor, History};

/// A platform on which more than one owner was attested at the same time in the period.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::audit::report) struct Shared {
    pub(in crate::audit::report) platform: B256,
    pub(in crate::audit::report) owners: BTreeSet<String>,
    pub(in crate::audit::report) operators: BTreeSet<Address>,
}

pub(super) fn shared(history: &History, period: Period, owners: &BTreeMap<Address, String>) -> Vec<Shared> {
    let mut on: BTreeMap<B256, Vec<Stay>> = BTreeMap::new();
    for (operator, _) in history.operators() {
        let owner = owners.get(&operator).cloned();
        let owner = owner.unwrap_or_else(|| operator.to_string());
        for stretch in history.stretches(operator, period.from, period.to, Floor::ANY) {
            let stays = on.entry(stretch.span.standing.platform).or_default();
            stays.push(Stay {
                from: stretch.from,
                to: stretch.to,
                operator,
                owner: owner.clone(),
            });
        }
    }
    let shared = on.into_iter().map(|(platform, stays)| together(platform, stays));
    shared.filter(|shared| !shared.owners.is_empty()).collect()
}

/// An operator attested on a platform.
struct Stay {
    from: u64,
    to: u64,
    operator: Address,
    owner: String,
}

/// Who was there while another owner was.
fn together(platform: B256, mut stays: Vec<Stay>) -> Shared {
    stays.sort_by_key(|stay| stay.from);
    let mut shared = Shared {
        platform,
        owners: BTreeSet::new(),
        operators: BTreeSet::new(),
    };
    // The registry takes a few dozen operators at once on a platform.
    let mut here: Vec<&Stay> = Vec::new();
    for stay in &stays {
        here.retain(|other| other.to > stay.from);
        for other in here.iter().filter(|other| other.owner != stay.owner) {
            for one in [stay, other] {
                shared.owners.insert(one.owner.clone());
                shared.operators.insert(one.operator);
            }
        }
        here.push(stay);
    }
    shared
}
