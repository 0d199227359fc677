//! The way from the hypervisor to the quote generation service, on which the agent sees what this CPU quotes.

use std::{sync::Arc, time::Duration};

use chassis_verifier::td::TdQuote;
use tokio::time::timeout;

use super::{SocketAddress, frame, made::MadeHere, qgs};

/// The quoting enclave takes milliseconds, and seconds where it has to be certified anew.
const PATIENCE: Duration = Duration::from_secs(20);

/// Passes quote requests on, and remembers the quotes that came back.
#[derive(Clone, Debug)]
pub(super) struct Relay {
    pub(super) service: SocketAddress,
    pub(super) made: Arc<MadeHere>,
}

impl Relay {
    /// The answer to `request`: the service's own, or a refusal. Nothing but requests for a quote is passed on.
    pub(super) async fn answer(&self, request: &[u8]) -> Vec<u8> {
        self.quote(request).await.unwrap_or_else(|problem| {
            tracing::warn!("no TD quote: {problem}");
            qgs::refusal()
        })
    }

    async fn quote(&self, request: &[u8]) -> Result<Vec<u8>, String> {
        let report = qgs::report(request).map_err(|error| error.to_string())?;
        let answer = timeout(PATIENCE, self.ask(request))
            .await
            .map_err(|_| format!("{} does not answer within {PATIENCE:?}", self.service))??;
        let raw = qgs::quote(&answer).map_err(|error| format!("{}: {error}", self.service))?;
        let quote = TdQuote::parse(raw).map_err(|error| error.to_string())?;
        // The enclave has verified the report that it quoted. That it is this one, nobody else has checked.
        if let Some(field) = report.difference(&quote) {
            return Err(format!("{} quotes another report: {field} differs", self.service));
        }
        self.made.remember(raw);
        Ok(answer)
    }

    async fn ask(&self, request: &[u8]) -> Result<Vec<u8>, String> {
        let failed = |error: std::io::Error| format!("{}: {error}", self.service);
        let mut stream = self.service.connect().await.map_err(failed)?;
        frame::write(&mut *stream, request).await.map_err(failed)?;
        frame::read(&mut *stream, qgs::ANSWER_LIMIT)
            .await
            .map_err(failed)?
            .ok_or_else(|| format!("{} ended without an answer", self.service))
    }
}
