//! Signatures that members hand on.

use alloy::primitives::{B256, Bytes};
use serde_json::{Value, json};

use super::{Liar, Offer, hash, posted, report};
use crate::e2e::{
    chain::until,
    cosign::{Network, address},
    member::Member,
};

/// It has three sign who need each other's signatures, and tells none of them of another's.
#[tokio::test(flavor = "multi_thread")]
async fn three_that_sign_for_one_that_falls_silent_have_each_others_signatures() {
    let mut network = Network::of(4, 3, 4).await;
    network.start_all().await;
    let liar = Liar::new(&network).await;
    let good = Offer::good(&network, "a").await;
    let proposal = liar.proposal(&network, &good).await;
    let report = report(&proposal, &good, &good.appraise(&network));
    let request = liar.request(&network, &proposal, &report).await;
    let asked = (0..3).map(|place| liar.say_to(&network, place, &request));
    for (status, answer) in futures::future::join_all(asked).await {
        assert_eq!(status, 200, "{answer}");
    }
    // Four signatures of four, and the fourth member answers nothing more: of another report there will never be as many.
    until("it is posted", || async { network.is_attested(2).await }).await;
    let posted = posted(&network.chain).await;
    assert_eq!(posted.len(), 1);
    assert_eq!(posted[0].report, report);
}

/// What an honest one kept of these would be in the calldata in place of what is right.
#[tokio::test(flavor = "multi_thread")]
async fn forged_signatures_are_refused_and_spoil_no_report() {
    let mut network = Network::of(4, 3, 4).await;
    network.start_all().await;
    let liar = Liar::new(&network).await;
    let stranger = Member::new(&network.chain, network.chain_id().await, 2);
    let good = Offer::good(&network, "a").await;
    let proposal = liar.proposal(&network, &good).await;
    let report = report(&proposal, &good, &good.appraise(&network));
    let hash = hash(&network, &report).await;

    let own = liar.member.sign(hash);
    let short = Bytes::from(own[..63].to_vec());
    let forged = [
        ("another's", address(1), own.clone(), 422),
        (
            "under another report",
            liar.member.signer.address(),
            liar.member.sign(B256::ZERO),
            422,
        ),
        ("cut off", liar.member.signer.address(), short, 422),
        (
            "a stranger's",
            stranger.signer.address(),
            stranger.sign(hash),
            422,
        ),
        ("its own", liar.member.signer.address(), own, 200),
    ];
    for (what, signer, signature, expected) in forged {
        let delivery = json!({"kind": "signed", "report": hash, "signer": signer, "signature": signature});
        for place in 0..3 {
            let (status, answer) = liar.say_to(&network, place, &delivery).await;
            assert_eq!(status, expected, "{what}: {answer}");
        }
    }
    let others: Value = json!({"kind": "signed", "report": hash, "signer": stranger.signer.address(),
        "signature": stranger.sign(hash)});
    let url = &network.honest[0].url;
    assert_eq!(
        stranger.say(url, address(0), &others).await.0,
        403,
        "by a stranger"
    );

    let request = liar.request(&network, &proposal, &report).await;
    for place in 0..3 {
        let (status, answer) = liar.say_to(&network, place, &request).await;
        assert_eq!(status, 200, "{answer}");
    }
    until("it is posted", || async { network.is_attested(2).await }).await;
    assert_eq!(posted(&network.chain).await[0].report, report);
}
