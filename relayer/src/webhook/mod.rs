//! Tells operators what concerns them, where they have asked to be told.
//!
//! A message is kept with what it tells of, in one database transaction, and sent until it is taken: at least once, with
//! one id. Its body is signed by the relayer's key, as everybody knows it from the registry: `Chassis-Signature` is the
//! EIP-191 signature over the body.
//!
//! Whoever can sign for an operator chooses where a relayer connects to. So: `https`, public addresses, no redirect, no
//! proxy, and the connection goes to the very address that was checked.

mod address;
mod settings;
mod target;

use std::time::Duration;

use alloy::{
    primitives::{Address, B256, Signature, eip191_hash_message},
    sol_types::{Eip712Domain, SolStruct},
};
use chassis_program::{Key, unix_now};
use chassis_verifier::sha256;
use reqwest::{Client, redirect};
use tracing::{info, warn};

pub use settings::Settings;
pub use target::read_url;

use target::address_of;

use crate::{
    Error,
    failpoint::failpoint,
    store::{Delivery, Store, signed},
};

/// Most messages sent at once.
const AT_ONCE: i64 = 16;

/// Longest pause between two tries, seconds.
const LONGEST_PAUSE: u64 = 3600;

alloy::sol! {
    /// What an operator signs (EIP-712, the registry's domain) to be told of warnings and of changes of
    /// its status. An empty URL ends it.
    #[derive(Debug)]
    struct Webhook {
        address operator;
        string url;
        uint64 issuedAt;
    }
}

impl Webhook {
    /// Who signed it.
    pub fn signer(&self, domain: &Eip712Domain, signature: &[u8]) -> Option<Address> {
        let signature = Signature::from_raw(signature).ok()?;
        let hash = self.eip712_signing_hash(domain);
        signature.recover_address_from_prehash(&hash).ok()
    }
}

/// A message to an operator, before anybody sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its id: the digest of what it says.
    pub id: B256,
    /// JSON, the id in it.
    pub body: String,
}

impl Message {
    /// A message that says this, an object.
    pub fn new(mut content: serde_json::Value) -> Self {
        let id = sha256(content.to_string().as_bytes());
        content["id"] = id.to_string().into();
        Self {
            id,
            body: content.to_string(),
        }
    }
}

/// Sends what is due.
#[derive(Clone, Debug)]
pub struct Courier {
    store: Store,
    key: Key,
    settings: Settings,
}

impl Courier {
    /// A courier who signs with the relayer's key.
    pub fn new(settings: Settings, store: Store, key: Key) -> Self {
        Self { store, key, settings }
    }

    /// Sends what is due. Returns whether there was anything.
    ///
    /// # Errors
    /// Of the database.
    pub async fn tick(&self) -> Result<bool, Error> {
        let due = self.store.due_deliveries(signed(unix_now()), AT_ONCE).await?;
        let all = due.iter().map(|delivery| self.deliver(delivery));
        for done in futures::future::join_all(all).await {
            done?;
        }
        Ok(!due.is_empty())
    }

    async fn deliver(&self, delivery: &Delivery) -> Result<(), Error> {
        let outcome = match self.send(delivery).await {
            Ok(()) => {
                info!(id = %delivery.id, "an operator was told");
                self.store.end_delivery(delivery.id).await?;
                failpoint("told");
                "taken"
            }
            Err(problem) if delivery.tries + 1 >= i64::from(self.settings.max_tries) => {
                warn!(id = %delivery.id, problem, "given up telling an operator");
                self.store.end_delivery(delivery.id).await?;
                "given_up"
            }
            Err(problem) => {
                warn!(id = %delivery.id, problem, "an operator was not told; trying again");
                let doublings = u32::try_from(delivery.tries).unwrap_or(0).min(20);
                let pause = self
                    .settings
                    .first_pause_s
                    .saturating_mul(1 << doublings)
                    .min(LONGEST_PAUSE);
                let due = signed(unix_now().saturating_add(pause));
                self.store.delay_delivery(delivery.id, due).await?;
                "failed"
            }
        };
        metrics::counter!("chassis_webhook_deliveries_total", "outcome" => outcome).increment(1);
        Ok(())
    }

    async fn send(&self, delivery: &Delivery) -> Result<(), String> {
        let timeout = Duration::from_secs(self.settings.timeout_s);
        let sent = tokio::time::timeout(timeout, self.send_in_time(delivery)).await;
        sent.map_err(|_| format!("no answer within {} s", self.settings.timeout_s))?
    }

    async fn send_in_time(&self, delivery: &Delivery) -> Result<(), String> {
        let url = read_url(&delivery.url, &self.settings)?;
        let address = address_of(&url, &self.settings).await?;
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .resolve(url.host_str().unwrap_or_default(), address)
            .build()
            .map_err(|error| error.to_string())?;
        let hash = eip191_hash_message(&delivery.body);
        let signature = self
            .key
            .sign_hash(&hash)
            .await
            .map_err(|error| error.to_string())?;
        let answer = client
            .post(url)
            .header("content-type", "application/json")
            .header("chassis-message-id", delivery.id.to_string())
            .header("chassis-relayer", self.key.address().to_string())
            .header(
                "chassis-signature",
                format!("0x{}", hex::encode(signature.as_bytes())),
            )
            .body(delivery.body.clone())
            .send()
            .await
            .map_err(|error| error.without_url().to_string())?;
        // What it says is of no interest, and may be long.
        if answer.status().is_success() {
            Ok(())
        } else {
            Err(format!("status {}", answer.status()))
        }
    }
}
