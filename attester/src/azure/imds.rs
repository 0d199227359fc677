//! Azure's instance metadata service, as far as it makes TD quotes.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde::Deserialize;
use serde_json::json;

use super::Azure;
use crate::{Error, blocking, http};

/// An address of the platform: the host answers there, for its own guest alone.
pub const METADATA_SERVICE: &str = "http://169.254.169.254";

/// It writes none, and reads both.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[derive(Deserialize)]
struct Answer {
    quote: String,
}

impl Azure {
    /// The quote of `td_report`, which the host's quoting enclave makes of it if this CPU made it.
    pub(super) fn ask_for_quote(&self, td_report: &[u8]) -> Result<Vec<u8>, Error> {
        let question = json!({"report": BASE64.encode(td_report)});
        blocking::run(async {
            let url = http::parse_url(&format!("{}/acc/tdquote", self.metadata_service))?;
            // A proxy's machine is another one.
            let client = http::direct_client()?;
            let answer = client.post(url).json(&question).send().await;
            let answer = answer.map_err(http::problem)?;
            let status = answer.status();
            let body = http::body(answer).await?;
            if !status.is_success() {
                let text = http::printable(&String::from_utf8_lossy(&body));
                return Err(format!("it answers HTTP {status}: {text}"));
            }
            let answer: Answer =
                serde_json::from_slice(&body).map_err(|_| "it answers something else".to_owned())?;
            BASE64
                .decode(answer.quote)
                .map_err(|error| format!("its quote is no base64: {error}"))
        })
        .map_err(|problem| Error::MetadataService {
            address: self.metadata_service.clone(),
            problem,
        })
    }
}
