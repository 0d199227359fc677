//! A bundle's bytes, from the wire to a parsed bundle, within bounds.
//!
//! Who has to wait is not read: its bytes stay with it, and in the kernel's buffers. Memory is bounded by
//! `intake_bytes`, whatever number of clients there is.

use std::{sync::Arc, thread::available_parallelism, time::Duration};

use alloy::primitives::Address;
use axum::{
    body::{Body, HttpBody},
    http::{HeaderMap, header::CONTENT_LENGTH},
};
use chassis_verifier::{bundle::Bundle, consent_signer};
use http_body_util::BodyExt;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::{
    newcomers::Newcomers,
    problem::{Kind, Problem},
};
use crate::{Error, config::LimitSection};

/// What a permit of the memory stands for.
const UNIT: usize = 1 << 10;

/// Bounds what is being received.
#[derive(Clone, Debug)]
pub struct Intake {
    memory: Arc<Semaphore>,
    parsers: Arc<Semaphore>,
    largest: usize,
    wait: Duration,
    arrival: Duration,
    pub(super) newcomers: Arc<Newcomers>,
}

/// A bundle as far as intake cares.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) bundle: Bundle,
    /// Whose key signed the evidence.
    pub(super) signer: Option<Address>,
    /// As it came.
    pub(super) document: Vec<u8>,
    _memory: OwnedSemaphorePermit,
}

impl Intake {
    /// Nothing is being received yet.
    pub fn new(limits: &LimitSection) -> Self {
        let parsers = match limits.parsers {
            0 => available_parallelism().map_or(1, usize::from),
            parsers => parsers,
        };
        Self {
            memory: Arc::new(Semaphore::new((limits.intake_bytes / UNIT).max(1))),
            parsers: Arc::new(Semaphore::new(parsers)),
            largest: limits.bundle_bytes,
            wait: Duration::from_secs(limits.intake_wait_s),
            arrival: Duration::from_secs(limits.body_timeout_s),
            newcomers: Arc::new(Newcomers::new(limits)),
        }
    }

    /// Waits for room, reads the body, and parses it.
    pub(super) async fn receive(&self, headers: &HeaderMap, body: Body) -> Result<Received, Problem> {
        let length = self.length(headers, &body)?;
        let units = u32::try_from(length.div_ceil(UNIT).max(1)).unwrap_or(u32::MAX);
        let memory = timeout(self.wait, Arc::clone(&self.memory).acquire_many_owned(units));
        let Ok(Ok(memory)) = memory.await else {
            let detail = "the relayer holds as many bundles as it may; send this again soon";
            return Err(Problem::new(Kind::Busy, detail).retry_after(5));
        };
        let document = timeout(self.arrival, self.read(length, body))
            .await
            .map_err(|_| {
                let detail = format!("it was not complete after {} s", self.arrival.as_secs());
                Problem::new(Kind::TooSlow, detail)
            })??;
        self.parse(document, memory).await
    }

    /// How long the body says it is; else, as long as it may be.
    fn length(&self, headers: &HeaderMap, body: &Body) -> Result<usize, Problem> {
        let told = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        let told = told
            .and_then(|text| text.parse::<u64>().ok())
            .or(body.size_hint().exact());
        match told.map(usize::try_from) {
            None => Ok(self.largest),
            Some(Ok(length)) if length <= self.largest => Ok(length),
            Some(_) => Err(self.too_large()),
        }
    }

    async fn read(&self, length: usize, mut body: Body) -> Result<Vec<u8>, Problem> {
        let is_told = length < self.largest;
        let mut document = Vec::with_capacity(if is_told { length } else { 0 });
        while let Some(frame) = body.frame().await {
            let frame = frame
                .map_err(|error| Problem::new(Kind::NotABundle, format!("the body broke off: {error}")))?;
            let Some(data) = frame.data_ref() else { continue };
            if document.len() + data.len() > self.largest {
                return Err(self.too_large());
            }
            document.extend_from_slice(data);
        }
        Ok(document)
    }

    /// Off the async threads, and never more at once than there are processors for.
    async fn parse(&self, document: Vec<u8>, memory: OwnedSemaphorePermit) -> Result<Received, Problem> {
        let ended = |error: &dyn std::fmt::Display| Error::Io {
            doing: "parse a bundle".into(),
            source: std::io::Error::other(error.to_string()),
        };
        let parser = Arc::clone(&self.parsers).acquire_owned().await;
        let parser = parser.map_err(|closed| ended(&closed))?;
        let largest = self.largest;
        let parsing = tokio::task::spawn_blocking(move || {
            let _parser = parser;
            let bundle = Bundle::parse(&document, largest)
                .map_err(|error| Problem::new(Kind::NotABundle, error.to_string()))?;
            Ok(Received {
                signer: consent_signer(&bundle),
                bundle,
                document,
                _memory: memory,
            })
        });
        parsing.await.map_err(|panic| ended(&panic))?
    }

    fn too_large(&self) -> Problem {
        let detail = format!("a bundle has at most {} bytes", self.largest);
        Problem::new(Kind::TooLarge, detail)
    }
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;

    use super::*;

    fn intake() -> Intake {
        Intake::new(&LimitSection {
            bundle_bytes: 4096,
            intake_bytes: 4096,
            intake_wait_s: 1,
            body_timeout_s: 1,
            ..LimitSection::default()
        })
    }

    async fn status(intake: &Intake, body: Body) -> u16 {
        let refused = intake.receive(&HeaderMap::new(), body).await.unwrap_err();
        refused.into_response().status().as_u16()
    }

    fn never_ends() -> Body {
        Body::from_stream(futures::stream::pending::<Result<Vec<u8>, std::io::Error>>())
    }

    #[tokio::test]
    async fn what_is_no_bundle_too_large_or_too_slow_is_refused() {
        let intake = intake();
        assert_eq!(status(&intake, Body::from("{}")).await, 400);
        assert_eq!(status(&intake, Body::from(vec![b' '; 4097])).await, 413);
        let chunks = futures::stream::iter((0..5).map(|_| Ok::<_, std::io::Error>(vec![b' '; 1024])));
        assert_eq!(status(&intake, Body::from_stream(chunks)).await, 413);
        assert_eq!(status(&intake, never_ends()).await, 408);
    }

    #[tokio::test]
    async fn who_comes_while_all_memory_is_taken_waits_and_is_told_so() {
        let intake = Intake {
            arrival: Duration::from_secs(10),
            ..intake()
        };
        let slow = intake.clone();
        let holding = tokio::spawn(async move { slow.receive(&HeaderMap::new(), never_ends()).await });
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(status(&intake, Body::from("{}")).await, 503);
        holding.abort();
        let _ = holding.await;
        assert_eq!(status(&intake, Body::from("{}")).await, 400);
    }
}
