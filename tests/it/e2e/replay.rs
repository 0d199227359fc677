//! The registry's state, rebuilt from its log, is the registry's state.

use std::{
    collections::BTreeMap,
    io::Write as _,
    process::{Command, Stdio},
};

use alloy::{
    primitives::{Address, B256, Bytes, U256, keccak256},
    providers::Provider,
    sol_types::SolStruct,
};
use chassis_relayer::{
    registry::{
        IProofOfCloudGovernance as Gov,
        IProofOfCloudRegistry::{
            Freeze, Grant, Revoke, deregisterCall, freezePlatformCall, freezeProviderCall, pauseCall,
        },
        domain,
    },
    replay::{Event, RegistryLog, Replay},
};
use chassis_sim::provider::PROVIDER_ID;

use super::{
    chain::{Chain, signer},
    history::{Content, DAY, GUARDIAN, HOUR, History, operator, platform},
};

alloy::sol! {
    #[sol(rpc)]
    interface Orders {
        struct FreezeOrder { uint32 relayerSetId; uint8 action; bytes32 subject; uint32 statusNonce; uint16 reason; bytes32 evidenceHash; uint40 deadline; }
        function freezeBySignatures(FreezeOrder order, uint32 signerMask, bytes signatures) external;
        function revokeBySignatures(FreezeOrder order, uint32 signerMask, bytes signatures) external;
    }
}

/// Follows the registry from its creation on.
struct Follower<'a> {
    history: &'a History<'a>,
    replay: Replay,
    logs: Vec<RegistryLog>,
}

impl Follower<'_> {
    /// Takes what is new. Then head and storage are the registry's.
    async fn follow(&mut self) {
        let from = self.logs.last().map_or(0, |log| log.at.block + 1);
        let new = self.history.logs(from).await;
        self.replay.take(&new).unwrap();
        self.logs.extend(new);
        let chain = self.history.chain;
        assert_eq!(
            self.replay.state().head(),
            chain.registry().head().call().await.unwrap()
        );
        assert_eq!(
            self.replay.state().slots().collect::<BTreeMap<_, _>>(),
            stored(chain).await,
            "after {}",
            self.logs.last().unwrap().event.name()
        );
    }
}

