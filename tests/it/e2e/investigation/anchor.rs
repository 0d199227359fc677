//! Liars choose which block an auditor asks for, and endpoints may answer with an error.

use serde_json::{Value, json};

use super::{
    super::{
        byzantine::Offer,
        cosign::Network,
        liar::{Liar, Lie},
        programs::chassis,
    },
    lies::{FAR, Liars},
    outcomes,
};

#[tokio::test(flavor = "multi_thread")]
async fn no_block_that_liars_name_ends_the_scan() {
    let network = Network::new(2).await;
    let dir = tempfile::tempdir().unwrap();
    // The anchor is then a block without events: for nothing else does an audit ask for it.
    network.chain.mine(4).await;
    let offer = Offer::good(&network, "a").await;
    let liars = Liars {
        network: &network,
        archive: dir.path(),
    };
    liars.promise(&offer).await;

    let endpoint = Liar::before(&network.chain.url).await;
    let scan = |lie| {
        endpoint.tell(lie);
        let registry = network.chain.registry.to_string();
        let at = ["--rpc-url", &endpoint.url, "--registry", &registry, "--json"];
        let archive = ["--archive", dir.path().to_str().unwrap()];
        let all = [&["audit", "--reappraise"], &archive[..], &at].concat();
        let output = tokio::task::block_in_place(|| chassis(&all));
        let text = String::from_utf8_lossy(&output.stderr);
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{text}"));
        (output.status.code(), answer["reappraised"].clone())
    };
    // The grant and its platform's entry are true. Whatever an endpoint says to that number, the renewal is false.
    for lie in [Lie::Truth, Lie::Refuse(FAR)] {
        let (code, scan) = scan(lie);
        assert_eq!((code, &scan["asPosted"]), (Some(1), &json!(2)), "{lie:?}: {scan}");
        assert_eq!(outcomes(&scan["findings"]), ["false"], "{scan}");
        let faults = scan["findings"][0]["faults"].to_string();
        assert!(
            faults.contains("the chain has no block 9223372036854775808"),
            "{faults}"
        );
    }
    // Where it is the endpoint's fault, each claim is told of all the same.
    let (code, scan) = scan(Lie::Refuse(offer.set.anchor.number));
    assert_eq!((code, &scan["cannotBeSaid"]), (Some(2), &json!(3)), "{scan}");
    let missing = scan["findings"][0]["missing"].as_str().unwrap();
    assert!(missing.contains("RPC"), "{missing}");
}
