//! Every metric there is. Dashboards, alert rules and the runbook use names from here only, which a test checks; so does
//! another that each is emitted somewhere, and as what this list says.

mod catalogue;

use std::fmt;

use metrics::{Label, Unit, counter, describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::Error;

pub use catalogue::CATALOGUE;

/// How a metric moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only up.
    Counter,
    /// Up and down.
    Gauge,
    /// Observations, in buckets.
    Histogram,
}

/// One metric.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// As Prometheus sees it.
    pub name: &'static str,
    /// How it moves.
    pub kind: Kind,
    /// What its numbers count. Names end in it: `_seconds`, `_bytes`, and `_total` on counters.
    pub unit: Unit,
    /// What it says, with its labels.
    pub help: &'static str,
    /// Series of a counter that are there from the start, by their labels: an increase from nothing to one is none to
    /// Prometheus.
    pub born: &'static [Labels],
}

/// Names and values.
type Labels = &'static [(&'static str, &'static str)];

/// Buckets of everything in seconds: from a cache's answer to a chain's.
const SECONDS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];

/// Installs the recorder and describes the catalogue. Once per process.
///
/// # Errors
/// If a recorder is installed already.
pub fn install() -> Result<PrometheusHandle, Error> {
    let failed = |error: &dyn fmt::Display| Error::Io {
        doing: "install metrics".into(),
        source: std::io::Error::other(error.to_string()),
    };
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS)
        .map_err(|error| failed(&error))?
        .install_recorder()
        .map_err(|error| failed(&error))?;
    for metric in CATALOGUE {
        match metric.kind {
            Kind::Counter => {
                describe_counter!(metric.name, metric.unit, metric.help);
                for labels in metric.born {
                    let labels = labels
                        .iter()
                        .map(|(name, value)| Label::from_static_parts(name, value));
                    counter!(metric.name, labels.collect::<Vec<_>>()).increment(0);
                }
            }
            Kind::Gauge => describe_gauge!(metric.name, metric.unit, metric.help),
            Kind::Histogram => describe_histogram!(metric.name, metric.unit, metric.help),
        }
    }
    Ok(handle)
}

#[cfg(test)]
mod tests;
