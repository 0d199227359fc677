//! Tasks that nobody has to watch: they beat, they come back after a panic, and they are not waited for for ever.

use std::{convert::Infallible, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::{FutureExt, future::OptionFuture};
use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};
use tracing::{error, warn};

use super::{
    health::Health,
    phase::{Phase, Phases},
};
use crate::{Error, config::TaskSection};

/// How long a task that has nothing to do may say nothing.
const LONGEST_SILENCE: Duration = Duration::from_secs(5);

/// Runs tasks. Steps may be abandoned anywhere, as by a power cut: each stores what it does before it does the next.
#[derive(Clone, Debug)]
pub struct Supervisor {
    /// What is known about every task.
    pub health: Health,
    /// How far the service has come.
    pub phases: Phases,
    /// How long to wait for what.
    pub limits: TaskSection,
    /// Between looks for something to do.
    pub pause: Duration,
    /// Rung when there is something: the pause ends.
    pub bell: Arc<Notify>,
}

impl Supervisor {
    /// The same with another pause.
    #[must_use]
    pub fn pausing(self, pause: Duration) -> Self {
        Self { pause, ..self }
    }

    /// The same, whose pauses end when a bell rings.
    #[must_use]
    pub fn woken_by(self, bell: Arc<Notify>) -> Self {
        Self { bell, ..self }
    }

