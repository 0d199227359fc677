//! The freshness source: the chain's latest finalized block, from the operator's own RPC endpoint.

use alloy_primitives::{Address, B256, U64};
use chassis_verifier::bundle::Anchor;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{Error, http};

/// The latest finalized block of the chain behind `rpc_url`, as an anchor for evidence meant for `registry`.
///
/// # Errors
/// If the endpoint does not answer or does not know finality.
pub async fn finalized_anchor(rpc_url: &str, registry: Address) -> Result<Anchor, Error> {
    let rpc = Rpc::new(rpc_url)?;
    let chain_id: U64 = rpc.call("eth_chainId", json!([])).await?;
    let block: Option<Block> = rpc
        .call("eth_getBlockByNumber", json!(["finalized", false]))
        .await?;
    let block = block
        .ok_or_else(|| rpc.error("it knows no finalized block yet; wait for one, or ask another endpoint"))?;
    Ok(Anchor {
        chain_id: chain_id.to(),
        registry,
        block_number: block.number.to(),
        block_hash: block.hash,
    })
}

#[derive(Deserialize)]
struct Block {
    number: U64,
    hash: B256,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    result: Value,
    error: Option<RpcError>,
}

#[derive(Deserialize)]
struct RpcError {
    code: i64,
    message: String,
}

pub(crate) struct Rpc {
    url: reqwest::Url,
    client: reqwest::Client,
}

impl Rpc {
    pub(crate) fn new(url: &str) -> Result<Self, Error> {
        let error = |problem| Error::Rpc {
            endpoint: "of --rpc-url".to_owned(),
            problem,
        };
        Ok(Self {
            url: http::parse_url(url).map_err(error)?,
            client: http::client().map_err(error)?,
        })
    }

    pub(crate) async fn call<T: DeserializeOwned>(&self, method: &str, params: Value) -> Result<T, Error> {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let response = self
            .client
            .post(self.url.clone())
            .json(&request)
            .send()
            .await
            .map_err(|error| self.error(http::problem(error)))?;
        let status = response.status();
        let body = http::body(response)
            .await
            .map_err(|problem| self.error(problem))?;
        let answer: Answer = serde_json::from_slice(&body).map_err(|_| {
            self.error(format!(
                "{method} was answered with HTTP {status} and no JSON-RPC"
            ))
        })?;
        if let Some(RpcError { code, message }) = answer.error {
            return Err(self.error(format!("{method} failed with {code}: {message}")));
        }
        serde_json::from_value(answer.result)
            .map_err(|error| self.error(format!("{method} was answered with something else: {error}")))
    }

    pub(crate) fn error(&self, problem: impl Into<String>) -> Error {
        Error::Rpc {
            endpoint: http::origin(&self.url),
            problem: problem.into(),
        }
    }
}
