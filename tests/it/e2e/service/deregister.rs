use std::process::Stdio;

use chassis_sim::machine::MachineSpec;

use super::{KEY, Service, is_attested, on_chain, run};
use crate::e2e::{World, chain::signer};

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_leaves_by_its_own_transaction_and_its_service_does_not_bring_it_back() {
    let mut world = World::new().await;
    let machine = world.cloud.boot(MachineSpec::new("a")).unwrap();
    world.relayer.start(None).await;
    let operator = signer(KEY).address();

    let mut early = on_chain("deregister", &world.chain);
    early.arg("--yes");
    let (code, _, stderr) = run(early).await;
    assert_eq!(code, 1, "{stderr}");
    assert!(stderr.contains("as unknown"), "{stderr}");

    let mut service = Service::new();
    service.start(&world.chain, &machine.parts(), &[&world.relayer.url]);
    service
        .until("it is attested", || is_attested(&world.chain, operator))
        .await;

    // Nobody agrees.
    let mut asked = on_chain("deregister", &world.chain);
    asked.stdin(Stdio::null());
    let (code, _, stderr) = run(asked).await;
    assert_eq!(code, 1, "{stderr}");
    assert!(stderr.contains("give --yes"), "{stderr}");
    assert!(is_attested(&world.chain, operator).await);

    let mut leave = on_chain("deregister", &world.chain);
    leave.args(["--yes", "--json"]);
    let (code, stdout, stderr) = run(leave).await;
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.contains("\"status\":\"deregistered\""), "{stdout}");
    assert!(!is_attested(&world.chain, operator).await);

    service
        .until("it is not ready", || async { !service.is_ready().await })
        .await;
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    assert!(!is_attested(&world.chain, operator).await);
    assert_eq!(world.chain.batches().await, 1);
}
