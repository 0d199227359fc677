//! A member that says whatever it is told to, and signs it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use alloy::{
    primitives::{Address, Bytes},
    sol_types::SolValue,
};
use chassis_relayer::registry::IProofOfCloudRegistry::Report;
use chassis_verifier::sha256;
use serde_json::{Value, json};

use super::{Offer, finalized, hash};
use crate::e2e::{
    cosign::{Network, address},
    member::{Answer, Member, answer},
};

/// The liar, and the honest relayer it talks to.
pub(crate) struct Liar {
    pub(crate) member: Member,
    /// What it hands out, by digest.
    documents: Arc<Mutex<HashMap<String, Vec<u8>>>>,
    url: String,
    honest: Address,
}

impl Liar {
    pub(crate) async fn new(network: &Network) -> Self {
        let liar = Self {
            member: network.member().await,
            documents: Arc::default(),
            url: network.honest[0].url.clone(),
            honest: address(0),
        };
        let documents = Arc::clone(&liar.documents);
        liar.member
            .serve(*network.ports.last().unwrap(), move |message| -> Answer {
                let held = documents.lock().unwrap();
                match message["kind"].as_str().unwrap() {
                    "fetch" => match held.get(message["digest"].as_str().unwrap()) {
                        Some(document) => {
                            let document = document.clone();
                            Box::pin(async move { Some((200, document)) })
                        }
                        None => answer(404, &json!({"reason": "not here"})),
                    },
                    _ => answer(422, &json!({"reason": "no"})),
                }
            })
            .await;
        liar
    }

    pub(super) async fn say(&self, message: &Value) -> (u16, Value) {
        self.member.say(&self.url, self.honest, message).await
    }

    /// Says it to the honest one at this place.
    pub(super) async fn say_to(&self, network: &Network, place: usize, message: &Value) -> (u16, Value) {
        let url = &network.honest[place].url;
        self.member.say(url, address(place), message).await
    }

    /// Proposes one bundle, and gives the vote.
    pub(super) async fn propose(&self, network: &Network, offer: &Offer) -> Value {
        let (status, votes) = self.say(&self.proposal(network, offer).await).await;
        assert_eq!(status, 200, "{votes}");
        votes["votes"][0].clone()
    }

    /// That the vote is no, for a reason with these words in it.
    pub(super) async fn is_refused(&self, network: &Network, offer: &Offer, words: &str) {
        let vote = self.propose(network, offer).await;
        assert_eq!(vote["vote"], json!("no"), "{words}: {vote}");
        assert!(vote["reasons"].to_string().contains(words), "{words}: {vote}");
    }

    pub(crate) async fn proposal(&self, network: &Network, offer: &Offer) -> Value {
        let endorsements = offer.set.to_json().unwrap();
        let digest = sha256(&endorsements);
        {
            let mut documents = self.documents.lock().unwrap();
            documents.insert(offer.bundle.digest.to_string(), offer.document.clone());
            documents.insert(digest.to_string(), endorsements);
        }
        let block = finalized(&network.chain).await;
        json!({
            "kind": "propose",
            "relayerSetId": 1,
            "policy": network.cloud.policy().digest().unwrap(),
            "block": {"number": block.number, "hash": block.hash},
            "asOf": block.timestamp,
            "items": [{"evidence": offer.bundle.digest, "endorsements": digest, "asOf": offer.as_of}],
        })
    }

    /// Asks for a signature under this report, signed by itself.
    pub(crate) async fn ask(&self, network: &Network, proposal: &Value, report: &Report) -> (u16, Value) {
        self.say(&self.request(network, proposal, report).await).await
    }

    /// A request to sign, as [`Self::ask`] makes it.
    pub(crate) async fn request(&self, network: &Network, proposal: &Value, report: &Report) -> Value {
        let hash = hash(network, report).await;
        let mut proposal = proposal.clone();
        proposal.as_object_mut().unwrap().remove("kind");
        json!({
            "kind": "sign",
            "proposal": proposal,
            "report": Bytes::from(report.abi_encode()),
            "signature": self.member.sign(hash),
        })
    }
}
