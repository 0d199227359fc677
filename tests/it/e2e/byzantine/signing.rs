//! What an honest member signs, and what becomes of who signs more.

use alloy::{
    network::TransactionBuilder,
    primitives::{B256, Bytes, aliases::U40},
    providers::Provider,
    rpc::types::TransactionRequest,
    sol_types::SolValue,
};
use chassis_relayer::registry::IProofOfCloudRegistry::Report;
use serde_json::{Value, json};

use super::{Liar, Offer, hash, report, selector};
use crate::e2e::{
    chain::{signer, until},
    cosign::{Network, address},
    programs::attest,
    signatures,
};

/// It collects a signature, and keeps the report to itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_proposer_that_withholds_what_it_collected_has_withheld_nothing() {
    let mut network = Network::new(1).await;
    network.start_all().await;
    let liar = Liar::new(&network).await;
    let good = Offer::good(&network, "a").await;
    let proposal = liar.proposal(&network, &good).await;
    let report = report(&proposal, &good, &good.appraise(&network));

    let mut lie = report.clone();
    lie.grants[0].expiry += U40::from(64);
    let (status, refusal) = liar.ask(&network, &proposal, &lie).await;
    assert_eq!(status, 422);
    assert_eq!(
        refusal["reason"],
        json!("grants[0].expiry does not follow from the proposal")
    );
    // Nor does it sign for one who has not signed.
    let mut unsigned = proposal.clone();
    unsigned.as_object_mut().unwrap().remove("kind");
    let unsigned = json!({"kind": "sign", "proposal": unsigned, "report": Bytes::from(report.abi_encode()),
        "signature": liar.member.sign(B256::ZERO)});
    assert_eq!(liar.say(&unsigned).await.0, 422);

    let (status, signed) = liar.ask(&network, &proposal, &report).await;
    assert_eq!(status, 200, "{signed}");
    assert_eq!(
        liar.ask(&network, &proposal, &report).await,
        (200, signed),
        "asked again"
    );
    until("the honest one posts it", || async {
        network.is_attested(2).await
    })
    .await;
    assert_eq!(network.chain.batches().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_signs_two_results_is_proven_a_liar_on_chain() {
    let mut network = Network::new(2).await;
    network.start_all().await;
    let liar = Liar::new(&network).await;
    let good = Offer::good(&network, "a").await;
    let proposal = liar.proposal(&network, &good).await;
    let first = report(&proposal, &good, &good.appraise(&network));
    let second = better(&network, &good, &proposal, 3);

    assert_eq!(liar.ask(&network, &proposal, &first).await.0, 200);
    assert_eq!(proofs(&network).await, [""; 0]);
    let (status, refusal) = liar.ask(&network, &proposal, &second).await;
    assert_eq!(status, 422, "{refusal}");
    is_convicted(&network, &liar).await;

    // The others go on.
    let machine = network.boot("b");
    let bundle = attest(&network.chain, &network.cloud, &machine.parts(), 6);
    network.honest[1].post(&bundle).await;
    until("the others go on", || async { network.is_attested(6).await }).await;
    let operator = signer(2).address();
    let stored = network
        .chain
        .registry()
        .attestationOf(operator)
        .call()
        .await
        .unwrap();
    assert_ne!(stored.binding, 3, "and what was false is nowhere");
}

/// It asks for what is false first, once in one way and once in another, and the honest one signs nothing of its.
#[tokio::test(flavor = "multi_thread")]
async fn one_that_signs_two_false_results_is_proven_a_liar_by_who_signs_neither() {
    let mut network = Network::new(1).await;
    network.start_all().await;
    let liar = Liar::new(&network).await;
    let good = Offer::good(&network, "a").await;
    let proposal = liar.proposal(&network, &good).await;
    // Beside it, one that nobody has.
    let mut beside = proposal.clone();
    let mut another = proposal["items"][0].clone();
    another["evidence"] = json!(B256::repeat_byte(0xff));
    beside["items"].as_array_mut().unwrap().push(another);
    for (proposal, binding, known) in [(&proposal, 3, 0), (&proposal, 3, 0), (&beside, 1, 1)] {
        let lie = better(&network, &good, proposal, binding);
        assert_eq!(liar.ask(&network, proposal, &lie).await.0, 422);
        assert_eq!(proofs(&network).await.len(), known);
    }
    let metrics = network.honest[0].metrics().await;
    assert!(metrics.contains("\nchassis_cosign_lies_total 3\n"), "{metrics}");
    // What it knows it knows after a restart.
    network.honest[0].kill();
    network.honest[0].start(None).await;
    is_convicted(&network, &liar).await;
    assert!(signatures(&network.honest[0]).await.is_empty());
}

/// A report of another result than that of an honest appraisal.
fn better(network: &Network, good: &Offer, proposal: &Value, binding: u8) -> Report {
    let mut better = good.appraise(network);
    better.result.binding = binding;
    report(proposal, good, &better)
}

/// The calls that the first relayer offers.
async fn proofs(network: &Network) -> Vec<String> {
    // An answer is good for a second.
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    let url = format!("{}/v1/equivocations", network.honest[0].url);
    let known: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    let all = known["equivocations"].as_array().unwrap();
    all.iter()
        .map(|one| {
            assert_eq!(one["relayer"], json!(address(2)));
            assert_eq!((&one["relayerSetId"], &one["index"]), (&json!(1), &json!(2)));
            one["calldata"].as_str().unwrap().to_owned()
        })
        .collect()
}

/// Anyone sends what an honest one holds against it, and it is not heard any more.
async fn is_convicted(network: &Network, liar: &Liar) {
    let known = proofs(network).await;
    let call: Bytes = known[0].parse().unwrap();
    assert_eq!(call[..4], selector("proveEquivocation"));
    let request = TransactionRequest::default()
        .with_to(network.chain.registry)
        .with_input(call);
    let receipt = network.chain.provider.send_transaction(request).await.unwrap();
    assert!(receipt.get_receipt().await.unwrap().status());
    let set = network.chain.registry().relayerSet(1).call().await.unwrap();
    assert_eq!(set.disabled, 0b100);
    until("it is not heard", || async {
        liar.say(&json!({"kind": "hello"})).await.0 == 403
    })
    .await;
    assert_eq!(proofs(network).await, [""; 0], "there is nothing left to do");
}

/// Killed between writing down and answering: the same again, and nothing else ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_signer_that_is_killed_before_it_answers_never_signs_another_result() {
    let mut network = Network::new(1).await;
    network.honest[0].start(Some("recorded")).await;
    let liar = Liar::new(&network).await;
    let good = Offer::good(&network, "a").await;
    let proposal = liar.proposal(&network, &good).await;
    let appraisal = good.appraise(&network);
    let first = report(&proposal, &good, &appraisal);
    assert_eq!(liar.ask(&network, &proposal, &first).await.0, 0, "no answer");
    for _ in 0..100 {
        if network.honest[0].is_dead() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert!(network.honest[0].is_dead());
    let mut stored = signatures(&network.honest[0]).await;
    assert_eq!(stored.len(), 2, "its own, and that of who asked: {stored:?}");
    stored.retain(|(_, signer, _)| *signer == address(0).to_string());

    network.honest[0].start(None).await;
    let mut better = appraisal.clone();
    better.result.binding = 3;
    let second = report(&proposal, &good, &better);
    assert_eq!(liar.ask(&network, &proposal, &second).await.0, 422);
    let (status, signed) = liar.ask(&network, &proposal, &first).await;
    assert_eq!(status, 200, "{signed}");
    let signature: Bytes = signed["signature"].as_str().unwrap().parse().unwrap();
    assert_eq!(
        hex::encode(&signature),
        stored[0].2,
        "what leaves is what was written down"
    );
    let recovered = alloy::primitives::Signature::from_erc2098(&signature)
        .recover_address_from_prehash(&hash(&network, &first).await)
        .unwrap();
    assert_eq!(recovered, address(0));
    until("what it signed is posted", || async {
        network.is_attested(2).await
    })
    .await;
    assert_eq!(network.chain.batches().await, 1);
}
