//! A line of the log for each bundle of a report, at each stage that the report comes to.

use alloy::primitives::{Address, B256};
use tracing::{error, info, info_span};

use crate::store::Store;

/// Says that a report's bundles have come to a stage. What the log says is nothing to fail for.
pub(crate) async fn tell(store: &Store, stage: &'static str, report: B256) {
    match store.bundles_of(report).await {
        Ok(rows) => tell_of(stage, report, rows.iter().map(|row| (row.digest, row.operator))),
        Err(error) => error!(%report, stage, %error, "its bundles are not told of"),
    }
}

/// The same of these.
pub(crate) fn tell_of(stage: &'static str, report: B256, bundles: impl IntoIterator<Item = (B256, Address)>) {
    for (digest, operator) in bundles {
        let span = info_span!("bundle", %digest, %operator, stage);
        span.in_scope(|| info!(%report, "in a report"));
    }
}
