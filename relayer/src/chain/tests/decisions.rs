//! What needs two endpoints that say the same.

use std::time::Duration;

use alloy::primitives::{B256, U256};
use chassis_program::unix_now;
use chassis_verifier::bundle::Anchor;

use super::{
    super::anchor::BEHIND,
    node::{Fault, serve},
    *,
};

#[tokio::test]
async fn one_of_two_can_fake_neither_finality_nor_a_block() {
    let (liar, a) = serve(|node| (node.finalized, node.head) = (99, 100)).await;
    let (_, b) = serve(|_| ()).await;
    let chain = connect(vec![a, b]).await;
    assert_eq!(chain.finalized().await.unwrap().number, 90, "only one says 99");
    liar.set(|node| node.salt = 1);
    let error = chain.finalized().await.unwrap_err();
    assert!(error.to_string().contains("disagree"), "{error}");
    chain.canonical(50).await.unwrap_err();
}

#[tokio::test]
async fn two_of_three_outvote_a_liar_and_do_without_a_dead_one() {
    let (liar, a) = serve(|node| (node.finalized, node.salt) = (100, 1)).await;
    let (_, b) = serve(|_| ()).await;
    let (_, c) = serve(|node| node.finalized = 89).await;
    let chain = connect(vec![a, b.clone(), c]).await;
    let honest = connect(vec![b]).await;
    assert_eq!(
        chain.finalized().await.unwrap(),
        honest.canonical(90).await.unwrap().unwrap()
    );
    liar.set(|node| node.fault = Some(Fault::Broken));
    assert_eq!(chain.finalized().await.unwrap().number, 89);
}

/// Evidence would be judged by it, and a rejection is for ever.
#[tokio::test]
async fn one_that_lies_low_or_was_just_started_does_not_pull_the_chain_back() {
    let (liar, a) = serve(|node| node.late = 10_000).await;
    let (slow, b) = serve(|node| node.late = 10_000).await;
    let (_, c) = serve(|node| node.late = 10_000).await;
    let three = connect(vec![a.clone(), b.clone(), c]).await;
    let two = connect(vec![a, b]).await;
    for (is_blank, words) in [(false, "disagree about the"), (true, "1 of 2 endpoints answered")] {
        liar.set(|node| (node.finalized, node.late) = (0, 0));
        liar.set(|node| node.fault = is_blank.then_some(Fault::Blank));
        slow.set(|node| node.slow = Duration::from_millis(600));
        assert_eq!(three.finalized().await.unwrap().number, 90);
        assert_eq!(three.time().await.unwrap(), 11_100);
        slow.set(|node| node.slow = Duration::ZERO);
        for error in [two.finalized().await.unwrap_err(), two.time().await.unwrap_err()] {
            assert!(
                error.is_transient() && error.to_string().contains(words),
                "{error}"
            );
        }
    }
}

/// On an L2 finality moves by hundreds of blocks at a time, and endpoints see it at different moments.
#[tokio::test]
async fn how_far_endpoints_may_be_from_each_other_is_configured() {
    let (_, a) = serve(|node| (node.head, node.finalized) = (10_000, 9_000)).await;
    let (_, b) = serve(|node| (node.head, node.finalized) = (10_000, 8_000)).await;
    let mut rpc = rpc(vec![a, b]);
    let chain = Chain::connect(&rpc, Address::ZERO).await.unwrap();
    let error = chain.finalized().await.unwrap_err();
    assert!(error.to_string().contains("disagree"), "{error}");
    rpc.file.near_blocks = 1_000;
    let chain = Chain::connect(&rpc, Address::ZERO).await.unwrap();
    assert_eq!(chain.finalized().await.unwrap().number, 8_000);
}

#[tokio::test]
async fn one_of_three_invents_no_latest_block() {
    let (liar, a) = serve(|_| ()).await;
    let (_, b) = serve(|_| ()).await;
    let (_, c) = serve(|_| ()).await;
    let chain = connect(vec![a, b.clone(), c]).await;
    let honest = connect(vec![b]).await.latest().await.unwrap();
    for head in [0, 100, 1_000_000] {
        liar.set(|node| (node.head, node.salt) = (head, 1));
        assert_eq!(chain.latest().await.unwrap(), honest);
    }
}

#[tokio::test]
async fn with_one_of_two_down_nothing_is_decided_but_reads_go_on() {
    let (first, a) = serve(|_| ()).await;
    let (_, b) = serve(|_| ()).await;
    let chain = connect(vec![a, b]).await;
    first.set(|node| node.fault = Some(Fault::Broken));
    chain.header(50).await.unwrap();
    let error = chain.finalized().await.unwrap_err();
    assert!(error.to_string().contains("1 of 2 endpoints answered"), "{error}");
}

