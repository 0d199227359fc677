//! A relayer whose key is in AWS KMS: a stand-in that speaks its protocol keeps the key.

use std::{
    process::Output,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use alloy::signers::k256::ecdsa::{Signature, SigningKey, signature::hazmat::PrehashSigner};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};

use super::{
    chain::{KEYS, free_port},
    programs::REAPPRAISE,
    *,
};

pub(super) const ALIAS: &str = "alias/chassis-relayer";
/// `SubjectPublicKeyInfo` of an uncompressed secp256k1 point, as far as the point.
const SPKI: &str = "3056301006072a8648ce3d020106052b8104000a034200";

/// Keeps one key. Every other signature has the high s, as KMS' may have.
pub(super) struct Keeper {
    key: SigningKey,
    signatures: AtomicUsize,
}

impl Keeper {
    pub(super) async fn serve(key: usize) -> (Arc<Self>, String) {
        let keeper = Arc::new(Self {
            key: signer(key).credential().clone(),
            signatures: AtomicUsize::new(0),
        });
        let router = Router::new()
            .route("/", post(answer))
            .with_state(Arc::clone(&keeper));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (keeper, url)
    }

    fn public_key(&self) -> Vec<u8> {
        let point = self.key.verifying_key().to_encoded_point(false);
        [&hex::decode(SPKI).unwrap(), point.as_bytes()].concat()
    }

    fn sign(&self, digest: &[u8]) -> Vec<u8> {
        let signature: Signature = self.key.sign_prehash(digest).unwrap();
        let (r, s) = signature.normalize_s().unwrap_or(signature).split_scalars();
        let is_high = self.signatures.fetch_add(1, Ordering::SeqCst).is_multiple_of(2);
        let s = if is_high { -s } else { s };
        Signature::from_scalars(r, s)
            .unwrap()
            .to_der()
            .as_bytes()
            .to_vec()
    }
}

async fn answer(State(keeper): State<Arc<Keeper>>, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    assert!(header("authorization").starts_with("AWS4-HMAC-SHA256 Credential=relayer/"));
    let request: serde_json::Value = serde_json::from_slice(&body).unwrap();
    if request["KeyId"] != json!(ALIAS) {
        let problem =
            json!({"__type": "NotFoundException", "message": format!("{} is not found.", request["KeyId"])});
        return (StatusCode::BAD_REQUEST, problem.to_string()).into_response();
    }
    match header("x-amz-target").as_str() {
        "TrentService.GetPublicKey" => json!({
            "KeyId": ALIAS, "KeySpec": "ECC_SECG_P256K1", "KeyUsage": "SIGN_VERIFY",
            "PublicKey": BASE64_STANDARD.encode(keeper.public_key()),
        })
        .to_string()
        .into_response(),
        "TrentService.Sign" => {
            assert_eq!(request["MessageType"], json!("DIGEST"));
            assert_eq!(request["SigningAlgorithm"], json!("ECDSA_SHA_256"));
            let digest = BASE64_STANDARD
                .decode(request["Message"].as_str().unwrap())
                .unwrap();
            json!({"KeyId": ALIAS, "Signature": BASE64_STANDARD.encode(keeper.sign(&digest))})
                .to_string()
                .into_response()
        }
        other => panic!("{other} is not asked of a keeper of keys"),
    }
}

pub(super) fn environment<'a>(url: &'a str, alias: &'a str) -> [(&'a str, &'a str); 6] {
    [
        ("AWS_ENDPOINT_URL_KMS", url),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "relayer"),
        ("AWS_SECRET_ACCESS_KEY", "sesame"),
        ("AWS_MAX_ATTEMPTS", "1"),
        ("CHASSIS_KEY__KMS", alias),
    ]
}

/// The registry's relayer is key 1, which KMS keeps. The environment has another one, which must not be used.
fn keyless(world: &World) -> Relayer {
    let top = format!("rpc_url = {:?}", world.chain.url);
    Relayer::member(
        &world.chain,
        &world.cloud,
        &world.outside,
        (5, free_port()),
        &top,
        REAPPRAISE,
    )
}

fn check(relayer: &Relayer, environment: &[(&str, &str)]) -> (Option<i32>, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = std::process::Command::new(binary("chassis"))
        .args(["config", "check"])
        .arg(&relayer.config)
        .env("CHASSIS_RELAYER_KEY", KEYS[5])
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    (
        status.code(),
        String::from_utf8([stdout, stderr].concat()).unwrap(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_in_kms_signs_reports_and_transactions() {
    let mut world = World::new().await;
    let machine = world.cloud.boot(MachineSpec::new("a")).unwrap();
    let (keeper, url) = Keeper::serve(1).await;
    world.relayer = keyless(&world);
    world.relayer.start_with(&environment(&url, ALIAS)).await;

    let bundle = attest(&world.chain, &world.cloud, &machine.parts(), 2);
    let (status, answer) = world.relayer.post(&bundle).await;
    assert_eq!(status, 202, "{answer}");
    world.relayer.until_state(&digest(&answer), "final").await;
    let registry = world.chain.registry();
    assert!(registry.isAttested_0(signer(2).address()).call().await.unwrap());
    let signed = keeper.signatures.load(Ordering::SeqCst);
    assert!(
        signed >= 2,
        "a report and a transaction, one of them with the high s: {signed}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keeper_that_lacks_the_key_or_is_not_there_is_told_by_config_check() {
    let world = World::new().await;
    let (_keeper, url) = Keeper::serve(1).await;
    let relayer = keyless(&world);

    let (code, said) = check(&relayer, &environment(&url, ALIAS));
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(&signer(1).address().to_string()), "{said}");

    let (code, said) = check(&relayer, &environment(&url, "alias/nobody"));
    assert_eq!(code, Some(2), "{said}");
    for part in [
        "key.kms: AWS KMS, alias/nobody",
        "is not found",
        "ECC_SECG_P256K1",
        "kms:Sign",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }

    let (code, said) = check(&relayer, &environment("http://127.0.0.1:1", ALIAS));
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains(&format!("key.kms: AWS KMS, {ALIAS}")), "{said}");

    // A region would be looked for in the machine's metadata too.
    let nowhere = [("CHASSIS_KEY__KMS", ALIAS), ("AWS_EC2_METADATA_DISABLED", "true")];
    let (code, said) = check(&relayer, &nowhere);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("AWS_REGION"), "{said}");
}
