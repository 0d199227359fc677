//! Whom a question and a transaction go to.

use std::time::Duration;

use alloy::primitives::B256;

use super::{
    node::{Fault, serve},
    *,
};

#[tokio::test]
async fn reads_go_to_the_first_that_answers_and_a_broken_one_is_left_out_until_probed() {
    let (first, a) = serve(|_| ()).await;
    let (second, b) = serve(|_| ()).await;
    let chain = connect(vec![a, b]).await;
    chain.header(50).await.unwrap();
    assert_eq!(second.asked("eth_getBlockByNumber"), 0);

    for fault in [Fault::Broken, Fault::Endless, Fault::Truncated] {
        first.set(|node| (node.fault, node.asked) = (Some(fault), Vec::new()));
        for _ in 0..5 {
            chain.header(50).await.unwrap();
        }
        assert_eq!(
            first.asked("eth_getBlockByNumber"),
            3,
            "{fault:?}: three failures, then not asked"
        );
        assert!(
            chain
                .warnings()
                .iter()
                .any(|warning| warning.contains("left out"))
        );
        first.set(|node| (node.fault, node.asked) = (None, Vec::new()));
        tokio::time::sleep(Duration::from_millis(60)).await;
        chain.header(50).await.unwrap();
        assert_eq!(
            first.asked("eth_getBlockByNumber"),
            0,
            "only a probe brings it back"
        );
        chain.probe().await;
        chain.header(50).await.unwrap();
        assert_eq!(first.asked("eth_getBlockByNumber"), 1);
    }
}

#[tokio::test]
async fn too_many_requests_is_respected() {
    let (first, a) = serve(|_| ()).await;
    let (_, b) = serve(|_| ()).await;
    let chain = connect(vec![a, b]).await;
    first.set(|node| (node.fault, node.asked) = (Some(Fault::Limited), Vec::new()));
    for _ in 0..3 {
        chain.header(50).await.unwrap();
    }
    chain.probe().await;
    assert_eq!(
        first.asked("eth_getBlockByNumber") + first.asked("eth_chainId"),
        1,
        "it asked to wait a second"
    );
    first.set(|node| node.fault = None);
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    chain.header(50).await.unwrap();
    assert_eq!(first.asked("eth_getBlockByNumber"), 2);
}

#[tokio::test]
async fn a_lone_endpoint_is_asked_however_often_it_fails() {
    let (only, url) = serve(|_| ()).await;
    let chain = connect(vec![url]).await;
    only.set(|node| node.fault = Some(Fault::Broken));
    for _ in 0..5 {
        chain.header(50).await.unwrap_err();
    }
    only.set(|node| node.fault = None);
    chain.header(50).await.unwrap();
    assert_eq!(chain.finalized().await.unwrap().number, 90);
    assert!(
        chain
            .warnings()
            .iter()
            .any(|warning| warning.contains("decides alone"))
    );
}

#[tokio::test]
async fn an_endpoint_on_another_chain_is_refused() {
    let (stranger, a) = serve(|node| node.chain = 2).await;
    let (_, b) = serve(|_| ()).await;
    let (_, c) = serve(|_| ()).await;
    let error = Chain::connect(&rpc(vec![a.clone(), b.clone()]), Address::ZERO)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("different chains"), "{error}");
    let chain = connect(vec![a, b, c]).await;
    assert_eq!(chain.id, 1);
    chain.header(50).await.unwrap();
    chain.finalized().await.unwrap();
    chain.send(&[1]).await.unwrap();
    assert_eq!(
        stranger.asked("eth_getBlockByNumber") + stranger.asked("eth_sendRawTransaction"),
        0
    );
}

#[tokio::test]
async fn an_endpoint_that_changes_its_chain_is_refused_from_the_next_probe_on() {
    let (first, a) = serve(|_| ()).await;
    let (_, b) = serve(|_| ()).await;
    let chain = connect(vec![a, b]).await;
    first.set(|node| (node.chain, node.asked) = (5, Vec::new()));
    chain.probe().await;
    chain.header(50).await.unwrap();
    assert_eq!(first.asked("eth_getBlockByNumber"), 0);
    assert!(
        chain
            .warnings()
            .iter()
            .any(|warning| warning.contains("another chain"))
    );
}

#[tokio::test]
async fn a_transaction_goes_to_all_and_one_success_counts() {
    let (first, a) = serve(|node| node.opinion = Some("replacement transaction underpriced")).await;
    let (second, b) = serve(|_| ()).await;
    let (third, c) = serve(|_| ()).await;
    let chain = connect(vec![a, b, c]).await;
    third.set(|node| node.fault = Some(Fault::Broken));
    for _ in 0..4 {
        assert_eq!(chain.send(&[1]).await.unwrap(), Sent::Taken);
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    for server in [&first, &second, &third] {
        assert_eq!(
            server.asked("eth_sendRawTransaction"),
            4,
            "to all, failing or not"
        );
    }
    first.set(|node| (node.opinion, node.asked) = (Some("nonce too low"), Vec::new()));
    second.set(|node| node.opinion = Some("already known"));
    assert_eq!(chain.send(&[1]).await.unwrap(), Sent::Taken);
    second.set(|node| node.opinion = Some("nonce too low"));
    assert_eq!(chain.send(&[1]).await.unwrap(), Sent::NonceUsed);
    chain.header(50).await.unwrap();
    assert_eq!(first.asked("eth_getBlockByNumber"), 1, "an opinion is no failure");
}

/// Providers allow ten thousand blocks, or a hundred, or ten.
#[tokio::test]
async fn a_post_is_looked_for_in_as_many_blocks_at_once_as_the_endpoint_allows() {
    let (server, url) = serve(|node| node.span = 10).await;
    let chain = connect(vec![url]).await;
    // From block 100 back to the one before time 1,040.
    assert_eq!(chain.posted(B256::ZERO, 1_040).await.unwrap(), None);
    let first = server.asked("eth_getLogs");
    server.set(|node| node.asked.clear());
    assert_eq!(chain.posted(B256::ZERO, 1_040).await.unwrap(), None);
    let second = server.asked("eth_getLogs");
    assert!(
        second < first && second <= 10,
        "{first}, {second}: it is remembered"
    );
    server.set(|node| node.span = 0);
    chain.posted(B256::ZERO, 1_040).await.unwrap_err();
    server.set(|node| node.span = 1);
    assert_eq!(chain.posted(B256::ZERO, 1_040).await.unwrap(), None);
}
