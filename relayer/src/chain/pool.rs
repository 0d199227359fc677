//! Several endpoints as one: reads in order, broadcasts to all, decisions by two.

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use alloy::{
    eips::BlockNumberOrTag,
    network::Ethereum,
    providers::{Provider, RootProvider},
    rpc::{
        client::RpcClient,
        json_rpc::{RequestPacket, ResponsePacket},
    },
    transports::{TransportError, TransportErrorKind, TransportFut},
};
use tokio::time::timeout;
use tower::Service;
use tracing::{error, info};

use super::{
    Block,
    config::Rpc,
    transport::{Transport, is_endpoints_fault},
};
use crate::Error;

/// One endpoint.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    pub(super) transport: Transport,
    pub(super) provider: RootProvider<Ethereum>,
}

/// All of them.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    pub(super) endpoints: Arc<Vec<Endpoint>>,
    pub(super) chain: u64,
    max_lag: u64,
    timeout: Duration,
}

impl Pool {
    /// Probes every endpoint and learns which chain this is.
    pub(super) async fn connect(rpc: &Rpc) -> Result<Self, Error> {
        let mut endpoints = Vec::new();
        for url in &rpc.urls {
            let transport = Transport::new(url, rpc)?;
            let provider = RootProvider::new(RpcClient::new(transport.clone(), false));
            endpoints.push(Endpoint { transport, provider });
        }
        let mut pool = Self {
            endpoints: Arc::new(endpoints),
            chain: rpc.file.chain_id.unwrap_or_default(),
            max_lag: rpc.file.max_lag_blocks,
            timeout: rpc.timeout(),
        };
        pool.look_at_all().await;
        if rpc.file.chain_id.is_none() {
            pool.chain = pool.common_chain()?;
        }
        pool.report();
        Ok(pool)
    }

    /// Looks at every endpoint whose time has come: is it on this chain, and how far is it?
    pub(super) async fn probe(&self) {
        self.look_at_all().await;
        self.report();
    }

    async fn look_at_all(&self) {
        let now = Instant::now();
        let due = self
            .endpoints
            .iter()
            .filter(|endpoint| endpoint.transport.health().is_due(now));
        futures::future::join_all(due.map(|endpoint| endpoint.look(self.timeout))).await;
    }

    fn common_chain(&self) -> Result<u64, Error> {
        let said: Vec<_> = self
            .endpoints
            .iter()
            .filter_map(|e| e.transport.health().chain)
            .collect();
        let votes = |chain: u64| said.iter().filter(|other| **other == chain).count();
        let Some(most) = said.iter().copied().max_by_key(|chain| votes(*chain)) else {
            return Err(Error::Rpc(format!(
                "no endpoint answers: {}",
                self.problems().join("; ")
            )));
        };
        if said
            .iter()
            .any(|other| *other != most && votes(*other) == votes(most))
        {
            return Err(Error::Rpc(format!(
                "the endpoints are on different chains ({said:?}): set rpc.chain_id, or correct rpc.urls"
            )));
        }
        Ok(most)
    }

    fn report(&self) {
        let needed = u32::try_from(self.quorum()).unwrap_or(u32::MAX);
        metrics::gauge!("chassis_rpc_needed").set(needed);
        for endpoint in self.endpoints.iter() {
            let name = endpoint.transport.name().to_owned();
            if endpoint.wrong_chain(self.chain) {
                error!(
                    endpoint = name,
                    chain = self.chain,
                    "it is on another chain: refused"
                );
            }
            let is_usable = u8::from(self.is_usable(endpoint, Instant::now()));
            metrics::gauge!("chassis_rpc_usable", "endpoint" => name).set(is_usable);
        }
    }

    fn is_usable(&self, endpoint: &Endpoint, now: Instant) -> bool {
        endpoint.on_chain(self.chain) && endpoint.transport.health().is_usable(now)
    }

    /// In which order reads go: what is well and near the head, then what is well, then, if there is none, whatever does
    /// not ask to be left alone. A lone endpoint is always asked.
    fn order(&self) -> Vec<Endpoint> {
        let now = Instant::now();
        let usable: Vec<_> = self.endpoints.iter().filter(|e| self.is_usable(e, now)).collect();
        if usable.is_empty() {
            let all = self.endpoints.iter();
            let rest = all.filter(|e| e.on_chain(self.chain) && !e.transport.health().is_waiting(now));
            return rest.cloned().collect();
        }
        let stale = self.stale_below();
        let (near, far): (Vec<_>, Vec<_>) = usable.into_iter().partition(|e| e.head() >= stale);
        near.into_iter().chain(far).cloned().collect()
    }

    /// Those that may take part in a decision.
    pub(super) fn deciders(&self) -> Vec<Endpoint> {
        let stale = self.stale_below();
        let mut order = self.order();
        order.retain(|endpoint| endpoint.head() >= stale);
        order
    }

