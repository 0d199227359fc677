//! Archives over HTTP, as relayers serve theirs.

use std::path::PathBuf;

use axum::{
    Router,
    extract::Path,
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::get,
};

/// Serves an archive's folder. Returns its URL.
pub(super) async fn serve(folder: PathBuf) -> String {
    let document = move |Path((kind, digest)): Path<(String, String)>| async move {
        let kind = if kind == "evidence" {
            "bundles"
        } else {
            kind.as_str()
        };
        match std::fs::read(folder.join(kind).join(format!("{digest}.json"))) {
            Ok(document) => document.into_response(),
            Err(_) => StatusCode::NOT_FOUND.into_response(),
        }
    };
    listen(Router::new().route("/v1/{kind}/{digest}", get(document))).await
}

/// Serves nothing but errors.
pub(super) async fn broken() -> String {
    let error = || async {
        Response::builder()
            .status(500)
            .body(axum::body::Body::empty())
            .unwrap()
    };
    listen(Router::new().fallback(error)).await
}

async fn listen(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, router).await });
    url
}
