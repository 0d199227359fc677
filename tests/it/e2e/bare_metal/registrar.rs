//! Whom the registrar refuses.

use std::{fs, net::SocketAddr, time::Duration};

use chassis_sim::{
    Seed,
    host::{HostSpec, Manufacturer},
    policy_toml,
};
use chassis_verifier::{Base64, HexBytes, Policy, platform_id, sha256};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpSocket,
    time::timeout,
};

use super::{
    super::programs::chassis,
    stack::{Metal, out},
};

#[track_caller]
fn refused(output: &std::process::Output, says: &str) {
    assert_eq!(output.status.code(), Some(4), "{}", out(output));
    assert!(out(output).contains(says), "{}", out(output));
}

async fn post(registrar: &str, path: &str, body: &Value) -> (u16, Value) {
    let answer = reqwest::Client::new()
        .post(format!("{registrar}/v1/{path}"))
        .json(body)
        .send()
        .await
        .unwrap();
    (
        answer.status().as_u16(),
        answer.json().await.unwrap_or(Value::Null),
    )
}

fn challenge_request(metal: &Metal, ak_public: &[u8]) -> Value {
    let maker = metal.world.cloud.tpm_manufacturer();
    json!({
        "ekCertificates": [
            Base64(metal.host.endorsement().ek_certificate.clone()),
            Base64(maker.intermediate_der()),
        ],
        "akPublic": Base64(ak_public.to_vec()),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn it_refuses_tpms_that_it_does_not_know() {
    let metal = Metal::new();
    let registrar = metal.registrar().await;
    // A genuine TPM that nobody racked.
    let other = metal.world.cloud.boot_host(HostSpec::new("b")).unwrap();
    let output = metal.enroll_at(&other, &registrar.url, &[]);
    refused(
        &output,
        "no machine is registered with the endorsement key's certificate",
    );
    // A TPM by somebody who calls himself a maker, racked by mistake.
    let rogue = Manufacturer::new(Seed(7));
    let key = Seed(7).key("an endorsement key").public();
    let certificate = metal.path("rogue.der");
    fs::write(&certificate, rogue.ek_certificate(&key)).unwrap();
    fs::write(metal.path("maker-intermediate.der"), rogue.intermediate_der()).unwrap();
    let output = metal.enroll(
        &registrar.url,
        &["--ek-certificate", certificate.to_str().unwrap()],
    );
    refused(&output, "the endorsement key's certificate: ");
    assert!(!metal.path("enrolment.json").exists());
    assert_eq!(fs::read_to_string(metal.path("audit.jsonl")).unwrap(), "");
}

/// Whoever writes the list of machines learns both of their names from the machine itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_machine_tells_what_it_is_listed_by() {
    let metal = Metal::new();
    fs::write(metal.path("machines.toml"), "").unwrap();
    let registrar = metal.registrar().await;
    let ek = sha256(&metal.host.endorsement().ek_certificate);
    refused(&metal.enroll(&registrar.url, &[]), &ek.to_string());

    let attested = metal.attest_without_tpm().await;
    assert!(attested.status.success(), "{}", out(&attested));
    let bundle = metal.path("bundle.json");
    let names = chassis(&["platform", "alias", "--json", bundle.to_str().unwrap()]);
    let names: Value = serde_json::from_slice(&names.stdout).unwrap();
    let platform = platform_id(&metal.host.td().pck().ppid);
    assert_eq!(names["platformId"], json!(platform));
}

/// No relayer would take such a statement today; it must not wait for the day when the policy is another one.
#[tokio::test(flavor = "multi_thread")]
async fn it_states_nothing_that_the_policy_takes_back_or_denies() {
    let metal = Metal::new();
    let path = metal.path("policy.toml");
    let reviewed = fs::read_to_string(&path).unwrap();
    let revoke_tpm: Change = |policy, metal| {
        let ek = sha256(&metal.host.endorsement().ek_certificate);
        policy.providers.last_mut().unwrap().revoked_eks.push(ek);
    };
    let revoke_key: Change = |policy, metal| {
        let ak = HexBytes(metal.host.ak_name().0);
        policy.providers.last_mut().unwrap().revoked_aks.push(ak);
    };
    let deny: Change = |policy, metal| {
        let platform = platform_id(&metal.host.td().pck().ppid);
        policy.platforms.denied.push(platform);
    };
    for (change, says) in [
        (revoke_tpm, "has revoked its endorsement key, 0x"),
        (revoke_key, "has revoked its attestation key, 000b"),
        (deny, "the policy denies this machine's CPU, 0x"),
    ] {
        let mut policy = Policy::from_toml(&reviewed).unwrap();
        change(&mut policy, &metal);
        fs::write(&path, policy_toml(&policy).unwrap()).unwrap();
        let registrar = metal.registrar().await;
        refused(&metal.enroll(&registrar.url, &[]), says);
    }
    assert_eq!(fs::read_to_string(metal.path("audit.jsonl")).unwrap(), "");
    fs::write(&path, reviewed).unwrap();
    let registrar = metal.registrar().await;
    let enrolled = metal.enroll(&registrar.url, &[]);
    assert!(enrolled.status.success(), "{}", out(&enrolled));
}

type Change = fn(&mut Policy, &Metal);

/// The credential is for the racked TPM's endorsement key: no other TPM opens it.
#[tokio::test(flavor = "multi_thread")]
async fn the_key_of_another_tpm_does_not_activate() {
    let metal = Metal::new();
    let registrar = metal.registrar().await;
    let other = metal.world.cloud.boot_host(HostSpec::new("b")).unwrap();
    let certificate = metal.path("a.der");
    fs::write(&certificate, &metal.host.endorsement().ek_certificate).unwrap();
    let output = metal.enroll_at(
        &other,
        &registrar.url,
        &["--ek-certificate", certificate.to_str().unwrap()],
    );
    assert_eq!(output.status.code(), Some(3), "{}", out(&output));
    assert!(
        out(&output).contains("activating the registrar's credential"),
        "{}",
        out(&output)
    );
    assert_eq!(fs::read_to_string(metal.path("audit.jsonl")).unwrap(), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_challenge_is_answered_once_and_rightly() {
    let metal = Metal::new();
    let registrar = metal.registrar().await;
    let ask = challenge_request(&metal, metal.host.ak_public());
    let (status, challenge) = post(&registrar.url, "challenges", &ask).await;
    assert_eq!(status, 200, "{challenge}");
    let guess = json!({"challenge": challenge["challenge"], "secret": Base64(vec![0; 32])});
    let (status, answer) = post(&registrar.url, "statements", &guess).await;
    assert_eq!(status, 403, "{answer}");

    // The right answer to a challenge that was guessed at before is too late, and a right answer counts once.
    let open = |challenge: &Value| {
        let part = |name: &str| -> Base64 { serde_json::from_value(challenge[name].clone()).unwrap() };
        let secret = metal
            .host
            .activate_parts(&part("credentialBlob"), &part("encryptedSecret"))
            .unwrap();
        json!({"challenge": challenge["challenge"], "secret": Base64(secret)})
    };
    let (status, _) = post(&registrar.url, "statements", &open(&challenge)).await;
    assert_eq!(status, 403);
    let (_, challenge) = post(&registrar.url, "challenges", &ask).await;
    let right = open(&challenge);
    let (status, statement) = post(&registrar.url, "statements", &right).await;
    assert_eq!(status, 200, "{statement}");
    let (status, replayed) = post(&registrar.url, "statements", &right).await;
    assert_eq!(status, 403, "{replayed}");
    assert_eq!(
        fs::read_to_string(metal.path("audit.jsonl"))
            .unwrap()
            .lines()
            .count(),
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn it_refuses_keys_that_anybody_could_use() {
    let metal = Metal::new();
    let registrar = metal.registrar().await;
    let attributes = |change: fn(&mut u32)| {
        let mut area = metal.host.ak_public().to_vec();
        let mut bits = u32::from_be_bytes(area[4..8].try_into().unwrap());
        change(&mut bits);
        area[4..8].copy_from_slice(&bits.to_be_bytes());
        area
    };
    let mut without_policy = metal.host.ak_public().to_vec();
    without_policy.splice(8..8 + 34, [0, 0]);
    for (area, says) in [
        (attributes(|bits| *bits |= 1 << 6), "userWithAuth"),
        (attributes(|bits| *bits &= !(1 << 16)), "restricted is clear"),
        (attributes(|bits| *bits &= !(1 << 1)), "fixedTPM is clear"),
        (attributes(|bits| *bits |= 1 << 17), "decrypt is set"),
        (without_policy, "has no policy"),
    ] {
        let (status, answer) = post(&registrar.url, "challenges", &challenge_request(&metal, &area)).await;
        assert_eq!(status, 403, "{answer}");
        assert!(answer["error"].as_str().unwrap().contains(says), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_reads_little_and_bounds_what_one_address_asks() {
    let metal = Metal::new();
    let registrar = metal.registrar().await;
    let large = json!({"ekCertificates": [], "akPublic": "A".repeat(66 << 10)});
    assert_eq!(post(&registrar.url, "challenges", &large).await.0, 413);
    let unknown = json!({"ekCertificates": [], "akPublic": "", "platformId": "0x00"});
    assert_eq!(post(&registrar.url, "challenges", &unknown).await.0, 422);
    let mut last = 0;
    for _ in 0..70 {
        last = post(&registrar.url, "challenges", &unknown).await.0;
    }
    assert_eq!(last, 429);
    let health = reqwest::get(format!("{}/healthz", registrar.url)).await.unwrap();
    assert_eq!(health.status(), 200, "who watches is not counted");
}

/// Who holds connections open keeps nobody else out.
#[tokio::test(flavor = "multi_thread")]
async fn one_network_does_not_take_all_connections() {
    let metal = Metal::new();
    let registrar = metal.registrar().await;
    let address: SocketAddr = registrar.url.trim_start_matches("http://").parse().unwrap();
    let connect = async |from: &str| {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
        socket.connect(address).await.unwrap()
    };
    let mut held = Vec::new();
    for _ in 0..140 {
        held.push(connect("127.0.0.2").await);
    }
    let mut other = connect("127.0.0.3").await;
    let request = b"GET /healthz HTTP/1.1\r\nhost: registrar\r\n\r\n";
    other.write_all(request).await.unwrap();
    let mut answer = String::new();
    // Those that are held end by themselves after 15 s.
    let read = timeout(Duration::from_secs(8), other.read_to_string(&mut answer)).await;
    read.expect("it answers meanwhile").unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn it_does_not_start_where_no_policy_pins_its_key() {
    let metal = Metal::new();
    let made = metal.node(&["registrar", "keygen", "--key"], &["other.key"]);
    assert!(made.status.success());
    let again = metal.node(&["registrar", "keygen", "--key"], &["other.key"]);
    assert_eq!(
        again.status.code(),
        Some(3),
        "never over a key that is there: {}",
        out(&again)
    );
    let path = |name: &str| metal.path(name).display().to_string();
    let refused = metal.node(
        &[
            "registrar",
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--key",
            &path("other.key"),
            "--policy",
            &path("policy.toml"),
            "--machines",
            &path("machines.toml"),
            "--tpm-roots",
            &path("maker-root.der"),
            "--audit",
        ],
        &["audit.jsonl"],
    );
    assert!(
        out(&refused).contains("pins this registrar's key"),
        "{}",
        out(&refused)
    );
}