    /// Takes steps of `task` until the service comes to phase `until`: at once while there are any, then after a pause. An
    /// error, a panic, or a step that does not come back in time is logged and counted by its code, and a reason to wait
    /// longer each time, never to end. Returns the task's name.
    pub async fn every(
        self,
        task: &'static str,
        until: Phase,
        step: impl AsyncFn() -> Result<bool, Error>,
    ) -> &'static str {
        let mut failures = 0;
        for code in ["E-TASK-PANIC", "E-TASK-STUCK"] {
            metrics::counter!("chassis_task_restarts_total", "task" => task, "code" => code).increment(0);
        }
        while self.phases.now() < until {
            metrics::counter!("chassis_steps_total", "task" => task).increment(1);
            let (wait, bell) = match self.attempt(task, &step).await {
                Ok(moved) => {
                    self.health.succeeded(task);
                    failures = 0;
                    if moved {
                        continue;
                    }
                    (self.pause, Some(&self.bell))
                }
                Err(error) => {
                    self.note(task, &error);
                    failures += 1;
                    // What has failed would fail again as often as it rings.
                    (self.backoff(failures), None)
                }
            };
            let rung = OptionFuture::from(bell.map(|bell| bell.notified()));
            tokio::select! {
                () = self.rest(task, wait) => {}
                Some(()) = rung => {}
                () = self.phases.reached(until) => {}
            }
        }
        self.health.ended(task);
        task
    }

    /// Waits, and beats: a long pause is no silence.
    async fn rest(&self, task: &'static str, mut wait: Duration) {
        while !wait.is_zero() {
            let next = wait.min(LONGEST_SILENCE);
            self.beat(task, next);
            sleep(next).await;
            wait -= next;
        }
    }

    async fn beating(&self, task: &'static str) -> Infallible {
        loop {
            self.beat(task, self.beat_time());
            sleep(self.beat_time()).await;
        }
    }

    async fn attempt(
        &self,
        task: &'static str,
        step: &impl AsyncFn() -> Result<bool, Error>,
    ) -> Result<bool, Error> {
        let longest = Duration::from_secs(self.limits.stuck_after_s);
        // A step that waits lives, within its time; one that blocks its thread does not get to say so.
        let outcome = tokio::select! {
            biased;
            never = self.beating(task) => match never {},
            outcome = timeout(longest, AssertUnwindSafe(step()).catch_unwind()) => outcome,
        };
        match outcome {
            Ok(Ok(result)) => result,
            // The panic's own words went to the log by the panic hook.
            Ok(Err(panic)) => Err(Error::Panicked {
                task,
                message: message(&*panic),
            }),
            Err(_) => Err(Error::Stuck {
                task,
                seconds: longest.as_secs(),
            }),
        }
    }

    fn note(&self, task: &'static str, error: &Error) {
        let code = error.code();
        metrics::counter!("chassis_step_errors_total", "task" => task, "code" => code).increment(1);
        self.health.failed(task, error);
        if matches!(error, Error::Panicked { .. } | Error::Stuck { .. }) {
            metrics::counter!("chassis_task_restarts_total", "task" => task, "code" => code).increment(1);
            error!(task, code, %error, "task restarted");
        } else {
            warn!(task, code, %error, "step failed; trying again");
        }
    }

    /// Doubles from the pause up to the limit.
    fn backoff(&self, failures: u32) -> Duration {
        let longest = Duration::from_secs(self.limits.max_backoff_s).max(self.pause);
        self.pause
            .saturating_mul(1 << failures.saturating_sub(1).min(16))
            .min(longest)
    }

    fn beat(&self, task: &'static str, next: Duration) {
        let patience = self.beat_time() * self.limits.missed_beats;
        self.health.beat(task, next, patience);
    }

    fn beat_time(&self) -> Duration {
        self.pause.clamp(Duration::from_secs(1), LONGEST_SILENCE)
    }
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".into())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn supervisor() -> Supervisor {
        Supervisor {
            health: Health::default(),
            phases: Phases::default(),
            limits: TaskSection {
                stuck_after_s: 1,
                ..TaskSection::default()
            },
            pause: Duration::from_millis(20),
            bell: Arc::default(),
        }
    }

    /// Runs a task for a while, and counts its steps.
    async fn run(
        supervisor: &Supervisor,
        milliseconds: u64,
        step: impl AsyncFn(u32) -> Result<bool, Error>,
    ) -> u32 {
        let count = AtomicU32::new(0);
        let ending = async {
            sleep(Duration::from_millis(milliseconds)).await;
            supervisor.phases.advance(Phase::Stopped);
        };
        let task = supervisor.clone().every("test", Phase::Stopped, async || {
            step(count.fetch_add(1, Ordering::Relaxed)).await
        });
        tokio::join!(task, ending);
        count.into_inner()
    }

    #[tokio::test]
    async fn a_task_that_panics_comes_back_later_each_time() {
        // At 0, 20, 60 and 140 ms; without growing pauses, 15 times.
        let count = run(&supervisor(), 300, async |_| panic!("as expected by this test")).await;
        assert!((2..=5).contains(&count), "{count}");
    }

    #[tokio::test]
    async fn a_bell_ends_a_pause_but_not_the_wait_after_a_failure() {
        for (is_well, expected) in [(true, 5..=6), (false, 1..=1)] {
            let supervisor = Supervisor {
                pause: Duration::from_mins(1),
                ..supervisor()
            };
            let ringing = async {
                for _ in 0..5 {
                    sleep(Duration::from_millis(20)).await;
                    supervisor.bell.notify_one();
                }
            };
            let step = async |_| is_well.then_some(false).ok_or(Error::Rpc("no answer".into()));
            let steps = run(&supervisor, 300, step);
            let (count, ()) = tokio::join!(steps, ringing);
            assert!(expected.contains(&count), "{count}");
        }
    }

    #[tokio::test]
    async fn a_step_that_does_not_come_back_is_abandoned() {
        let count = run(&supervisor(), 1_500, async |number| {
            if number == 0 {
                std::future::pending::<()>().await;
            }
            Ok(false)
        })
        .await;
        assert!(count > 1);
    }

    #[tokio::test]
    async fn a_silent_task_is_told_of_and_a_failing_one_with_its_code() {
        let health = Health::default();
        health.beat("quiet", Duration::ZERO, Duration::ZERO);
        health.beat("lively", Duration::from_mins(1), Duration::ZERO);
        health.failed("lively", &Error::Rpc("no answer".into()));
        sleep(Duration::from_millis(5)).await;
        let silent = health.silent();
        assert!(
            silent.len() == 1 && silent[0].contains("`quiet`") && silent[0].starts_with("E-TASK-SILENT"),
            "{silent:?}"
        );
        assert_eq!(health.failing(), ["task `lively`: E-RPC: RPC: no answer"]);
        health.succeeded("lively");
        assert!(health.failing().is_empty());
        health.ended("quiet");
        assert!(health.silent().is_empty());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_step_that_waits_is_heard_of_and_one_that_blocks_its_thread_is_not() {
        for (blocks, expected) in [(false, 0), (true, 1)] {
            let supervisor = Supervisor {
                limits: TaskSection {
                    missed_beats: 1,
                    ..TaskSection::default()
                },
                ..supervisor()
            };
            let (health, phases) = (supervisor.health.clone(), supervisor.phases.clone());
            let step = async move || {
                let long = Duration::from_secs(4);
                if blocks {
                    std::thread::sleep(long);
                } else {
                    sleep(long).await;
                }
                Ok(false)
            };
            let task = tokio::spawn(async move { supervisor.every("test", Phase::Stopped, step).await });
            sleep(Duration::from_secs(3)).await;
            assert_eq!(health.silent().len(), expected, "{:?}", health.silent());
            phases.advance(Phase::Stopped);
            task.await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_task_ends_with_its_phase() {
        let supervisor = supervisor();
        supervisor.phases.advance(Phase::Draining);
        let ended = supervisor
            .clone()
            .every("test", Phase::Draining, async || Ok(true));
        assert_eq!(timeout(Duration::from_secs(1), ended).await, Ok("test"));
    }
}
