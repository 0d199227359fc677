//! What a relayer takes from strangers, and what it refuses: in which order, and saying what to do.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use alloy::signers::local::PrivateKeySigner;
use chassis_attester::consent;
use chassis_sim::machine::MachineSpec;
use chassis_verifier::bundle::{Anchor, Bundle, DEFAULT_LIMIT, canonical_json};
use serde_json::{Value, json};

use super::{
    World, digest,
    programs::attest,
    proxy::{Fault, Proxy},
};

pub(super) async fn get(world: &World, path: &str) -> (u16, reqwest::header::HeaderMap, Value) {
    let answer = reqwest::get(format!("{}{path}", world.relayer.url))
        .await
        .unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    (status, headers, answer.json().await.unwrap_or(Value::Null))
}

fn checks(problem: &Value) -> Vec<&str> {
    let checks = problem["checks"].as_array().unwrap();
    checks
        .iter()
        .map(|check| check["name"].as_str().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn intake_refuses_in_order_and_says_what_to_do() {
    let mut world = World::new().await;
    let machine = world.cloud.boot(MachineSpec::new("a")).unwrap();
    world
        .relayer
        .start_with(&[
            ("CHASSIS_LIMITS__OPERATOR_PER_DAY", "1"),
            ("CHASSIS_LIMITS__BUNDLE_BYTES", "1000000"),
        ])
        .await;

    let (status, problem) = world.relayer.post(b"{}").await;
    assert_eq!(
        (status, &problem["type"]),
        (400, &json!("urn:chassis:problem:not-a-bundle"))
    );
    let (status, problem) = world.relayer.post(&vec![b' '; 1_000_001]).await;
    assert_eq!(
        (status, &problem["type"]),
        (413, &json!("urn:chassis:problem:too-large"))
    );

    // For another registry, and its consent signed by nobody: both at once.
    let bundle = attest(&world.chain, &world.cloud, &machine.parts(), 2);
    let mut forged: Value = serde_json::from_slice(&bundle).unwrap();
    forged["evidence"]["anchor"]["chainId"] = json!(1);
    let forged = canonical_json(&forged).unwrap();
    let (status, problem) = world.relayer.post(&forged).await;
    assert_eq!(
        (status, &problem["type"]),
        (422, &json!("urn:chassis:problem:refused")),
        "{problem}"
    );
    assert_eq!(checks(&problem), ["fresh.anchor", "fresh.consent"]);
    assert_eq!(problem["checks"][0]["id"], json!(201));

    // Many at once: one is accepted, and all are answered alike.
    let posts = (0..8).map(|_| world.relayer.post(&bundle));
    let answers = futures::future::join_all(posts).await;
    let accepted = answers.iter().filter(|(status, _)| *status == 202).count();
    assert_eq!(accepted, 1, "{answers:?}");
    assert!(
        answers
            .iter()
            .all(|(_, answer)| answer["digest"] == answers[0].1["digest"])
    );

    // The day's only one has been used up; the same again is still answered.
    let second = attest(&world.chain, &world.cloud, &machine.parts(), 2);
    let (status, headers, problem) = world.relayer.submit(&second).await;
    assert_eq!(
        (status, &problem["type"]),
        (429, &json!("urn:chassis:problem:operator-quota"))
    );
    assert_eq!(headers["retry-after"], "3600");
    assert_eq!(world.relayer.post(&bundle).await.0, 200);

    let (status, headers, problem) = get(&world, "/v1/nothing").await;
    assert_eq!((status, &problem["status"]), (404, &json!(404)));
    assert_eq!(headers["content-type"], "application/problem+json");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert!(headers.contains_key("x-request-id"));
    assert_eq!(headers["access-control-allow-origin"], "*");

    let (_, _, challenge) = get(&world, "/v1/challenge").await;
    assert_eq!(challenge["registry"], json!(world.chain.registry));
    assert_eq!(challenge["chainId"], json!(31337));
}

#[tokio::test(flavor = "multi_thread")]
async fn newcomers_share_a_days_space_and_take_none_of_others() {
    let mut world = World::new().await;
    let [a, b] = ["a", "b"].map(|name| world.cloud.boot(MachineSpec::new(name)).unwrap());
    let [first, second] =
        [(&a, 2), (&b, 6)].map(|(machine, key)| attest(&world.chain, &world.cloud, &machine.parts(), key));
    // There is space for one, and hardly more.
    let largest = (first.len() + 10_000).to_string();
    world
        .relayer
        .start_with(&[
            ("CHASSIS_LIMITS__NEWCOMERS_MIB_PER_DAY", "1"),
            ("CHASSIS_LIMITS__BUNDLE_BYTES", &largest),
        ])
        .await;
    let (status, answer) = world.relayer.post(&first).await;
    assert_eq!(status, 202, "{answer}");
    let (status, headers, problem) = world.relayer.submit(&second).await;
    assert_eq!(
        (status, &problem["type"]),
        (429, &json!("urn:chassis:problem:newcomers-quota"))
    );
    let wait: u64 = headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=86_400).contains(&wait), "{wait}");
    world.relayer.until_state(&digest(&answer), "final").await;
    let renewal = attest(&world.chain, &world.cloud, &a.parts(), 2);
    let (status, answer) = world.relayer.post(&renewal).await;
    assert_eq!(status, 202, "who was attested is no newcomer: {answer}");
}

