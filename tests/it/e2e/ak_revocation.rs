//! The provider revokes the certificate of a machine's attestation key.

use chassis_relayer::registry::IProofOfCloudRegistry::Status;
use chassis_sim::machine::{MachineSpec, Parts};
use serde_json::{Value, json};
use x509_parser::{certificate::X509Certificate, prelude::FromDer as _};

use super::{
    World,
    chain::{signer, until},
    digest, failed,
    freeze::{freezes, orders},
    programs::attest,
};

#[tokio::test(flavor = "multi_thread")]
async fn its_operator_is_warned_and_not_renewed_and_frozen_where_the_policy_says_so() {
    let mut world = World::new().await;
    let machine = world.cloud.boot(MachineSpec::new("a")).unwrap();
    let beside = world.cloud.boot(MachineSpec::new("b")).unwrap();
    world.relayer.start(None).await;
    let mut evidence = Vec::new();
    for (parts, key) in [(machine.parts(), 2), (beside.parts(), 6)] {
        let bundle = attest(&world.chain, &world.cloud, &parts, key);
        let (status, answer) = world.relayer.post(&bundle).await;
        assert_eq!(status, 202, "{answer}");
        evidence.push(digest(&answer));
        world.relayer.until_state(evidence.last().unwrap(), "final").await;
        assert_eq!(show(&world, key).await["warnings"], json!([]));
    }
    let batches = world.chain.batches().await;

    let (_, certificate) = X509Certificate::from_der(machine.ak_certificate()).unwrap();
    world.cloud.revoke_certificate(certificate.raw_serial());
    until("its operator is warned", || async {
        show(&world, 2).await["warnings"] != json!([])
    })
    .await;
    let view = show(&world, 2).await;
    let warning = &view["warnings"][0];
    assert_eq!(warning["reasons"][0]["name"], json!("ak.chain"), "{warning}");
    assert_eq!(warning["deadline"], view["expiry"]);
    assert_eq!(warning["barsRenewal"], json!(true));
    assert!(is_attested(&world, 2).await, "until it expires");

    // An hour later both would renew.
    world.chain.ask("evm_increaseTime", json!([3_600])).await;
    world.chain.mine(4).await;
    let send = async |parts: Parts, key| {
        let bundle = attest(&world.chain, &world.cloud, &parts, key);
        let (status, answer) = world.relayer.post(&bundle).await;
        assert_eq!(status, 202, "{answer}");
        digest(&answer)
    };
    let renewal = send(machine.parts(), 2).await;
    let done = world.relayer.until_state(&renewal, "rejected").await;
    assert_eq!(failed(&done), ["ak.chain"]);
    let renewal = send(beside.parts(), 6).await;
    world.relayer.until_state(&renewal, "final").await;
    assert_eq!(world.chain.batches().await, batches + 1);
    assert_eq!(
        orders(&world).await,
        [Value::Null; 0],
        "nobody is frozen for it here"
    );

    world.relayer.stop();
    world
        .relayer
        .configure(|text| text.replace("freeze_on = [\"pck_revoked\"]", "freeze_on = [\"ak_revoked\"]"));
    world.relayer.start(None).await;
    until("it is frozen", || async { freezes(&world).await > 0 }).await;
    let orders = orders(&world).await;
    assert_eq!(orders.len(), 1, "{orders:?}");
    assert_eq!(orders[0]["trigger"], json!("ak_revoked"));
    assert_eq!(orders[0]["order"]["evidenceHash"], json!(evidence[0]));
    assert!(!is_attested(&world, 2).await);
    let registry = world.chain.registry();
    let stored = registry.attestationOf(signer(6).address()).call().await;
    assert_eq!(stored.unwrap().status, Status::Active);
    assert_eq!(show(&world, 6).await["warnings"], json!([]));
}

async fn show(world: &World, key: usize) -> Value {
    let url = format!("{}/v1/operators/{}", world.relayer.url, signer(key).address());
    reqwest::get(url).await.unwrap().json().await.unwrap()
}

async fn is_attested(world: &World, key: usize) -> bool {
    let operator = signer(key).address();
    world
        .chain
        .registry()
        .isAttested_0(operator)
        .call()
        .await
        .unwrap()
}
