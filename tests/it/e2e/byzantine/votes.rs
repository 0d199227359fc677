//! What an honest member does not vote for.

use alloy::{
    network::TransactionBuilder, primitives::B256, providers::Provider, rpc::types::TransactionRequest,
    sol_types::SolCall,
};
use chassis_relayer::registry::IProofOfCloudRegistry::postCall;
use chassis_sim::{
    firmware::Image,
    intel::CollateralSpec,
    machine::{MachineSpec, assemble},
};
use serde_json::{Value, json};

use super::{Liar, Offer, hash, offer::FMSPC, report};
use crate::e2e::{
    chain::{signer, until},
    cosign::Network,
    programs::attest,
};

const DAY: u64 = 86_400;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_false_stale_forged_or_invented_gets_no_vote() {
    let mut network = Network::new(2).await;
    network.start_all().await;
    let liar = Liar::new(&network).await;
    let good = Offer::good(&network, "a").await;

    // A bundle that fails: the TD of one machine with the TPM of another.
    let (a, b) = (
        network.boot("a"),
        MachineSpec::new("b").image(Image::other_kernel()),
    );
    let b = network.cloud.boot(b).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mixed = assemble(&dir.path().join("mixed"), &a.parts(), &b.parts()).unwrap();
    let mixed = Offer::of(&network, attest(&network.chain, &network.cloud, &mixed, 2)).await;
    let listed = good.set.host_registry.clone();
    liar.is_refused(
        &network,
        &mixed.with(|set| set.host_registry.clone_from(&listed)),
        "cross.rtmr1",
    )
    .await;

    // Endorsements that are stale, forged, left out, invented.
    let stale = CollateralSpec {
        issued: network.cloud.now() - 3 * DAY,
        ..CollateralSpec::fresh(FMSPC, network.cloud.now())
    };
    let stale = good.with(|set| set.tdx_collateral = Some(network.cloud.intel().collateral(&stale)));
    assert!(stale.appraise(&network).is_attestable(), "it verifies");
    liar.is_refused(&network, &stale, "a later one is of").await;
    let forged = good.with(|set| {
        let collateral = set.tdx_collateral.as_mut().unwrap();
        collateral.tcb_info = collateral.tcb_info.replace("OutOfDate", "UpToDate");
    });
    liar.is_refused(&network, &forged, "td.quote").await;
    let without = good.with(|set| drop(set.provider_crls.pop()));
    liar.is_refused(&network, &without, "not in it").await;
    let elsewhere = good.with(|set| set.host_registry[0].zone = "europe-west4-b".into());
    liar.is_refused(&network, &elsewhere, "host registry").await;
    let block_of_his_own = good.with(|set| set.anchor.hash = B256::repeat_byte(1));
    liar.is_refused(&network, &block_of_his_own, "anchor").await;
    let long_ago = Offer {
        as_of: good.as_of - 901,
        ..good.clone()
    };
    liar.is_refused(&network, &long_ago, "not within 900 s").await;

    // A host-registry entry that is not there.
    let unlisted = network.boot("c");
    network.cloud.unlist(network.cloud.intel().pck_spec("c").ppid);
    let invented = Offer::of(
        &network,
        attest(&network.chain, &network.cloud, &unlisted.parts(), 6),
    )
    .await;
    let entry = network
        .cloud
        .provider()
        .host_registry_claim(network.cloud.intel().pck_spec("c").ppid, "us-central1-a");
    let invented = invented.with(|set| set.host_registry = vec![entry]);
    assert!(invented.appraise(&network).is_attestable(), "if it were there");
    liar.is_refused(&network, &invented, "host registry").await;

    // Of the same bundle with what is true, it approves.
    let vote = liar.propose(&network, &good).await;
    assert_eq!(
        vote,
        json!({"vote": "yes", "result": good.appraise(&network).digest()})
    );
    assert_eq!(network.chain.batches().await, 0);
    network.attest_through_the_first("d").await;
}

