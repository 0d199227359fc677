//! The relayer set changes while bundles are under way.

use alloy::{
    primitives::{Address, aliases::U40},
    sol_types::SolCall,
};
use chassis_relayer::registry::IProofOfCloudGovernance as Gov;
use serde_json::json;

use super::{
    byzantine::{finalized, posted},
    chain::{Chain, signer, until},
    cosign::{MEMBERS, Network, address, votes_as_the_proposer_wants},
    digest,
    history::{DAY, GUARDIAN, HOUR, History},
    member::{Answer, now},
    programs::attest,
    signatures,
};

/// The first leaves, the fourth joins.
const OLD: [usize; 3] = [MEMBERS[0], MEMBERS[1], MEMBERS[2]];
const NEW: [usize; 3] = [MEMBERS[1], MEMBERS[2], MEMBERS[3]];

/// Places among `MEMBERS`.
const LEAVER: usize = 0;
const STAYER: usize = 1;
const TRAITOR: usize = 2;
const JOINER: usize = 3;

fn rotate() -> Gov::rotateRelayersCall {
    Gov::rotateRelayersCall {
        members: NEW.map(|key| signer(key).address()).to_vec(),
        threshold: 2,
        freezeThreshold: 1,
        grace: U40::from(HOUR),
    }
}

/// Relayers with more or less than a transaction costs.
async fn fund(chain: &Chain, wei: &str) {
    for place in [LEAVER, STAYER, JOINER] {
        chain.ask("anvil_setBalance", json!([address(place), wei])).await;
    }
}

/// The sets whose reports were posted, in their order, and whom each granted.
async fn granted(chain: &Chain) -> Vec<(u32, Vec<Address>)> {
    let reports = posted(chain).await.into_iter().map(|call| call.report);
    let granted = reports.map(|report| {
        let operators = report.grants.iter().map(|grant| grant.operator).collect();
        (report.relayerSetId, operators)
    });
    granted.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_signed_is_posted_in_grace_and_the_rest_goes_on_under_the_new_set() {
    // A rotation waits for seven days: it begins a week ago.
    let start = async |policy| Chain::start_at(now() - 7 * DAY, policy, &OLD, 2).await;
    let mut network = Network::on(start, 4, 2).await;
    let policy = network.cloud.policy().digest().unwrap();
    let submit = Gov::submitCall {
        data: rotate().abi_encode().into(),
    };
    {
        let history = History::new(&network.chain, policy);
        history.send(GUARDIAN, &submit).await;
        history.wait(7 * DAY + 1).await;
        history.mine().await;
    }
    let joiner = network.relayer(JOINER);
    network.honest.push(joiner);
    network.start_all().await;
    // It votes for everything and signs nothing.
    let traitor = network.member_at(TRAITOR).await;
    let stayer = network.honest[STAYER].url.clone();
    traitor
        .serve(network.ports[TRAITOR], move |message| -> Answer {
            let stayer = stayer.clone();
            Box::pin(async move {
                match message["kind"].as_str().unwrap() {
                    "propose" => Some((200, votes_as_the_proposer_wants(&stayer, &message).await)),
                    _ => None,
                }
            })
        })
        .await;

    // Signed by the old set, and nobody can pay for it.
    fund(&network.chain, "0x1").await;
    let machine = network.boot("a");
    let bundle = attest(&network.chain, &network.cloud, &machine.parts(), 2);
    let (_, answer) = network.honest[STAYER].post(&bundle).await;
    let signed = digest(&answer);
    network.honest[STAYER].until_state(&signed, "queued").await;
    // Proposed under the old set, and never signed by enough.
    network.honest[LEAVER].kill();
    let machine = network.boot("b");
    let bundle = attest(&network.chain, &network.cloud, &machine.parts(), 6);
    let (_, answer) = network.honest[STAYER].post(&bundle).await;
    let begun = digest(&answer);
    network.honest[STAYER].until_state(&begun, "cosigning").await;
    let before = signatures(&network.honest[LEAVER]).await;
    assert_eq!(network.chain.batches().await, 0);

    History::new(&network.chain, policy)
        .send_bytes(GUARDIAN, rotate().abi_encode())
        .await;
    network.honest[LEAVER].start(None).await;
    fund(&network.chain, "0xde0b6b3a7640000").await;
    network.honest[STAYER].until_state(&signed, "final").await;
    network.honest[STAYER].until_state(&begun, "final").await;
    let (first, second) = (signer(2).address(), signer(6).address());
    assert_eq!(
        granted(&network.chain).await,
        [(1, vec![first]), (2, vec![second])]
    );
    let by_joiner = signatures(&network.honest[2]).await;
    let joiner = address(JOINER).to_string();
    assert!(by_joiner.iter().any(|(_, by, _)| *by == joiner), "{by_joiner:?}");

    // Who has left proposes nothing, and signs for nobody.
    let machine = network.boot("c");
    let bundle = attest(&network.chain, &network.cloud, &machine.parts(), 0);
    let (_, answer) = network.honest[LEAVER].post(&bundle).await;
    network.honest[LEAVER]
        .until_state(&digest(&answer), "appraised")
        .await;
    until("it says so", || async {
        let reasons = network.honest[LEAVER].reasons().await;
        reasons.contains("is not in relayer set 2")
    })
    .await;
    let block = finalized(&network.chain).await;
    let proposal = json!({
        "kind": "propose",
        "relayerSetId": 2,
        "policy": policy,
        "block": {"number": block.number, "hash": block.hash},
        "asOf": block.timestamp,
        "items": [{"evidence": digest(&answer), "endorsements": policy, "asOf": block.timestamp}],
    });
    let leaver = &network.honest[LEAVER].url;
    let (status, refusal) = traitor.say(leaver, address(LEAVER), &proposal).await;
    assert_eq!(status, 422, "{refusal}");
    assert!(
        refusal["reason"]
            .to_string()
            .contains("signs nothing in relayer set 2"),
        "{refusal}"
    );
    let own = address(LEAVER).to_string();
    let by_leaver = |signatures: Vec<(String, String, String)>| {
        let own = signatures.into_iter().filter(|(_, by, _)| *by == own);
        own.collect::<Vec<_>>()
    };
    let after = signatures(&network.honest[LEAVER]).await;
    assert_eq!(by_leaver(after), by_leaver(before));
}
