//! Three relayers, two of whom must sign.

use std::sync::Arc;

use alloy::{
    primitives::{Address, B256, Bytes},
    providers::Provider,
    sol_types::{SolStruct, SolValue},
};
use chassis_relayer::registry::{IProofOfCloudRegistry::Report, domain};
use chassis_sim::{
    Cloud, Seed,
    machine::{Machine, MachineSpec},
};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    chain::{Chain, free_port, signer, until},
    digest, failed,
    history::{History, operator},
    liar::{Liar, Lie},
    member::{Answer, Member, answer},
    outside::Outside,
    programs::{REAPPRAISE, Relayer, attest},
};

/// The relayers' keys, in the registry's order: the first three, or all.
pub(super) const MEMBERS: [usize; 5] = [1, 4, 5, 7, 8];

/// A cloud, a chain with a set of relayers, and as many honest ones as the test wants; the other members are its own.
pub(super) struct Network {
    pub(super) cloud: Arc<Cloud>,
    pub(super) outside: Outside,
    pub(super) chain: Chain,
    /// The first members; not started.
    pub(super) honest: Vec<Relayer>,
    /// Where each member is expected.
    pub(super) ports: Vec<u16>,
    _dir: TempDir,
}

impl Network {
    pub(super) async fn new(honest: usize) -> Self {
        Self::with_threshold(honest, 2).await
    }

    pub(super) async fn with_threshold(honest: usize, threshold: u8) -> Self {
        Self::of(3, honest, threshold).await
    }

    /// So many members, the first `honest` of them honest.
    pub(super) async fn of(members: usize, honest: usize, threshold: u8) -> Self {
        let start = async |policy| Chain::start_set(policy, &MEMBERS[..members], threshold).await;
        Self::on(start, members, honest).await
    }

    /// So many relayers, members or not, on a chain that is started so.
    pub(super) async fn on(start: impl AsyncFnOnce(B256) -> Chain, relayers: usize, honest: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let cloud = Arc::new(Cloud::new(&dir.path().join("cloud"), Seed(7)).unwrap());
        let chain = start(cloud.policy().digest().unwrap()).await;
        // A finalized block from before the registry would have nothing to read.
        until("the registry is finalized", || async {
            let code = chain.provider.get_code_at(chain.registry).finalized().await;
            code.is_ok_and(|code| !code.is_empty())
        })
        .await;
        let outside = Outside::serve(Arc::clone(&cloud)).await;
        let ports = (0..relayers).map(|_| free_port()).collect();
        let mut network = Self {
            cloud,
            outside,
            chain,
            honest: Vec::new(),
            ports,
            _dir: dir,
        };
        for place in 0..honest {
            let relayer = network.relayer(place);
            network.honest.push(relayer);
        }
        network
    }

    pub(super) fn relayer(&self, place: usize) -> Relayer {
        let peers: Vec<_> = (0..self.ports.len())
            .filter(|other| *other != place)
            .map(|other| {
                format!(
                    "{{ address = \"{}\", url = \"http://127.0.0.1:{}\" }}",
                    address(other),
                    self.ports[other]
                )
            })
            .collect();
        let top = format!("rpc_url = {:?}", self.chain.url);
        let sections = format!(
            "{REAPPRAISE}\n[cosign]\nstage_seconds = 3\npeers = [{}]\n",
            peers.join(", ")
        );
        let key_and_port = (MEMBERS[place], self.ports[place]);
        Relayer::member(
            &self.chain,
            &self.cloud,
            &self.outside,
            key_and_port,
            &top,
            &sections,
        )
    }

    pub(super) async fn start_all(&mut self) {
        for relayer in &mut self.honest {
            relayer.start(None).await;
        }
    }

    /// The last member, in the test's own hands.
    pub(super) async fn member(&self) -> Member {
        self.member_at(self.ports.len() - 1).await
    }

    /// Another one.
    pub(super) async fn member_at(&self, place: usize) -> Member {
        Member::new(&self.chain, self.chain_id().await, MEMBERS[place])
    }

    pub(super) async fn chain_id(&self) -> u64 {
        self.chain.provider.get_chain_id().await.unwrap()
    }

    pub(super) fn boot(&self, name: &str) -> Machine {
        self.cloud.boot(MachineSpec::new(name)).unwrap()
    }

