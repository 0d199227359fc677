//! Which messages an honest member hears.

use serde_json::json;

use crate::e2e::{
    cosign::{Network, address},
    member::{Member, now},
};

#[tokio::test(flavor = "multi_thread")]
async fn requests_count_once_from_members_now_and_of_some_size() {
    let mut network = Network::new(2).await;
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
    network.attest_through_the_first("a").await;
}
