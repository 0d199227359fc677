//! Intel revokes a machine's certificate: its operator is told, and frozen.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use alloy::{
    primitives::{Bytes, Signature},
    providers::Provider as _,
    rpc::types::Filter,
    signers::SignerSync,
    sol_types::{SolEvent as _, SolStruct},
};
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use chassis_relayer::{
    failpoint::FREEZE,
    registry::{
        IProofOfCloudRegistry::{Status, StatusChanged},
        domain,
    },
    webhook::Webhook,
};
use chassis_sim::machine::MachineSpec;
use serde_json::{Value, json};

use super::{
    World,
    chain::{signer, until},
    digest,
    programs::attest,
};

/// What an operator's server has been sent: warnings, the first of which it does not take; and changes of its status.
#[derive(Clone, Default)]
struct Inbox(Arc<Mutex<Vec<(HeaderMap, String)>>>, Arc<Mutex<Vec<Value>>>);

impl Inbox {
    /// Serves it on loopback and gives its URL.
    async fn serve(&self) -> String {
        let router = Router::new().route("/hook", post(take)).with_state(self.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(async { axum::serve(listener, router).await });
        url
    }

    fn all(&self) -> Vec<(HeaderMap, String)> {
        self.0.lock().unwrap().clone()
    }
}

async fn take(State(inbox): State<Inbox>, headers: HeaderMap, body: String) -> StatusCode {
    let content: Value = serde_json::from_str(&body).unwrap();
    if content["event"] == json!("status") {
        inbox.1.lock().unwrap().push(content);
        return StatusCode::NO_CONTENT;
    }
    let mut all = inbox.0.lock().unwrap();
    all.push((headers, body));
    if all.len() == 1 {
        StatusCode::INTERNAL_SERVER_ERROR
    } else {
        StatusCode::NO_CONTENT
    }
}

/// Registers `url` for operator 2 by the key with this number.
async fn register(world: &World, key: usize, url: &str, issued_at: u64) -> u16 {
    let operator = signer(2).address();
    let webhook = Webhook {
        operator,
        url: url.into(),
        issuedAt: issued_at,
    };
    let hash = webhook.eip712_signing_hash(&domain(31_337, world.chain.registry));
    let signature = signer(key).sign_hash_sync(&hash).unwrap();
    let body = json!({"url": url, "issuedAt": issued_at, "signature": Bytes::from(signature.as_bytes())});
    let answer = reqwest::Client::new()
        .put(format!("{}/v1/operators/{operator}/webhook", world.relayer.url))
        .json(&body)
        .send()
        .await
        .unwrap();
    answer.status().as_u16()
}

/// How often the registry has frozen operator 2.
pub(super) async fn freezes(world: &World) -> usize {
    let operator = signer(2).address();
    let filter = Filter::new()
        .address(world.chain.registry)
        .event_signature(StatusChanged::SIGNATURE_HASH)
        .from_block(0);
    let logs = world.chain.provider.get_logs(&filter).await.unwrap();
    let changes = logs
        .iter()
        .map(|log| StatusChanged::decode_log(&log.inner).unwrap().data);
    changes
        .filter(|change| change.subject == operator.into_word() && change.newStatus == Status::Frozen)
        .count()
}

pub(super) async fn orders(world: &World) -> Vec<Value> {
    let url = format!("{}/v1/orders", world.relayer.url);
    let answer: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    answer["orders"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_machine_is_told_of_and_frozen_at_once() {
    let mut world = World::new().await;
    let machine = world.cloud.boot(MachineSpec::new("a")).unwrap();
    world.relayer.start(None).await;
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let inbox = Inbox::default();
    let hook = inbox.serve().await;
    assert_eq!(
        register(&world, 2, &hook, now).await,
        404,
        "an operator nobody knows here"
    );

    let bundle = attest(&world.chain, &world.cloud, &machine.parts(), 2);
    let (_, answer) = world.relayer.post(&bundle).await;
    let evidence = digest(&answer);
    world.relayer.until_state(&evidence, "final").await;

    assert_eq!(register(&world, 3, &hook, now).await, 422, "another's key");
    assert_eq!(
        register(&world, 2, &hook, now - 3600).await,
        422,
        "an old signature"
    );
    assert_eq!(
        register(&world, 2, "ftp://127.0.0.1/", now).await,
        422,
        "no https"
    );
    assert_eq!(register(&world, 2, &hook, now).await, 204);
    assert_eq!(
        register(&world, 2, "http://127.0.0.1:1/", now).await,
        409,
        "a replay"
    );
    assert_eq!(orders(&world).await, [Value::Null; 0]);
    assert!(inbox.all().is_empty());

    world.cloud.revoke(world.cloud.intel().pck_spec("a").ppid);
    until("the operator was told", || async { inbox.all().len() >= 2 }).await;

    let relayer = signer(1).address();
    let [(first, text), (second, again)] = &inbox.all()[..] else {
        panic!("told more than once: {:?}", inbox.all())
    };
    assert_eq!(text, again, "the same message until it is taken");
    assert_eq!(first["chassis-message-id"], second["chassis-message-id"]);
    let signature: Signature = second["chassis-signature"].to_str().unwrap().parse().unwrap();
    assert_eq!(signature.recover_address_from_msg(text).unwrap(), relayer);
    let message: Value = serde_json::from_str(text).unwrap();
    assert_eq!(
        message["id"],
        json!(second["chassis-message-id"].to_str().unwrap())
    );
    assert_eq!(
        (&message["event"], &message["evidence"]),
        (&json!("warning"), &json!(evidence))
    );
    assert_eq!(message["reasons"][0]["name"], json!("td.quote"));
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(inbox.all().len(), 2, "what was taken is not sent again");

    until("a freeze is signed", || async {
        !orders(&world).await.is_empty()
    })
    .await;
    let order = &orders(&world).await[0];
    assert_eq!(order["trigger"], json!("pck_revoked"));
    assert_eq!(order["order"]["evidenceHash"], json!(evidence));
    assert_eq!(order["isComplete"], json!(true), "one signature is enough here");
    until("the operator is frozen", || async {
        let registry = world.chain.registry();
        let stored = registry.attestationOf(signer(2).address()).call().await;
        stored.unwrap().status == Status::Frozen
    })
    .await;

    until("the operator was told of its freeze", || async {
        let told = inbox.1.lock().unwrap();
        told.iter().any(|change| change["kind"] == json!("frozen"))
    })
    .await;
    let told = inbox.1.lock().unwrap();
    let frozen: Vec<_> = told
        .iter()
        .filter(|change| change["kind"] == json!("frozen"))
        .collect();
    assert_eq!(frozen.len(), 1, "{told:?}");
    assert_eq!(frozen[0]["operator"], json!(signer(2).address()));
}

/// Each point on a chain of its own.
#[tokio::test(flavor = "multi_thread")]
async fn killed_anywhere_it_freezes_once_and_tells_of_it_until_that_is_taken() {
    let all = FREEZE.iter().map(|point| freezes_once(point));
    futures::future::join_all(all).await;
}

async fn freezes_once(point: &str) {
    let mut world = World::new().await;
    let machine = world.cloud.boot(MachineSpec::new("a")).unwrap();
    world.relayer.start(None).await;
    let bundle = attest(&world.chain, &world.cloud, &machine.parts(), 2);
    let (_, answer) = world.relayer.post(&bundle).await;
    world.relayer.until_state(&digest(&answer), "final").await;
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let inbox = Inbox::default();
    let hook = inbox.serve().await;
    assert_eq!(register(&world, 2, &hook, now).await, 204);
    world.relayer.kill();

    world.cloud.revoke(world.cloud.intel().pck_spec("a").ppid);
    world.relayer.start(Some(point)).await;
    for _ in 0..600 {
        if world.relayer.is_dead() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(world.relayer.is_dead(), "it never came to `{point}`");
    world.relayer.start(None).await;
    until(&format!("it is frozen, after `{point}`"), || async {
        freezes(&world).await > 0
    })
    .await;
    until(&format!("the operator was told, after `{point}`"), || async {
        inbox.all().len() >= 2
    })
    .await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(freezes(&world).await, 1, "{point}");
    if point == "told" {
        assert_eq!(inbox.all().len(), 2, "what was taken is not sent again");
    }
}

/// The provider's server may be out of order for a while: its word is waited for. The operator is warned at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_stays_unlisted_is_warned_of_and_frozen_in_the_end() {
    const WHILE: u64 = 10;
    let mut world = World::new().await;
    world.relayer.configure(|text| {
        let on = format!("freeze_on = [\"host_unlisted\"]\nunlisted_for_s = {WHILE}");
        text.replace("freeze_on = [\"pck_revoked\"]", &on)
    });
    let machine = world.cloud.boot(MachineSpec::new("a")).unwrap();
    world.relayer.start(None).await;
    let bundle = attest(&world.chain, &world.cloud, &machine.parts(), 2);
    let (_, answer) = world.relayer.post(&bundle).await;
    world.relayer.until_state(&digest(&answer), "final").await;
    let operator = signer(2).address();
    let warnings = async || {
        let url = format!("{}/v1/operators/{operator}", world.relayer.url);
        let view: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
        view["warnings"].as_array().unwrap().clone()
    };
    assert_eq!(warnings().await, [Value::Null; 0]);

    let ppid = world.cloud.intel().pck_spec("a").ppid;
    world.cloud.unlist(ppid);
    until("it is warned", || async { !warnings().await.is_empty() }).await;
    let (warning, warned_at) = (&warnings().await[0], Instant::now());
    assert_eq!(
        warning["reasons"][0]["name"],
        json!("custody.host_registry"),
        "{warning}"
    );
    assert_eq!(orders(&world).await, [Value::Null; 0], "not yet");
    until("it is frozen", || async { freezes(&world).await > 0 }).await;
    let waited = warned_at.elapsed();
    assert!(
        waited > Duration::from_secs(WHILE / 2),
        "it waited only {waited:?}"
    );
    assert_eq!(orders(&world).await[0]["trigger"], json!("host_unlisted"));
}
