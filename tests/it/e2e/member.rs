//! A member of the relayer set that says and does whatever a test wants, written from the protocol's description alone.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use alloy::{
    primitives::{Address, B256, Bytes, keccak256},
    signers::{SignerSync, local::PrivateKeySigner},
    sol_types::{Eip712Domain, SolStruct, eip712_domain},
};
use axum::{
    Router,
    extract::Request,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::{Value, json};

use super::chain::{Chain, signer};

mod structs {
    alloy::sol! {
        struct CosignRequest {
            address sender;
            address recipient;
            string method;
            string path;
            bytes32 bodyHash;
            uint64 timestamp;
            bytes32 nonce;
        }

        struct CosignAnswer {
            bytes32 request;
            uint16 status;
            bytes32 bodyHash;
        }
    }
}

use structs::{CosignAnswer, CosignRequest};

/// What a member answers to a message: `None` is silence.
pub(crate) type Answer = Pin<Box<dyn Future<Output = Option<(u16, Vec<u8>)>> + Send>>;

type Behaviour = dyn Fn(Value) -> Answer + Send + Sync;

/// What is longer nobody reads to its end, and hashing it takes longer than anybody waits.
const MOST_SIGNED: usize = 32 << 20;

/// The member.
#[derive(Clone)]
pub(crate) struct Member {
    pub(crate) signer: PrivateKeySigner,
    pub(crate) domain: Eip712Domain,
    /// Everything it was told.
    pub(crate) heard: Arc<Mutex<Vec<Value>>>,
}

/// A request with its headers, to be sent as often as one likes.
#[derive(Clone)]
pub(crate) struct Signed {
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    digest: B256,
    recipient: Address,
}

impl Signed {
    /// The same headers over another body.
    pub(crate) fn carrying(mut self, body: Vec<u8>) -> Self {
        self.body = body;
        self
    }
}

impl Member {
    pub(crate) fn new(chain: &Chain, chain_id: u64, key: usize) -> Self {
        Self {
            signer: signer(key),
            domain: eip712_domain! {
                name: "ChassisCosign",
                version: "1",
                chain_id: chain_id,
                verifying_contract: chain.registry,
            },
            heard: Arc::default(),
        }
    }

    /// Listens at `port` and behaves so.
    pub(crate) async fn serve(&self, port: u16, behaviour: impl Fn(Value) -> Answer + Send + Sync + 'static) {
        let (member, behaviour): (_, Arc<Behaviour>) = (self.clone(), Arc::new(behaviour));
        let handler = async move |request: Request| member.clone().take(request, &*behaviour).await;
        let router = Router::new().route("/v1/cosign", post(handler));
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        tokio::spawn(async { axum::serve(listener, router).await });
    }

    async fn take(self, request: Request, behaviour: &Behaviour) -> Response {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let digest = self.request(&parts.headers).eip712_signing_hash(&self.domain);
        let message: Value = serde_json::from_slice(&body).unwrap();
        self.heard.lock().unwrap().push(message.clone());
        let Some((status, answer)) = behaviour(message).await else {
            tokio::time::sleep(Duration::from_hours(1)).await;
            return StatusCode::GATEWAY_TIMEOUT.into_response();
        };
        let signed = CosignAnswer {
            request: digest,
            status,
            bodyHash: if answer.len() > MOST_SIGNED {
                B256::ZERO
            } else {
                keccak256(&answer)
            },
        };
        let signature = self.sign(signed.eip712_signing_hash(&self.domain));
        let status = StatusCode::from_u16(status).unwrap();
        (status, [("chassis-signature", signature.to_string())], answer).into_response()
    }

    fn request(&self, headers: &HeaderMap) -> CosignRequest {
        let field = |name: &str| headers[name].to_str().unwrap().to_owned();
        CosignRequest {
            sender: field("chassis-sender").parse().unwrap(),
            recipient: self.signer.address(),
            method: "POST".into(),
            path: "/v1/cosign".into(),
            bodyHash: field("chassis-body").parse().unwrap(),
            timestamp: field("chassis-time").parse().unwrap(),
            nonce: field("chassis-nonce").parse().unwrap(),
        }
    }

    /// 64 bytes.
    pub(crate) fn sign(&self, digest: B256) -> Bytes {
        let signature = self.signer.sign_hash_sync(&digest).unwrap();
        signature.as_erc2098().into()
    }

    /// A request as of `time`.
    pub(crate) fn prepare(&self, recipient: Address, body: Vec<u8>, time: u64) -> Signed {
        static NONCE: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let count = NONCE.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let request = CosignRequest {
            sender: self.signer.address(),
            recipient,
            method: "POST".into(),
            path: "/v1/cosign".into(),
            bodyHash: keccak256(&body),
            timestamp: time,
            nonce: keccak256((u128::from(count) << 64 | u128::from(now())).to_be_bytes()),
        };
        let digest = request.eip712_signing_hash(&self.domain);
        Signed {
            headers: vec![
                ("chassis-sender", request.sender.to_string()),
                ("chassis-time", time.to_string()),
                ("chassis-nonce", request.nonce.to_string()),
                ("chassis-body", request.bodyHash.to_string()),
                ("chassis-signature", self.sign(digest).to_string()),
            ],
            body,
            digest,
            recipient,
        }
    }

    /// Says something now, and gives the answer, whose signature holds.
    pub(crate) async fn say(&self, url: &str, recipient: Address, message: &Value) -> (u16, Value) {
        let body = serde_json::to_vec(message).unwrap();
        self.send(url, &self.prepare(recipient, body, now())).await
    }

    pub(crate) async fn send(&self, url: &str, signed: &Signed) -> (u16, Value) {
        let mut request = reqwest::Client::new()
            .post(format!("{url}/v1/cosign"))
            .body(signed.body.clone());
        for (name, value) in &signed.headers {
            request = request.header(*name, value);
        }
        let Ok(answer) = request.send().await else {
            return (0, Value::Null);
        };
        let status = answer.status().as_u16();
        let signature = answer.headers().get("chassis-signature").cloned();
        let body = answer.bytes().await.unwrap();
        if let Some(signature) = signature {
            let expected = CosignAnswer {
                request: signed.digest,
                status,
                bodyHash: keccak256(&body),
            };
            let signature: Bytes = signature.to_str().unwrap().parse().unwrap();
            let recovered = alloy::primitives::Signature::from_erc2098(&signature)
                .recover_address_from_prehash(&expected.eip712_signing_hash(&self.domain));
            assert_eq!(recovered.unwrap(), signed.recipient, "the answer's signature");
        }
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    /// What it was told of one kind.
    pub(crate) fn heard(&self, kind: &str) -> Vec<Value> {
        let heard = self.heard.lock().unwrap();
        heard
            .iter()
            .filter(|message| message["kind"] == json!(kind))
            .cloned()
            .collect()
    }
}

/// Answers with JSON.
pub(crate) fn answer(status: u16, body: &Value) -> Answer {
    let body = serde_json::to_vec(body).unwrap();
    Box::pin(async move { Some((status, body)) })
}

/// Unix seconds.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}
