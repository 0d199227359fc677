//! Handing signed bytes to the network: to every endpoint at once, and the first success counts.

use alloy::{providers::Provider, transports::TransportError};
use tokio::sync::mpsc;

use super::Chain;
use crate::Error;

/// What became of signed bytes. Later ones outrank earlier ones.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sent {
    /// No endpoint takes them, for this reason.
    Refused(String),
    /// They pay less than what is there, or than the node wants. They may be taken later.
    Underpriced,
    /// The account cannot pay for them.
    Poor,
    /// The nonce is used: by an earlier attempt, as receipts will show, or by somebody else.
    NonceUsed,
    /// An endpoint has them, which does not mean that it passes them on.
    Taken,
}

impl Chain {
    /// Sends to all endpoints. Returns at the first success; the others are sent to all the same.
    ///
    /// # Errors
    /// If no endpoint answers: the bytes may have arrived.
    pub async fn send(&self, raw: &[u8]) -> Result<Sent, Error> {
        let (answers, mut answered) = mpsc::unbounded_channel();
        for endpoint in self.pool.broadcasters() {
            let (raw, answers) = (raw.to_vec(), answers.clone());
            tokio::spawn(async move {
                let answer = endpoint.provider.send_raw_transaction(&raw).await;
                // Nobody listens any more after the first success.
                let _ = answers.send(answer.map(|_| ()));
            });
        }
        drop(answers);
        let (mut best, mut problem) = (None, "no endpoint may be asked now".to_owned());
        while let Some(answer) = answered.recv().await {
            match answer.map_or_else(|error| classify(&error), |()| Ok(Sent::Taken)) {
                Ok(Sent::Taken) => return Ok(Sent::Taken),
                Ok(outcome) => best = best.max(Some(outcome)),
                Err(error) => problem = error,
            }
        }
        best.ok_or_else(|| Error::Rpc(format!("a transaction was not sent: {problem}")))
    }
}

/// Nodes spell it differently. Errors of transport say nothing about the transaction.
fn classify(error: &TransportError) -> Result<Sent, String> {
    let Some(said) = error
        .as_error_resp()
        .filter(|said| !super::transport::is_endpoints_fault(said))
    else {
        return Err(error.to_string());
    };
    let message = said.message.to_lowercase();
    let says = |parts: &[&str]| parts.iter().any(|part| message.contains(part));
    Ok(
        if says(&[
            "already known",
            "alreadyknown",
            "already imported",
            "known transaction",
        ]) {
            Sent::Taken
        } else if says(&["nonce too low", "nonce is too low", "oldnonce"]) {
            Sent::NonceUsed
        } else if says(&["insufficient funds", "insufficientfunds", "insufficient balance"]) {
            Sent::Poor
        } else if says(&[
            "underpriced",
            "fee too low",
            "feetoolow",
            "less than block base fee",
            "gas price too low",
        ]) {
            Sent::Underpriced
        } else {
            Sent::Refused(said.to_string())
        },
    )
}

#[cfg(test)]
mod tests {
    use alloy::{rpc::json_rpc::ErrorPayload, transports::TransportErrorKind};

    use super::*;

    fn said(message: &'static str) -> Sent {
        let payload = ErrorPayload {
            code: -32000,
            message: message.into(),
            data: None,
        };
        classify(&TransportError::ErrorResp(payload)).unwrap()
    }

    #[test]
    fn nodes_opinions_are_told_apart() {
        assert_eq!(said("already known"), Sent::Taken);
        assert_eq!(said("transaction already imported"), Sent::Taken);
        assert_eq!(said("nonce too low: next nonce 5, tx nonce 4"), Sent::NonceUsed);
        assert_eq!(said("insufficient funds for gas * price + value"), Sent::Poor);
        assert_eq!(said("replacement transaction underpriced"), Sent::Underpriced);
        assert_eq!(
            said("max fee per gas less than block base fee"),
            Sent::Underpriced
        );
        assert!(matches!(said("intrinsic gas too low"), Sent::Refused(_)));
    }

    #[test]
    fn a_lost_answer_says_nothing() {
        assert!(classify(&TransportErrorKind::custom_str("timed out")).is_err());
        assert!(Some(Sent::Taken) > Some(Sent::NonceUsed) && Some(Sent::Refused("x".into())) > None);
    }
}