/// Evidence that names a block to come would wait for it, and keys cost nothing: newcomers are told to come again. What waits
/// all the same, as all does while the chain does not answer, leaves half of the queue.
#[tokio::test(flavor = "multi_thread")]
async fn newcomers_whose_bundles_wait_keep_out_nobody_who_was_attested() {
    let mut world = World::new().await;
    let machine = world.cloud.boot(MachineSpec::new("a")).unwrap();
    let proxy = Proxy::start(&world.chain.url).await;
    world
        .relayer
        .configure(|text| text.replace(&world.chain.url, &proxy.url));
    world.relayer.start_with(&[("CHASSIS_MAX_QUEUE", "4")]).await;
    let bundle = attest(&world.chain, &world.cloud, &machine.parts(), 2);
    let (_, answer) = world.relayer.post(&bundle).await;
    world.relayer.until_state(&digest(&answer), "final").await;

    let mut evidence = Bundle::parse(&bundle, DEFAULT_LIMIT).unwrap().evidence;
    evidence.anchor = Anchor {
        block_number: evidence.anchor.block_number + 60,
        ..evidence.anchor
    };
    let mut strangers = || {
        let stranger = PrivateKeySigner::random();
        evidence.operator = stranger.address();
        consent(evidence.clone(), &stranger).unwrap().to_json().unwrap()
    };
    for _ in 0..3 {
        let (status, headers, answer) = world.relayer.submit(&strangers()).await;
        assert_eq!((status, headers["retry-after"].to_str().unwrap()), (503, "30"));
        assert_eq!(answer["type"], json!("urn:chassis:problem:not-final"));
    }
    proxy.always(&[Fault::TooMany]);
    let mut waiting = Vec::new();
    for refused in [false, false, true] {
        let (status, headers, answer) = world.relayer.submit(&strangers()).await;
        assert_eq!(status, if refused { 429 } else { 202 }, "{answer}");
        assert_eq!(headers.contains_key("retry-after"), refused);
        if refused {
            assert_eq!(answer["type"], json!("urn:chassis:problem:queue-full"));
        } else {
            waiting.push(digest(&answer));
        }
    }
    proxy.behave();
    let renewal = attest(&world.chain, &world.cloud, &machine.parts(), 2);
    let (status, answer) = world.relayer.post(&renewal).await;
    assert_eq!(status, 202, "{answer}");
    world.relayer.until_state(&digest(&answer), "final").await;
    for digest in waiting {
        assert_eq!(world.relayer.bundle(&digest).await["state"], json!("received"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_asks_too_often_is_told_when_to_come_back() {
    let mut world = World::new().await;
    world
        .relayer
        .start_with(&[
            ("CHASSIS_LIMITS__CLIENT_PER_SECOND", "1"),
            ("CHASSIS_LIMITS__CLIENT_BURST", "3"),
        ])
        .await;
    let mut last = (0, reqwest::header::HeaderMap::new(), Value::Null);
    for _ in 0..4 {
        last = get(&world, "/v1/challenge").await;
    }
    let (status, headers, problem) = last;
    assert_eq!(
        (status, &problem["type"]),
        (429, &json!("urn:chassis:problem:client-rate"))
    );
    let wait: u64 = headers["retry-after"].to_str().unwrap().parse().unwrap();
    tokio::time::sleep(Duration::from_secs(wait)).await;
    assert_eq!(get(&world, "/v1/challenge").await.0, 200);
    assert_ne!(get(&world, "/healthz").await.0, 429, "who watches is not counted");
}

/// One address takes all the connections that it may. Loopback counts as a proxy; its neighbour does not.
#[tokio::test(flavor = "multi_thread")]
async fn one_address_does_not_take_all_connections() {
    let mut world = World::new().await;
    world
        .relayer
        .start_with(&[
            ("CHASSIS_LIMITS__CONNECTIONS", "8"),
            ("CHASSIS_LIMITS__CLIENT_CONNECTIONS", "4"),
        ])
        .await;
    let address: std::net::SocketAddr = world.relayer.url.trim_start_matches("http://").parse().unwrap();
    let mut open = Vec::new();
    for _ in 0..16 {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
        open.push(socket.connect(address).await.unwrap());
    }
    assert_eq!(get(&world, "/healthz").await.0, 200);
    let metrics = world.relayer.metrics().await;
    assert!(!metrics.contains("\nchassis_http_connections 16"), "{metrics}");
    drop(open);
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_clients_are_dropped_and_others_are_served() {
    let mut world = World::new().await;
    world
        .relayer
        .start_with(&[
            ("CHASSIS_LIMITS__HEADER_TIMEOUT_S", "1"),
            ("CHASSIS_LIMITS__BODY_TIMEOUT_S", "1"),
        ])
        .await;
    let address = world.relayer.url.trim_start_matches("http://").to_owned();
    let slow_head: Vec<_> = (0..16)
        .map(|_| {
            let mut stream = TcpStream::connect(&address).unwrap();
            stream.write_all(b"GET /healthz HTTP/1.1\r\n").unwrap();
            stream
        })
        .collect();
    let mut slow_body = TcpStream::connect(&address).unwrap();
    slow_body
        .write_all(b"POST /v1/bundles HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{")
        .unwrap();
    assert_eq!(get(&world, "/healthz").await.0, 200);
    let mut answer = [0; 12];
    slow_body.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 408");
    for mut stream in slow_head {
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut rest = Vec::new();
        assert!(
            stream.read_to_end(&mut rest).is_ok(),
            "the connection was not closed"
        );
    }
}
