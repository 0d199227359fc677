//! Two machines with one disk. The disk holds the operator's key and files with certificates; a TPM is not on it.

use chassis_sim::machine::MachineSpec;

use super::{super::chain::signer, World, platform};

/// The operator is attested on the machine that proved itself last, and nowhere else.
#[tokio::test(flavor = "multi_thread")]
async fn one_operators_key_on_two_machines_is_attested_on_one_at_a_time() {
    let mut world = World::new().await;
    world.relayer.start(None).await;
    let a = world.cloud.boot(MachineSpec::new("a")).unwrap();
    let b = world.cloud.boot(MachineSpec::new("b")).unwrap();
    assert_ne!(platform(&a), platform(&b));
    let operator = signer(2).address();
    for machine in [&a, &b, &a] {
        let ran = world.register(&machine.parts(), 2).await;
        assert_eq!(ran.code, 0, "{}", ran.said);
        assert!(world.is_attested(2).await);
        assert_eq!(world.platform_of(operator).await, platform(machine));
    }
}

/// What a provider wrote for one TPM is worth nothing in another: the key that is certified cannot be made there.
#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_copied_to_another_tpm_is_refused_on_the_node() {
    let world = World::new().await;
    let a = world.cloud.boot(MachineSpec::new("a")).unwrap();
    let b = world.cloud.boot(MachineSpec::new("b")).unwrap();
    b.plant_ak_certificate(a.ak_certificate()).unwrap();
    let ran = world.register(&b.parts(), 2).await;
    assert_eq!(ran.code, 3, "{}", ran.said);
    assert!(ran.said.contains("is not the one certified"), "{}", ran.said);
}
