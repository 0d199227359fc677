//! An RPC endpoint that lies about the registry's log, in front of one that does not.

use std::sync::{Arc, Mutex};

use alloy::{
    primitives::{B256, Bytes, U256},
    sol_types::SolEvent as _,
};
use axum::{Json, Router, extract::State, routing::post};
use chassis_relayer::{
    registry::IProofOfCloudRegistry::OperatorGranted,
    replay::{Event, RegistryLog},
};
use serde_json::{Value, json};

/// What it does, most of it with `eth_getLogs`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Lie {
    /// Nothing.
    #[default]
    Truth,
    /// Leaves out logs with this topic.
    Omit(B256),
    /// Says that there are none.
    Empty,
    /// Cuts answers off, and does not say so.
    First(usize),
    /// Says that more blocks are too many.
    AtMost(u64),
    /// Gives each log's data a wrong last byte, which is the head's where there is one.
    Forge,
    /// Sets a flag in each granted operator's word, which the head does not cover.
    Flag,
    /// The same, and says that this is the registry's storage root.
    Root(B256),
    /// Says of logs that they are so many seconds later than they are.
    Later(u64),
    /// The same of blocks that are asked for by number.
    LaterBlocks(u64),
    /// Is asked for the block of this number, and answers with an error: as go-ethereum does, from 2^63 on.
    Refuse(u64),
}

pub(crate) struct Liar {
    pub(crate) url: String,
    lie: Arc<Mutex<Lie>>,
}

#[derive(Clone)]
struct Proxy {
    to: String,
    client: reqwest::Client,
    lie: Arc<Mutex<Lie>>,
}

impl Liar {
    pub(crate) async fn before(url: &str) -> Self {
        let lie = Arc::new(Mutex::new(Lie::Truth));
        let proxy = Proxy {
            to: url.to_owned(),
            client: reqwest::Client::new(),
            lie: Arc::clone(&lie),
        };
        let router = Router::new().route("/", post(answer)).with_state(proxy);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async { axum::serve(listener, router).await });
        Self { url, lie }
    }

    pub(crate) fn tell(&self, lie: Lie) {
        *self.lie.lock().unwrap() = lie;
    }
}

async fn answer(State(proxy): State<Proxy>, Json(request): Json<Value>) -> Json<Value> {
    let lie = *proxy.lie.lock().unwrap();
    let is_about_logs = request["method"] == json!("eth_getLogs");
    if let (true, Lie::AtMost(most)) = (is_about_logs, lie) {
        let number = |name: &str| {
            let text = request["params"][0][name].as_str().unwrap_or("0x0");
            u64::from_str_radix(text.trim_start_matches("0x"), 16).unwrap()
        };
        if number("toBlock") - number("fromBlock") >= most {
            let error = json!({"code": -32602, "message": format!("block range exceeds {most}")});
            return Json(json!({"jsonrpc": "2.0", "id": request["id"], "error": error}));
        }
    }
    if let (Some("eth_getBlockByNumber"), Lie::Refuse(number)) = (request["method"].as_str(), lie)
        && request["params"][0] == json!(format!("{number:#x}"))
    {
        let error = json!({"code": -32602, "message": "invalid argument 0: block number larger than int64"});
        return Json(json!({"jsonrpc": "2.0", "id": request["id"], "error": error}));
    }
    let sent = proxy.client.post(&proxy.to).json(&request).send().await.unwrap();
    let mut answer: Value = sent.json().await.unwrap();
    if let (true, Some(logs)) = (is_about_logs, answer["result"].as_array_mut()) {
        match lie {
            Lie::Omit(topic) => logs.retain(|log| log["topics"][0] != json!(topic)),
            Lie::Empty => logs.clear(),
            Lie::First(most) => logs.truncate(most),
            Lie::Forge => logs.iter_mut().for_each(forge),
            Lie::Flag | Lie::Root(_) => logs.iter_mut().for_each(flag),
            Lie::Later(seconds) => logs
                .iter_mut()
                .for_each(|log| later(&mut log["blockTimestamp"], seconds)),
            Lie::Truth | Lie::AtMost(_) | Lie::LaterBlocks(_) | Lie::Refuse(_) => {}
        }
    }
    if let (Some("eth_getBlockByNumber"), Lie::LaterBlocks(seconds)) = (request["method"].as_str(), lie)
        && request["params"][0]
            .as_str()
            .is_some_and(|block| block.starts_with("0x"))
    {
        later(&mut answer["result"]["timestamp"], seconds);
    }
    if let (Some("eth_getProof"), Lie::Root(root)) = (request["method"].as_str(), lie) {
        answer["result"]["storageHash"] = json!(root);
    }
    Json(answer)
}

fn later(time: &mut Value, seconds: u64) {
    if let Some(text) = time.as_str() {
        let told = u64::from_str_radix(text.trim_start_matches("0x"), 16).unwrap() + seconds;
        *time = json!(format!("{told:#x}"));
    }
}

/// As [`Lie::Flag`] has them.
pub(crate) fn flagged(logs: &[RegistryLog]) -> Vec<RegistryLog> {
    let flag = |log: &RegistryLog| {
        let mut log = log.clone();
        if let Event::OperatorGranted(granted) = &mut log.event {
            granted.operatorWord ^= U256::ONE << 45_usize;
        }
        log
    };
    logs.iter().map(flag).collect()
}

fn forge(log: &mut Value) {
    let mut data = log["data"].as_str().unwrap().to_owned();
    let last = data.pop().unwrap();
    data.push(if last == '0' { '1' } else { '0' });
    log["data"] = json!(data);
}

/// Instance id, digest, then the word, whose bits 38 to 45 are the flags.
fn flag(log: &mut Value) {
    if log["topics"][0] == json!(OperatorGranted::SIGNATURE_HASH) {
        let data: Bytes = serde_json::from_value(log["data"].clone()).unwrap();
        let mut data = data.to_vec();
        data[64 + 31 - 5] ^= 1 << 5;
        log["data"] = json!(Bytes::from(data));
    }
}