#[tokio::test]
async fn a_stale_endpoint_decides_nothing_and_is_read_last() {
    let (stale, a) = serve(|node| (node.head, node.finalized) = (80, 70)).await;
    let (_, b) = serve(|_| ()).await;
    let (_, c) = serve(|_| ()).await;
    let chain = connect(vec![a, b, c]).await;
    stale.set(|node| node.asked.clear());
    assert_eq!(chain.header(100).await.unwrap().unwrap().number, 100);
    assert_eq!(chain.finalized().await.unwrap().number, 90);
    assert_eq!(stale.asked("eth_getBlockByNumber"), 0);
}

#[tokio::test]
async fn without_a_tag_confirmations_make_a_block_final() {
    let (_, url) = serve(|_| ()).await;
    let mut rpc = rpc(vec![url]);
    rpc.file.confirmations = 12;
    let chain = Chain::connect(&rpc, Address::ZERO).await.unwrap();
    assert_eq!(chain.finalized().await.unwrap().number, 88);
}

#[tokio::test]
async fn evidence_beyond_finality_waits_unless_there_is_surely_no_such_block() {
    let (server, url) = serve(|node| (node.head, node.late) = (300, unix_now() - 1_300)).await;
    let chain = connect(vec![url]).await;
    let finalized = chain.finalized().await.unwrap();
    let claim = async |block_number| {
        let anchor = Anchor {
            chain_id: 1,
            registry: Address::ZERO,
            block_number,
            block_hash: B256::ZERO,
        };
        chain.anchor_claim(&anchor, finalized).await
    };
    assert_eq!(claim(80).await.unwrap().number, 80);
    assert_eq!(claim(90).await.unwrap().number, 90);
    for waits in [91, 300, 300 + NEAR] {
        assert!(claim(waits).await.unwrap_err().is_transient(), "{waits}");
    }
    for invented in [301 + NEAR, u64::MAX] {
        assert_eq!(claim(invented).await.unwrap().number, 90, "so that it is refused");
    }
    server.set(|node| node.late -= 2 * BEHIND);
    let error = claim(301 + NEAR).await.unwrap_err();
    assert!(
        error.is_transient(),
        "an endpoint that is hours behind knows of no block: {error}"
    );
}

/// What a signature rests on is no read.
#[tokio::test]
async fn one_endpoint_alone_says_nothing_of_the_registry_that_is_signed() {
    let (_, liar) = serve(|node| node.salt = 1).await;
    let (_, honest) = serve(|_| ()).await;
    let (_, other) = serve(|_| ()).await;
    let in_force = async |chain: &Chain| chain.decided.policyInForce(B256::ZERO).call().await;

    let three = Chain::connect(&rpc(vec![liar.clone(), honest.clone(), other]), Address::ZERO).await;
    let three = three.unwrap();
    assert!(
        three.registry.policyInForce(B256::ZERO).call().await.unwrap(),
        "the first is believed"
    );
    assert!(!in_force(&three).await.unwrap(), "two are");
    let two = Chain::connect(&rpc(vec![liar.clone(), honest]), Address::ZERO)
        .await
        .unwrap();
    let error = in_force(&two).await.unwrap_err().to_string();
    assert!(error.contains("disagree about eth_call"), "{error}");
    let alone = Chain::connect(&rpc(vec![liar]), Address::ZERO).await.unwrap();
    assert!(
        in_force(&alone).await.unwrap(),
        "one that is configured alone decides alone"
    );
}

/// What an audit rests on besides the head.
#[tokio::test]
async fn one_endpoint_alone_says_nothing_of_slots_roots_and_blocks() {
    let ((_, a), (_, b)) = (serve(|_| {}).await, serve(|node| node.salt = 1).await);
    let (c, block) = (serve(|_| {}).await.1, B256::ZERO);
    let torn = connect(vec![b.clone(), a.clone()]).await;
    torn.slot_at(block, block).await.unwrap_err();
    torn.sealed(50).await.unwrap_err();
    assert_eq!(torn.storage_root_at(block).await.unwrap(), None);
    assert!(!torn.is_development().await.unwrap());
    let settled = connect(vec![b, a, c]).await;
    assert_eq!(settled.slot_at(block, block).await.unwrap(), U256::ZERO);
    assert_eq!(settled.storage_root_at(block).await.unwrap(), Some(B256::ZERO));
    let sealed = settled.sealed(50).await.unwrap().unwrap();
    assert_eq!(
        (sealed.time, sealed.hash),
        (1_050, settled.canonical(50).await.unwrap().unwrap().hash)
    );
    assert_eq!(settled.sealed(5_000).await.unwrap(), None);
}

