//! What a relayer fetches: Intel's collateral, the provider's host registry, roots and CRLs.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{StatusCode, Uri, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use chassis_sim::{Cloud, pcs};

type Shared = State<Arc<Cloud>>;

pub(super) fn router(cloud: Arc<Cloud>) -> Router {
    Router::new()
        .route("/sgx/certification/v4/{*what}", get(intel))
        .route("/tdx/certification/v4/{*what}", get(intel))
        .route("/collateral/{fmspc}", get(collateral))
        .route("/host-registry", get(host_registry))
        .route("/host-registry/{ppid}", get(host_registry_claim))
        .route(
            "/roots/intel.der",
            get(|State(cloud): Shared| async move { der(cloud.intel().root_der()) }),
        )
        .route(
            "/roots/provider.der",
            get(|State(cloud): Shared| async move { der(cloud.provider().root_der()) }),
        )
        .route(
            "/roots/provider-intermediate.der",
            get(|State(cloud): Shared| async move { der(cloud.provider().intermediate_der()) }),
        )
        .route(
            "/crls/root.der",
            get(|State(cloud): Shared| async move { der(crl(&cloud, 0)) }),
        )
        .route(
            "/crls/intermediate.der",
            get(|State(cloud): Shared| async move { der(crl(&cloud, 1)) }),
        )
        .route("/policy.toml", get(policy))
        .route("/admin/revoke/{ppid}", post(revoke))
        .route("/admin/unlist/{ppid}", post(unlist))
        .with_state(cloud)
}

/// In the shape of Intel's own service.
async fn intel(State(cloud): Shared, uri: Uri) -> Response {
    match pcs::answer(&cloud, uri.path(), uri.query().unwrap_or_default()) {
        Some(answer) => answer,
        None => (StatusCode::NOT_FOUND, "Intel has no such thing").into_response(),
    }
}

async fn collateral(State(cloud): Shared, Path(fmspc): Path<String>) -> Response {
    match bytes(&fmspc) {
        Some(fmspc) => ([(CONTENT_TYPE, "application/json")], cloud.collateral_json(fmspc)).into_response(),
        None => (StatusCode::BAD_REQUEST, "an FMSPC is 6 bytes in hex").into_response(),
    }
}

async fn host_registry(State(cloud): Shared) -> Response {
    Json(cloud.host_registry()).into_response()
}

async fn host_registry_claim(State(cloud): Shared, Path(ppid): Path<String>) -> Response {
    match bytes(&ppid).and_then(|ppid| cloud.host_registry_claim(ppid)) {
        Some(claim) => Json(claim).into_response(),
        None => (StatusCode::NOT_FOUND, "no host of this provider").into_response(),
    }
}

async fn policy(State(cloud): Shared) -> Response {
    match cloud.policy_toml() {
        Ok(policy) => ([(CONTENT_TYPE, "application/toml")], policy).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// Intel revokes a platform, for demonstrations.
async fn revoke(State(cloud): Shared, Path(ppid): Path<String>) -> StatusCode {
    change(&ppid, |ppid| cloud.revoke(ppid))
}

/// The provider strikes a host off its registry, for demonstrations.
async fn unlist(State(cloud): Shared, Path(ppid): Path<String>) -> StatusCode {
    change(&ppid, |ppid| cloud.unlist(ppid))
}

fn change(ppid: &str, apply: impl FnOnce([u8; 16])) -> StatusCode {
    let Some(ppid) = bytes(ppid) else {
        return StatusCode::BAD_REQUEST;
    };
    apply(ppid);
    StatusCode::NO_CONTENT
}

fn crl(cloud: &Cloud, number: usize) -> Vec<u8> {
    cloud.provider_crls()[number].to_vec()
}

fn der(bytes: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, "application/octet-stream")], bytes).into_response()
}

fn bytes<const N: usize>(hex: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    hex::decode_to_slice(hex, &mut bytes).ok()?;
    Some(bytes)
}
