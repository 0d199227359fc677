//! `chassis explore`: the explorer without a relayer.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
};

use alloy::primitives::{Address, B256};
use axum::{Json, Router, extract::Path as InPath, routing::get};
use serde_json::{Value, json};

use super::{
    IMAGE, SCRIPT,
    browser::browse,
    encoded,
    lists::whole,
    shown, text,
    town::{MOVED, operator},
};
use crate::e2e::{
    World,
    chain::{Chain, free_port, until},
    programs::binary,
};

/// The registry from the deployment's file, the checks from a folder, and the same lists as a relayer's.
pub(super) async fn alone_with_a_folder(world: &World, operator: &Address, evidence: &str) {
    let deployment = world.dir.path().join("deployment.json");
    let content = json!({
        "chainId": 31_337, "registry": world.chain.registry, "fromBlock": 1, "relayerUrls": [],
        "archives": [world.dir.path(), world.relayer.archive()], "threshold": 1,
    });
    std::fs::write(&deployment, content.to_string()).unwrap();
    let (url, _explore) = Explore::start(&world.chain, &[], Some(&deployment));
    shown(&url, &world.chain).await;
    let page = text(&format!("{url}/operators/{operator}")).await;
    for part in ["td.quote", evidence, "--archive $ARCHIVE"] {
        assert!(page.contains(part), "{part} in {page}");
    }
    for (path, name) in [
        ("/v1/changes?limit=1000", "changes"),
        ("/v1/platforms?limit=1000", "platforms"),
        ("/v1/batches?limit=1000", "batches"),
        ("/v1/events?limit=1000", "events"),
    ] {
        until(path, || async {
            whole(&url, path, name).await == whole(&world.relayer.url, path, name).await
        })
        .await;
    }
    let document: Value = serde_json::from_str(&text(&format!("{url}/openapi.json")).await).unwrap();
    assert!(document["paths"]["/v1/changes"].is_object());
    assert!(document["paths"]["/v1/bundles"].is_null(), "it takes none");
}

/// Whatever the archive says is shown as text, whoever says it.
pub(super) async fn alone_with_a_hostile_archive(chain: &Chain) {
    let archive = hostile_archive().await;
    let registry = chain.registry.to_string();
    let (url, _explore) = Explore::start(chain, &["--registry", &registry, "--archive", &archive], None);
    shown(&url, chain).await;
    let pages = json!([
        {"name": "overview", "path": "/", "expect": "of 102"},
        {"name": "hostile", "path": format!("/operators/{}", operator(MOVED)), "expect": [SCRIPT, IMAGE, "td.quote"]},
        {"name": "nowhere", "path": format!("/{}", encoded(SCRIPT)), "expect": "no such page", "status": 404},
    ]);
    browse("explore", &url, &pages).await;
}

/// Has an appraisal for every digest, all of it hostile.
async fn hostile_archive() -> String {
    let result = async |InPath(digest): InPath<String>| {
        let zero = B256::ZERO;
        Json(json!({
            "attestable": true,
            "digest": digest,
            "evidenceDigest": zero,
            "policyDigest": zero,
            "endorsementsDigest": zero,
            "asOf": 1,
            "checks": [
                {"id": 101, "name": SCRIPT, "outcome": "pass", "facts": {}, "detail": SCRIPT, "rule": IMAGE},
                {"id": 9999, "name": IMAGE, "outcome": SCRIPT, "facts": {}, "detail": format!("\u{202e}{IMAGE}")},
            ],
        }))
    };
    let router = Router::new().route("/v1/results/{digest}", get(result));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, router).await });
    url
}

/// `chassis explore`, killed on drop.
struct Explore(Child);

impl Explore {
    /// Says where it answers.
    fn start(chain: &Chain, more: &[&str], deployment: Option<&Path>) -> (String, Self) {
        let port = free_port();
        let listen = format!("127.0.0.1:{port}");
        let mut command = Command::new(binary("chassis"));
        command
            .args(["explore", "--rpc", &chain.url, "--listen", &listen])
            .args(more)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if let Some(deployment) = deployment {
            command.env("CHASSIS_DEPLOYMENT", deployment);
        }
        (format!("http://{listen}"), Self(command.spawn().unwrap()))
    }
}

impl Drop for Explore {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
