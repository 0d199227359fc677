//! A small server that speaks as an endpoint does, as badly as it is told to.

use std::{
    ops::Range,
    sync::{Arc, Mutex},
    time::Duration,
};

use alloy::{
    primitives::{Address, B256, keccak256},
    sol_types::SolEvent,
};
use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use reqwest::Url;
use serde_json::{Value, json};

use crate::registry::IProofOfCloudRegistry::BatchPosted;

/// An endpoint. Its fields are what it says, and how badly it says it.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) chain: u64,
    pub(crate) head: u64,
    pub(crate) finalized: u64,
    /// Goes into every block's hash: another one is another chain's, or a lie.
    pub(crate) salt: u8,
    /// The account's nonce.
    pub(crate) nonce: u64,
    /// What everything costs.
    pub(crate) gas: u64,
    /// Wei per gas that a block burns.
    pub(crate) base_fee: u64,
    /// Wei per gas for who makes blocks, and what every account has.
    pub(crate) wei: u64,
    /// Seconds that blocks are later than they are.
    pub(crate) late: u64,
    /// The report that is posted in block 95, and by which transaction.
    pub(crate) posted: Option<(B256, B256)>,
    /// Most blocks in a question for logs.
    pub(crate) span: u64,
    /// Blocks that it has not got.
    pub(crate) lacks: Range<u64>,
    /// How long it takes to answer what has a number.
    pub(crate) slow: Duration,
    /// What it does instead of answering.
    pub(crate) fault: Option<Fault>,
    /// What it thinks of transactions.
    pub(crate) opinion: Option<&'static str>,
    /// Methods it was asked.
    pub(crate) asked: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Broken,
    Limited,
    Endless,
    Truncated,
    /// It has nothing yet.
    Blank,
}

/// A running one.
#[derive(Clone)]
pub(crate) struct Server(Arc<Mutex<Node>>);

impl Server {
    pub(crate) fn set(&self, change: impl FnOnce(&mut Node)) {
        change(&mut self.0.lock().unwrap());
    }

    pub(crate) fn asked(&self, method: &str) -> usize {
        let node = self.0.lock().unwrap();
        node.asked.iter().filter(|asked| *asked == method).count()
    }
}

pub(crate) async fn serve(change: impl FnOnce(&mut Node)) -> (Server, Url) {
    let mut node = Node {
        chain: 1,
        head: 100,
        finalized: 90,
        salt: 0,
        nonce: 5,
        gas: 100_000,
        base_fee: 7,
        wei: 1_000,
        late: 0,
        posted: None,
        span: u64::MAX,
        lacks: 0..0,
        slow: Duration::ZERO,
        fault: None,
        opinion: None,
        asked: Vec::new(),
    };
    change(&mut node);
    let server = Server(Arc::new(Mutex::new(node)));
    let router = Router::new().route("/", post(answer)).with_state(server.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, router).await });
    (server, url.parse().unwrap())
}

async fn answer(State(server): State<Server>, body: String) -> Response {
    let request: Value = serde_json::from_str(&body).unwrap();
    let method = request["method"].as_str().unwrap();
    let slow = server.0.lock().unwrap().slow;
    if [
        "eth_getTransactionCount",
        "eth_estimateGas",
        "eth_getBalance",
        "eth_maxPriorityFeePerGas",
        "eth_getBlockByNumber",
    ]
    .contains(&method)
    {
        tokio::time::sleep(slow).await;
    }
    let mut node = server.0.lock().unwrap();
    node.asked.push(method.to_owned());
    let text =
        json!({"jsonrpc": "2.0", "id": request["id"], "result": node.result(method, &request["params"])});
    match node.fault {
        Some(Fault::Broken) => StatusCode::BAD_GATEWAY.into_response(),
        Some(Fault::Limited) => (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "1")]).into_response(),
        Some(Fault::Endless) => "x".repeat(2 << 20).into_response(),
        Some(Fault::Truncated) => text.to_string()[..20].to_owned().into_response(),
        Some(Fault::Blank) => {
            let text = json!({"jsonrpc": "2.0", "id": request["id"], "result": null});
            text.to_string().into_response()
        }
        None => match node.objection(method, &request["params"]) {
            Some(message) => {
                json!({"jsonrpc": "2.0", "id": request["id"], "error": {"code": -32000, "message": message}})
            }
            None => text,
        }
        .to_string()
        .into_response(),
    }
}

