//! What a relayer fetches from outside: Intel's collateral, the provider's host registry and CRLs.

use std::sync::Arc;

use axum::{Json, Router, extract::Path, http::StatusCode, response::IntoResponse, routing::get};
use chassis_sim::Cloud;

/// A server on loopback that answers for `cloud`, for as long as the test's runtime lives.
pub(crate) struct Outside {
    pub(crate) url: String,
}

impl Outside {
    pub(crate) async fn serve(cloud: Arc<Cloud>) -> Self {
        let (registry, crls) = (Arc::clone(&cloud), Arc::clone(&cloud));
        let router = Router::new()
            .route(
                "/collateral/{fmspc}",
                get(async move |Path(fmspc): Path<String>| cloud.collateral_json(hex(&fmspc))),
            )
            .route(
                "/host-registry/{ppid}",
                get(
                    async move |Path(ppid): Path<String>| match registry.host_registry_claim(hex(&ppid)) {
                        Some(claim) => Json(claim).into_response(),
                        None => StatusCode::NOT_FOUND.into_response(),
                    },
                ),
            )
            .route(
                "/crls/{n}",
                get(async move |Path(n): Path<usize>| crls.provider_crls()[n].to_vec()),
            );
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async { axum::serve(listener, router).await });
        Self { url }
    }
}

fn hex<const N: usize>(text: &str) -> [u8; N] {
    let mut bytes = [0; N];
    ::hex::decode_to_slice(text, &mut bytes).unwrap();
    bytes
}
