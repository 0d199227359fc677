use chassis_sim::machine::MachineSpec;

use super::{KEY, NOBODY, is_attested, liar, on_machine, run};
use crate::e2e::{World, chain::signer};

#[tokio::test(flavor = "multi_thread")]
async fn a_relayer_that_is_down_costs_nothing_and_one_that_lies_is_caught() {
    let mut world = World::new().await;
    let machine = world.cloud.boot(MachineSpec::new("a")).unwrap();
    world.relayer.start(None).await;
    let operator = signer(KEY).address();

    let mut alone = on_machine("register", &world.chain, &machine.parts());
    alone.args(["--relayer", &liar().await]);
    let (code, stdout, stderr) = run(alone).await;
    assert_eq!((code, &*stdout), (4, ""), "{stderr}");
    assert!(stderr.contains("the registry does not know of it"), "{stderr}");
    assert!(!is_attested(&world.chain, operator).await);

    let mut three = on_machine("register", &world.chain, &machine.parts());
    three.args([
        "--relayer",
        NOBODY,
        "--relayer",
        &liar().await,
        "--relayer",
        &world.relayer.url,
    ]);
    let (code, stdout, stderr) = run(three).await;
    assert_eq!(code, 0, "{stderr}");
    assert!(
        stdout.starts_with(&format!("{operator} is attested until ")),
        "{stdout}"
    );
    assert!(is_attested(&world.chain, operator).await);
}
