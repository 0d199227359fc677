//! Decisions: what nobody may be fooled about needs two endpoints that say the same.
//!
//! With one endpoint configured, it decides alone. With two, both must; with three, one may lie, lag or be down.

use std::time::Duration;

use alloy::{
    rpc::json_rpc::{RequestPacket, Response, ResponsePacket, ResponsePayload},
    transports::{TransportError, TransportErrorKind},
};
use futures::{StreamExt, stream::FuturesUnordered};
use serde_json::value::RawValue;
use tokio::time::{Instant, timeout_at};
use tower::Service;
use tracing::warn;

use super::pool::{Endpoint, Pool};
use crate::Error;

/// How long stragglers are waited for when there are answers enough.
const STRAGGLE: Duration = Duration::from_millis(300);

impl Pool {
    /// How many must agree.
    pub(super) fn quorum(&self) -> usize {
        self.endpoints.len().min(2)
    }

    /// The value that two endpoints give. `None` if no two agree.
    ///
    /// # Errors
    /// If fewer than two answer.
    pub(super) async fn agreed<T: PartialEq + Clone, F: Future<Output = Result<T, TransportError>>>(
        &self,
        about: &str,
        question: impl Fn(Endpoint) -> F,
    ) -> Result<Option<T>, Error> {
        let quorum = self.quorum();
        let answers = self
            .answers(
                question,
                |answers| agreement(answers, quorum).is_some(),
                Duration::ZERO,
            )
            .await?;
        let agreed = agreement(&answers, quorum);
        if agreed.is_none() {
            disagree(about);
        }
        Ok(agreed)
    }

    /// What two endpoints say alike about whether something is possible, and of those that give a number for yes the second
    /// lowest: one endpoint can make it neither too low nor, among three, too high. `None` if no two agree.
    ///
    /// # Errors
    /// If fewer than two answer.
    pub(super) async fn estimated<F: Future<Output = Result<Result<u64, String>, TransportError>>>(
        &self,
        about: &str,
        question: impl Fn(Endpoint) -> F,
    ) -> Result<Option<Result<u64, String>>, Error> {
        let quorum = self.quorum();
        let verdict = |answers: &[Result<u64, String>]| {
            let possible: Vec<_> = answers.iter().map(Result::is_ok).collect();
            agreement(&possible, quorum)
        };
        let answers = self
            .answers(question, |answers| verdict(answers).is_some(), STRAGGLE)
            .await?;
        let Some(is_possible) = verdict(&answers) else {
            disagree(about);
            return Ok(None);
        };
        let (numbers, reasons): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
        if is_possible {
            let numbers = numbers.into_iter().flatten().collect();
            return Ok(Some(Ok(nth_lowest(numbers, quorum))));
        }
        let reason = reasons.into_iter().find_map(Result::err).unwrap_or_default();
        Ok(Some(Err(reason)))
    }

    /// The answer to one request, as two endpoints give it: for what a signature rests on.
    pub(super) async fn decide(self, request: RequestPacket) -> Result<ResponsePacket, TransportError> {
        let fail = |problem: String| TransportErrorKind::custom_str(&problem);
        let RequestPacket::Single(single) = &request else {
            return Err(fail("one decision at a time".into()));
        };
        let (id, about) = (single.id().clone(), single.method().to_owned());
        let agreed = self
            .agreed(&about, async |endpoint| {
                match endpoint.transport.clone().call(request.clone()).await? {
                    ResponsePacket::Single(Response {
                        payload: ResponsePayload::Success(value),
                        ..
                    }) => Ok(value.get().to_ascii_lowercase()),
                    other => Err(fail(format!("{other:?}"))),
                }
            })
            .await
            .map_err(|error| fail(error.to_string()))?;
        let answer = agreed.ok_or_else(|| fail(format!("the endpoints disagree about {about}")))?;
        let payload = RawValue::from_string(answer).map_err(TransportError::ser_err)?;
        Ok(ResponsePacket::Single(Response {
            id,
            payload: ResponsePayload::Success(payload),
        }))
    }

    /// The highest number that two endpoints reach: for what only grows, like a height. While no two are within `near` of
    /// each other, the rest are waited for: one endpoint can make it no higher, and lower by no more than that.
    ///
    /// # Errors
    /// If fewer than two answer, or no two are near each other.
    pub(super) async fn reached<F: Future<Output = Result<u64, TransportError>>>(
        &self,
        about: &str,
        near: u64,
        question: impl Fn(Endpoint) -> F,
    ) -> Result<u64, Error> {
        let quorum = self.quorum();
        let is_enough = |answers: &[u64]| are_within(answers, near, quorum);
        let answers = self.answers(question, is_enough, STRAGGLE).await?;
        if !is_enough(&answers) {
            disagree(about);
            return Err(Error::Rpc(format!(
                "the endpoints disagree about {about}: {answers:?}"
            )));
        }
        Ok(nth_highest(answers, quorum))
    }

