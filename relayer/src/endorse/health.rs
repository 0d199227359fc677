//! Which sources answer, for people and alerts.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

/// Since when sources fail, and why. Those that answer are not in it.
#[derive(Clone, Debug, Default)]
pub(super) struct Health(Arc<Mutex<BTreeMap<&'static str, (Instant, String)>>>);

impl Health {
    pub(super) fn answered(&self, source: &'static str) {
        metrics::gauge!("chassis_endorsement_source_up", "source" => source).set(1);
        self.lock(|failing| failing.remove(source));
    }

    pub(super) fn failed(&self, source: &'static str, problem: &str) {
        metrics::gauge!("chassis_endorsement_source_up", "source" => source).set(0);
        self.lock(|failing| {
            let since = failing.get(source).map_or_else(Instant::now, |(since, _)| *since);
            failing.insert(source, (since, problem.to_owned()));
        });
    }

    /// One sentence per source that fails.
    pub(super) fn warnings(&self) -> Vec<String> {
        let text = |(source, (since, problem)): (&&str, &(Instant, String))| {
            format!(
                "endorsements: {source} fails since {} s: {problem}",
                since.elapsed().as_secs()
            )
        };
        self.lock(|failing| failing.iter().map(text).collect())
    }

    fn lock<T>(&self, work: impl FnOnce(&mut BTreeMap<&'static str, (Instant, String)>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
