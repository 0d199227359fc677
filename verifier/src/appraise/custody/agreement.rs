//! Checks 803 and 901: whether the sources contradict each other.

use std::collections::BTreeSet;

use super::Claim;
use crate::{Check, CheckId};

/// 803.
pub(super) fn zones(claims: &[Claim]) -> Check {
    let named: Vec<_> = claims
        .iter()
        .map(|claim| claim.zone.as_str())
        .filter(|zone| !zone.is_empty())
        .collect();
    let distinct: BTreeSet<_> = named.iter().copied().collect();
    match (distinct.len(), named.len()) {
        (_, 0 | 1) => Check::not_applicable(CheckId::Zones, "fewer than two sources name a zone"),
        (1, sources) => Check::pass(CheckId::Zones, format!("{sources} sources agree on {}", named[0])),
        _ => {
            let list: Vec<_> = distinct.into_iter().collect();
            Check::fail(CheckId::Zones, format!("sources disagree: {}", list.join(", ")))
        }
    }
}

/// 901: one platform in two providers' hands is a lie of one of them.
pub(super) fn providers(claims: &[Claim]) -> Check {
    let named: Vec<_> = claims
        .iter()
        .filter_map(|claim| Some((claim.source, claim.provider?)))
        .collect();
    let distinct: BTreeSet<_> = named.iter().map(|(_, provider)| *provider).collect();
    match (distinct.len(), named.len()) {
        (_, 0 | 1) => Check::not_applicable(CheckId::Conflict, "fewer than two sources name a provider"),
        (1, sources) => Check::pass(CheckId::Conflict, format!("{sources} sources agree")),
        _ => {
            let list: Vec<_> = named
                .iter()
                .map(|(source, provider)| format!("{source} says provider {provider}"))
                .collect();
            Check::fail(CheckId::Conflict, list.join(", "))
        }
    }
}