impl Node {
    fn objection(&self, method: &str, params: &Value) -> Option<&'static str> {
        match method {
            "eth_sendRawTransaction" => self.opinion,
            "eth_getLogs" => {
                let [from, to] = ["fromBlock", "toBlock"].map(|name| self.number(&params[0], name));
                (to.saturating_sub(from) >= self.span).then_some("block range is too wide")
            }
            _ => None,
        }
    }

    fn result(&self, method: &str, params: &Value) -> Value {
        match method {
            "eth_chainId" => json!(format!("{:#x}", self.chain)),
            "eth_blockNumber" => json!(format!("{:#x}", self.head)),
            "eth_getCode" => json!("0x00"),
            "eth_call" | "eth_getStorageAt" => json!(B256::with_last_byte(self.salt)),
            "eth_getTransactionCount" => json!(format!("{:#x}", self.nonce)),
            "eth_estimateGas" => json!(format!("{:#x}", self.gas)),
            "eth_getLogs" => self.logs(&params[0]),
            "eth_maxPriorityFeePerGas" | "eth_getBalance" => json!(format!("{:#x}", self.wei)),
            "eth_sendRawTransaction" => json!(B256::ZERO),
            "eth_getProof" => json!({
                "address": Address::ZERO, "balance": "0x0", "codeHash": B256::ZERO, "nonce": "0x0",
                "storageHash": B256::with_last_byte(self.salt), "accountProof": [], "storageProof": [],
            }),
            "web3_clientVersion" => json!(if self.salt == 0 { "reth" } else { "anvil" }),
            "eth_getBlockByNumber" => match params[0].as_str().unwrap() {
                "latest" => self.block(self.head),
                "finalized" => self.block(self.finalized),
                number => self.block(u64::from_str_radix(&number[2..], 16).unwrap()),
            },
            _ => Value::Null,
        }
    }

    fn logs(&self, filter: &Value) -> Value {
        let is_asked = (self.number(filter, "fromBlock")..=self.number(filter, "toBlock")).contains(&95);
        let Some((report, transaction)) = self.posted.filter(|_| is_asked) else {
            return json!([]);
        };
        let event = BatchPosted {
            reportHash: report,
            ..Default::default()
        };
        let data = event.encode_log_data();
        json!([{
            "address": Address::ZERO, "topics": data.topics(), "data": data.data, "blockNumber": "0x5f",
            "blockHash": B256::ZERO, "transactionHash": transaction, "transactionIndex": "0x0", "logIndex": "0x0",
            "removed": false,
        }])
    }

    fn block(&self, number: u64) -> Value {
        if number > self.head.max(self.finalized) || self.lacks.contains(&number) {
            return Value::Null;
        }
        let hash = keccak256([&number.to_be_bytes()[..], &[self.salt]].concat());
        let mut header = json!(alloy::consensus::Header {
            number,
            timestamp: 1_000 + number + self.late,
            base_fee_per_gas: Some(self.base_fee),
            ..Default::default()
        });
        header["hash"] = json!(hash);
        header["transactions"] = json!([]);
        header["uncles"] = json!([]);
        header
    }

    /// A block's number in a filter.
    fn number(&self, filter: &Value, name: &str) -> u64 {
        match filter[name].as_str().unwrap() {
            "latest" => self.head,
            number => u64::from_str_radix(&number[2..], 16).unwrap(),
        }
    }
}
