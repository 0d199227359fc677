//! A bundle's bytes, from the wire to a parsed bundle, within bounds.
//!
//! Who has to wait is not read: its bytes stay with it, and in the kernel's buffers. Memory is bounded by
//! `intake_bytes`, whatever number of clients there is, and one client has a quarter of it. What is promised and does not
//! come takes no more than `AHEAD`: a whole bundle of the usual size, so that none waits half read for others that do. Of those
//! that are longer, one of a client at a time is read, and in all no more than there is room for: several that each hold a part
//! would wait for each other.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError, Weak},
    thread::available_parallelism,
    time::Duration,
};

use alloy::primitives::Address;
use axum::{
    body::{Body, HttpBody},
    http::{HeaderMap, header::CONTENT_LENGTH},
};
use chassis_verifier::{bundle::Bundle, consent_signer};
use http_body_util::BodyExt;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep, timeout, timeout_at},
};

use super::{
    newcomers::Newcomers,
    problem::{Kind, Problem},
};
use crate::{Error, config::LimitSection};

/// What a permit of the memory stands for.
const UNIT: usize = 1 << 10;

/// Bytes for which there must be room before a body is read, if it says that it is so long.
const AHEAD: usize = 256 << 10;

/// One client has this part of the memory.
const PART: usize = 4;

/// Most bundles at once that may wait a moment for their block, each of `AHEAD` bytes at most.
const MOMENTS: usize = 16;

/// What is known of the chain is not older.
const MOMENT: Duration = Duration::from_secs(1);

/// Bounds what is being received.
#[derive(Clone, Debug)]
pub struct Intake {
    memory: Arc<Semaphore>,
    shares: Arc<Mutex<HashMap<IpAddr, Weak<Share>>>>,
    /// Of all whose address is not known.
    strangers: Arc<Share>,
    /// Permits of a share.
    share: usize,
    /// Bodies that take more than `AHEAD`: as many as fit whole.
    growing: Arc<Semaphore>,
    parsers: Arc<Semaphore>,
    largest: usize,
    wait: Duration,
    arrival: Duration,
    pub(super) newcomers: Arc<Newcomers>,
    moments: Arc<Semaphore>,
}

/// A bundle as far as intake cares.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) bundle: Bundle,
    /// Whose key signed the evidence.
    pub(super) signer: Option<Address>,
    /// As it came.
    pub(super) document: Vec<u8>,
    room: Room,
}

/// What one client may take.
#[derive(Debug)]
struct Share {
    memory: Arc<Semaphore>,
    /// Whose body takes more than `AHEAD`: one at a time, before it takes anything.
    growing: Semaphore,
    /// Of those that wait a moment.
    moments: Semaphore,
}

/// Memory that a body may take.
#[derive(Debug)]
struct Room {
    all: OwnedSemaphorePermit,
    part: OwnedSemaphorePermit,
    /// There is one share of a client for as long as something of it is taken.
    of: Arc<Share>,
}

impl Intake {
    /// Nothing is being received yet.
    pub fn new(limits: &LimitSection) -> Self {
        let parsers = match limits.parsers {
            0 => available_parallelism().map_or(1, usize::from),
            parsers => parsers,
        };
        let memory = (limits.intake_bytes / UNIT).max(1);
        Self {
            memory: Arc::new(Semaphore::new(memory)),
            shares: Arc::default(),
            strangers: Arc::new(Share::new(memory)),
            // Any bundle must fit.
            share: (limits.intake_bytes / PART)
                .max(limits.bundle_bytes)
                .div_ceil(UNIT),
            growing: Arc::new(Semaphore::new(
                (limits.intake_bytes / limits.bundle_bytes.max(1)).max(1),
            )),
            parsers: Arc::new(Semaphore::new(parsers)),
            largest: limits.bundle_bytes,
            wait: Duration::from_secs(limits.intake_wait_s),
            arrival: Duration::from_secs(limits.body_timeout_s),
            newcomers: Arc::new(Newcomers::new(limits)),
            moments: Arc::new(Semaphore::new(
                (limits.intake_bytes / PART / AHEAD).clamp(1, MOMENTS),
            )),
        }
    }

