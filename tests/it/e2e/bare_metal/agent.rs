//! What the agent refuses.

use std::{
    io::{Read as _, Write as _},
    os::unix::net::UnixStream,
    time::Duration,
};

use chassis_sim::{
    host::{HostSpec, Service, ask_for_quote},
    named,
};
use chassis_verifier::{
    Base64,
    challenge::{AkName, challenge, report_data},
    tpm::Attest,
};
use serde_json::{Value, json};

use super::stack::{Metal, out};

/// Sends one message to the agent, whose length may be a lie, and gives the answer.
fn ask_raw(metal: &Metal, length: u32, message: &[u8]) -> Value {
    let mut stream = UnixStream::connect(metal.path("agent.sock")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
        .write_all(&[&length.to_be_bytes(), message].concat())
        .unwrap();
    let mut head = [0; 4];
    stream.read_exact(&mut head).unwrap();
    let mut answer = vec![0; usize::try_from(u32::from_be_bytes(head)).unwrap()];
    stream.read_exact(&mut answer).unwrap();
    serde_json::from_slice(&answer).unwrap()
}

fn ask(metal: &Metal, question: &Value) -> Value {
    let message = question.to_string().into_bytes();
    ask_raw(metal, u32::try_from(message.len()).unwrap(), &message)
}

#[track_caller]
fn refused(answer: &Value, code: &str, says: &str) {
    assert_eq!(answer["error"]["code"], json!(code), "{answer}");
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(message.contains(says), "{message}");
}

/// A question about a TD quote, for the world's operator.
fn about(metal: &Metal, td_quote: &[u8]) -> Value {
    json!({"quote": {
        "anchor": named(&metal.world.cloud.anchor()),
        "operator": metal.world.operator.address(),
        "tdQuote": Base64(td_quote.to_vec()),
    }})
}

/// Report data as the TD of `metal` should have.
fn data(metal: &Metal) -> [u8; 64] {
    let anchor = named(&metal.world.cloud.anchor());
    let challenge = challenge(&anchor, metal.world.operator.address());
    report_data(challenge, metal.host.ak_name(), alloy::primitives::B256::ZERO)
}

async fn serving() -> (Metal, super::stack::Running) {
    let metal = Metal::new();
    let registrar = metal.registrar().await;
    let enrolled = metal.enroll(&registrar.url, &[]);
    assert!(enrolled.status.success(), "{}", out(&enrolled));
    let agent = metal.agent().await;
    (metal, agent)
}

#[tokio::test(flavor = "multi_thread")]
async fn it_quotes_for_quotes_that_this_cpu_made_and_no_others() {
    let (metal, _agent) = serving().await;
    let data = data(&metal);
    let quote = metal.host.td_quote(data);
    // A perfect quote by this very CPU, which the agent has not seen made.
    refused(
        &ask(&metal, &about(&metal, &quote)),
        "tdQuote",
        "has not made this TD quote",
    );
    let made = ask_for_quote(&metal.path("relay.sock"), &metal.host.td().td_report(data)).unwrap();
    assert_eq!(made, quote, "simulated quotes are deterministic");
    let answer = ask(&metal, &about(&metal, &quote));
    let attest: Base64 = serde_json::from_value(answer["quote"]["attest"].clone()).unwrap();
    assert!(Attest::parse(&attest).is_ok());

    // The same TD on another machine: same image, same report data.
    let other = metal.world.cloud.boot_host(HostSpec::new("b")).unwrap();
    let theirs = other.td_quote(data);
    refused(
        &ask(&metal, &about(&metal, &theirs)),
        "tdQuote",
        "has not made this TD quote",
    );
    let report = other.td().td_report(data);
    assert!(
        ask_for_quote(&metal.path("relay.sock"), &report).is_err(),
        "only its own CPU verifies a report's MAC"
    );
    // A report of this CPU's, changed on the way.
    let mut changed = metal.host.td().td_report(data);
    changed[128] ^= 1;
    assert!(ask_for_quote(&metal.path("relay.sock"), &changed).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn it_takes_no_qualifying_data_from_its_callers() {
    let (metal, _agent) = serving().await;
    let data = data(&metal);
    let quote = ask_for_quote(&metal.path("relay.sock"), &metal.host.td().td_report(data)).unwrap();
    let mut question = about(&metal, &quote);
    question["quote"]["extraData"] = json!("00".repeat(32));
    refused(&ask(&metal, &question), "question", "unknown field `extraData`");
    for question in [
        json!({"sign": {"digest": "00"}}),
        json!({"ak": {"extraData": "00"}}),
        json!({"ak": {}, "quote": about(&metal, &quote)["quote"]}),
        json!([]),
        json!("ak"),
    ] {
        refused(&ask(&metal, &question), "question", "");
    }
    // Its own qualifying data names anchor and operator.
    let extra_data = |question: &Value| {
        let answer = ask(&metal, question);
        let attest: Base64 = serde_json::from_value(answer["quote"]["attest"].clone()).unwrap();
        Attest::parse(&attest)
            .unwrap()
            .quote()
            .unwrap()
            .extra_data
            .to_vec()
    };
    let honest = about(&metal, &quote);
    let mut other = honest.clone();
    other["quote"]["operator"] = json!(alloy::primitives::Address::repeat_byte(9));
    let anchor = named(&metal.world.cloud.anchor());
    let challenge = challenge(&anchor, metal.world.operator.address());
    assert_eq!(
        extra_data(&honest),
        chassis_verifier::challenge::qualifying_data(challenge, &quote)
    );
    assert_ne!(extra_data(&honest), extra_data(&other));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_reads_no_message_that_is_too_long_and_goes_on() {
    let (metal, _agent) = serving().await;
    for length in [u32::MAX, 1 << 31, (192 << 10) + 1] {
        refused(&ask_raw(&metal, length, b""), "question", "too long");
    }
    let mut stream = UnixStream::connect(metal.path("relay.sock")).unwrap();
    stream.write_all(&u32::MAX.to_be_bytes()).unwrap();
    let mut refusal = Vec::new();
    stream.read_to_end(&mut refusal).unwrap();
    assert_eq!(refusal.len(), 28, "a refusal, and the end");
    // Half a message, and nothing more: others are served meanwhile.
    let mut half = UnixStream::connect(metal.path("agent.sock")).unwrap();
    half.write_all(&[0, 0, 1, 0, b'{']).unwrap();
    let answer = ask(&metal, &json!({"ak": {}}));
    let public: Base64 = serde_json::from_value(answer["ak"]["akPublic"].clone()).unwrap();
    assert_eq!(AkName::of(&public), metal.host.ak_name());
}

#[tokio::test(flavor = "multi_thread")]
async fn it_passes_on_no_quote_of_another_report() {
    let metal = Metal::with(HostSpec::new("a"), Service::Confused);
    let registrar = metal.registrar().await;
    assert!(metal.enroll(&registrar.url, &[]).status.success());
    let _agent = metal.agent().await;
    let report = metal.host.td().td_report([7; 64]);
    let direct = ask_for_quote(&metal.path("qgs.sock"), &report).unwrap();
    assert_eq!(direct, metal.host.td_quote([0xee; 64]), "the service is confused");
    assert!(ask_for_quote(&metal.path("relay.sock"), &report).is_err());
    refused(
        &ask(&metal, &about(&metal, &direct)),
        "tdQuote",
        "has not made this TD quote",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn it_has_a_key_of_its_own_tpm_only() {
    let (metal, agent) = serving().await;
    drop(agent);
    // The enrolment of one host, copied to another with the same launch.
    let other = Metal::of(HostSpec::new("b"));
    std::fs::copy(metal.path("enrolment.json"), other.path("enrolment.json")).unwrap();
    let _agent = other.agent().await;
    let quote = ask_for_quote(&other.path("relay.sock"), &other.host.td().td_report([7; 64])).unwrap();
    refused(
        &ask(&other, &about(&other, &quote)),
        "notEnrolled",
        "is not this TPM's",
    );
}

/// A peer that opens all the connections there are, again and again, gets its share of them.
#[tokio::test(flavor = "multi_thread")]
async fn one_guest_does_not_keep_the_others_out() {
    let (metal, _agent) = serving().await;
    let open = || UnixStream::connect(metal.path("agent.sock")).unwrap();
    let mut held: Vec<_> = (0..80).map(|_| open()).collect();
    std::thread::sleep(Duration::from_millis(500));
    let mut ended = 0;
    for stream in &mut held {
        stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        ended += usize::from(matches!(stream.read(&mut [0]), Ok(0)));
    }
    assert_eq!(ended, 76, "four are its share");
    // Another process is another peer.
    let before = std::time::Instant::now();
    let attested = metal.attest().await;
    assert!(attested.status.success(), "{}", super::stack::out(&attested));
    assert!(
        before.elapsed() < Duration::from_secs(8),
        "{:?}",
        before.elapsed()
    );
    drop(held);
}
