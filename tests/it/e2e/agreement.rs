//! Several honest relayers go on, whatever the others do.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use alloy::{
    primitives::{Bytes, keccak256},
    sol_types::{Eip712Domain, SolStruct, SolValue},
};
use chassis_relayer::registry::{IProofOfCloudRegistry::Report, domain};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::{
    byzantine::{Liar, Offer, finalized, report},
    chain::{signer, until},
    cosign::{Network, address, votes_as_the_proposer_wants},
    digest,
    member::{Answer, Member, answer},
    programs::attest,
};

fn silence() -> Answer {
    Box::pin(async { None })
}

#[tokio::test(flavor = "multi_thread")]
async fn with_one_of_five_down_and_one_that_votes_and_does_not_sign_three_go_on() {
    let mut network = Network::of(5, 3, 3).await;
    let liar = network.member().await;
    let first = network.honest[0].url.clone();
    liar.serve(network.ports[4], move |message| -> Answer {
        let first = first.clone();
        Box::pin(async move {
            match message["kind"].as_str().unwrap() {
                "propose" => Some((200, votes_as_the_proposer_wants(&first, &message).await)),
                _ => None,
            }
        })
    })
    .await;
    network.start_all().await;
    network.attest_through_the_first("a").await;
    assert_eq!(network.chain.batches().await, 1);
    assert!(!liar.heard("sign").is_empty(), "it was asked");
}

/// It offers all that it may, again and again, and hands none of it out.
#[tokio::test(flavor = "multi_thread")]
async fn one_that_hands_nothing_out_of_what_it_proposes_holds_up_nobody_else() {
    let mut network = Network::new(2).await;
    let liar = network.member().await;
    liar.serve(network.ports[2], |_| silence()).await;
    network.start_all().await;
    let block = finalized(&network.chain).await;
    let mut evidence: Vec<_> = (0..64_u64).map(|n| keccak256(n.to_be_bytes())).collect();
    evidence.sort_unstable();
    let items = evidence
        .iter()
        .map(|digest| json!({"evidence": digest, "endorsements": digest, "asOf": block.timestamp}));
    let proposal = json!({
        "kind": "propose",
        "relayerSetId": 1,
        "policy": network.cloud.policy().digest().unwrap(),
        "block": {"number": block.number, "hash": block.hash},
        "asOf": block.timestamp,
        "items": items.collect::<Vec<_>>(),
    });
    let flood = (0..8).map(|n| {
        let (liar, proposal, place) = (liar.clone(), proposal.clone(), n % 2);
        let url = network.honest[place].url.clone();
        tokio::spawn(async move {
            loop {
                liar.say(&url, address(place), &proposal).await;
            }
        })
    });
    let flood: Vec<_> = flood.collect();
    until("it is asked for documents", || async {
        liar.heard("fetch").len() >= 8
    })
    .await;
    network.attest_through_the_first("a").await;
    assert_eq!(network.chain.batches().await, 1);
    for one in flood {
        assert!(!one.is_finished());
        one.abort();
    }
}

/// It has one report signed as often as it may ask.
#[tokio::test(flavor = "multi_thread")]
async fn one_that_asks_again_and_again_makes_nobody_tell_the_others_so() {
    let mut network = Network::new(2).await;
    network.start_all().await;
    let liar = Liar::new(&network).await;
    let good = Offer::good(&network, "a").await;
    let proposal = liar.proposal(&network, &good).await;
    let report = report(&proposal, &good, &good.appraise(&network));
    let (_, first) = liar.ask(&network, &proposal, &report).await;
    for _ in 0..30 {
        assert_eq!(liar.ask(&network, &proposal, &report).await, (200, first.clone()));
    }
    until("it is posted", || async { network.is_attested(2).await }).await;
    let metrics = network.honest[1].metrics().await;
    let told = metrics
        .lines()
        .filter(|line| line.starts_with("chassis_cosign_answers_total") && line.contains("\"signed\""))
        .filter_map(|line| line.rsplit_once(' ')?.1.parse::<u32>().ok())
        .sum::<u32>();
    assert!((1..=2).contains(&told), "{told} times:\n{metrics}");
}

