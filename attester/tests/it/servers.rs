//! A chain's RPC endpoint with a registry on it, and relayers, that say what a test tells them.

use std::sync::{Arc, Mutex};

use alloy::sol_types::{SolCall, SolEvent, SolValue};
use alloy_primitives::{Address, B256, Bytes, U256, aliases::U40};
use axum::{
    Json, Router,
    body::Body,
    extract::{self, Path},
    http::Response,
    routing::{get, post},
};
use chassis_verifier::{
    bundle::{Bundle, DEFAULT_LIMIT},
    sha256,
};
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

use interface::IProofOfCloudRegistry::{
    Attestation, BatchPosted, OperatorGranted, Status, attestationOfCall, isAttested_0Call,
};

pub(crate) const BLOCK_HASH: B256 = B256::repeat_byte(0x42);
/// The finalized block's number and time; the latest is two later. Whatever lands does so in the next one, which is final at
/// once.
pub(crate) const FINALIZED: u64 = 16;
const TIME: u64 = 1_700_000_000;

/// A chain on which a test decides what has landed.
#[derive(Clone)]
pub(crate) struct Chain {
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
}

struct State {
    stored: Attestation,
    /// The bundle that has landed.
    landed: Option<B256>,
    /// One that landed before it, whose manifest no relayer shows.
    hidden: Option<B256>,
    finalized: u64,
    /// Of an attestation, in seconds.
    lifetime: u32,
    /// What the endpoint does not do.
    lacks: Option<Lack>,
}

/// What an endpoint may not do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lack {
    /// It knows no finalized block.
    Finality,
    /// It gives no logs.
    Logs,
    /// Its log of the last blocks, when it is asked for the first time.
    LastLogs,
}

type Shared = Arc<Mutex<State>>;

impl Chain {
    pub(crate) async fn start() -> Self {
        let state = Arc::new(Mutex::new(State {
            stored: attestation(Status::Unknown),
            landed: None,
            hidden: None,
            finalized: FINALIZED,
            lifetime: 86_400,
            lacks: None,
        }));
        let router = Router::new().route("/", post(rpc)).with_state(Arc::clone(&state));
        Self {
            url: serve(router).await,
            state,
        }
    }

    /// From now on the operator is attested, by evidence of the finalized block: by the bundle with this digest.
    pub(crate) fn land(&self, bundle: B256) {
        let mut state = self.state.lock().unwrap();
        state.landed = Some(bundle);
        state.finalized = FINALIZED + 1;
        state.stored = Attestation {
            binding: 2,
            custody: 2,
            tcb: 1,
            ttl: state.lifetime,
            evidenceTime: U40::from(TIME),
            expiry: U40::from(TIME + u64::from(state.lifetime)),
            ..attestation(Status::Active)
        };
    }

    /// What lands from now on holds for so many seconds.
    pub(crate) fn shorten(&self, lifetime: u32) {
        self.state.lock().unwrap().lifetime = lifetime;
    }

    /// Before whatever lands stands the bundle with this digest, whose manifest no relayer shows.
    pub(crate) fn hide(&self, bundle: B256) {
        self.state.lock().unwrap().hidden = Some(bundle);
    }

    /// From now on the endpoint does not do this.
    pub(crate) fn lack(&self, lack: Lack) {
        self.state.lock().unwrap().lacks = Some(lack);
    }

    /// Whether it still lacks something.
    pub(crate) fn lacks_any(&self) -> bool {
        self.state.lock().unwrap().lacks.is_some()
    }

    /// What is on chain is by older evidence.
    pub(crate) fn age(&self) {
        self.state.lock().unwrap().stored.evidenceTime = U40::from(TIME - 1000);
    }

    /// What was the latest block is final.
    pub(crate) fn finalize(&self) {
        self.state.lock().unwrap().finalized += 2;
    }
}

/// What the registry's log names: the bundle's result is its digest.
fn manifest(bundle: B256) -> Vec<u8> {
    json!({"version": 1, "items": [{"result": bundle, "evidence": bundle, "endorsements": bundle}]})
        .to_string()
        .into_bytes()
}

