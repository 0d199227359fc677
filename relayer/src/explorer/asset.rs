//! Style, script and icon: files of their own, so that pages need nothing inline. Their names hold their hashes.

use std::sync::LazyLock;

use axum::{
    extract::Path,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use chassis_verifier::sha256;

const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// A file as it is served.
pub(super) struct Asset {
    /// Where.
    pub(super) path: String,
    etag: String,
    kind: &'static str,
    content: &'static str,
}

pub(super) static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    let content = include_str!("assets/style.css");
    Asset::new("style", "css", "text/css; charset=utf-8", content)
});
pub(super) static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    let content = include_str!("assets/script.js");
    Asset::new("script", "js", "text/javascript; charset=utf-8", content)
});
pub(super) static ICON: LazyLock<Asset> = LazyLock::new(|| {
    let content = include_str!("assets/icon.svg");
    Asset::new("icon", "svg", "image/svg+xml", content)
});

impl Asset {
    fn new(name: &str, extension: &str, kind: &'static str, content: &'static str) -> Self {
        let hash = hex::encode(&sha256(content.as_bytes())[..8]);
        Self {
            path: format!("/assets/{name}.{hash}.{extension}"),
            etag: format!("\"{hash}\""),
            kind,
            content,
        }
    }
}

/// A file, if it is one of ours as it is now.
pub(super) async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let path = format!("/assets/{name}");
    let Some(asset) = [&*STYLE, &*SCRIPT, &*ICON]
        .into_iter()
        .find(|asset| asset.path == path)
    else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let known = [
        (header::ETAG, asset.etag.as_str()),
        (header::CACHE_CONTROL, FOR_EVER),
    ];
    if headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|tag| tag.as_bytes() == asset.etag.as_bytes())
    {
        return (StatusCode::NOT_MODIFIED, known).into_response();
    }
    (known, [(header::CONTENT_TYPE, asset.kind)], asset.content).into_response()
}
