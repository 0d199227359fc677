//! Every metric there is. A test holds this list and what is emitted together.

use metrics::{Unit, describe_counter, describe_gauge};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use crate::Error;

/// How a metric moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only up.
    Counter,
    /// Up and down.
    Gauge,
}

/// One metric.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// As Prometheus sees it. It ends in its unit.
    pub name: &'static str,
    /// How it moves.
    pub kind: Kind,
    /// What its numbers count.
    pub unit: Unit,
    /// What it says, with its labels.
    pub help: &'static str,
}

/// All of them, ascending by name.
pub const CATALOGUE: &[Metric] = &[
    gauge(
        "chassis_node_attested",
        Unit::Count,
        "1 while the registry's isAttested answers true for the operator, else 0",
    ),
    counter(
        "chassis_node_chain_failures_total",
        "Looks at the chain that failed; while they do, gauges stay as they were, until the attestation ends",
    ),
    gauge(
        "chassis_node_expiry_timestamp_seconds",
        Unit::Seconds,
        "When the attestation on chain ends; 0 without one",
    ),
    gauge(
        "chassis_node_next_renewal_timestamp_seconds",
        Unit::Seconds,
        "When the next renewal is due, by the chain's time; 0 while one is under way or none would help",
    ),
    counter(
        "chassis_node_relayer_failures_total",
        "Questions to a `relayer` (scheme, host, port) that it did not answer, or not truly",
    ),
    counter(
        "chassis_node_renewals_total",
        "Renewals, by `outcome`: landed, unchanged (nothing was to be done), rejected, failed",
    ),
    gauge(
        "chassis_node_warning_deadline_timestamp_seconds",
        Unit::Seconds,
        "When, by a relayer's warning, the attestation ends unless something is done; 0 without a warning",
    ),
];

/// Installs the recorder, with every metric at its start.
///
/// # Errors
/// If there is a recorder already.
pub(super) fn install() -> Result<PrometheusHandle, Error> {
    let handle = PrometheusBuilder::new()
        .install_recorder()
        .map_err(|error| Error::Metrics(error.to_string()))?;
    for Metric {
        name,
        kind,
        unit,
        help,
    } in CATALOGUE
    {
        match kind {
            Kind::Counter => describe_counter!(*name, *unit, *help),
            Kind::Gauge => describe_gauge!(*name, *unit, *help),
        }
    }
    metrics::gauge!("chassis_node_attested").set(0.0);
    metrics::gauge!("chassis_node_warning_deadline_timestamp_seconds").set(0.0);
    metrics::counter!("chassis_node_chain_failures_total").absolute(0);
    for outcome in ["landed", "unchanged", "rejected", "failed"] {
        metrics::counter!("chassis_node_renewals_total", "outcome" => outcome).absolute(0);
    }
    Ok(handle)
}

/// A time as Prometheus has it: exact to the second until the year 285 million.
#[expect(clippy::cast_precision_loss, reason = "times fit 53 bits")]
pub(super) fn seconds(time: u64) -> f64 {
    time as f64
}

const fn counter(name: &'static str, help: &'static str) -> Metric {
    Metric {
        name,
        kind: Kind::Counter,
        unit: Unit::Count,
        help,
    }
}

const fn gauge(name: &'static str, unit: Unit, help: &'static str) -> Metric {
    Metric {
        name,
        kind: Kind::Gauge,
        unit,
        help,
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::{BTreeMap, BTreeSet},
        fs,
        path::Path,
    };

    use super::*;

    const EMITTING: [&str; 3] = ["keeper.rs", "sight.rs", "watch.rs"];

    #[test]
    fn the_catalogue_is_in_order_and_names_carry_their_units() {
        assert!(CATALOGUE.is_sorted_by(|a, b| a.name < b.name));
        for Metric { name, kind, unit, .. } in CATALOGUE {
            assert!(name.starts_with("chassis_node_"), "{name}");
            assert_eq!(name.ends_with("_total"), *kind == Kind::Counter, "{name}");
            assert_eq!(
                name.ends_with("_timestamp_seconds"),
                *unit == Unit::Seconds,
                "{name}"
            );
        }
    }

    #[test]
    fn what_is_emitted_is_in_the_catalogue_and_the_other_way_round() {
        let mut emitted = BTreeMap::new();
        for file in EMITTING {
            let path = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("src/service")
                .join(file);
            let text = fs::read_to_string(path).unwrap();
            for (called, kind) in [("gauge!(", Kind::Gauge), ("counter!(", Kind::Counter)] {
                for (_, rest) in text
                    .match_indices(called)
                    .map(|(at, _)| text.split_at(at + called.len()))
                {
                    let name = rest
                        .trim_start()
                        .strip_prefix('"')
                        .and_then(|rest| rest.split('"').next());
                    emitted.insert(name.expect("metrics are named literally").to_owned(), kind);
                }
            }
        }
        let listed: BTreeMap<_, _> = CATALOGUE
            .iter()
            .map(|metric| (metric.name.to_owned(), metric.kind))
            .collect();
        assert_eq!(emitted, listed);
        let others: BTreeSet<_> = [
            "clock.rs",
            "collecting.rs",
            "plan.rs",
            "memory.rs",
            "listen.rs",
            "mod.rs",
            "ready.rs",
        ]
        .into();
        for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/service")).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(
                others.contains(&*name) || name == "catalogue.rs" || EMITTING.contains(&&*name),
                "{name}: does it emit metrics?"
            );
        }
    }
}