/// Every slot of the registry's that is not zero.
async fn stored(chain: &Chain) -> BTreeMap<B256, U256> {
    let dump: Bytes = chain
        .provider
        .raw_request("anvil_dumpState".into(), ())
        .await
        .unwrap();
    let mut gunzip = Command::new("gzip")
        .arg("-dc")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = gunzip.stdin.take().unwrap();
    let writing = std::thread::spawn(move || stdin.write_all(&dump).unwrap());
    let output = gunzip.wait_with_output().unwrap();
    writing.join().unwrap();
    let state: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let account = state["accounts"].as_object().unwrap().iter();
    let (_, account) = account
        .into_iter()
        .find(|(address, _)| address.parse::<Address>().unwrap() == chain.registry)
        .unwrap();
    let slots: BTreeMap<U256, U256> = serde_json::from_value(account["storage"].clone()).unwrap();
    let slots = slots.into_iter().filter(|(_, word)| !word.is_zero());
    slots.map(|(slot, word)| (slot.into(), word)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_rebuilds_every_slot() {
    let policy = B256::repeat_byte(0x50);
    let chain = Chain::start(policy).await;
    let mut history = History::new(&chain, policy);
    let logs = {
        let mut f = Follower {
            history: &history,
            replay: Replay::new(chain.registry),
            logs: Vec::new(),
        };
        f.follow().await;
        // Later, anvil's root counts slots that were read and are zero.
        let proof = chain.provider.get_proof(chain.registry, vec![]).await.unwrap();
        assert_eq!(f.replay.state().storage_root(), proof.storage_hash);
        reports(&mut f).await;
        stops(&mut f).await;
        governance(&mut f).await;
        orders(&mut f).await;
        crowd(&mut f).await;
        f.logs
    };
    let logs = rotation(&mut history, logs).await;

    let seen: Vec<_> = Event::NAMES
        .iter()
        .filter(|name| **name != "Equivocation")
        .collect();
    for name in seen {
        assert!(logs.iter().any(|log| log.event.name() == *name), "no {name}");
    }
    let mut replay = Replay::new(chain.registry);
    replay.take(&logs).unwrap();
    same_reads(&chain, &replay).await;
    super::timeline::is_what_the_registry_said(&chain, &logs).await;
    every_log_counts(chain.registry, &logs, &replay);
}

async fn reports(f: &mut Follower<'_>) {
    let h = f.history;
    h.enrol(&[1, 2, 3, 4, 5], 0xa1).await;
    h.enrol(&[6, 7], 0xa2).await;
    f.follow().await;
    h.renew(&[1, 2, 3, 6], 13 * HOUR).await;
    h.renew(&[1, 4, 7], 14 * HOUR).await;
    f.follow().await;
    // A move; and a renewal that is skipped, beside one that is not.
    h.enrol(&[1, 8], 0xa2).await;
    let lane = |n| async move {
        h.chain
            .registry()
            .attestationOf(operator(n))
            .call()
            .await
            .unwrap()
            .lane
    };
    let now = h.now().await;
    let renewals = vec![(lane(2).await, now + 15 * HOUR), (lane(3).await, now + HOUR)];
    h.post(Content {
        renewals,
        ..Content::default()
    })
    .await;
    f.follow().await;
    // Custody ends sooner: lanes are cut. Then it is less: they are cut to nothing.
    h.wait(64).await;
    let platforms = vec![h.entry(0xa1, 2, h.now().await + 2 * HOUR).await];
    h.post(Content {
        platforms,
        ..Content::default()
    })
    .await;
    f.follow().await;
    h.wait(64).await;
    let platforms = vec![h.entry(0xa1, 1, h.now().await + 20 * DAY).await];
    h.post(Content {
        platforms,
        ..Content::default()
    })
    .await;
    f.follow().await;
}

async fn stops(f: &mut Follower<'_>) {
    let h = f.history;
    h.freeze(operator(6)).await;
    f.follow().await;
    h.freeze(operator(0x99)).await; // never seen before
    let freeze = freezePlatformCall {
        platformId: platform(0xa2),
        reason: 3,
        evidenceHash: B256::ZERO,
    };
    h.send(GUARDIAN, &freeze).await;
    f.follow().await;
    let (reason, evidence) = (5, keccak256("x"));
    let revoke = Gov::revokeOperatorCall {
        operator: operator(7),
        reason,
        evidenceHash: evidence,
    };
    h.send(GUARDIAN, &revoke).await;
    let revoke = Gov::revokePlatformCall {
        platformId: platform(0xa2),
        reason,
        evidenceHash: evidence,
    };
    h.send(GUARDIAN, &revoke).await;
    f.follow().await;
    // An operator with a key of its own takes itself out.
    h.wait(64).await;
    let now = h.now().await;
    let mut grant = h.grant(9, 0xa1, now + HOUR).await;
    grant.operator = signer(2).address();
    let platforms = vec![h.entry(0xa1, 1, now + 20 * DAY).await];
    h.post(Content {
        platforms,
        grants: vec![grant],
        ..Content::default()
    })
    .await;
    h.send(2, &deregisterCall {}).await;
    f.follow().await;
    let provider = freezeProviderCall {
        provider: PROVIDER_ID,
        reason,
        evidenceHash: evidence,
    };
    h.send(GUARDIAN, &provider).await;
    let pause = pauseCall {
        reason,
        evidenceHash: evidence,
    };
    h.send(GUARDIAN, &pause).await;
    f.follow().await;
}

async fn governance(f: &mut Follower<'_>) {
    let h = f.history;
    let nonce = h
        .chain
        .registry()
        .attestationOf(operator(6))
        .call()
        .await
        .unwrap()
        .statusNonce;
    h.governed(&Gov::liftFreezeCall {
        kind: 0,
        subject: operator(6).into_word(),
        statusNonce: nonce,
    })
    .await;
    f.follow().await;
    let nonce = h
        .chain
        .registry()
        .platform(platform(0xa2))
        .call()
        .await
        .unwrap()
        .statusNonce;
    h.governed(&Gov::reinstateCall {
        kind: 1,
        subject: platform(0xa2),
        statusNonce: nonce,
    })
    .await;
    f.follow().await;
    h.governed(&Gov::unpauseCall {}).await;
    h.governed(&Gov::admitProviderCall {
        provider: PROVIDER_ID,
    })
    .await;
    let policy = B256::repeat_byte(0x51);
    h.governed(&Gov::registerPolicyCall { policyDigest: policy })
        .await;
    f.follow().await;
    let retire = Gov::retirePolicyCall {
        policyDigest: policy,
        reason: 1,
        evidenceHash: B256::ZERO,
    };
    h.send(GUARDIAN, &retire).await;
    for guardian in [Address::repeat_byte(0x61), Address::repeat_byte(0x62)] {
        h.governed(&Gov::addGuardianCall { guardian }).await;
    }
    h.governed(&Gov::removeGuardianCall {
        guardian: Address::repeat_byte(0x61),
    })
    .await;
    let selector = alloy::primitives::FixedBytes(<Gov::unpauseCall as alloy::sol_types::SolCall>::SELECTOR);
    h.governed(&Gov::lengthenDelayCall {
        selector,
        delay: alloy::primitives::aliases::U40::from(5 * DAY),
    })
    .await;
    f.follow().await;
    // Struck out.
    let data = alloy::sol_types::SolCall::abi_encode(&Gov::setGovernorCall {
        newGovernor: Address::repeat_byte(0x66),
    });
    h.send(
        GUARDIAN,
        &Gov::submitCall {
            data: data.clone().into(),
        },
    )
    .await;
    h.send(GUARDIAN, &Gov::vetoCall { data: data.into() }).await;
    f.follow().await;
    // All have lapsed meanwhile: they come back, one of them after its freeze.
    h.enrol(&[1, 2, 3, 6, 0x99], 0xa2).await;
    f.follow().await;
}

/// What relayers do by their signatures, sent by a guardian: its seat must not be noted.
async fn orders(f: &mut Follower<'_>) {
    let h = f.history;
    let registry = h.chain.registry();
    let deadline = alloy::primitives::aliases::U40::from(h.now().await + HOUR / 2);
    let nonce = registry
        .attestationOf(operator(2))
        .call()
        .await
        .unwrap()
        .statusNonce;
    let order = Orders::FreezeOrder {
        relayerSetId: h.set,
        action: 0,
        subject: operator(2).into_word(),
        statusNonce: nonce,
        reason: 8,
        evidenceHash: keccak256("seen"),
        deadline,
    };
    let signed = Freeze {
        relayerSetId: order.relayerSetId,
        action: order.action,
        subject: order.subject,
        statusNonce: order.statusNonce,
        reason: order.reason,
        evidenceHash: order.evidenceHash,
        deadline,
    };
    let domain = domain(31_337, h.chain.registry);
    let signatures = h.sign(signed.eip712_signing_hash(&domain));
    let call = Orders::freezeBySignaturesCall {
        order,
        signerMask: 1,
        signatures,
    };
    h.send(GUARDIAN, &call).await;
    f.follow().await;
    let nonce = registry
        .attestationOf(operator(3))
        .call()
        .await
        .unwrap()
        .statusNonce;
    let revoke = Revoke {
        relayerSetId: h.set,
        kind: 0,
        subject: operator(3).into_word(),
        statusNonce: nonce,
        reason: 8,
        evidenceHash: keccak256("seen"),
        deadline,
    };
    // A freeze does not get in its way.
    h.freeze(operator(3)).await;
    let signatures = h.sign(revoke.eip712_signing_hash(&domain));
    let order = Orders::FreezeOrder {
        relayerSetId: revoke.relayerSetId,
        action: revoke.kind,
        subject: revoke.subject,
        statusNonce: revoke.statusNonce,
        reason: revoke.reason,
        evidenceHash: revoke.evidenceHash,
        deadline,
    };
    let call = Orders::revokeBySignaturesCall {
        order,
        signerMask: 1,
        signatures,
    };
    h.send(GUARDIAN, &call).await;
    f.follow().await;
}

/// Evidence without a TPM has half of a platform's places. Whoever gives its instance up moves to that half.
async fn crowd(f: &mut Follower<'_>) {
    let h = f.history;
    let bare = |mut grant: Grant| {
        (grant.instanceId, grant.binding) = (B256::ZERO, 1);
        grant
    };
    h.wait(64).await;
    let now = h.now().await;
    let mut grants = Vec::new();
    for n in 0x20..=0x40 {
        let hours = if n == 0x25 { 1 } else { 12 };
        grants.push(bare(h.grant(n, 0xa5, now + hours * HOUR).await)); // the 33rd is skipped
    }
    for n in [0x41, 0x42] {
        grants.push(h.grant(n, 0xa5, now + 12 * HOUR).await);
    }
    let platforms = vec![h.entry(0xa5, 2, now + 30 * DAY).await];
    h.post(Content {
        platforms,
        grants,
        ..Content::default()
    })
    .await;
    f.follow().await;
    let lanes = async || {
        h.chain
            .registry()
            .platformLanes(platform(0xa5))
            .call()
            .await
            .unwrap()
    };
    assert_eq!(lanes().await.len(), 34);

    h.wait(2 * HOUR).await;
    let grants = vec![bare(h.grant(0x41, 0xa5, h.now().await + HOUR).await)];
    h.post(Content {
        grants,
        ..Content::default()
    })
    .await;
    f.follow().await;
    assert_eq!(lanes().await.len(), 33);
}

/// Two relayers take over; one of them is disabled, and the old set's grace is ended.
async fn rotation(history: &mut History<'_>, logs: Vec<RegistryLog>) -> Vec<RegistryLog> {
    let chain = history.chain;
    let members = vec![
        signer(1).address(),
        signer(0).address(),
        Address::repeat_byte(0x71),
    ];
    history
        .governed(&Gov::rotateRelayersCall {
            members,
            threshold: 2,
            freezeThreshold: 1,
            grace: alloy::primitives::aliases::U40::from(HOUR),
        })
        .await;
    history.signers = vec![signer(1), signer(0)];
    history.set = 2;
    let mut replay = Replay::new(chain.registry);
    replay.take(&logs).unwrap();
    let mut f = Follower {
        history,
        replay,
        logs,
    };
    f.follow().await;
    let (reason, evidence) = (2, B256::ZERO);
    let grace = Gov::endGraceCall {
        relayerSetId: 1,
        reason,
        evidenceHash: evidence,
    };
    f.history.send(GUARDIAN, &grace).await;
    let disable = Gov::disableRelayerCall {
        relayerSetId: 2,
        index: 2,
        reason,
        evidenceHash: evidence,
    };
    f.history.send(GUARDIAN, &disable).await;
    f.follow().await;
    f.history.enrol(&[1, 4, 5], 0xa1).await;
    f.history.renew(&[1, 4], 13 * HOUR).await;
    f.follow().await;
    f.logs
}

/// Equal slots answer alike; here are the answers themselves.
async fn same_reads(chain: &Chain, replay: &Replay) {
    let (registry, state) = (chain.registry(), replay.state());
    let control = registry.control().call().await.unwrap();
    assert_eq!(control.paused, state.control().paused);
    assert_eq!(control.frozenProviders, state.control().frozen_providers);
    assert_eq!(control.relayerSetId, state.control().relayer_set);
    assert_eq!(u64::from(control.nextLane), state.control().next_lane);
    assert_eq!(control.nextBatch, state.batches());
    for (operator, word) in state.operators() {
        assert_eq!(registry.operatorWord(operator).call().await.unwrap(), word.0);
        let stored = registry.attestationOf(operator).call().await.unwrap();
        assert_eq!(stored.expiry.to::<u64>(), state.lane(word.lane()).expiry());
        let generation = u32::from(stored.generation);
        assert_eq!(generation, state.lane(word.lane()).generation());
    }
    for slot in 0..=control.nextLane / 8 {
        assert_eq!(
            registry.laneSlot(slot).call().await.unwrap(),
            state.lane_slot(slot.into())
        );
    }
    for (id, platform) in state.platforms() {
        let stored = registry.platform(id).call().await.unwrap();
        assert_eq!(u64::from(stored.operatorCount), platform.word.count());
        assert_eq!(stored.status, platform.word.status());
        let lanes = registry.platformLanes(id).call().await.unwrap();
        assert_eq!(
            lanes.into_iter().map(u64::from).collect::<Vec<_>>(),
            state.platform_lanes(id)
        );
    }
    for (id, _) in state.instances() {
        let holder = registry.instanceHolder(id).call().await.unwrap();
        assert_eq!(state.instance_holder(id).unwrap_or_default(), holder);
    }
    for batch in 0..=state.batches() {
        let root = registry.batchRoot(batch).call().await.unwrap();
        assert_eq!(state.batch_root(batch).unwrap_or_default(), root);
    }
    for (id, set) in state.relayer_sets() {
        let stored = registry.relayerSet(*id).call().await.unwrap();
        assert_eq!(
            (stored.members, stored.disabled),
            (set.members.clone(), set.disabled)
        );
    }
    for digest in [0x50, 0x51].map(B256::repeat_byte) {
        let in_force = registry.policyInForce(digest).call().await.unwrap();
        assert_eq!(state.policies().contains(&digest), in_force);
    }
}

/// Without any one log, or with any two swapped, the log is refused or leads elsewhere. Skipped items and equivocations
/// change nothing.
fn every_log_counts(registry: Address, logs: &[RegistryLog], whole: &Replay) {
    let root = whole.state().storage_root();
    let is_found = |logs: &[RegistryLog]| {
        let mut replay = Replay::new(registry);
        replay.take(logs).is_err() || replay.state().storage_root() != root
    };
    assert!(!is_found(logs));
    for i in 0..logs.len() {
        let mut fewer = logs.to_vec();
        let gone = fewer.remove(i);
        let counts = !matches!(gone.event, Event::ItemSkipped(_));
        assert_eq!(is_found(&fewer), counts, "without log {i}, {}", gone.event.name());
    }
    for i in 1..logs.len() {
        let mut swapped = logs.to_vec();
        swapped.swap(i - 1, i);
        assert!(is_found(&swapped), "logs {} and {i} swapped", i - 1);
    }
    let mut doubled = logs.to_vec();
    doubled.push(logs[logs.len() - 1].clone());
    assert!(is_found(&doubled));
}
