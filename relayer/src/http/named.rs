//! Digests and addresses in a path.

use std::str::FromStr;

use axum::{
    extract::{FromRequestParts, Path},
    http::request::Parts,
};

use super::problem::Problem;

/// The last part of the path, as a digest or an address. What is none names nothing here: 404.
#[derive(Debug)]
pub(super) struct Named<T>(pub(super) T);

impl<T: FromStr, S: Send + Sync> FromRequestParts<S> for Named<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let unnamed =
            || Problem::not_found("the path's last part is no digest or address: 0x and hex digits");
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|_| unnamed())?;
        text.parse().map(Self).map_err(|_| unnamed())
    }
}