    /// Waits for room, reads the body, and parses it.
    pub(super) async fn receive(
        &self,
        client: Option<IpAddr>,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Received, Problem> {
        let length = self.length(headers, &body)?;
        let share = self.share_of(client);
        let waiting = async {
            let growing = if length > AHEAD {
                let of_client = share.growing.acquire().await.map_err(|_| busy())?;
                let of_all = self.growing.acquire().await.map_err(|_| busy())?;
                Some((of_client, of_all))
            } else {
                None
            };
            let room = self.room(&share, length.clamp(1, AHEAD)).await?;
            Ok::<_, Problem>((growing, room))
        };
        let (growing, room) = timeout(self.wait, waiting).await.map_err(|_| busy())??;
        let (document, room) = self.read(length, body, &share, room).await?;
        drop(growing);
        self.parse(document, room).await
    }

    fn share_of(&self, client: Option<IpAddr>) -> Arc<Share> {
        let Some(client) = client else {
            return Arc::clone(&self.strangers);
        };
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(share) = shares.get(&client).and_then(Weak::upgrade) {
            return share;
        }
        shares.retain(|_, share| share.strong_count() > 0);
        let share = Arc::new(Share::new(self.share));
        shares.insert(client, Arc::downgrade(&share));
        share
    }

    /// Waits until there is room for so many bytes more.
    async fn room(&self, share: &Arc<Share>, bytes: usize) -> Result<Room, Problem> {
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX);
        let take = async |of: &Arc<Semaphore>| Arc::clone(of).acquire_many_owned(units).await;
        let part = take(&share.memory).await.map_err(|_| busy())?;
        let all = take(&self.memory).await.map_err(|_| busy())?;
        Ok(Room {
            all,
            part,
            of: Arc::clone(share),
        })
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

    /// Reads it, within its time, and takes more room as it comes.
    async fn read(
        &self,
        length: usize,
        mut body: Body,
        share: &Arc<Share>,
        mut room: Room,
    ) -> Result<(Vec<u8>, Room), Problem> {
        let end = Instant::now() + self.arrival;
        let mut document = Vec::with_capacity(length.min(AHEAD));
        while let Some(frame) = timeout_at(end, body.frame()).await.map_err(|_| self.too_slow())? {
            let frame = frame
                .map_err(|error| Problem::new(Kind::NotABundle, format!("the body broke off: {error}")))?;
            let Some(data) = frame.data_ref() else { continue };
            let needed = document.len() + data.len();
            // More than it said it is does not come over HTTP.
            if needed > length {
                return Err(self.too_large());
            }
            let held = room.all.num_permits() * UNIT;
            if needed > held {
                let more = timeout_at(end, self.room(share, needed - held));
                room.add(more.await.map_err(|_| busy())??);
            }
            document.extend_from_slice(data);
        }
        Ok((document, room))
    }

    /// Off the async threads, and never more at once than there are processors for.
    async fn parse(&self, document: Vec<u8>, room: Room) -> Result<Received, Problem> {
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
                room,
            })
        });
        parsing.await.map_err(|panic| ended(&panic))?
    }

    fn too_slow(&self) -> Problem {
        let detail = format!("it was not complete after {} s", self.arrival.as_secs());
        Problem::new(Kind::TooSlow, detail)
    }

    fn too_large(&self) -> Problem {
        let detail = format!("a bundle has at most {} bytes", self.largest);
        Problem::new(Kind::TooLarge, detail)
    }

    /// Waits a moment, if this bundle may: what waits keeps its room. Whether it did.
    pub(super) async fn wait_a_moment(&self, received: &Received) -> bool {
        self.may_wait(received.document.len(), &received.room.of).await
    }

    async fn may_wait(&self, bytes: usize, of: &Share) -> bool {
        if bytes > AHEAD {
            return false;
        }
        let (Ok(_of_client), Ok(_of_all)) = (of.moments.try_acquire(), self.moments.try_acquire()) else {
            return false;
        };
        sleep(MOMENT).await;
        true
    }
}

impl Share {
    fn new(permits: usize) -> Self {
        Self {
            memory: Arc::new(Semaphore::new(permits)),
            growing: Semaphore::new(1),
            moments: Semaphore::new(MOMENTS / PART),
        }
    }
}

impl Room {
    fn add(&mut self, more: Self) {
        self.all.merge(more.all);
        self.part.merge(more.part);
    }
}

