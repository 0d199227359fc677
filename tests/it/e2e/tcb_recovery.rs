//! Intel publishes new TCB info, and three of ten operators are out of date.

use alloy::{
    eips::BlockNumberOrTag, network::primitives::HeaderResponse, primitives::Address, providers::Provider,
    rpc::types::Filter, sol_types::SolEvent,
};
use chassis_relayer::registry::IProofOfCloudRegistry::{BatchPosted, OperatorGranted};
use chassis_sim::{
    fleet::{Fleet, operator},
    intel::NEXT_SVNS,
    machine::MachineSpec,
};
use chassis_verifier::bundle::Anchor;
use serde_json::{Value, json};

use super::{
    World,
    chain::{Chain, until},
    digest, failed,
};

const OPERATORS: usize = 10;
/// These have the update before Intel demands it; the last three have not.
const UPDATED: usize = 7;
const HOUR: u64 = 3600;

#[tokio::test(flavor = "multi_thread")]
async fn seven_of_ten_renew_and_three_are_warned_expire_and_come_back() {
    let mut world = World::new().await;
    let model = world.cloud.boot(MachineSpec::new("model")).unwrap();
    let cloud = std::sync::Arc::clone(&world.cloud);
    let mut fleet = Fleet::new(&cloud, &model, OPERATORS).unwrap();
    (0..UPDATED).for_each(|machine| fleet.update(machine, NEXT_SVNS));
    fleet.list();
    world.relayer.start(None).await;

    attest_all(&world, &fleet, 0..OPERATORS, "final").await;
    for number in 0..OPERATORS {
        assert!(is_attested(&world.chain, number).await, "{number}");
        assert_eq!(show(&world, number).await["warnings"], json!([]));
    }
    assert_eq!(effects(&world.chain).await, (OPERATORS, 0));

    // Intel's word is new: those on chain who would not get there today are told, with the day on which it ends.
    cloud.demand_update();
    until("three are warned", || async {
        for number in UPDATED..OPERATORS {
            if show(&world, number).await["warnings"] == json!([]) {
                return false;
            }
        }
        true
    })
    .await;
    for number in UPDATED..OPERATORS {
        let view = show(&world, number).await;
        let warning = &view["warnings"][0];
        assert_eq!(warning["reasons"][0]["name"], json!("td.tcb"), "{warning}");
        assert_eq!(warning["reasons"].as_array().unwrap().len(), 1, "{warning}");
        assert_eq!(warning["deadline"], view["expiry"]);
        assert_eq!(warning["barsRenewal"], json!(true));
        assert!(is_attested(&world.chain, number).await, "until it expires");
    }

    // An hour later all of them send new evidence. One of the seven has made his machine anew, on the same platform:
    // another instance takes a grant.
    travel(&world.chain, HOUR).await;
    fleet.recreate(0);
    attest_all(&world, &fleet, 0..UPDATED, "final").await;
    for bundle in attest_all(&world, &fleet, UPDATED..OPERATORS, "rejected").await {
        assert_eq!(failed(&bundle), ["td.tcb"]);
    }
    assert_eq!(effects(&world.chain).await, (OPERATORS + 1, UPDATED - 1));
    for number in 0..UPDATED {
        assert_eq!(show(&world, number).await["warnings"], json!([]), "{number}");
    }

    travel(&world.chain, 23 * HOUR + HOUR / 2).await;
    for number in 0..OPERATORS {
        assert_eq!(
            is_attested(&world.chain, number).await,
            number < UPDATED,
            "{number}"
        );
    }

    // They update, and come back by new evidence.
    (UPDATED..OPERATORS).for_each(|machine| fleet.update(machine, NEXT_SVNS));
    attest_all(&world, &fleet, UPDATED..OPERATORS, "final").await;
    for number in UPDATED..OPERATORS {
        assert!(is_attested(&world.chain, number).await, "{number}");
        assert_eq!(show(&world, number).await["warnings"], json!([]), "{number}");
    }
    assert_eq!(effects(&world.chain).await, (OPERATORS + 4, UPDATED - 1));
}

/// Sends a fresh bundle of each of these operators and waits for what becomes of it.
async fn attest_all(
    world: &World,
    fleet: &Fleet<'_>,
    operators: std::ops::Range<usize>,
    state: &str,
) -> Vec<Value> {
    let anchor = anchor(&world.chain).await;
    let mut digests = Vec::new();
    for number in operators {
        let bundle = fleet.bundle_at(number, number, anchor).unwrap();
        let (status, answer) = world.relayer.post(&bundle.to_json().unwrap()).await;
        assert_eq!(status, 202, "{answer}");
        digests.push(digest(&answer));
    }
    let mut ends = Vec::new();
    for digest in digests {
        ends.push(world.relayer.until_state(&digest, state).await);
    }
    ends
}

pub(super) async fn anchor(chain: &Chain) -> Anchor {
    let block = chain
        .provider
        .get_block_by_number(BlockNumberOrTag::Finalized)
        .await
        .unwrap()
        .unwrap();
    Anchor {
        chain_id: chain.provider.get_chain_id().await.unwrap(),
        registry: chain.registry,
        block_number: block.header.number,
        block_hash: block.header.hash(),
    }
}

/// Lets `seconds` pass on chain, to finality.
async fn travel(chain: &Chain, seconds: u64) {
    let call =
        |method: &'static str, amount: u64| chain.provider.raw_request::<_, Value>(method.into(), (amount,));
    call("evm_increaseTime", seconds).await.unwrap();
    call("anvil_mine", 4).await.unwrap();
}

fn address(number: usize) -> Address {
    operator(number).address()
}

async fn is_attested(chain: &Chain, number: usize) -> bool {
    chain
        .registry()
        .isAttested_0(address(number))
        .call()
        .await
        .unwrap()
}

async fn show(world: &World, number: usize) -> Value {
    let url = format!("{}/v1/operators/{}", world.relayer.url, address(number));
    reqwest::get(url).await.unwrap().json().await.unwrap()
}

/// How many grants and how many renewals there have been on chain.
async fn effects(chain: &Chain) -> (usize, usize) {
    let filter = Filter::new().address(chain.registry).from_block(0);
    let logs = chain.provider.get_logs(&filter).await.unwrap();
    let grants = logs
        .iter()
        .filter(|log| OperatorGranted::decode_log(&log.inner).is_ok());
    let batches = logs
        .iter()
        .filter_map(|log| BatchPosted::decode_log(&log.inner).ok());
    (grants.count(), batches.map(|batch| batch.digests.len()).sum())
}
