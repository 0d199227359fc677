//! What a relayer fetches from outside: Intel's collateral, the provider's host registry and CRLs.

use std::sync::Arc;

use chassis_sim::{Cloud, pcs::Pcs};

/// A server on loopback that answers for `cloud`, for as long as the test's runtime lives.
pub(crate) struct Outside {
    pub(crate) url: String,
    /// The server itself, to go wrong on demand.
    pub(crate) pcs: Pcs,
}

impl Outside {
    pub(crate) async fn serve(cloud: Arc<Cloud>) -> Self {
        let pcs = Pcs::serve(cloud).await.unwrap();
        Self { url: pcs.url(), pcs }
    }
}
