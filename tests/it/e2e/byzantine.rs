//! One of three relayers is a liar. Nothing false is posted, and the others go on.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use alloy::{
    eips::BlockNumberOrTag,
    network::TransactionBuilder,
    primitives::{Address, B256, Bytes, U256, aliases::U40},
    providers::Provider,
    rpc::types::TransactionRequest,
    sol_types::{SolStruct, SolValue},
};
use chassis_relayer::{
    post::{Item, Manifest},
    registry::{
        IProofOfCloudRegistry::{Grant, PlatformEntry, Report},
        domain,
    },
};
use chassis_sim::{
    firmware::Image,
    intel::CollateralSpec,
    machine::{MachineSpec, assemble},
};
use chassis_verifier::{
    AnchorClaim, Appraisal, AttestationResult, Endorsements, appraise,
    bundle::{Bundle, DEFAULT_LIMIT},
    sha256,
};
use serde_json::{Value, json};

use super::{
    chain::{Chain, signer, until},
    cosign::{Network, address},
    member::{Answer, Member, answer, now},
    programs::attest,
};

const DAY: u64 = 86_400;

/// What it would have signed: everything about one bundle.
#[derive(Clone)]
pub(super) struct Offer {
    pub(super) bundle: Bundle,
    pub(super) document: Vec<u8>,
    pub(super) set: Endorsements,
    pub(super) as_of: u64,
}

/// The liar, and the honest relayer it talks to.
pub(super) struct Liar {
    pub(super) member: Member,
    /// What it hands out, by digest.
    documents: Arc<Mutex<HashMap<String, Vec<u8>>>>,
    url: String,
    honest: Address,
}

/// A block that is finalized by now.
pub(super) struct Block {
    pub(super) number: u64,
    pub(super) hash: B256,
    pub(super) timestamp: u64,
}