fn logs(bundle: B256) -> [alloy::rpc::types::Log; 2] {
    let grant = OperatorGranted {
        operator: crate::cli::OPERATOR,
        platformId: B256::ZERO,
        workloadId: B256::ZERO,
        instanceId: B256::ZERO,
        digest: bundle,
        operatorWord: U256::ZERO,
        laneWord: 1,
    };
    let batch = BatchPosted {
        batch: 0,
        policyDigest: B256::ZERO,
        origin: U256::ZERO,
        reportHash: B256::ZERO,
        archive: sha256(&manifest(bundle)),
        applied: U256::ZERO,
        renewals: Bytes::new(),
        digests: Vec::new(),
        head: B256::ZERO,
    };
    [grant.encode_log_data(), batch.encode_log_data()].map(|data| alloy::rpc::types::Log {
        inner: alloy_primitives::Log {
            address: Address::repeat_byte(0xaa),
            data,
        },
        ..alloy::rpc::types::Log::default()
    })
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

async fn rpc(extract::State(state): extract::State<Shared>, Json(request): Json<Value>) -> Json<Value> {
    let params = &request["params"];
    let mut state = state.lock().unwrap();
    let result = match request["method"].as_str().unwrap() {
        "eth_getBlockByNumber" if params[0] == "finalized" && state.lacks == Some(Lack::Finality) => {
            Value::Null
        }
        "eth_getLogs" if state.lacks == Some(Lack::Logs) => {
            let error = json!({"code": -32601, "message": "no logs here"});
            return Json(json!({"jsonrpc": "2.0", "id": request["id"], "error": error}));
        }
        "eth_getLogs" if state.lacks == Some(Lack::LastLogs) => {
            state.lacks = None;
            json!([])
        }
        "eth_chainId" => json!("0x7a69"),
        "eth_getBlockByNumber" => {
            let number = match params[0].as_str().unwrap() {
                "latest" => FINALIZED + 2,
                "finalized" => state.finalized,
                _ => FINALIZED,
            };
            json!({"number": format!("{number:#x}"), "hash": BLOCK_HASH, "timestamp": format!("{TIME:#x}")})
        }
        "eth_call" => {
            let data: Bytes = serde_json::from_value(params[0]["data"].clone()).unwrap();
            let stored = &state.stored;
            match <[u8; 4]>::try_from(&data[..4]).unwrap() {
                attestationOfCall::SELECTOR => json!(Bytes::from(stored.abi_encode())),
                isAttested_0Call::SELECTOR => {
                    json!(Bytes::from((stored.status == Status::Active).abi_encode()))
                }
                other => panic!("{other:?} was not expected"),
            }
        }
        "eth_getLogs" => {
            let from = params[0]["fromBlock"].as_str().unwrap();
            let from = u64::from_str_radix(from.trim_start_matches("0x"), 16).unwrap();
            let landed = state.landed.filter(|_| from <= FINALIZED + 1);
            let bundles = landed.map(|landed| state.hidden.into_iter().chain([landed]));
            json!(bundles.into_iter().flatten().flat_map(logs).collect::<Vec<_>>())
        }
        other => panic!("{other} was not expected"),
    };
    Json(json!({"jsonrpc": "2.0", "id": request["id"], "result": result}))
}

/// A relayer that tells of one scripted state after another, and of the last one for ever. A script's `lands` is done, and
/// not told: the bundle lands, or another one if it is "another".
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
            .route("/v1/manifests/{digest}", get(show))
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
        match answer.as_object_mut().unwrap().remove("lands") {
            Some(Value::String(another)) => self.chain.land(sha256(another.as_bytes())),
            Some(_) => self.chain.land(digest),
            None => {}
        }
        answer["digest"] = json!(digest);
        Json(answer)
    }
}

async fn receive(extract::State(relayer): extract::State<Scripted>, body: axum::body::Bytes) -> Json<Value> {
    let bundle = Bundle::parse(&body, DEFAULT_LIMIT).unwrap();
    let digest = bundle.digest;
    relayer.received.lock().unwrap().push(bundle);
    relayer.answer(digest)
}

async fn next(extract::State(relayer): extract::State<Scripted>, Path(digest): Path<B256>) -> Json<Value> {
    relayer.answer(digest)
}

async fn show(extract::State(relayer): extract::State<Scripted>) -> Vec<u8> {
    let landed = relayer.chain.state.lock().unwrap().landed;
    landed.map_or(Vec::new(), manifest)
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
