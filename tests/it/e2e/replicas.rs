//! Three relayers with one key, one database and one archive.

use super::{postgres::Postgres, *};

#[tokio::test(flavor = "multi_thread")]
async fn replicas_share_a_database_and_one_that_dies_is_replaced() {
    let world = World::new().await;
    let server = Postgres::start();
    let outside = Outside::serve(Arc::clone(&world.cloud)).await;
    let sections = format!(
        "[reappraise]\ninterval_s = 1\n[store]\nurl = \"{}\"\nlease_seconds = 3\nclaim_seconds = 3\n[archive]\nurl = \"{}\"",
        server.url("postgres"),
        world.dir.path().join("archive").display()
    );
    let top = format!("rpc_url = {:?}", world.chain.url);
    let replica = || Relayer::configured(&world.chain, &world.cloud, &outside, &top, &sections);
    let mut replicas = [replica(), replica(), replica()];
    // The first one has the lease.
    for replica in &mut replicas {
        replica.start(None).await;
    }
    let mut taken = Vec::new();
    for (number, name) in ["a", "b"].into_iter().enumerate() {
        let machine = world.cloud.boot(MachineSpec::new(name)).unwrap();
        let bundle = attest(&world.chain, &world.cloud, &machine.parts(), number + 2);
        let (status, answer) = replicas[number].post(&bundle).await;
        assert_eq!(status, 202, "{answer}");
        let (again, _) = replicas[2].post(&bundle).await;
        assert!(again < 300, "a replica knows what another one took");
        taken.push(digest(&answer));
    }
    let mut rounds = Vec::new();
    for replica in &replicas {
        let metrics = replica.metrics().await;
        rounds.push(!metrics.contains("\nchassis_reappraisal_rounds_total 0\n"));
    }
    assert_eq!(
        rounds,
        [true, false, false],
        "the one that has the lease goes round the operators"
    );
    replicas[0].kill();
    for digest in &taken {
        replicas[1].until_state(digest, "final").await;
        assert_eq!(replicas[2].bundle(digest).await["state"], json!("final"));
    }
    let relayer = signer(1).address();
    let sent = alloy::providers::Provider::get_transaction_count(&world.chain.provider, relayer)
        .await
        .unwrap();
    assert_eq!(
        sent,
        world.chain.batches().await,
        "no transaction without an effect"
    );
    let registry = world.chain.registry();
    for operator in [signer(2).address(), signer(3).address()] {
        assert!(registry.isAttested_0(operator).call().await.unwrap());
    }
    let batches = usize::try_from(world.chain.batches().await).unwrap();
    until("both that are left index the same log, once", || async {
        let mut logs = Vec::new();
        for replica in &replicas[1..] {
            let answer = reqwest::get(format!("{}/v1/events?limit=100", replica.url))
                .await
                .unwrap();
            let page: serde_json::Value = answer.json().await.unwrap_or_default();
            logs.push(page["events"].as_array().cloned().unwrap_or_default());
        }
        let posted = logs[0]
            .iter()
            .filter(|event| event["kind"] == json!("BatchPosted"));
        logs[0] == logs[1] && posted.count() == batches
    })
    .await;
    for replica in &replicas[1..] {
        let metrics = replica.metrics().await;
        assert!(
            metrics.contains("\nchassis_index_divergences_total 0\n"),
            "{metrics}"
        );
    }
}
