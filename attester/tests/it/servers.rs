//! A chain's RPC endpoint with a registry on it, and relayers, that say what a test tells them.

use std::sync::{Arc, Mutex};

use alloy::sol_types::{SolCall, SolValue};
use alloy_primitives::{B256, Bytes, aliases::U40};
use axum::{
    Json, Router,
    body::Body,
    extract::{Path, State},
    http::Response,
    routing::{get, post},
};
use chassis_verifier::bundle::{Bundle, DEFAULT_LIMIT};
use serde_json::{Value, json};

mod interface {
    #![allow(
        missing_docs,
        clippy::pedantic,
        clippy::too_many_arguments,
        reason = "generated"
    )]
    alloy::sol!(
        #[sol(all_derives)]
        "../contracts/src/interfaces/IProofOfCloudRegistry.sol"
    );
}

use interface::IProofOfCloudRegistry::{Attestation, Status, attestationOfCall, isAttested_0Call};

pub(crate) const BLOCK_HASH: B256 = B256::repeat_byte(0x42);
/// The finalized block's number and time; the latest is two later.
pub(crate) const FINALIZED: u64 = 16;
const TIME: u64 = 1_700_000_000;

/// A chain on which a test decides what has landed.
#[derive(Clone)]
pub(crate) struct Chain {
    pub(crate) url: String,
    stored: Arc<Mutex<Attestation>>,
}

impl Chain {
    pub(crate) async fn start() -> Self {
        let stored = Arc::new(Mutex::new(attestation(Status::Unknown)));
        let router = Router::new()
            .route("/", post(rpc))
            .with_state(Arc::clone(&stored));
        Self {
            url: serve(router).await,
            stored,
        }
    }

    /// From now on the operator is attested, by evidence of the finalized block.
    pub(crate) fn land(&self) {
        *self.stored.lock().unwrap() = Attestation {
            binding: 2,
            custody: 2,
            tcb: 1,
            ttl: 86_400,
            evidenceTime: U40::from(TIME),
            expiry: U40::from(TIME + 86_400),
            ..attestation(Status::Active)
        };
    }
}

impl Chain {
    /// What is on chain is by older evidence.
    pub(crate) fn age(&self) {
        let mut stored = self.stored.lock().unwrap();
        stored.evidenceTime = U40::from(TIME - 1000);
    }
}

fn attestation(status: Status) -> Attestation {
    Attestation {
        status,
        binding: 0,
        custody: 0,
        tcb: 0,
        teeClass: 0,
        flags: 0,
        provider: 0,
        statusNonce: 0,
        ttl: 0,
        evidenceTime: U40::ZERO,
        attestedSince: U40::ZERO,
        expiry: U40::ZERO,
        lane: 0,
        generation: 0,
        platformId: B256::ZERO,
        workloadId: B256::ZERO,
    }
}

async fn rpc(State(stored): State<Arc<Mutex<Attestation>>>, Json(request): Json<Value>) -> Json<Value> {
    let params = &request["params"];
    let result = match request["method"].as_str().unwrap() {
        "eth_chainId" => json!("0x7a69"),
        "eth_getBlockByNumber" => {
            let number = if params[0] == "latest" {
                FINALIZED + 2
            } else {
                FINALIZED
            };
            json!({"number": format!("{number:#x}"), "hash": BLOCK_HASH, "timestamp": format!("{TIME:#x}")})
        }
        "eth_call" => {
            let data: Bytes = serde_json::from_value(params[0]["data"].clone()).unwrap();
            let stored = stored.lock().unwrap().clone();
            match <[u8; 4]>::try_from(&data[..4]).unwrap() {
                attestationOfCall::SELECTOR => json!(Bytes::from(stored.abi_encode())),
                isAttested_0Call::SELECTOR => {
                    json!(Bytes::from((stored.status == Status::Active).abi_encode()))
                }
                other => panic!("{other:?} was not expected"),
            }
        }
        other => panic!("{other} was not expected"),
    };
    Json(json!({"jsonrpc": "2.0", "id": request["id"], "result": result}))
}

/// A relayer that tells of one scripted state after another, and of the last one for ever. A script's `lands` is done, and
/// not told.
#[derive(Clone)]
pub(crate) struct Scripted {
    pub(crate) url: String,
    script: Arc<Mutex<Vec<Value>>>,
    received: Arc<Mutex<Vec<Bundle>>>,
    chain: Chain,
}

impl Scripted {
    pub(crate) async fn start(chain: &Chain, script: Vec<Value>) -> Self {
        let mut relayer = Self {
            url: String::new(),
            script: Arc::new(Mutex::new(script)),
            received: Arc::default(),
            chain: chain.clone(),
        };
        let router = Router::new()
            .route("/v1/bundles", post(receive))
            .route("/v1/bundles/{digest}", get(next))
            .route("/v1/operators/{address}", get(operator))
            .with_state(relayer.clone());
        relayer.url = serve(router).await;
        relayer
    }

    /// The bundles it was given.
    pub(crate) fn received(&self) -> Vec<Bundle> {
        self.received.lock().unwrap().clone()
    }

    fn answer(&self, digest: B256) -> Json<Value> {
        let mut script = self.script.lock().unwrap();
        let mut answer = if script.len() > 1 {
            script.remove(0)
        } else {
            script[0].clone()
        };
        if answer.as_object_mut().unwrap().remove("lands").is_some() {
            self.chain.land();
        }
        answer["digest"] = json!(digest);
        Json(answer)
    }
}

async fn receive(State(relayer): State<Scripted>, body: axum::body::Bytes) -> Json<Value> {
    let bundle = Bundle::parse(&body, DEFAULT_LIMIT).unwrap();
    let digest = bundle.digest;
    relayer.received.lock().unwrap().push(bundle);
    relayer.answer(digest)
}

async fn next(State(relayer): State<Scripted>, Path(digest): Path<B256>) -> Json<Value> {
    relayer.answer(digest)
}

async fn operator(Path(_): Path<String>) -> Json<Value> {
    Json(json!({"warnings": []}))
}

/// Answers everything in the same way, and counts how often it was asked.
pub(crate) async fn always<F>(answer: F) -> (String, Arc<Mutex<u32>>)
where
    F: Fn() -> Response<Body> + Clone + Send + Sync + 'static,
{
    let asked = Arc::new(Mutex::new(0));
    let count = Arc::clone(&asked);
    let handler = move || {
        *count.lock().unwrap() += 1;
        let answer = answer();
        async move { answer }
    };
    (serve(Router::new().fallback(handler)).await, asked)
}

/// The URL of a server that lives as long as the test's runtime.
pub(crate) async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, router).await });
    url
}