/// One never answers, and the other, without whom there are too few, refused to sign once.
#[tokio::test(flavor = "multi_thread")]
async fn who_refused_for_a_moment_is_asked_again_where_nobody_else_is_there() {
    let mut network = Network::new(1).await;
    let silent = network.member().await;
    silent.serve(network.ports[2], |_| silence()).await;
    let (other, asked) = (network.member_at(1).await, Arc::new(AtomicU32::new(0)));
    let domain = domain(network.chain_id().await, network.chain.registry);
    let (first, signer, times) = (network.honest[0].url.clone(), other.clone(), Arc::clone(&asked));
    other
        .serve(network.ports[1], move |message| -> Answer {
            let (first, signer, domain) = (first.clone(), signer.clone(), domain.clone());
            match message["kind"].as_str().unwrap() {
                "propose" => {
                    Box::pin(async move { Some((200, votes_as_the_proposer_wants(&first, &message).await)) })
                }
                "sign" if times.fetch_add(1, Ordering::Relaxed) > 0 => sign(&signer, &domain, &message),
                _ => answer(503, &json!({"reason": "its database is locked"})),
            }
        })
        .await;
    network.start_all().await;
    network.attest_through_the_first("a").await;
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

/// Signs what it is asked to.
pub(super) fn sign(member: &Member, domain: &Eip712Domain, message: &Value) -> Answer {
    let report: Bytes = message["report"].as_str().unwrap().parse().unwrap();
    let report = Report::abi_decode(&report).unwrap();
    let signature = member.sign(report.eip712_signing_hash(domain));
    answer(200, &json!({"signature": signature}))
}

/// The others take their time to sign.
#[tokio::test(flavor = "multi_thread")]
async fn told_to_stop_while_it_collects_signatures_it_posts_what_gets_them() {
    let mut network = Network::new(1).await;
    let other = network.member_at(1).await;
    let domain = domain(network.chain_id().await, network.chain.registry);
    let (first, signer) = (network.honest[0].url.clone(), other.clone());
    other
        .serve(network.ports[1], move |message| -> Answer {
            let (first, signer, domain) = (first.clone(), signer.clone(), domain.clone());
            Box::pin(async move {
                match message["kind"].as_str().unwrap() {
                    "propose" => Some((200, votes_as_the_proposer_wants(&first, &message).await)),
                    "sign" => {
                        tokio::time::sleep(Duration::from_millis(1_500)).await;
                        sign(&signer, &domain, &message).await
                    }
                    _ => None,
                }
            })
        })
        .await;
    network.honest[0].start_with(&[]).await;
    let machine = network.boot("a");
    let bundle = attest(&network.chain, &network.cloud, &machine.parts(), 2);
    let (_, answer) = network.honest[0].post(&bundle).await;
    network.honest[0].until_state(&digest(&answer), "cosigning").await;
    network.honest[0].signal(Signal::SIGTERM);
    assert_eq!(network.honest[0].exit_code().await, Some(0));
    assert!(network.is_attested(2).await, "{}", network.honest[0].log());
}

/// It proposes one bundle to each with another time, so that no two sign the same, and does so again and again.
#[tokio::test(flavor = "multi_thread")]
async fn one_that_asks_everybody_for_something_else_delays_a_bundle_by_three_stages() {
    let mut network = Network::of(4, 3, 3).await;
    network.start_all().await;
    let liar = Liar::new(&network).await;
    let good = Offer::good(&network, "a").await;
    until("there are times enough since its evidence", || async {
        finalized(&network.chain).await.timestamp > good.as_of + 3
    })
    .await;
    // Each signs its own, so all wait: for a report that two never sign.
    for place in 0..3 {
        let (status, answer) = ask_of(&liar, &network, &good, place).await;
        assert_eq!(status, 200, "{answer}");
    }
    assert_eq!(network.chain.batches().await, 0);
    let asking = async {
        loop {
            for place in 0..3 {
                ask_of(&liar, &network, &good, place).await;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    // A minute is twenty stages.
    let attested = until("it is attested all the same", || async {
        network.is_attested(2).await
    });
    tokio::select! {
        () = asking => {}
        () = attested => {}
    }
    assert_eq!(network.chain.batches().await, 1);
}

/// Asks a member to sign a bundle, as appraised at a time of which no other is told.
async fn ask_of(liar: &Liar, network: &Network, good: &Offer, place: usize) -> (u16, Value) {
    let now = finalized(&network.chain).await.timestamp;
    let offer = Offer {
        as_of: now - u64::try_from(place).unwrap(),
        ..good.clone()
    };
    let proposal = liar.proposal(network, &offer).await;
    let report = report(&proposal, &offer, &offer.appraise(network));
    let request = liar.request(network, &proposal, &report).await;
    let url = &network.honest[place].url;
    liar.member.say(url, address(place), &request).await
}

/// Several bundles of one operator, of whom the registry has another machine's instance, keep nobody waiting.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_signed_keeps_nobody_behind_it_waiting() {
    let mut network = Network::new(2).await;
    network
        .honest
        .iter()
        .for_each(|relayer| relayer.configure(|text| format!("max_batch = 2\n{text}")));
    network.start_all().await;
    let machine = network.boot("a");
    network.honest[0]
        .post(&attest(&network.chain, &network.cloud, &machine.parts(), 2))
        .await;
    until("the first operator has the instance", || async {
        network.is_attested(2).await
    })
    .await;
    // The same machine for another operator, twice as often as a report holds bundles.
    let mut refused = Vec::new();
    for _ in 0..4 {
        let bundle = attest(&network.chain, &network.cloud, &machine.parts(), 6);
        let (status, answer) = network.honest[0].post(&bundle).await;
        assert_eq!(status, 202, "{answer}");
        refused.push(digest(&answer));
        tokio::time::sleep(Duration::from_millis(1_100)).await;
    }
    let other = network.boot("b");
    let bundle = attest(&network.chain, &network.cloud, &other.parts(), 0);
    let (_, answer) = network.honest[0].post(&bundle).await;
    network.honest[0].until_state(&digest(&answer), "final").await;
    assert!(!network.is_attested(6).await);
    let newest = network.honest[0].bundle(refused.last().unwrap()).await;
    let holder = signer(2).address().to_string();
    assert!(newest["reason"].as_str().unwrap().contains(&holder), "{newest}");
}