/// What was right a quarter of an hour ago, word by word, in a request of today.
#[tokio::test(flavor = "multi_thread")]
async fn an_old_proposal_gets_no_vote_and_no_signature() {
    let mut network = Network::new(2).await;
    network.start_all().await;
    let liar = Liar::new(&network).await;
    let good = Offer::good(&network, "a").await;
    let proposal = liar.proposal(&network, &good).await;
    let report = report(&proposal, &good, &good.appraise(&network));
    let (status, votes) = liar.say(&proposal).await;
    assert_eq!(
        (status, &votes["votes"][0]["vote"]),
        (200, &json!("yes")),
        "{votes}"
    );

    network.chain.ask("evm_increaseTime", json!([901])).await;
    network.chain.mine(4).await;
    until("that block is long ago", || async {
        let (status, refusal) = liar.say(&proposal).await;
        status == 422
            && refusal["reason"]
                .as_str()
                .unwrap()
                .contains("behind the finalized one")
    })
    .await;
    let (status, refusal) = liar.ask(&network, &proposal, &report).await;
    assert_eq!(status, 422, "{refusal}");
    assert_eq!(network.chain.batches().await, 0);
    network.attest_through_the_first("b").await;
    assert_eq!(network.chain.batches().await, 1);
}

type Change = fn(&mut Value);

#[tokio::test(flavor = "multi_thread")]
async fn a_proposal_of_another_set_policy_or_block_is_not_looked_at() {
    let mut network = Network::new(1).await;
    network.start_all().await;
    let liar = Liar::new(&network).await;
    let good = Offer::good(&network, "a").await;
    let changes: [(&str, Change); 8] = [
        ("relayer set 1 is in force", |p| p["relayerSetId"] = json!(2)),
        ("policy is", |p| p["policy"] = json!(B256::ZERO)),
        ("is not finalized here", |p| {
            p["block"]["number"] = json!(1_000_000);
        }),
        ("here", |p| p["block"]["hash"] = json!(B256::ZERO)),
        ("not of", |p| p["asOf"] = json!(p["asOf"].as_u64().unwrap() - 1)),
        ("0 items", |p| p["items"] = json!([])),
        ("ascend", |p| p["items"] = json!([p["items"][0], p["items"][0]])),
        ("no message", |p| p["more"] = json!(1)),
    ];
    for (words, change) in changes {
        let mut proposal = liar.proposal(&network, &good).await;
        change(&mut proposal);
        let (status, refusal) = liar.say(&proposal).await;
        assert!(status == 422 || status == 400, "{words}: {status} {refusal}");
        assert!(
            refusal["reason"].as_str().unwrap().contains(words),
            "{words}: {refusal}"
        );
    }
}

/// It asks for a vote, hangs up while the other one judges, and has somebody else sign.
#[tokio::test(flavor = "multi_thread")]
async fn who_was_hung_up_on_knows_what_others_brought_on_chain() {
    let mut network = Network::new(1).await;
    network.start_all().await;
    let liar = Liar::new(&network).await;
    let offer = Offer::good(&network, "a").await;
    let proposal = liar.proposal(&network, &offer).await;
    let asked = async {
        while liar.member.heard("fetch").is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        answer = liar.say(&proposal) => panic!("it has not hung up: {answer:?}"),
        () = asked => {}
    }
    until("it has voted all the same", || async {
        let metrics = network.honest[0].metrics().await;
        metrics.contains("\nchassis_cosign_votes_total{vote=\"yes\"} 1")
    })
    .await;

    let report = report(&proposal, &offer, &offer.appraise(&network));
    let hash = hash(&network, &report).await;
    let other = network.member_at(1).await;
    let call = postCall {
        report,
        signerMask: 0b110,
        signatures: [other.sign(hash), liar.member.sign(hash)].concat().into(),
    };
    let request = TransactionRequest::default()
        .with_to(network.chain.registry)
        .with_input(call.abi_encode());
    let sent = network.chain.provider.send_transaction(request).await.unwrap();
    assert!(sent.get_receipt().await.unwrap().status());
    assert!(network.is_attested(2).await);

    network.cloud.revoke(network.cloud.intel().pck_spec("a").ppid);
    let url = format!("{}/v1/operators/{}", network.honest[0].url, signer(2).address());
    until("it warns of what it did not sign", || async {
        let view: Value = reqwest::get(&url).await.unwrap().json().await.unwrap();
        view["warnings"][0]["evidence"] == json!(offer.bundle.digest)
    })
    .await;
    let seen = network.honest[0].bundle(&offer.bundle.digest.to_string()).await;
    assert_eq!(seen["state"], json!("final"), "{seen}");
}
