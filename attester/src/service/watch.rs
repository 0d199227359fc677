//! What relayers say about an operator's evidence on chain.

use std::time::{Duration, Instant};

use alloy_primitives::Address;
use futures::future::join_all;

use super::catalogue::seconds;
use crate::{Relayers, Warning};

/// The last warnings heard, asked for now and then.
#[derive(Debug)]
pub(super) struct Watch {
    every: Duration,
    asked: Option<Instant>,
    warnings: Vec<Warning>,
}

impl Watch {
    pub(super) fn new(every: Duration) -> Self {
        Self {
            every,
            asked: None,
            warnings: Vec::new(),
        }
    }

    /// Whether any relayer warns. One that is away says nothing; one that lies can make us renew early, and no more.
    pub(super) async fn is_warned(&mut self, relayers: &Relayers, operator: Address) -> bool {
        if self.asked.is_none_or(|asked| asked.elapsed() >= self.every) {
            self.asked = Some(Instant::now());
            self.ask(relayers, operator).await;
        }
        !self.warnings.is_empty()
    }

    async fn ask(&mut self, relayers: &Relayers, operator: Address) {
        let answers = join_all(relayers.members.iter().map(|relayer| relayer.warnings(operator))).await;
        let mut warnings = Vec::new();
        for (relayer, answer) in relayers.members.iter().zip(answers) {
            match answer {
                Ok(heard) => warnings.extend(heard),
                Err(error) => {
                    count_failure(relayer.name());
                    tracing::debug!("{error}");
                }
            }
        }
        let deadline = warnings.iter().map(|warning| warning.deadline).min();
        metrics::gauge!("chassis_node_warning_deadline_timestamp_seconds")
            .set(seconds(deadline.unwrap_or_default()));
        if warnings != self.warnings {
            for reason in warnings.iter().flat_map(|warning| &warning.reasons) {
                let advice = crate::advice(reason.id).unwrap_or("ask the relayer's operator");
                tracing::warn!(
                    check = reason.id,
                    "a relayer warns: {} {}; {advice}",
                    reason.name,
                    reason.detail
                );
            }
            self.warnings = warnings;
        }
    }
}

pub(super) fn count_failure(relayer: &str) {
    metrics::counter!("chassis_node_relayer_failures_total", "relayer" => relayer.to_owned()).increment(1);
}
