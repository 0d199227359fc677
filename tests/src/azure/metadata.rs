//! The instance metadata service, as far as it makes quotes: `POST /acc/tdquote`, base64url without padding both ways.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::post,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::machine::Td;

/// The service of one host, for as long as the runtime lives.
#[derive(Debug)]
pub(super) struct MetadataService {
    pub(super) url: String,
}

impl MetadataService {
    pub(super) async fn serve(td: Arc<Td>) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let router = Router::new().route("/acc/tdquote", post(quote)).with_state(td);
        tokio::spawn(async { axum::serve(listener, router).await });
        Ok(Self { url })
    }
}

async fn quote(State(td): State<Arc<Td>>, Json(request): Json<Value>) -> Response {
    let report = request["report"].as_str().unwrap_or_default();
    let quote = URL_SAFE_NO_PAD
        .decode(report)
        .map_err(anyhow::Error::from)
        .and_then(|report| td.quote_report(&report));
    match quote {
        Ok(quote) => Json(json!({"quote": URL_SAFE_NO_PAD.encode(quote)})).into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error:#}")).into_response(),
    }
}
