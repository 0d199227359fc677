//! `/live`: server-sent events for pages that are open. Each has the id of a change, so who was away goes on from there.

use std::{collections::VecDeque, convert::Infallible, time::Duration};

use alloy::primitives::Address;
use axum::{
    Extension,
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
use tokio::time::sleep;

use super::{
    Explorer,
    change::{Change, ChangeId, Changed, NoChangeId},
    places::Place,
    trouble::Trouble,
};
use crate::{http::Client, service::Phase};

const LOOK: Duration = Duration::from_secs(1);
const HEARTBEAT: Duration = Duration::from_secs(15);
/// After so long a page asks anew: nobody keeps a place for ever.
const LONGEST: u32 = 1_800;
/// Most changes looked at before the first is sent.
const AT_ONCE: usize = 100;

/// What a page wants to be told.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    operator: Option<Address>,
    /// The last change that is on the page.
    after: Option<String>,
}

/// Events `block`, as finality moves, `change`, and `gap` where changes are not kept any more.
pub(super) async fn live(
    State(explorer): State<Explorer>,
    headers: HeaderMap,
    Extension(client): Extension<Client>,
    query: Result<Query<Wanted>, QueryRejection>,
) -> Response {
    let last = query.ok().and_then(|Query(wanted)| {
        let header = headers.get("last-event-id").and_then(|id| id.to_str().ok());
        Some((wanted.operator, cursor(header.or(wanted.after.as_deref())).ok()?))
    });
    let Some((operator, last)) = last else {
        return explorer.answer_trouble(Trouble::BadRequest(
            "Asked for are an operator, and the id of a change.".into(),
        ));
    };
    let Some(place) = explorer.0.places.take(client.0) else {
        let wait = [(header::RETRY_AFTER, "60")];
        return (StatusCode::SERVICE_UNAVAILABLE, wait, "too many pages are open").into_response();
    };
    let listener = Listener {
        last,
        explorer,
        operator,
        block: None,
        waiting: VecDeque::new(),
        is_behind: false,
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

/// `None`: nothing that is known now is news. The page of a registry without any change asks with an empty one.
fn cursor(text: Option<&str>) -> Result<Option<ChangeId>, NoChangeId> {
    match text {
        None => Ok(None),
        Some("") => Ok(Some(ChangeId::FIRST)),
        Some(id) => id.parse().map(Some),
    }
}

struct Listener {
    explorer: Explorer,
    /// Whose changes are told; everybody's without one.
    operator: Option<Address>,
    /// The last change that was told, or was nothing to be told. `None`: whatever is known now is on the page.
    last: Option<ChangeId>,
    block: Option<u64>,
    waiting: VecDeque<Event>,
    /// Whether there is more to tell at once.
    is_behind: bool,
    looks: u32,
    _place: Place,
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
            if self.looks > 0 && !self.is_behind {
                tokio::select! {
                    () = sleep(LOOK) => {}
                    () = self.explorer.0.phases.reached(Phase::Draining) => return None,
                }
            }
            self.looks += u32::from(!self.is_behind);
            self.look();
        }
    }

    fn look(&mut self) {
        let explorer = self.explorer.clone();
        self.is_behind = false;
        // While the log is being read there is nothing to tell.
        let _ = explorer.read(|book, moment| {
            if self.block != Some(moment.block) {
                self.block = Some(moment.block);
                let block = json!({"number": moment.block, "time": moment.block_time, "now": moment.now});
                self.waiting
                    .push_back(Event::default().event("block").data(block.to_string()));
            }
            let newest = book.news.last().map_or(ChangeId::FIRST, |change| change.id);
            let last = *self.last.get_or_insert(newest);
            if book.news.has_dropped_since(last) {
                self.waiting.push_back(gap(last));
            }
            for change in book.news.after(last).take(AT_ONCE) {
                if self
                    .operator
                    .is_none_or(|operator| book.concerns(change, operator))
                {
                    self.waiting.push_back(event(change));
                }
                self.last = Some(change.id);
            }
            self.is_behind = self.last.is_some_and(|last| last < newest);
            Ok(())
        });
    }
}

/// Something is not kept any more: who missed it reads the page anew.
fn gap(since: ChangeId) -> Event {
    Event::default()
        .event("gap")
        .data(json!({"since": since}).to_string())
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
        .id(change.id.to_string())
        .data(text.to_string())
}

fn operator_of(change: &Change) -> Option<Address> {
    match change.what {
        Changed::Operator(operator) => Some(operator),
        Changed::Platform(_) | Changed::Registry => None,
    }
}
