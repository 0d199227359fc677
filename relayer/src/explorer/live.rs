//! `/live`: server-sent events for pages that are open. Each has the id of a change, so who was away goes on from there.

use std::{collections::VecDeque, convert::Infallible, sync::Arc, time::Duration};

use alloy::primitives::Address;
use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, StatusCode, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::stream;
use serde::Deserialize;
use serde_json::json;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::sleep,
};

use super::{
    Explorer,
    change::{Change, Changed},
    trouble::Trouble,
};
use crate::service::Phase;

const LOOK: Duration = Duration::from_secs(1);
const HEARTBEAT: Duration = Duration::from_secs(15);
/// After so long a page asks anew: nobody keeps a place for ever.
const LONGEST: u32 = 1_800;
/// Most changes told at once. Who missed more reads the page anew.
const AT_ONCE: usize = 100;

/// Places for pages.
#[derive(Clone, Debug)]
pub(super) struct Places(Arc<Semaphore>);

impl Places {
    pub(super) fn new(count: usize) -> Self {
        Self(Arc::new(Semaphore::new(count)))
    }
}

/// What a page wants to be told.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    operator: Option<Address>,
    /// The last change that is on the page.
    after: Option<String>,
}

/// Events `block`, as finality moves, and `change`.
pub(super) async fn live(
    State(explorer): State<Explorer>,
    headers: HeaderMap,
    query: Result<Query<Wanted>, QueryRejection>,
) -> Response {
    let Ok(Query(wanted)) = query else {
        return explorer.answer_trouble(Trouble::BadRequest(
            "Asked for are an operator, and the id of a change.".into(),
        ));
    };
    let Ok(place) = Arc::clone(&explorer.0.places.0).try_acquire_owned() else {
        let wait = [(header::RETRY_AFTER, "60")];
        return (StatusCode::SERVICE_UNAVAILABLE, wait, "too many pages are open").into_response();
    };
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let listener = Listener {
        last: last.map(str::to_owned).or_else(|| wanted.after.clone()),
        explorer,
        wanted,
        block: None,
        waiting: VecDeque::new(),
        looks: 0,
        _place: place,
    };
    let events = stream::unfold(listener, |mut listener| async move {
        listener
            .next()
            .await
            .map(|event| (Ok::<_, Infallible>(event), listener))
    });
    let mut response = Sse::new(events)
        .keep_alive(KeepAlive::new().interval(HEARTBEAT))
        .into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CACHE_CONTROL,
        header::HeaderValue::from_static("no-store"),
    );
    // A proxy that collects before it passes on would make it pointless.
    headers.insert("x-accel-buffering", header::HeaderValue::from_static("no"));
    response
}

struct Listener {
    explorer: Explorer,
    wanted: Wanted,
    /// The last change that was told. `None`: whatever is known now is on the page.
    last: Option<String>,
    block: Option<u64>,
    waiting: VecDeque<Event>,
    looks: u32,
    _place: OwnedSemaphorePermit,
}

impl Listener {
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            if self.explorer.0.phases.now() > Phase::Running || self.looks >= LONGEST {
                return None;
            }
            if self.looks > 0 {
                tokio::select! {
                    () = sleep(LOOK) => {}
                    () = self.explorer.0.phases.reached(Phase::Draining) => return None,
                }
            }
            self.looks += 1;
            self.look();
        }
    }

    fn look(&mut self) {
        let explorer = self.explorer.clone();
        // While the log is being read there is nothing to tell.
        let _ = explorer.read(|book, moment| {
            if self.block == Some(moment.block) {
                return Ok(());
            }
            self.block = Some(moment.block);
            let block = json!({"number": moment.block, "time": moment.block_time, "now": moment.now});
            self.waiting
                .push_back(Event::default().event("block").data(block.to_string()));
            let after = self.last.as_deref().and_then(|last| book.changes_after(last));
            let new = after.into_iter().flatten().filter(|change| self.concerns(change));
            let new: Vec<_> = new.take(AT_ONCE).map(event).collect();
            self.waiting.extend(new);
            self.last = book.changes.back().map(|change| change.id.clone());
            Ok(())
        });
    }

    fn concerns(&self, change: &Change) -> bool {
        match (&change.what, self.wanted.operator) {
            (Changed::Operator(whose), Some(wanted)) => *whose == wanted,
            _ => true,
        }
    }
}

fn event(change: &Change) -> Event {
    let text = json!({
        "kind": change.kind,
        "title": change.title,
        "time": change.time,
        "operator": operator_of(change),
    });
    Event::default()
        .event("change")
        .id(&change.id)
        .data(text.to_string())
}

fn operator_of(change: &Change) -> Option<Address> {
    match change.what {
        Changed::Operator(operator) => Some(operator),
        Changed::Platform(_) | Changed::Registry => None,
    }
}
