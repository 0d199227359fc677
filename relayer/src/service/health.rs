//! Whether tasks live: each says when it will be heard of next.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use crate::Error;

/// What is known about every task.
#[derive(Clone, Debug, Default)]
pub struct Health(Arc<Mutex<BTreeMap<&'static str, Task>>>);

#[derive(Debug)]
struct Task {
    /// When it beats again at the latest, if all is well.
    due: Instant,
    /// How much later than that it is given up for dead.
    patience: Duration,
    /// What went wrong since its last success.
    failing: Option<String>,
}

impl Health {
    /// A task shows that it lives, and says within what time it will do so again.
    pub(super) fn beat(&self, task: &'static str, next: Duration, patience: Duration) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        metrics::gauge!("chassis_task_heartbeat_timestamp_seconds", "task" => task).set(now.as_secs_f64());
        let due = Instant::now() + next;
        let mut tasks = self.lock();
        let failing = tasks.remove(task).and_then(|task| task.failing);
        let state = Task {
            due,
            patience,
            failing,
        };
        tasks.insert(task, state);
    }

    pub(super) fn succeeded(&self, task: &'static str) {
        if let Some(task) = self.lock().get_mut(task) {
            task.failing = None;
        }
    }

    pub(super) fn failed(&self, task: &'static str, error: &Error) {
        if let Some(task) = self.lock().get_mut(task) {
            task.failing = Some(format!("{}: {error}", error.code()));
        }
    }

    /// A task that ended as it should is not missed.
    pub(super) fn ended(&self, task: &'static str) {
        self.lock().remove(task);
    }

    /// The tasks that should have been heard of and were not, in words. They are why the relayer is not ready.
    pub fn silent(&self) -> Vec<String> {
        let now = Instant::now();
        let tasks = self.lock();
        let late = tasks.iter().filter_map(|(name, task)| {
            let late = now.saturating_duration_since(task.due);
            (late > task.patience).then(|| {
                format!(
                    "E-TASK-SILENT: nothing has been heard of the task `{name}` for {} s longer than it should take",
                    late.as_secs()
                )
            })
        });
        late.collect()
    }

    /// The tasks whose last step failed, with the error's code and text. They try again by themselves.
    pub fn failing(&self) -> Vec<String> {
        let tasks = self.lock();
        let failing = tasks.iter().filter_map(|(name, task)| {
            task.failing
                .as_ref()
                .map(|error| format!("task `{name}`: {error}"))
        });
        failing.collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, Task>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
