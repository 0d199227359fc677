//! The pool against small local servers, each of which misbehaves in one way.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use alloy::primitives::{Address, keccak256};
use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use reqwest::Url;
use serde_json::{Value, json};

use super::*;

/// An endpoint. Its fields are what it says, and how badly it says it.
#[derive(Clone, Debug)]
struct Node {
    chain: u64,
    head: u64,
    finalized: u64,
    /// Goes into every block's hash: another one is another chain's, or a lie.
    salt: u8,
    /// The account's nonce.
    nonce: u64,
    /// What everything costs.
    gas: u64,
    /// Most blocks in a question for logs.
    span: u64,
    /// How long it takes to answer what has a number.
    slow: Duration,
    /// What it does instead of answering.
    fault: Option<Fault>,
    /// What it thinks of transactions.
    opinion: Option<&'static str>,
    /// Methods it was asked.
    asked: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Broken,
    Limited,
    Endless,
    Truncated,
}

/// A running one.
#[derive(Clone)]
struct Server(Arc<Mutex<Node>>);

impl Server {
    fn set(&self, change: impl FnOnce(&mut Node)) {
        change(&mut self.0.lock().unwrap());
    }

    fn asked(&self, method: &str) -> usize {
        let node = self.0.lock().unwrap();
        node.asked.iter().filter(|asked| *asked == method).count()
    }
}

