//! A JSON-RPC endpoint that misbehaves, in front of one that does not.
//!
//! What it does to the n-th call of a method follows from its seed, so a run can be repeated as far as the caller repeats
//! its calls.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use alloy::primitives::keccak256;
use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::{Value, json};

/// One way to misbehave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The connection breaks before the call is passed on.
    Drop,
    /// It breaks afterwards: the call had its effect.
    LoseAnswer,
    /// The answer takes a while.
    Delay(Duration),
    /// 429, come again in a second.
    TooMany,
    /// Half an answer.
    Truncate,
    /// A view of the chain so many blocks old.
    Stale(u64),
    /// Transactions are refused as if another one paid more.
    Underpriced,
    /// Transactions are accepted and forgotten.
    Swallow,
    /// Blocks have other hashes than the chain's.
    WrongHash,
    /// The latest block passes for finalized.
    FalseFinality,
    /// Blocks cost more than any cap, and nobody has anything.
    Dear,
    /// No question for logs may span more blocks.
    Span(u64),
}

/// What chaos is made of. Nothing in it is a lie that one endpoint alone could be believed.
const CHAOS: [Fault; 8] = [
    Fault::Drop,
    Fault::LoseAnswer,
    Fault::Delay(Duration::from_millis(120)),
    Fault::TooMany,
    Fault::Truncate,
    Fault::Stale(2),
    Fault::Underpriced,
    Fault::Swallow,
];

/// A running proxy. It stops with the test's runtime.
#[derive(Clone)]
pub(crate) struct Proxy {
    pub(crate) url: String,
    inner: Arc<Inner>,
}

struct Inner {
    upstream: String,
    client: reqwest::Client,
    plan: Mutex<Plan>,
}

#[derive(Default)]
struct Plan {
    always: Vec<Fault>,
    /// Seed, and how many of 100 calls go wrong.
    chaos: Option<(u64, u64)>,
    calls: BTreeMap<String, u64>,
    /// Transactions that were to be sent, first come first.
    sent: Vec<Vec<u8>>,
}

impl Proxy {
    pub(crate) async fn start(upstream: &str) -> Self {
        let inner = Arc::new(Inner {
            upstream: upstream.to_owned(),
            // A kept connection may be closed by the other side just as it is used.
            client: reqwest::Client::builder()
                .pool_max_idle_per_host(0)
                .build()
                .unwrap(),
            plan: Mutex::default(),
        });
        let router = Router::new()
            .route("/", post(handle))
            .with_state(Arc::clone(&inner));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async { axum::serve(listener, router).await });
        Self { url, inner }
    }

    /// From now on every call meets these.
    pub(crate) fn always(&self, faults: &[Fault]) {
        self.inner.plan.lock().unwrap().always = faults.to_vec();
    }

    /// From now on so many of 100 calls go wrong, each in some way.
    pub(crate) fn chaos(&self, seed: u64, percent: u64) {
        self.inner.plan.lock().unwrap().chaos = Some((seed, percent));
    }

    /// It behaves.
    pub(crate) fn behave(&self) {
        let mut plan = self.inner.plan.lock().unwrap();
        plan.always.clear();
        plan.chaos = None;
    }

    /// The transactions it was given.
    pub(crate) fn sent(&self) -> Vec<Vec<u8>> {
        self.inner.plan.lock().unwrap().sent.clone()
    }
}

