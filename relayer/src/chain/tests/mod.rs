//! The pool against small local servers, each of which misbehaves in one way.

mod decisions;
pub(crate) mod node;
mod pool;

use reqwest::Url;

use super::*;

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

pub(crate) async fn connect(urls: Vec<Url>) -> Chain {
    Chain::connect(&rpc(urls), Address::ZERO).await.unwrap()
}