    /// The second lowest of the numbers that endpoints give, for what differs a little from one to the next: of three, none
    /// can make it much higher or lower alone. While no two are near each other, the rest are waited for.
    ///
    /// # Errors
    /// If fewer than two answer.
    pub(super) async fn middle<F: Future<Output = Result<u128, TransportError>>>(
        &self,
        question: impl Fn(Endpoint) -> F,
    ) -> Result<u128, Error> {
        let quorum = self.quorum();
        let answers = self
            .answers(question, |answers| are_near(answers, quorum), STRAGGLE)
            .await?;
        Ok(nth_lowest(answers, quorum))
    }

    /// Asks all that may decide, until there is enough and stragglers had their time.
    async fn answers<T, F: Future<Output = Result<T, TransportError>>>(
        &self,
        question: impl Fn(Endpoint) -> F,
        is_enough: impl Fn(&[T]) -> bool,
        straggle: Duration,
    ) -> Result<Vec<T>, Error> {
        let mut pending: FuturesUnordered<_> = self.deciders().into_iter().map(question).collect();
        let (mut answers, mut problems) = (Vec::new(), Vec::new());
        let mut end = Instant::now() + Duration::from_hours(1);
        while let Ok(Some(answer)) = timeout_at(end, pending.next()).await {
            match answer {
                Ok(answer) => answers.push(answer),
                Err(error) => problems.push(error.to_string()),
            }
            if is_enough(&answers) {
                end = end.min(Instant::now() + straggle);
            }
        }
        if answers.len() >= self.quorum() {
            return Ok(answers);
        }
        problems.extend(self.problems());
        Err(Error::Rpc(format!(
            "{} of {} endpoints answered, and {} must agree: {}",
            answers.len(),
            self.endpoints.len(),
            self.quorum(),
            problems.join("; ")
        )))
    }
}

/// The only value that enough give.
fn agreement<T: PartialEq + Clone>(answers: &[T], quorum: usize) -> Option<T> {
    let votes = |value: &T| answers.iter().filter(|other| *other == value).count();
    let mut agreed = answers.iter().filter(|value| votes(value) >= quorum);
    let first = agreed.next()?;
    // Two pairs that contradict each other decide nothing.
    agreed.all(|other| other == first).then(|| first.clone())
}

fn disagree(about: &str) {
    metrics::counter!("chassis_rpc_disagreements_total").increment(1);
    warn!(about, "the endpoints disagree: deciding nothing");
}

/// Whether so many are within a factor of two of each other.
fn are_near(answers: &[u128], quorum: usize) -> bool {
    let mut sorted = answers.to_vec();
    sorted.sort_unstable();
    sorted.windows(quorum).any(|some| some[quorum - 1] / 2 <= some[0])
}

/// Whether so many are within `near` of each other.
fn are_within(answers: &[u64], near: u64, quorum: usize) -> bool {
    let mut sorted = answers.to_vec();
    sorted.sort_unstable();
    sorted
        .windows(quorum)
        .any(|some| some[quorum - 1] - some[0] <= near)
}

fn nth_lowest<T: Ord + Copy + Default>(mut answers: Vec<T>, n: usize) -> T {
    answers.sort_unstable();
    answers.get(n.saturating_sub(1)).copied().unwrap_or_default()
}

fn nth_highest(mut answers: Vec<u64>, n: usize) -> u64 {
    answers.sort_unstable_by(|a, b| b.cmp(a));
    answers.get(n.saturating_sub(1)).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_must_say_the_same_and_nobody_else_twice_something_else() {
        assert_eq!(agreement(&[7], 1), Some(7));
        assert_eq!(agreement(&[7], 2), None);
        assert_eq!(agreement(&[7, 8], 2), None);
        assert_eq!(agreement(&[7, 8, 7], 2), Some(7));
        assert_eq!(agreement(&[7, 8, 7, 8], 2), None);
    }

    #[test]
    fn two_are_near_if_neither_is_more_than_twice_the_other() {
        assert!(are_near(&[7], 1) && are_near(&[0, 0], 2) && are_near(&[10, 20], 2));
        assert!(!are_near(&[], 1) && !are_near(&[7], 2) && !are_near(&[10, 22], 2));
        assert!(are_near(&[30, u128::MAX, 20], 2));
        assert_eq!(nth_lowest(vec![u128::MAX, 20, 30], 2), 30);
    }

    #[test]
    fn what_is_reached_is_what_two_near_each_other_reach() {
        assert!(are_within(&[7], 0, 1) && are_within(&[10, 74], 64, 2) && are_within(&[0, 10, 500], 10, 2));
        assert!(!are_within(&[], 9, 1) && !are_within(&[7], 9, 2) && !are_within(&[10, 75], 64, 2));
        assert!(!are_within(&[0, u64::MAX], u64::MAX - 1, 2));
    }

    #[test]
    fn one_cannot_raise_what_is_reached() {
        assert_eq!(nth_highest(vec![5], 1), 5);
        assert_eq!(nth_highest(vec![5, u64::MAX], 2), 5);
        assert_eq!(nth_highest(vec![5, u64::MAX, 6], 2), 6);
        assert_eq!(
            nth_highest(vec![0, 5, 6], 2),
            5,
            "nor lower it, when two others are there"
        );
    }
}