    /// Whom a transaction is handed to: everybody on this chain. Even an endpoint that fails may pass it on.
    pub(super) fn broadcasters(&self) -> Vec<Endpoint> {
        let now = Instant::now();
        let all = self.endpoints.iter();
        all.filter(|e| e.on_chain(self.chain) && !e.transport.health().is_waiting(now))
            .cloned()
            .collect()
    }

    /// Heights below are far behind. With three or more endpoints, one that claims to be far ahead is not believed.
    fn stale_below(&self) -> u64 {
        let on_chain = self.endpoints.iter().filter(|e| e.on_chain(self.chain));
        let mut heads: Vec<_> = on_chain.map(Endpoint::head).collect();
        heads.sort_unstable_by(|a, b| b.cmp(a));
        let reference = if heads.len() > 2 {
            heads.get(1)
        } else {
            heads.first()
        };
        reference.map_or(0, |head| head.saturating_sub(self.max_lag))
    }

    /// What people should know about the endpoints.
    pub(super) fn problems(&self) -> Vec<String> {
        let (now, stale) = (Instant::now(), self.stale_below());
        let problem = |endpoint: &Endpoint| {
            let name = endpoint.transport.name();
            if endpoint.wrong_chain(self.chain) {
                return Some(format!("endpoint {name} is on another chain, and is refused"));
            }
            let health = endpoint.transport.health();
            if !health.is_usable(now) || health.chain.is_none() {
                let problem = health
                    .problem
                    .clone()
                    .unwrap_or_else(|| "it asks to wait".to_owned());
                return Some(format!("endpoint {name} is left out: {problem}"));
            }
            let behind = health.head.is_some_and(|head| head < stale);
            behind.then(|| format!("endpoint {name} is far behind the others"))
        };
        self.endpoints.iter().filter_map(problem).collect()
    }

    async fn read(self, request: RequestPacket) -> Result<ResponsePacket, TransportError> {
        let mut last = Err(TransportErrorKind::custom_str("no endpoint may be asked now"));
        for endpoint in self.order() {
            last = endpoint.transport.clone().call(request.clone()).await;
            if last
                .as_ref()
                .is_ok_and(|answer| !answer.iter_errors().any(is_endpoints_fault))
            {
                break;
            }
        }
        last
    }
}

impl Endpoint {
    /// Asks which chain it is on, and for its latest block. Everything it answers is noted by the transport.
    async fn look(&self, most: Duration) {
        let chain = timeout(most, self.provider.get_chain_id()).await;
        let Ok(Ok(chain)) = chain else { return };
        let was = self.transport.health().chain.replace(chain);
        if was.is_none() {
            info!(endpoint = self.transport.name(), chain, "answers");
        }
        if let Ok(Ok(head)) = timeout(most, self.provider.get_block_number()).await {
            self.transport.health().head = Some(head);
        }
    }

    pub(super) async fn block(&self, number: BlockNumberOrTag) -> Result<Option<Block>, TransportError> {
        Ok(self.provider.get_block_by_number(number).await?.map(Block::from))
    }

    /// The latest block, or the latest finalized one. One that has none, as a node may have that was just started, has not
    /// answered.
    pub(super) async fn tagged(&self, tag: BlockNumberOrTag) -> Result<Block, TransportError> {
        let block = self.block(tag).await?;
        block.ok_or_else(|| TransportErrorKind::custom_str(&format!("it has no {tag} block")))
    }

    fn on_chain(&self, chain: u64) -> bool {
        self.transport.health().chain == Some(chain)
    }

    fn wrong_chain(&self, chain: u64) -> bool {
        self.transport.health().chain.is_some_and(|other| other != chain)
    }

    fn head(&self) -> u64 {
        self.transport.health().head.unwrap_or(0)
    }
}

/// The pool as a transport, and how it finds answers.
#[derive(Clone, Debug)]
pub(super) struct Questions {
    pool: Pool,
    answer: fn(Pool, RequestPacket) -> TransportFut<'static>,
}

impl Questions {
    /// One endpoint answers.
    pub(super) fn reads(pool: Pool) -> Self {
        let answer = |pool: Pool, request| -> TransportFut<'static> { Box::pin(pool.read(request)) };
        Self { pool, answer }
    }

    /// Two endpoints must give the same answer.
    pub(super) fn decisions(pool: Pool) -> Self {
        let answer = |pool: Pool, request| -> TransportFut<'static> { Box::pin(pool.decide(request)) };
        Self { pool, answer }
    }
}

impl Service<RequestPacket> for Questions {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: RequestPacket) -> Self::Future {
        (self.answer)(self.pool.clone(), request)
    }
}
