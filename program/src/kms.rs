//! A key in AWS KMS. Region and credentials are found as every AWS client finds them: environment, profile, web identity,
//! container, machine.

use std::pin::Pin;

use alloy_signer_aws::AwsSigner;
use aws_config::BehaviorVersion;

use crate::key::{PATIENCE, causes};

/// Boxed: the client's futures are so deep that the compiler gives up on whatever contains them.
pub(crate) fn open(id: &str) -> Pin<Box<dyn Future<Output = Result<AwsSigner, String>> + Send + '_>> {
    Box::pin(ask(id))
}

async fn ask(id: &str) -> Result<AwsSigner, String> {
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
        Ok(Ok(signer)) => return Ok(signer),
        Ok(Err(problem)) => problem,
        Err(_) => format!("no answer within {} s", PATIENCE.as_secs()),
    };
    Err(format!(
        "AWS KMS, {id}: {problem}; the key must be of type ECC_SECG_P256K1 for SIGN_VERIFY, and this program be allowed \
         kms:GetPublicKey and kms:Sign"
    ))
}