impl Liar {
    pub(super) async fn new(network: &Network) -> Self {
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

    async fn say(&self, message: &Value) -> (u16, Value) {
        self.member.say(&self.url, self.honest, message).await
    }

    /// Proposes one bundle, and gives the vote.
    async fn propose(&self, network: &Network, offer: &Offer) -> Value {
        let (status, votes) = self.say(&self.proposal(network, offer).await).await;
        assert_eq!(status, 200, "{votes}");
        votes["votes"][0].clone()
    }

    /// That the vote is no, for a reason with these words in it.
    async fn is_refused(&self, network: &Network, offer: &Offer, words: &str) {
        let vote = self.propose(network, offer).await;
        assert_eq!(vote["vote"], json!("no"), "{words}: {vote}");
        assert!(vote["reasons"].to_string().contains(words), "{words}: {vote}");
    }

    pub(super) async fn proposal(&self, network: &Network, offer: &Offer) -> Value {
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
    pub(super) async fn ask(&self, network: &Network, proposal: &Value, report: &Report) -> (u16, Value) {
        self.say(&self.request(network, proposal, report).await).await
    }

    /// A request to sign, as [`Self::ask`] makes it.
    pub(super) async fn request(&self, network: &Network, proposal: &Value, report: &Report) -> Value {
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

impl Offer {
    /// Honest in every way.
    pub(super) async fn good(network: &Network, machine: &str) -> Self {
        let machine = network.boot(machine);
        let document = attest(&network.chain, &network.cloud, &machine.parts(), 2);
        Self::of(network, document).await
    }

    pub(super) async fn of(network: &Network, document: Vec<u8>) -> Self {
        let bundle = Bundle::parse(&document, DEFAULT_LIMIT).unwrap();
        let named = &bundle.evidence.anchor;
        let block = block(&network.chain, named.block_number.into()).await;
        let platform = network.cloud.host_registry();
        let set = Endorsements {
            version: 1,
            anchor: AnchorClaim {
                chain_id: named.chain_id,
                registry: named.registry,
                number: block.number,
                hash: block.hash,
                timestamp: block.timestamp,
            },
            tdx_collateral: Some(network.cloud.collateral(FMSPC)),
            provider_crls: network.cloud.provider_crls().to_vec(),
            host_registry: platform,
        };
        Self {
            bundle,
            document,
            set,
            as_of: finalized(&network.chain).await.timestamp,
        }
    }

    pub(super) fn appraise(&self, network: &Network) -> Appraisal {
        appraise(&self.bundle, &self.set, &network.cloud.policy(), self.as_of).unwrap()
    }

    fn with(&self, change: impl FnOnce(&mut Endorsements)) -> Self {
        let mut offer = self.clone();
        change(&mut offer.set);
        offer
    }
}

const FMSPC: [u8; 6] = [0x00, 0x80, 0x6f, 0x05, 0x00, 0x00];

async fn block(chain: &Chain, tag: BlockNumberOrTag) -> Block {
    let block = chain.provider.get_block_by_number(tag).await.unwrap().unwrap();
    Block {
        number: block.header.number,
        hash: block.header.hash,
        timestamp: block.header.timestamp,
    }
}

pub(super) async fn finalized(chain: &Chain) -> Block {
    block(chain, BlockNumberOrTag::Finalized).await
}

pub(super) async fn hash(network: &Network, report: &Report) -> B256 {
    report.eip712_signing_hash(&domain(network.chain_id().await, network.chain.registry))
}

/// The report about an operator and platform that the registry does not know yet, written by hand.
pub(super) fn report(proposal: &Value, offer: &Offer, appraisal: &Appraisal) -> Report {
    let (result, verdict) = (&appraisal.result, &appraisal.verdict);
    let manifest = Manifest::new([Item {
        result: appraisal.digest(),
        evidence: offer.bundle.digest,
        endorsements: result.endorsementsDigest,
    }]);
    let issued_at = proposal["asOf"].as_u64().unwrap();
    Report {
        relayerSetId: 1,
        policyDigest: result.policyDigest,
        issuedAt: U40::from(issued_at),
        deadline: U40::from(issued_at + 3_600),
        platforms: vec![PlatformEntry {
            platformId: result.platformId,
            provider: result.provider,
            custody: result.custody,
            custodyExpiry: U40::from(verdict.custody_expiry),
            statusNonce: 0,
        }],
        grants: vec![Grant {
            operator: result.operator,
            platformId: result.platformId,
            instanceId: result.instanceId,
            workloadId: result.workloadId,
            binding: result.binding,
            custody: result.custody,
            tcb: result.tcb,
            teeClass: result.teeClass,
            flags: result.flags,
            evidenceTime: result.evidenceTime,
            ttl: verdict.ttl,
            expiry: result.expiry,
            digest: appraisal.digest(),
            statusNonce: 0,
        }],
        renewals: Bytes::new(),
        digests: Vec::new(),
        archive: sha256(&manifest.to_json().unwrap()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_false_stale_forged_or_invented_gets_no_vote() {
    let mut network = Network::new(1).await;
    network.start_all().await;
    let liar = Liar::new(&network).await;
    let good = Offer::good(&network, "a").await;

    // A bundle that fails: the TD of one machine with the TPM of another.
    let (a, b) = (
        network.boot("a"),
        MachineSpec::new("b").image(Image::other_kernel()),
    );
    let b = network.cloud.boot(b).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mixed = assemble(&dir.path().join("mixed"), &a.parts(), &b.parts()).unwrap();
    let mixed = Offer::of(&network, attest(&network.chain, &network.cloud, &mixed, 2)).await;
    let listed = good.set.host_registry.clone();
    liar.is_refused(
        &network,
        &mixed.with(|set| set.host_registry.clone_from(&listed)),
        "cross.rtmr1",
    )
    .await;

    // Endorsements that are stale, forged, left out, invented.
    let stale = CollateralSpec {
        issued: network.cloud.now() - 3 * DAY,
        ..CollateralSpec::fresh(FMSPC, network.cloud.now())
    };
    let stale = good.with(|set| set.tdx_collateral = Some(network.cloud.intel().collateral(&stale)));
    assert!(stale.appraise(&network).is_attestable(), "it verifies");
    liar.is_refused(&network, &stale, "a later one is of").await;
    let forged = good.with(|set| {
        let collateral = set.tdx_collateral.as_mut().unwrap();
        collateral.tcb_info = collateral.tcb_info.replace("OutOfDate", "UpToDate");
    });
    liar.is_refused(&network, &forged, "td.quote").await;
    let without = good.with(|set| drop(set.provider_crls.pop()));
    liar.is_refused(&network, &without, "not in it").await;
    let elsewhere = good.with(|set| set.host_registry[0].zone = "europe-west4-b".into());
    liar.is_refused(&network, &elsewhere, "host registry").await;
    let block_of_his_own = good.with(|set| set.anchor.hash = B256::repeat_byte(1));
    liar.is_refused(&network, &block_of_his_own, "anchor").await;
    let long_ago = Offer {
        as_of: good.as_of - 901,
        ..good.clone()
    };
    liar.is_refused(&network, &long_ago, "not within 900 s").await;

    // A host-registry entry that is not there.
    let unlisted = network.boot("c");
    network.cloud.unlist(network.cloud.intel().pck_spec("c").ppid);
    let invented = Offer::of(
        &network,
        attest(&network.chain, &network.cloud, &unlisted.parts(), 6),
    )
    .await;
    let entry = network
        .cloud
        .provider()
        .host_registry_claim(network.cloud.intel().pck_spec("c").ppid, "us-central1-a");
    let invented = invented.with(|set| set.host_registry = vec![entry]);
    assert!(invented.appraise(&network).is_attestable(), "if it were there");
    liar.is_refused(&network, &invented, "host registry").await;

    // Of the same bundle with what is true, it approves.
    let vote = liar.propose(&network, &good).await;
    assert_eq!(
        vote,
        json!({"vote": "yes", "result": good.appraise(&network).digest()})
    );
    assert_eq!(network.chain.batches().await, 0);
}

type Change = fn(&mut Value);

#[tokio::test(flavor = "multi_thread")]
async fn a_proposal_of_another_set_policy_or_block_is_not_looked_at() {
    let mut network = Network::new(1).await;
    network.start_all().await;
    let liar = Liar::new(&network).await;
    let good = Offer::good(&network, "a").await;
    let changes: [(&str, Change); 8] = [
        ("relayer set 1 is in force", |p| p["relayerSetId"] = json!(2)),
        ("policy is", |p| p["policy"] = json!(B256::ZERO)),
        ("is not finalized here", |p| {
            p["block"]["number"] = json!(1_000_000);
        }),
        ("here", |p| p["block"]["hash"] = json!(B256::ZERO)),
        ("not of", |p| p["asOf"] = json!(p["asOf"].as_u64().unwrap() - 1)),
        ("0 items", |p| p["items"] = json!([])),
        ("ascend", |p| p["items"] = json!([p["items"][0], p["items"][0]])),
        ("no message", |p| p["more"] = json!(1)),
    ];
    for (words, change) in changes {
        let mut proposal = liar.proposal(&network, &good).await;
        change(&mut proposal);
        let (status, refusal) = liar.say(&proposal).await;
        assert!(status == 422 || status == 400, "{words}: {status} {refusal}");
        assert!(
            refusal["reason"].as_str().unwrap().contains(words),
            "{words}: {refusal}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_count_once_from_members_now_and_of_some_size() {
    let mut network = Network::new(1).await;
    network.start_all().await;
    let (url, honest) = (network.honest[0].url.clone(), address(0));
    let member = network.member().await;
    let hello = || serde_json::to_vec(&json!({"kind": "hello"})).unwrap();

    let request = member.prepare(honest, hello(), now());
    assert_eq!(member.send(&url, &request).await.0, 200);
    assert_eq!(member.send(&url, &request).await.0, 409, "the same again");
    assert_eq!(
        member
            .send(&url, &member.prepare(honest, hello(), now() - 60))
            .await
            .0,
        401,
        "of a minute ago"
    );
    let for_another = member.prepare(address(1), hello(), now());
    assert_eq!(member.send(&url, &for_another).await.0, 401, "for another member");
    let stranger = Member::new(&network.chain, network.chain_id().await, 2);
    assert_eq!(
        stranger
            .send(&url, &stranger.prepare(honest, hello(), now()))
            .await
            .0,
        403
    );

    let other_body = member.prepare(honest, hello(), now()).carrying(b"{}".to_vec());
    assert_eq!(member.send(&url, &other_body).await.0, 401, "another body");

    // After a restart, what was heard before is still known.
    network.honest[0].kill();
    network.honest[0].start(None).await;
    assert_eq!(member.send(&url, &request).await.0, 409);

    // A hundred megabytes: of a member, its length is enough; of a stranger, not even that is looked at.
    let large = vec![b' '; 100 << 20];
    for (sender, expected) in [(&member, 413), (&stranger, 403)] {
        let request = sender.prepare(honest, hello(), now()).carrying(large.clone());
        let (status, _) = sender.send(&url, &request).await;
        // It answers and hangs up while the other side still sends.
        assert!(status == expected || status == 0, "{status}");
    }
    assert_eq!(
        member.send(&url, &member.prepare(honest, hello(), now())).await.0,
        200
    );
    let peak = network.honest[0].peak_memory();
    assert!(peak < 200 << 20, "{peak} bytes");
}

/// It collects a signature, and keeps the report to itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_proposer_that_withholds_what_it_collected_has_withheld_nothing() {
    let mut network = Network::new(1).await;
    network.start_all().await;
    let liar = Liar::new(&network).await;
    let good = Offer::good(&network, "a").await;
    let proposal = liar.proposal(&network, &good).await;
    let report = report(&proposal, &good, &good.appraise(&network));

    let mut lie = report.clone();
    lie.grants[0].expiry += U40::from(64);
    let (status, refusal) = liar.ask(&network, &proposal, &lie).await;
    assert_eq!(status, 422);
    assert_eq!(
        refusal["reason"],
        json!("grants[0].expiry does not follow from the proposal")
    );
    // Nor does it sign for one who has not signed.
    let mut unsigned = proposal.clone();
    unsigned.as_object_mut().unwrap().remove("kind");
    let unsigned = json!({"kind": "sign", "proposal": unsigned, "report": Bytes::from(report.abi_encode()),
        "signature": liar.member.sign(B256::ZERO)});
    assert_eq!(liar.say(&unsigned).await.0, 422);

    let (status, signed) = liar.ask(&network, &proposal, &report).await;
    assert_eq!(status, 200, "{signed}");
    assert_eq!(
        liar.ask(&network, &proposal, &report).await,
        (200, signed),
        "asked again"
    );
    until("the honest one posts it", || async {
        network.is_attested(2).await
    })
    .await;
    assert_eq!(network.chain.batches().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_signs_two_results_is_proven_a_liar_on_chain() {
    let mut network = Network::new(2).await;
    network.start_all().await;
    let liar = Liar::new(&network).await;
    let good = Offer::good(&network, "a").await;
    let proposal = liar.proposal(&network, &good).await;
    let appraisal = good.appraise(&network);
    let first = report(&proposal, &good, &appraisal);
    let mut better = appraisal.clone();
    better.result.binding = 3;
    let second = report(&proposal, &good, &better);

    assert_eq!(liar.ask(&network, &proposal, &first).await.0, 200);
    let (status, refusal) = liar.ask(&network, &proposal, &second).await;
    assert_eq!(status, 422, "{refusal}");

    // What it sent to get signatures is what convicts it.
    let posting = async |result: &AttestationResult, report: &Report| {
        let signature = liar.member.sign(hash(&network, report).await);
        (result.clone(), report.clone(), signature)
    };
    let (a, b) = (
        posting(&appraisal.result, &first).await,
        posting(&better.result, &second).await,
    );
    let arguments = (U256::from(1), U256::from(2), a, b).abi_encode_params();
    let call = [selector("proveEquivocation").to_vec(), arguments].concat();
    let request = TransactionRequest::default()
        .with_to(network.chain.registry)
        .with_input(call);
    let receipt = network.chain.provider.send_transaction(request).await.unwrap();
    assert!(receipt.get_receipt().await.unwrap().status());
    let set = network.chain.registry().relayerSet(1).call().await.unwrap();
    assert_eq!(set.disabled, 0b100);

    // It is not heard any more, and the others go on.
    until("it is not heard", || async {
        liar.say(&json!({"kind": "hello"})).await.0 == 403
    })
    .await;
    let machine = network.boot("b");
    let bundle = attest(&network.chain, &network.cloud, &machine.parts(), 6);
    network.honest[1].post(&bundle).await;
    until("the others go on", || async { network.is_attested(6).await }).await;
    let operator = signer(2).address();
    let stored = network
        .chain
        .registry()
        .attestationOf(operator)
        .call()
        .await
        .unwrap();
    assert_ne!(stored.binding, 3, "and what was false is nowhere");
}

/// The function's selector, by name, as the compiler had it.
pub(super) fn selector(name: &str) -> [u8; 4] {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../contracts/out/IProofOfCloudGovernance.sol/IProofOfCloudGovernance.json"
    );
    let artifact: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let methods = artifact["methodIdentifiers"].as_object().unwrap();
    let (_, selector) = methods
        .iter()
        .find(|(signature, _)| signature.starts_with(name))
        .unwrap();
    hex::decode(selector.as_str().unwrap())
        .unwrap()
        .try_into()
        .unwrap()
}

/// Killed between writing down and answering: the same again, and nothing else ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_signer_that_is_killed_before_it_answers_never_signs_another_result() {
    let mut network = Network::new(1).await;
    network.honest[0].start(Some("recorded")).await;
    let liar = Liar::new(&network).await;
    let good = Offer::good(&network, "a").await;
    let proposal = liar.proposal(&network, &good).await;
    let appraisal = good.appraise(&network);
    let first = report(&proposal, &good, &appraisal);
    assert_eq!(liar.ask(&network, &proposal, &first).await.0, 0, "no answer");
    for _ in 0..100 {
        if network.honest[0].is_dead() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert!(network.honest[0].is_dead());
    let stored = super::signatures(&network.honest[0]).await;
    assert_eq!(stored.len(), 1, "its own, and nothing else yet: {stored:?}");

    network.honest[0].start(None).await;
    let mut better = appraisal.clone();
    better.result.binding = 3;
    let second = report(&proposal, &good, &better);
    assert_eq!(liar.ask(&network, &proposal, &second).await.0, 422);
    let (status, signed) = liar.ask(&network, &proposal, &first).await;
    assert_eq!(status, 200, "{signed}");
    let signature: Bytes = signed["signature"].as_str().unwrap().parse().unwrap();
    assert_eq!(
        hex::encode(&signature),
        stored[0].2,
        "what leaves is what was written down"
    );
    let recovered = alloy::primitives::Signature::from_erc2098(&signature)
        .recover_address_from_prehash(&hash(&network, &first).await)
        .unwrap();
    assert_eq!(recovered, address(0));
    until("what it signed is posted", || async {
        network.is_attested(2).await
    })
    .await;
    assert_eq!(network.chain.batches().await, 1);
}
