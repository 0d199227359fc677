//! Three relayers, two of whom freeze: each for what it has found itself.

use std::time::Duration;

use alloy::{
    primitives::{B256, aliases::U40},
    sol_types::SolStruct,
};
use chassis_relayer::registry::{
    IProofOfCloudRegistry::{Freeze, Status},
    domain,
};
use serde_json::{Value, json};

use super::{
    chain::{signer, until},
    cosign::{Network, address},
    digest, failed,
    member::{Answer, answer, now},
    programs::{Relayer, attest},
};

async fn orders(relayer: &Relayer) -> Vec<Value> {
    let url = format!("{}/v1/orders", relayer.url);
    let answer: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    answer["orders"].as_array().cloned().unwrap_or_default()
}

async fn status(network: &Network) -> Status {
    let operator = signer(2).address();
    let stored = network.chain.registry().attestationOf(operator).call().await;
    stored.unwrap().status
}

/// That its operator's bundle would not be attested so today.
async fn is_warned(relayer: &Relayer) -> bool {
    let url = format!("{}/v1/operators/{}", relayer.url, signer(2).address());
    let view: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    view["warnings"]
        .as_array()
        .is_some_and(|warnings| !warnings.is_empty())
}

fn freezes_nothing(relayer: &Relayer) {
    relayer.configure(|text| text.replace("freeze_on = [\"pck_revoked\"]", "freeze_on = []"));
}

/// All three find it. What the first may freeze for stays undone until the second may, too; the third never does.
#[tokio::test(flavor = "multi_thread")]
async fn an_operator_is_frozen_when_two_relayers_have_found_the_same() {
    let mut network = Network::new(3).await;
    freezes_nothing(&network.honest[1]);
    freezes_nothing(&network.honest[2]);
    network.start_all().await;
    let machine = network.boot("a");
    let bundle = attest(&network.chain, &network.cloud, &machine.parts(), 2);
    let (_, answer) = network.honest[0].post(&bundle).await;
    let evidence = digest(&answer);
    let done = network.honest[0].until_state(&evidence, "final").await;
    assert_eq!(failed(&done), [""; 0]);

    network.cloud.revoke(network.cloud.intel().pck_spec("a").ppid);
    until("the first relayer has signed", || async {
        !orders(&network.honest[0]).await.is_empty()
    })
    .await;
    // Two of them have signed the report. The third has voted for it, and finds the same.
    for relayer in &network.honest {
        until("each has found it", || async { is_warned(relayer).await }).await;
    }
    tokio::time::sleep(Duration::from_secs(6)).await;
    let order = orders(&network.honest[0]).await.remove(0);
    assert_eq!(order["signers"], json!([address(0)]), "{order}");
    assert_eq!(
        (&order["isComplete"], &order["threshold"]),
        (&json!(false), &json!(2))
    );
    assert_eq!(order["order"]["evidenceHash"], json!(evidence));
    assert_eq!(order["calldata"], Value::Null);
    assert_eq!(
        status(&network).await,
        Status::Active,
        "one signature freezes nobody"
    );
    for other in [1, 2] {
        assert_eq!(orders(&network.honest[other]).await, [Value::Null; 0]);
    }

    network.honest[1].stop();
    network.honest[1].configure(|text| text.replace("freeze_on = []", "freeze_on = [\"pck_revoked\"]"));
    network.honest[1].start(None).await;
    until("the operator is frozen", || async {
        status(&network).await == Status::Frozen
    })
    .await;
    let complete = orders(&network.honest[1]).await;
    let complete = complete
        .iter()
        .find(|order| order["isComplete"] == json!(true))
        .unwrap();
    let mut signers = [address(0), address(1)];
    signers.sort_unstable();
    assert_eq!(complete["signers"], json!(signers));
    assert_eq!(orders(&network.honest[2]).await, [Value::Null; 0]);
}

/// A member signs a freeze for which there is no reason, and asks for more signatures.
#[tokio::test(flavor = "multi_thread")]
async fn a_lone_liars_freeze_gets_no_second_signature() {
    let mut network = Network::new(2).await;
    let liar = network.member().await;
    liar.serve(network.ports[2], |_| -> Answer {
        answer(422, &json!({"reason": "no"}))
    })
    .await;
    network.start_all().await;
    network.attest_through_the_first("a").await;
    let domain = domain(network.chain_id().await, network.chain.registry);
    let registry = network.chain.registry();
    let stored = registry.attestationOf(signer(2).address()).call().await.unwrap();
    let step = 1500;
    let order = Freeze {
        relayerSetId: 1,
        action: 0,
        subject: signer(2).address().into_word(),
        statusNonce: stored.statusNonce,
        reason: 1,
        evidenceHash: B256::ZERO,
        deadline: U40::from((now() / step + 2) * step),
    };
    let hash = order.eip712_signing_hash(&domain);
    let message = json!({"kind": "freeze", "order": hash, "signature": liar.sign(hash)});
    for (place, relayer) in network.honest.iter().enumerate() {
        let (status, answer) = liar.say(&relayer.url, address(place), &message).await;
        assert_eq!(status, 422, "{answer}");
        assert!(answer["reason"].to_string().contains("has not found"), "{answer}");
    }
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(status(&network).await, Status::Active);
    for relayer in &network.honest {
        assert_eq!(orders(relayer).await, [Value::Null; 0]);
    }
    assert!(liar.heard("freeze").is_empty(), "nobody asked it either");
}
