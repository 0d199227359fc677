//! `/openapi.json`, made from the handlers themselves.

use axum::Json;
use utoipa::{
    OpenApi,
    openapi::{OpenApi as Document, RefOr, schema::AdditionalProperties, schema::Schema},
};

/// What the document says besides the routes.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Chassis relayer",
        description = "Takes bundles of evidence, appraises them, and posts attestations to the registry on chain. Errors are \
                       `application/problem+json`; a problem's `type` never changes. Routes between relayers are not listed."
    ),
    tags(
        (name = "bundles", description = "Evidence in, and what became of it"),
        (name = "registry", description = "What the chain says, through this relayer's eyes"),
        (name = "archive", description = "Documents by digest, for who repeats an appraisal"),
        (name = "health", description = "For machines that watch"),
    )
)]
pub(super) struct Api;

/// Objects have the fields that are listed and no others: a client that reads strictly is not surprised.
pub(super) fn closed(mut document: Document) -> Document {
    let components = document.components.as_mut();
    for schema in components
        .into_iter()
        .flat_map(|components| components.schemas.values_mut())
    {
        if let RefOr::T(Schema::Object(object)) = schema
            && !object.properties.is_empty()
        {
            object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
        }
    }
    document
}

/// This interface, as `OpenAPI` 3.1.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "health",
    responses((status = 200, description = "The document", body = Object))
)]
#[expect(clippy::unused_async, reason = "a handler")]
pub(super) async fn document(document: Document) -> Json<Document> {
    Json(document)
}