async fn serve(change: impl FnOnce(&mut Node)) -> (Server, Url) {
    let mut node = Node {
        chain: 1,
        head: 100,
        finalized: 90,
        salt: 0,
        nonce: 5,
        gas: 100_000,
        span: u64::MAX,
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
    if ["eth_getTransactionCount", "eth_estimateGas"].contains(&method) {
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
        let number = |name: &str| {
            let text = params[0][name].as_str().unwrap();
            u64::from_str_radix(&text[2..], 16).unwrap()
        };
        match method {
            "eth_sendRawTransaction" => self.opinion,
            "eth_getLogs" if number("toBlock") - number("fromBlock") >= self.span => {
                Some("block range is too wide")
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
            "eth_getLogs" => json!([]),
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

    fn block(&self, number: u64) -> Value {
        if number > self.head.max(self.finalized) {
            return Value::Null;
        }
        let hash = keccak256([&number.to_be_bytes()[..], &[self.salt]].concat());
        let mut header = json!(alloy::consensus::Header {
            number,
            timestamp: 1_000 + number,
            base_fee_per_gas: Some(7),
            ..Default::default()
        });
        header["hash"] = json!(hash);
        header["transactions"] = json!([]);
        header["uncles"] = json!([]);
        header
    }
}

fn rpc(urls: Vec<Url>) -> Rpc {
    let file = RpcFile {
        timeout_ms: 1_000,
        max_response_bytes: 1 << 20,
        skip_ms: 50,
        max_lag_blocks: 10,
        ..RpcFile::default()
    };
    Rpc { urls, file }
}

async fn connect(urls: Vec<Url>) -> Chain {
    Chain::connect(&rpc(urls), Address::ZERO).await.unwrap()
}

#[tokio::test]
async fn reads_go_to_the_first_that_answers_and_a_broken_one_is_left_out_until_probed() {
    let (first, a) = serve(|_| ()).await;
    let (second, b) = serve(|_| ()).await;
    let chain = connect(vec![a, b]).await;
    chain.latest().await.unwrap();
    assert_eq!(second.asked("eth_getBlockByNumber"), 0);

    for fault in [Fault::Broken, Fault::Endless, Fault::Truncated] {
        first.set(|node| (node.fault, node.asked) = (Some(fault), Vec::new()));
        for _ in 0..5 {
            chain.latest().await.unwrap();
        }
        assert_eq!(
            first.asked("eth_getBlockByNumber"),
            3,
            "{fault:?}: three failures, then not asked"
        );
        assert!(
            chain
                .warnings()
                .iter()
                .any(|warning| warning.contains("left out"))
        );
        first.set(|node| (node.fault, node.asked) = (None, Vec::new()));
        tokio::time::sleep(Duration::from_millis(60)).await;
        chain.latest().await.unwrap();
        assert_eq!(
            first.asked("eth_getBlockByNumber"),
            0,
            "only a probe brings it back"
        );
        chain.probe().await;
        chain.latest().await.unwrap();
        assert_eq!(first.asked("eth_getBlockByNumber"), 1);
    }
}

#[tokio::test]
async fn too_many_requests_is_respected() {
    let (first, a) = serve(|_| ()).await;
    let (_, b) = serve(|_| ()).await;
    let chain = connect(vec![a, b]).await;
    first.set(|node| (node.fault, node.asked) = (Some(Fault::Limited), Vec::new()));
    for _ in 0..3 {
        chain.latest().await.unwrap();
    }
    chain.probe().await;
    assert_eq!(
        first.asked("eth_getBlockByNumber") + first.asked("eth_chainId"),
        1,
        "it asked to wait a second"
    );
    first.set(|node| node.fault = None);
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    chain.latest().await.unwrap();
    assert_eq!(first.asked("eth_getBlockByNumber"), 2);
}

#[tokio::test]
async fn a_lone_endpoint_is_asked_however_often_it_fails() {
    let (only, url) = serve(|_| ()).await;
    let chain = connect(vec![url]).await;
    only.set(|node| node.fault = Some(Fault::Broken));
    for _ in 0..5 {
        chain.latest().await.unwrap_err();
    }
    only.set(|node| node.fault = None);
    chain.latest().await.unwrap();
    assert_eq!(chain.finalized().await.unwrap().number, 90);
    assert!(
        chain
            .warnings()
            .iter()
            .any(|warning| warning.contains("decides alone"))
    );
}

#[tokio::test]
async fn an_endpoint_on_another_chain_is_refused() {
    let (stranger, a) = serve(|node| node.chain = 2).await;
    let (_, b) = serve(|_| ()).await;
    let (_, c) = serve(|_| ()).await;
    let error = Chain::connect(&rpc(vec![a.clone(), b.clone()]), Address::ZERO)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("different chains"), "{error}");
    let chain = connect(vec![a, b, c]).await;
    assert_eq!(chain.id, 1);
    chain.latest().await.unwrap();
    chain.finalized().await.unwrap();
    chain.send(&[1]).await.unwrap();
    assert_eq!(
        stranger.asked("eth_getBlockByNumber") + stranger.asked("eth_sendRawTransaction"),
        0
    );
}

#[tokio::test]
async fn an_endpoint_that_changes_its_chain_is_refused_from_the_next_probe_on() {
    let (first, a) = serve(|_| ()).await;
    let (_, b) = serve(|_| ()).await;
    let chain = connect(vec![a, b]).await;
    first.set(|node| (node.chain, node.asked) = (5, Vec::new()));
    chain.probe().await;
    chain.latest().await.unwrap();
    assert_eq!(first.asked("eth_getBlockByNumber"), 0);
    assert!(
        chain
            .warnings()
            .iter()
            .any(|warning| warning.contains("another chain"))
    );
}

#[tokio::test]
async fn one_of_two_can_fake_neither_finality_nor_a_block() {
    let (liar, a) = serve(|node| (node.finalized, node.head) = (99, 100)).await;
    let (_, b) = serve(|_| ()).await;
    let chain = connect(vec![a, b]).await;
    assert_eq!(chain.finalized().await.unwrap().number, 90, "only one says 99");
    liar.set(|node| node.salt = 1);
    let error = chain.finalized().await.unwrap_err();
    assert!(error.to_string().contains("disagree"), "{error}");
    chain.canonical(50).await.unwrap_err();
}

#[tokio::test]
async fn two_of_three_outvote_a_liar_and_do_without_a_dead_one() {
    let (liar, a) = serve(|node| (node.finalized, node.salt) = (100, 1)).await;
    let (_, b) = serve(|_| ()).await;
    let (_, c) = serve(|node| node.finalized = 89).await;
    let chain = connect(vec![a, b.clone(), c]).await;
    let honest = connect(vec![b]).await;
    assert_eq!(
        chain.finalized().await.unwrap(),
        honest.canonical(90).await.unwrap().unwrap()
    );
    liar.set(|node| node.fault = Some(Fault::Broken));
    assert_eq!(chain.finalized().await.unwrap().number, 89);
}

#[tokio::test]
async fn with_one_of_two_down_nothing_is_decided_but_reads_go_on() {
    let (first, a) = serve(|_| ()).await;
    let (_, b) = serve(|_| ()).await;
    let chain = connect(vec![a, b]).await;
    first.set(|node| node.fault = Some(Fault::Broken));
    chain.latest().await.unwrap();
    let error = chain.finalized().await.unwrap_err();
    assert!(error.to_string().contains("1 of 2 endpoints answered"), "{error}");
}

#[tokio::test]
async fn a_stale_endpoint_decides_nothing_and_is_read_last() {
    let (stale, a) = serve(|node| (node.head, node.finalized) = (80, 70)).await;
    let (_, b) = serve(|_| ()).await;
    let (_, c) = serve(|_| ()).await;
    let chain = connect(vec![a, b, c]).await;
    stale.set(|node| node.asked.clear());
    assert_eq!(chain.latest().await.unwrap().number, 100);
    assert_eq!(chain.finalized().await.unwrap().number, 90);
    assert_eq!(stale.asked("eth_getBlockByNumber"), 0);
}

#[tokio::test]
async fn without_a_tag_confirmations_make_a_block_final() {
    let (_, url) = serve(|_| ()).await;
    let mut rpc = rpc(vec![url]);
    rpc.file.confirmations = 12;
    let chain = Chain::connect(&rpc, Address::ZERO).await.unwrap();
    assert_eq!(chain.finalized().await.unwrap().number, 88);
}

#[tokio::test]
async fn a_transaction_goes_to_all_and_one_success_counts() {
    let (first, a) = serve(|node| node.opinion = Some("replacement transaction underpriced")).await;
    let (second, b) = serve(|_| ()).await;
    let (third, c) = serve(|_| ()).await;
    let chain = connect(vec![a, b, c]).await;
    third.set(|node| node.fault = Some(Fault::Broken));
    for _ in 0..4 {
        assert_eq!(chain.send(&[1]).await.unwrap(), Sent::Taken);
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    for server in [&first, &second, &third] {
        assert_eq!(
            server.asked("eth_sendRawTransaction"),
            4,
            "to all, failing or not"
        );
    }
    first.set(|node| (node.opinion, node.asked) = (Some("nonce too low"), Vec::new()));
    second.set(|node| node.opinion = Some("already known"));
    assert_eq!(chain.send(&[1]).await.unwrap(), Sent::Taken);
    second.set(|node| node.opinion = Some("nonce too low"));
    assert_eq!(chain.send(&[1]).await.unwrap(), Sent::NonceUsed);
    chain.latest().await.unwrap();
    assert_eq!(first.asked("eth_getBlockByNumber"), 1, "an opinion is no failure");
}

#[tokio::test]
async fn evidence_a_little_ahead_of_finality_waits_and_far_ahead_is_judged() {
    let (_, url) = serve(|_| ()).await;
    let chain = connect(vec![url]).await;
    let finalized = chain.finalized().await.unwrap();
    let claim = async |block_number| {
        let anchor = Anchor {
            chain_id: 1,
            registry: Address::ZERO,
            block_number,
            block_hash: B256::ZERO,
        };
        chain.anchor_claim(&anchor, finalized).await
    };
    assert_eq!(claim(80).await.unwrap().number, 80);
    assert_eq!(claim(90).await.unwrap().number, 90);
    assert!(claim(91).await.unwrap_err().is_transient());
    assert!(claim(90 + AHEAD).await.unwrap_err().is_transient());
    assert_eq!(
        claim(91 + AHEAD).await.unwrap().number,
        90,
        "so that it is refused"
    );
}

/// What a signature rests on is no read.
#[tokio::test]
async fn one_endpoint_alone_says_nothing_of_the_registry_that_is_signed() {
    let (_, liar) = serve(|node| node.salt = 1).await;
    let (_, honest) = serve(|_| ()).await;
    let (_, other) = serve(|_| ()).await;
    let in_force = async |chain: &Chain| chain.decided.policyInForce(B256::ZERO).call().await;

    let three = Chain::connect(&rpc(vec![liar.clone(), honest.clone(), other]), Address::ZERO).await;
    let three = three.unwrap();
    assert!(
        three.registry.policyInForce(B256::ZERO).call().await.unwrap(),
        "the first is believed"
    );
    assert!(!in_force(&three).await.unwrap(), "two are");
    let two = Chain::connect(&rpc(vec![liar.clone(), honest]), Address::ZERO)
        .await
        .unwrap();
    let error = in_force(&two).await.unwrap_err().to_string();
    assert!(error.contains("disagree about eth_call"), "{error}");
    let alone = Chain::connect(&rpc(vec![liar]), Address::ZERO).await.unwrap();
    assert!(
        in_force(&alone).await.unwrap(),
        "one that is configured alone decides alone"
    );
}

/// What an audit rests on besides the head.
#[tokio::test]
async fn one_endpoint_alone_says_nothing_of_slots_roots_and_blocks() {
    let ((_, a), (_, b)) = (serve(|_| {}).await, serve(|node| node.salt = 1).await);
    let (c, block) = (serve(|_| {}).await.1, B256::ZERO);
    let torn = connect(vec![b.clone(), a.clone()]).await;
    torn.slot_at(block, block).await.unwrap_err();
    torn.sealed(50).await.unwrap_err();
    assert_eq!(torn.storage_root_at(block).await.unwrap(), None);
    assert!(!torn.is_development().await.unwrap());
    let settled = connect(vec![b, a, c]).await;
    assert_eq!(settled.slot_at(block, block).await.unwrap(), U256::ZERO);
    assert_eq!(settled.storage_root_at(block).await.unwrap(), Some(B256::ZERO));
    let sealed = settled.sealed(50).await.unwrap().unwrap();
    assert_eq!(
        (sealed.time, sealed.hash),
        (1_050, settled.canonical(50).await.unwrap().unwrap().hash)
    );
    assert_eq!(settled.sealed(5_000).await.unwrap(), None);
}

/// Providers allow ten thousand blocks, or a hundred, or ten.
#[tokio::test]
async fn a_post_is_looked_for_in_as_many_blocks_at_once_as_the_endpoint_allows() {
    let (server, url) = serve(|node| node.span = 10).await;
    let chain = connect(vec![url]).await;
    // From block 100 back to the one before time 1,040.
    assert_eq!(chain.posted(B256::ZERO, 1_040).await.unwrap(), None);
    let first = server.asked("eth_getLogs");
    server.set(|node| node.asked.clear());
    assert_eq!(chain.posted(B256::ZERO, 1_040).await.unwrap(), None);
    let second = server.asked("eth_getLogs");
    assert!(
        second < first && second <= 10,
        "{first}, {second}: it is remembered"
    );
    server.set(|node| node.span = 0);
    chain.posted(B256::ZERO, 1_040).await.unwrap_err();
    server.set(|node| node.span = 1);
    assert_eq!(chain.posted(B256::ZERO, 1_040).await.unwrap(), None);
}

#[tokio::test]
async fn one_of_three_decides_neither_gas_nor_time_nor_a_lower_nonce() {
    let (liar, a) = serve(|_| ()).await;
    let (slow, b) = serve(|_| ()).await;
    let (_, c) = serve(|_| ()).await;
    let chain = connect(vec![a, b, c]).await;
    for gas in [1, 1 << 24] {
        liar.set(|node| node.gas = gas);
        assert_eq!(
            chain.estimate(Address::ZERO, &Bytes::new()).await.unwrap(),
            100_000
        );
    }
    liar.set(|node| (node.head, node.finalized, node.nonce) = (1_000_000, 1_000_000, 0));
    assert_eq!(chain.time().await.unwrap(), 1_100);
    assert_eq!(chain.mined_nonce(Address::ZERO, 5).await.unwrap(), 5);
    slow.set(|node| node.slow = Duration::from_millis(600));
    assert_eq!(
        chain.mined_nonce(Address::ZERO, 5).await.unwrap(),
        5,
        "two agree, as soon as the slow one has answered"
    );
    slow.set(|node| node.fault = Some(Fault::Broken));
    let error = chain.mined_nonce(Address::ZERO, 5).await.unwrap_err();
    assert!(error.to_string().contains("disagree"), "{error}");
    slow.set(|node| (node.fault, node.slow, node.nonce) = (None, Duration::ZERO, 0));
    assert_eq!(
        chain.mined_nonce(Address::ZERO, 5).await.unwrap(),
        0,
        "a chain that was restored from a backup"
    );
}
