//! JSON-RPC to the operator's own endpoint, within the limits of [`crate::http`].

use alloy_primitives::{Address, B256, Bytes, U64, U256};
use chassis_verifier::bundle::Anchor;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{Error, http};

/// An RPC endpoint. What it says is believed: name one you trust, best your own.
#[derive(Clone, Debug)]
pub struct Rpc {
    url: reqwest::Url,
    client: reqwest::Client,
}

/// Which state of the chain is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// What the endpoint knows last; it may be undone.
    Latest,
    /// What is never undone.
    Finalized,
    /// After the block with this number.
    Block(u64),
}

/// A block, as far as we look at it.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Block {
    pub(crate) number: U64,
    pub(crate) hash: B256,
    pub(crate) timestamp: U64,
    pub(crate) base_fee_per_gas: Option<U256>,
}

impl Rpc {
    /// The endpoint at `url`.
    ///
    /// # Errors
    /// If `url` is no HTTP URL.
    pub fn new(url: &str) -> Result<Self, Error> {
        let error = |problem| Error::Rpc {
            endpoint: "of --rpc-url".to_owned(),
            problem,
        };
        Ok(Self {
            url: http::parse_url(url).map_err(error)?,
            client: http::client().map_err(error)?,
        })
    }

    /// The chain's latest finalized block, as an anchor for evidence meant for `registry`.
    ///
    /// # Errors
    /// If the endpoint does not answer or does not know finality.
    pub async fn finalized_anchor(&self, registry: Address) -> Result<Anchor, Error> {
        let chain_id = self.chain_id().await?;
        let block = self.block(At::Finalized).await?;
        Ok(Anchor {
            chain_id,
            registry,
            block_number: block.number.to(),
            block_hash: block.hash,
        })
    }

    pub(crate) async fn chain_id(&self) -> Result<u64, Error> {
        let id: U64 = self.call("eth_chainId", json!([])).await?;
        Ok(id.to())
    }

    pub(crate) async fn block(&self, at: At) -> Result<Block, Error> {
        let block: Option<Block> = self
            .call("eth_getBlockByNumber", json!([at.tag(), false]))
            .await?;
        block.ok_or_else(|| {
            let tag = at.tag();
            self.error(format!(
                "it knows no {tag} block yet; wait for one, or ask another endpoint"
            ))
        })
    }

    /// The time of the block with this number, Unix seconds.
    pub(crate) async fn time_of(&self, number: u64) -> Result<u64, Error> {
        let block: Option<Block> = self
            .call("eth_getBlockByNumber", json!([U64::from(number), false]))
            .await?;
        let block = block.ok_or_else(|| self.error(format!("it does not know block {number} any more")))?;
        Ok(block.timestamp.to())
    }

    /// What the contract `to` answers.
    pub(crate) async fn view(&self, to: Address, data: Bytes, at: At) -> Result<Bytes, Error> {
        self.call("eth_call", json!([{"to": to, "data": data}, at.tag()]))
            .await
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
            let message = http::printable(&message);
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

impl At {
    fn tag(self) -> String {
        match self {
            Self::Latest => "latest".to_owned(),
            Self::Finalized => "finalized".to_owned(),
            Self::Block(number) => format!("{number:#x}"),
        }
    }
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