fn busy() -> Problem {
    let detail = "the relayer holds as many bundles as it may; send this again soon";
    Problem::new(Kind::Busy, detail).retry_after(5)
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
        let refused = intake.receive(None, &HeaderMap::new(), body).await.unwrap_err();
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
        let holding = tokio::spawn(async move { slow.receive(None, &HeaderMap::new(), never_ends()).await });
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(status(&intake, Body::from("{}")).await, 503);
        holding.abort();
        let _ = holding.await;
        assert_eq!(status(&intake, Body::from("{}")).await, 400);
    }

    /// Sixteen promises of one client, of which nothing comes.
    #[tokio::test]
    async fn what_is_promised_and_does_not_come_keeps_nobody_else_out() {
        let intake = Intake::new(&LimitSection {
            bundle_bytes: 1 << 20,
            intake_bytes: 4 << 20,
            intake_wait_s: 1,
            body_timeout_s: 10,
            ..LimitSection::default()
        });
        let [slow, other] = [1, 2].map(|n| Some(IpAddr::from([192, 0, 2, n])));
        let mut promised = HeaderMap::new();
        promised.insert(CONTENT_LENGTH, (1 << 20).into());
        let mut holding = Vec::new();
        for _ in 0..16 {
            let (intake, headers) = (intake.clone(), promised.clone());
            holding.push(tokio::spawn(async move {
                intake.receive(slow, &headers, never_ends()).await
            }));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(
            intake.memory.available_permits(),
            (4 << 10) - 256,
            "a first part is taken"
        );
        let whole = Body::from(vec![b' '; 1 << 20]);
        let refused = intake.receive(other, &HeaderMap::new(), whole).await.unwrap_err();
        assert_eq!(refused.into_response().status(), 400, "it was read whole");
        for task in holding {
            task.abort();
            let _ = task.await;
        }
        assert_eq!(intake.memory.available_permits(), 4 << 10);
    }

    #[tokio::test]
    async fn a_moment_is_waited_by_few_and_fewer_of_one_client() {
        let intake = Intake::new(&LimitSection {
            intake_bytes: 8 << 20,
            ..LimitSection::default()
        });
        let waits = async |client: [u8; 9], bytes| {
            let start = Instant::now();
            let all = client.map(|n| {
                let (intake, share) = (
                    intake.clone(),
                    intake.share_of(Some(IpAddr::from([192, 0, 2, n]))),
                );
                async move { intake.may_wait(bytes, &share).await }
            });
            let all = futures::future::join_all(all).await;
            let waited = all.into_iter().filter(|waited| *waited).count();
            assert_eq!(start.elapsed() >= MOMENT, waited > 0);
            waited
        };
        assert_eq!(waits([1; 9], 1).await, 4, "of one client");
        assert_eq!(
            waits([1, 2, 3, 4, 5, 6, 7, 8, 9], AHEAD).await,
            8,
            "a quarter of the memory"
        );
        assert_eq!(waits([1; 9], AHEAD + 1).await, 0, "long ones");
        assert_eq!(waits([1; 9], AHEAD).await, 4, "places are free again");
    }

    /// More than fit, of one client, of whose address is not known, and of as many clients. What has come of each waits for
    /// none of the others.
    #[tokio::test]
    async fn large_bodies_are_read_in_turn_however_many_come_at_once() {
        let intake = Intake::new(&LimitSection {
            bundle_bytes: 1 << 20,
            intake_bytes: 4 << 20,
            intake_wait_s: 60,
            body_timeout_s: 5,
            ..LimitSection::default()
        });
        let client = |n: u8| Some(IpAddr::from([192, 0, 2, n]));
        for clients in [
            [None; 24],
            [client(1); 24],
            std::array::from_fn(|n| client(u8::try_from(n).unwrap())),
        ] {
            let all = clients.map(|client| {
                let intake = intake.clone();
                tokio::spawn(async move {
                    let parts = futures::stream::unfold(0, async |n| {
                        tokio::time::sleep(Duration::from_millis(5)).await;
                        (n < 4).then(|| (Ok::<_, std::io::Error>(vec![b' '; 256 << 10]), n + 1))
                    });
                    let body = Body::from_stream(parts);
                    let refused = intake.receive(client, &HeaderMap::new(), body).await.unwrap_err();
                    refused.into_response().status().as_u16()
                })
            });
            for task in all {
                assert_eq!(task.await.unwrap(), 400, "it was read whole");
            }
        }
        assert_eq!(intake.memory.available_permits(), 4 << 10);
    }
}