    pub(super) async fn is_attested(&self, key: usize) -> bool {
        let operator = signer(key).address();
        self.chain.registry().isAttested_0(operator).call().await.unwrap()
    }

    /// Transactions of all relayers.
    async fn transactions(&self) -> u64 {
        let mut sent = 0;
        for place in 0..self.ports.len() {
            sent += self
                .chain
                .provider
                .get_transaction_count(address(place))
                .await
                .unwrap();
        }
        sent
    }

    /// Posts a machine's bundle to the first relayer and waits until it is final there.
    pub(super) async fn attest_through_the_first(&self, name: &str) {
        let machine = self.boot(name);
        let bundle = attest(&self.chain, &self.cloud, &machine.parts(), 2);
        let (status, answer) = self.honest[0].post(&bundle).await;
        assert_eq!(status, 202, "{answer}");
        let done = self.honest[0].until_state(&digest(&answer), "final").await;
        assert_eq!(failed(&done), [""; 0]);
        assert!(self.is_attested(2).await);
    }
}

pub(super) fn address(place: usize) -> Address {
    signer(MEMBERS[place]).address()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_of_three_sign_and_it_is_posted_once() {
    let mut network = Network::new(3).await;
    network.start_all().await;
    let machine = network.boot("a");
    let bundle = attest(&network.chain, &network.cloud, &machine.parts(), 2);
    // A node tells all relayers, so that none of them can keep it out.
    let mut digests = Vec::new();
    for relayer in &network.honest {
        let (status, answer) = relayer.post(&bundle).await;
        assert!(status < 300, "{answer}");
        digests.push(digest(&answer));
    }
    for (relayer, digest) in network.honest.iter().zip(&digests) {
        relayer.until_state(digest, "final").await;
    }
    assert!(network.is_attested(2).await);
    assert_eq!(network.chain.batches().await, 1);
    assert_eq!(network.transactions().await, 1, "one relayer pays, once");
    for relayer in &network.honest {
        until("it has seen the others", || async {
            let ready = reqwest::get(format!("{}/readyz", relayer.url)).await;
            ready.unwrap().status().is_success()
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_one_down_the_others_go_on() {
    let mut network = Network::new(2).await;
    network.start_all().await;
    network.attest_through_the_first("a").await;
    assert_eq!(network.chain.batches().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_two_down_nothing_is_posted_and_readyz_says_why() {
    let mut network = Network::new(1).await;
    network.start_all().await;
    let machine = network.boot("a");
    let bundle = attest(&network.chain, &network.cloud, &machine.parts(), 2);
    let (_, answer) = network.honest[0].post(&bundle).await;
    let digest = digest(&answer);
    until("it says that nobody answers", || async {
        let seen = network.honest[0].bundle(&digest).await;
        let reason = seen["reason"].as_str().unwrap_or_default().to_owned();
        reason.contains("2 signatures are needed; no other relayer answered")
    })
    .await;
    let ready = reqwest::get(format!("{}/readyz", network.honest[0].url))
        .await
        .unwrap();
    assert_eq!(ready.status(), 503);
    let why = ready.text().await.unwrap();
    assert!(why.contains("2 signatures are needed, and 1 relayers"), "{why}");
    assert_eq!(network.chain.batches().await, 0);
    assert!(!network.is_attested(2).await);
}

/// What it was told of the registry's log is not what the registry says: until that is mended, it signs nothing.
#[tokio::test(flavor = "multi_thread")]
async fn one_that_sees_another_registry_than_its_log_tells_of_signs_for_nobody() {
    let mut network = Network::new(2).await;
    let liar = Liar::before(&network.chain.url).await;
    network.honest[1].configure(|text| text.replace(&network.chain.url, &liar.url));
    network.start_all().await;
    liar.tell(Lie::Empty);
    let history = History::new(&network.chain, network.cloud.policy().digest().unwrap());
    history.freeze(operator(0x20)).await;
    until("it has noticed", || async {
        let metrics = network.honest[1].metrics().await;
        metrics.contains("\nchassis_index_diverged 1")
    })
    .await;

    let machine = network.boot("a");
    let bundle = attest(&network.chain, &network.cloud, &machine.parts(), 2);
    let (status, answer) = network.honest[0].post(&bundle).await;
    assert_eq!(status, 202, "{answer}");
    until("the other one gives up", || async {
        let metrics = network.honest[0].metrics().await;
        metrics.contains("\nchassis_cosign_given_up_total 1")
    })
    .await;
    assert_eq!(network.chain.batches().await, 0);
    let metrics = network.honest[1].metrics().await;
    assert!(
        !metrics.contains("chassis_cosign_signatures_total{of=\"own\"}"),
        "{metrics}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn with_one_that_never_answers_the_others_go_on() {
    let mut network = Network::new(2).await;
    let slow = network.member().await;
    slow.serve(network.ports[2], |_| -> Answer { Box::pin(async { None }) })
        .await;
    network.start_all().await;
    network.attest_through_the_first("a").await;
    assert_eq!(network.chain.batches().await, 1);
}

/// A member that votes yes on everything, with the right digest, and never signs.
#[tokio::test(flavor = "multi_thread")]
async fn with_one_that_votes_and_does_not_sign_the_others_go_on() {
    let mut network = Network::new(2).await;
    let liar = network.member().await;
    let first = network.honest[0].url.clone();
    let spy = liar.clone();
    liar.serve(network.ports[2], move |message| -> Answer {
        let (first, spy) = (first.clone(), spy.clone());
        Box::pin(async move {
            match message["kind"].as_str().unwrap() {
                // It does not appraise: it asks the proposer's interface for the result.
                "propose" => Some((200, votes_as_the_proposer_wants(&first, &message).await)),
                "sign" => None,
                _ => {
                    answer(
                        422,
                        &json!({"reason": format!("{} hears nothing", spy.signer.address())}),
                    )
                    .await
                }
            }
        })
    })
    .await;
    network.start_all().await;
    network.attest_through_the_first("a").await;
    assert_eq!(network.chain.batches().await, 1);
    assert!(!liar.heard("sign").is_empty(), "it was asked");
}

/// Nothing is final meanwhile, so what is appraised anew comes to the same, and so does the report.
#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_was_given_up_and_comes_out_the_same_again_is_signed() {
    let start = async |policy| Chain::start_still_set(policy, &MEMBERS[..3], 2).await;
    let mut network = Network::on(start, 3, 1).await;
    let late = network.member().await;
    let domain = domain(network.chain_id().await, network.chain.registry);
    let (first, member) = (network.honest[0].url.clone(), late.clone());
    late.serve(network.ports[2], move |message| -> Answer {
        let (first, member, domain) = (first.clone(), member.clone(), domain.clone());
        Box::pin(async move {
            match message["kind"].as_str().unwrap() {
                "propose" => Some((200, votes_as_the_proposer_wants(&first, &message).await)),
                "sign" if member.heard("sign").len() > 1 => {
                    let report: Bytes = message["report"].as_str().unwrap().parse().unwrap();
                    let hash = Report::abi_decode(&report).unwrap().eip712_signing_hash(&domain);
                    answer(200, &json!({"signature": member.sign(hash)})).await
                }
                _ => answer(422, &json!({"reason": "not now"})).await,
            }
        })
    })
    .await;
    network.start_all().await;
    let machine = network.boot("a");
    let bundle = attest(&network.chain, &network.cloud, &machine.parts(), 2);
    let (status, answer) = network.honest[0].post(&bundle).await;
    assert_eq!(status, 202, "{answer}");
    let digest = digest(&answer);
    network.honest[0].until_state(&digest, "posted").await;
    let asked = late.heard("sign");
    assert_eq!(asked[0]["report"], asked[1]["report"], "the same report");
    let metrics = network.honest[0].metrics().await;
    assert!(
        metrics.contains("\nchassis_cosign_given_up_total 1"),
        "it was given up in between: {metrics}"
    );
    until("it is final", || async {
        network.chain.mine(1).await;
        network.honest[0].bundle(&digest).await["state"] == json!("final")
    })
    .await;
    assert_eq!(network.chain.batches().await, 1);
}

/// The result's digest is public.
pub(super) async fn votes_as_the_proposer_wants(proposer: &str, proposal: &Value) -> Vec<u8> {
    let mut votes = Vec::new();
    for item in proposal["items"].as_array().unwrap() {
        let url = format!("{proposer}/v1/bundles/{}", item["evidence"].as_str().unwrap());
        let seen: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
        votes.push(json!({"vote": "yes", "result": seen["result"]}));
    }
    serde_json::to_vec(&json!({"votes": votes})).unwrap()
}
