//! A key in AWS KMS. Region and credentials are found as every AWS client finds them: environment, profile, web identity,
//! container, machine.

use std::{pin::Pin, sync::Arc};

use alloy_signer_aws::AwsSigner;
use aws_config::BehaviorVersion;

use super::{OperatorKey, PATIENCE};
use crate::Error;

/// Boxed: the client's futures are so deep that the compiler gives up on whatever contains them.
pub(super) fn open(id: &str) -> Pin<Box<dyn Future<Output = Result<OperatorKey, Error>> + Send + '_>> {
    Box::pin(ask(id))
}

async fn ask(id: &str) -> Result<OperatorKey, Error> {
    let opening = async {
        let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
        if config.region().is_none() {
            return Err("no AWS region; set AWS_REGION".to_owned());
        }
        let client = aws_sdk_kms::Client::new(&config);
        AwsSigner::new(client, id.to_owned(), None)
            .await
            .map_err(|error| causes(&error))
    };
    let problem = match tokio::time::timeout(PATIENCE, opening).await {
        Ok(Ok(signer)) => return Ok(OperatorKey(Arc::new(signer))),
        Ok(Err(problem)) => problem,
        Err(_) => format!("no answer within {} s", PATIENCE.as_secs()),
    };
    Err(Error::Key(format!(
        "AWS KMS, {id}: {problem}; the key must be of type ECC_SECG_P256K1 for SIGN_VERIFY, and the node be allowed \
         kms:GetPublicKey and kms:Sign"
    )))
}

/// An error with what caused it: a key service's own word is the innermost.
fn causes(error: &dyn std::error::Error) -> String {
    let mut said = vec![error.to_string()];
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_said = cause.to_string();
        if said.last() != Some(&cause_said) {
            said.push(cause_said);
        }
        next = cause.source();
    }
    said.join(": ")
}
