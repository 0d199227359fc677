//! The archive in a bucket: a server that speaks S3, and the relayer's own program before it.

use std::path::Path;

use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use s3s_fs::FileSystem;
use tokio::net::TcpListener;

use super::*;

const KEYS: [(&str, &str); 2] = [
    ("AWS_ACCESS_KEY_ID", "auditor"),
    ("AWS_SECRET_ACCESS_KEY", "sesame"),
];
const PLACE: &str = "s3://evidence/of/all";

/// Serves the buckets in a folder, to whoever has the keys, for as long as the test's runtime lives.
async fn serve(folder: &Path) -> String {
    let mut service = S3ServiceBuilder::new(FileSystem::new(folder).unwrap());
    service.set_auth(SimpleAuth::from_single(KEYS[0].1, KEYS[1].1));
    let service = service.build();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = service.clone();
            tokio::spawn(async move {
                let server = Builder::new(TokioExecutor::new());
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    url
}

/// `chassis archive verify`: its exit code, and what it says.
fn verify(endpoint: &str, key: &str) -> (Option<i32>, String) {
    let output = std::process::Command::new(binary("chassis"))
        .args([
            "archive",
            "verify",
            "--archive",
            PLACE,
            "--endpoint",
            endpoint,
            "--json",
        ])
        .envs([KEYS[0], (KEYS[1].0, key)])
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_is_an_archive() {
    let mut world = World::new().await;
    let machine = world.cloud.boot(MachineSpec::new("a")).unwrap();
    let buckets = tempfile::tempdir().unwrap();
    std::fs::create_dir(buckets.path().join("evidence")).unwrap();
    let endpoint = serve(buckets.path()).await;
    let place = [
        ("CHASSIS_ARCHIVE__URL", PLACE),
        ("CHASSIS_ARCHIVE__ENDPOINT", &*endpoint),
    ];
    world.relayer.start_with(&[&KEYS[..], &place].concat()).await;

    let bundle = attest(&world.chain, &world.cloud, &machine.parts(), 2);
    let (status, answer) = world.relayer.post(&bundle).await;
    assert_eq!(status, 202, "{answer}");
    let digest = digest(&answer);
    world.relayer.until_state(&digest, "final").await;
    let url = format!("{}/v1/evidence/{digest}", world.relayer.url);
    let archived = reqwest::get(url).await.unwrap().bytes().await.unwrap();
    assert_eq!(archived, bundle, "what came is what is kept");
    assert!(
        !world.relayer.data().join("archive").exists(),
        "nothing is in a folder"
    );

    let (code, said) = verify(&endpoint, KEYS[1].1);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = verify(&endpoint, "guess");
    assert_eq!(code, Some(2), "{said}");
    let file = buckets
        .path()
        .join(format!("evidence/of/all/bundles/{digest}.json"));
    std::fs::write(file, "{}").unwrap();
    let (code, said) = verify(&endpoint, KEYS[1].1);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(&digest), "{said}");
}