async fn handle(State(inner): State<Arc<Inner>>, body: Bytes) -> Response {
    let mut request: Value = serde_json::from_slice(&body).unwrap();
    let method = request["method"].as_str().unwrap().to_owned();
    let faults = inner.faults(&method, &request);
    let meets = |fault| faults.contains(&fault);
    for fault in &faults {
        if let Fault::Delay(time) = fault {
            tokio::time::sleep(*time).await;
        }
    }
    if meets(Fault::Drop) {
        return broken();
    }
    if meets(Fault::TooMany) {
        return (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "1")]).into_response();
    }
    if method == "eth_sendRawTransaction" {
        if meets(Fault::Swallow) {
            let raw: alloy::primitives::Bytes = serde_json::from_value(request["params"][0].clone()).unwrap();
            return json!({"jsonrpc": "2.0", "id": request["id"], "result": keccak256(raw)})
                .to_string()
                .into_response();
        }
        if meets(Fault::Underpriced) {
            let error = json!({"code": -32000, "message": "replacement transaction underpriced"});
            return json!({"jsonrpc": "2.0", "id": request["id"], "error": error})
                .to_string()
                .into_response();
        }
    }
    let most = faults.iter().find_map(|fault| match fault {
        Fault::Span(blocks) => Some(*blocks),
        _ => None,
    });
    if let Some(most) = most
        && method == "eth_getLogs"
        && inner.spans(&request["params"][0]).await > most
    {
        let error = json!({"code": -32602, "message": "block range is too wide"});
        return json!({"jsonrpc": "2.0", "id": request["id"], "error": error})
            .to_string()
            .into_response();
    }
    let lag = faults.iter().find_map(|fault| match fault {
        Fault::Stale(blocks) => Some(*blocks),
        _ => None,
    });
    if let Some(lag) = lag {
        inner.age(&mut request, lag).await;
    }
    if meets(Fault::FalseFinality) {
        replace(&mut request["params"], &json!("finalized"), &json!("latest"));
    }
    let mut answer = inner.forward(&request).await;
    if meets(Fault::WrongHash) {
        lie(&mut answer["result"], &method);
    }
    if meets(Fault::Dear) {
        match method.as_str() {
            "eth_getBlockByNumber" => answer["result"]["baseFeePerGas"] = json!("0xffffffffffff"),
            "eth_getBalance" => answer["result"] = json!("0x0"),
            _ => {}
        }
    }
    if meets(Fault::LoseAnswer) {
        return broken();
    }
    let text = answer.to_string();
    if meets(Fault::Truncate) {
        return text[..text.len() / 2].to_owned().into_response();
    }
    text.into_response()
}

impl Inner {
    fn faults(&self, method: &str, request: &Value) -> Vec<Fault> {
        let mut plan = self.plan.lock().unwrap();
        if method == "eth_sendRawTransaction" {
            let raw: alloy::primitives::Bytes = serde_json::from_value(request["params"][0].clone()).unwrap();
            plan.sent.push(raw.to_vec());
        }
        let call = plan.calls.entry(method.to_owned()).or_default();
        *call += 1;
        let mut draw = Vec::from(call.to_be_bytes());
        let mut faults = plan.always.clone();
        if let Some((seed, percent)) = plan.chaos {
            draw.extend(seed.to_be_bytes());
            draw.extend(method.as_bytes());
            let hash = keccak256(draw);
            if u64::from(hash[0]) * 100 / 256 < percent {
                faults.push(CHAOS[usize::from(hash[1]) % CHAOS.len()]);
            }
        }
        faults
    }

    async fn forward(&self, request: &Value) -> Value {
        let answer = self.client.post(&self.upstream).json(request).send().await;
        answer.unwrap().json().await.unwrap()
    }

    /// Turns a question about now into one about a while ago.
    async fn age(&self, request: &mut Value, lag: u64) {
        let head = self.head().await;
        let hex = |number: u64| json!(format!("{number:#x}"));
        let params = &mut request["params"];
        replace(params, &json!("latest"), &hex(head.saturating_sub(lag)));
        replace(params, &json!("finalized"), &hex(head.saturating_sub(lag + 2)));
    }

    async fn head(&self) -> u64 {
        let head = json!({"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": []});
        number(&self.forward(&head).await["result"]).unwrap()
    }

    /// How many blocks a question for logs is about.
    async fn spans(&self, filter: &Value) -> u64 {
        let to = match number(&filter["toBlock"]) {
            Some(to) => to,
            None => self.head().await,
        };
        (to + 1).saturating_sub(number(&filter["fromBlock"]).unwrap_or(0))
    }
}

fn replace(params: &mut Value, from: &Value, to: &Value) {
    if let Some(params) = params.as_array_mut() {
        for param in params {
            if param == from {
                *param = to.clone();
            }
        }
    }
}

fn lie(result: &mut Value, method: &str) {
    let field = match method {
        "eth_getBlockByNumber" => "hash",
        "eth_getTransactionReceipt" => "blockHash",
        _ => return,
    };
    if result[field].is_string() {
        result[field] = json!(keccak256(result[field].as_str().unwrap()));
    }
}

fn number(value: &Value) -> Option<u64> {
    u64::from_str_radix(value.as_str()?.strip_prefix("0x")?, 16).ok()
}

/// Headers, then nothing more.
fn broken() -> Response {
    let error = std::io::Error::other("a fault");
    let stream = futures::stream::once(async { Err::<Bytes, _>(error) });
    Body::from_stream(stream).into_response()
}