#[tokio::test]
async fn one_of_three_decides_neither_gas_nor_time_nor_a_lower_nonce() {
    let (liar, a) = serve(|_| ()).await;
    let (slow, b) = serve(|_| ()).await;
    let (_, c) = serve(|_| ()).await;
    let chain = connect(vec![a, b, c]).await;
    for gas in [1, 1 << 24] {
        liar.set(|node| node.gas = gas);
        assert_eq!(
            chain.estimate(Address::ZERO, &Bytes::new()).await.unwrap(),
            100_000
        );
    }
    liar.set(|node| (node.head, node.finalized, node.nonce) = (1_000_000, 1_000_000, 0));
    assert_eq!(chain.time().await.unwrap(), 1_100);
    assert_eq!(chain.mined_nonce(Address::ZERO, 5).await.unwrap(), 5);
    slow.set(|node| node.slow = Duration::from_millis(600));
    assert_eq!(
        chain.mined_nonce(Address::ZERO, 5).await.unwrap(),
        5,
        "two agree, as soon as the slow one has answered"
    );
    slow.set(|node| node.fault = Some(Fault::Broken));
    let error = chain.mined_nonce(Address::ZERO, 5).await.unwrap_err();
    assert!(error.to_string().contains("disagree"), "{error}");
    slow.set(|node| (node.fault, node.slow, node.nonce) = (None, Duration::ZERO, 0));
    assert_eq!(
        chain.mined_nonce(Address::ZERO, 5).await.unwrap(),
        0,
        "a chain that was restored from a backup"
    );
}

#[tokio::test]
async fn one_of_three_decides_neither_what_blocks_cost_nor_what_an_account_has() {
    let (liar, a) = serve(|_| ()).await;
    let (slow, b) = serve(|_| ()).await;
    let (_, c) = serve(|node| (node.base_fee, node.wei) = (8, 1_001)).await;
    let chain = connect(vec![a, b, c]).await;
    let told = async || {
        let (base_fee, tip) = (chain.base_fee().await.unwrap(), chain.tip().await.unwrap());
        (base_fee, tip, chain.balance(Address::ZERO).await.unwrap())
    };
    for (lie, wait) in [(0, 0), (1 << 60, 0), (0, 600), (1 << 60, 600)] {
        liar.set(|node| (node.base_fee, node.wei) = (lie, lie));
        slow.set(|node| node.slow = Duration::from_millis(wait));
        let (base_fee, tip, balance) = told().await;
        assert!((7..=8).contains(&base_fee), "{base_fee} after {lie}");
        assert!(
            (1_000..=1_001).contains(&tip) && (1_000..=1_001).contains(&balance),
            "{tip}, {balance} after {lie}"
        );
    }
}

/// It is the first that is asked.
#[tokio::test]
async fn one_of_three_can_neither_hide_a_post_nor_make_one_up_nor_have_it_looked_for_without_end() {
    const HEAD: u64 = 100_000;
    let [report, transaction] = [1, 2].map(B256::with_last_byte);
    let (liar, a) = serve(|_| ()).await;
    let (honest, b) = serve(|node| node.posted = Some((report, transaction))).await;
    let (other, c) = serve(|node| node.posted = Some((report, transaction))).await;
    let chain = connect(vec![a, b, c]).await;
    assert_eq!(chain.posted(report, 1_040).await.unwrap(), Some(transaction));

    // It says that the chain ends before the post, and another one is slow.
    liar.set(|node| node.head = 36);
    honest.set(|node| node.slow = Duration::from_millis(600));
    assert_eq!(chain.posted(report, 1_040).await.unwrap(), Some(transaction));
    honest.set(|node| node.slow = Duration::ZERO);

    liar.set(|node| node.posted = Some((report, B256::ZERO)));
    for server in [&honest, &other] {
        server.set(|node| node.posted = None);
    }
    assert_eq!(chain.posted(report, 1_040).await.unwrap(), None);

    for server in [&honest, &other] {
        server.set(|node| (node.head, node.asked) = (HEAD, Vec::new()));
    }
    liar.set(|node| (node.head, node.late, node.posted) = (1 << 40, 1 << 40, None));
    chain.probe().await;
    assert_eq!(chain.posted(report, 1_000 + HEAD - 10).await.unwrap(), None);
    assert_eq!(honest.asked("eth_getLogs"), 1);
}

/// And holds up what depends on it.
#[tokio::test]
async fn one_of_two_can_neither_hide_a_post_nor_make_one_up() {
    let [report, transaction] = [1, 2].map(B256::with_last_byte);
    let (liar, a) = serve(|_| ()).await;
    let (honest, b) = serve(|node| node.posted = Some((report, transaction))).await;
    let chain = connect(vec![a, b]).await;
    for head in [0, 36, 100] {
        liar.set(|node| node.head = head);
        let error = chain.posted(report, 1_040).await.unwrap_err();
        assert!(error.to_string().contains("disagree"), "{head}: {error}");
    }
    liar.set(|node| node.posted = Some((report, transaction)));
    honest.set(|node| node.posted = None);
    chain.posted(report, 1_040).await.unwrap_err();
}

#[tokio::test]
async fn an_endpoint_alone_is_not_asked_for_posts_without_end() {
    let (only, url) = serve(|node| (node.head, node.late, node.span) = (1 << 40, 1 << 40, 1)).await;
    let error = connect(vec![url])
        .await
        .posted(B256::ZERO, 1_000)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("was not found out"), "{error}");
    assert!(only.asked("eth_getLogs") <= 1_000);
}
