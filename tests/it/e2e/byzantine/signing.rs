//! What an honest member signs, and what becomes of who signs more.

use alloy::{
    network::TransactionBuilder,
    primitives::{B256, Bytes, U256, aliases::U40},
    providers::Provider,
    rpc::types::TransactionRequest,
    sol_types::SolValue,
};
use chassis_relayer::registry::IProofOfCloudRegistry::Report;
use chassis_verifier::AttestationResult;
use serde_json::json;

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
    let appraisal = good.appraise(&network);
    let first = report(&proposal, &good, &appraisal);
    let mut better = appraisal.clone();
    better.result.binding = 3;
    let second = report(&proposal, &good, &better);

    assert_eq!(liar.ask(&network, &proposal, &first).await.0, 200);
    let (status, refusal) = liar.ask(&network, &proposal, &second).await;
    assert_eq!(status, 422, "{refusal}");

    // What it sent to get signatures is what convicts it.
    let posting = async |result: &AttestationResult, report: &Report| {
        let signature = liar.member.sign(hash(&network, report).await);
        (result.clone(), report.clone(), signature)
    };
    let (a, b) = (
        posting(&appraisal.result, &first).await,
        posting(&better.result, &second).await,
    );
    let arguments = (U256::from(1), U256::from(2), a, b).abi_encode_params();
    let call = [selector("proveEquivocation").to_vec(), arguments].concat();
    let request = TransactionRequest::default()
        .with_to(network.chain.registry)
        .with_input(call);
    let receipt = network.chain.provider.send_transaction(request).await.unwrap();
    assert!(receipt.get_receipt().await.unwrap().status());
    let set = network.chain.registry().relayerSet(1).call().await.unwrap();
    assert_eq!(set.disabled, 0b100);

    // It is not heard any more, and the others go on.
    until("it is not heard", || async {
        liar.say(&json!({"kind": "hello"})).await.0 == 403
    })
    .await;
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
