//! What evidence may make a relayer ask for.

use chassis_sim::{Seed, intel::Intel};
use chassis_verifier::bundle::Tee;

use super::World;

#[tokio::test(flavor = "multi_thread")]
async fn evidence_with_an_unverified_chain_causes_no_request_at_all() {
    let mut world = World::new().await;
    let endorser = world.endorser(world.sources());

    // A chain of the same shape, by another root.
    let foreign = Intel::new(Seed(99));
    let foreign = foreign.platform(foreign.pck_spec("a"));
    let report = chassis_sim::intel::td_report();
    let genuine = world.bundle.clone();
    let quote = foreign.quote(chassis_sim::intel::QuoteFormat::V4, report);
    let Tee::Tdx { quote: slot, .. } = &mut world.bundle.evidence.tee;
    *slot = quote.into();
    let set = world.fetch(&endorser).await.unwrap();
    assert!(set.tdx_collateral.is_none());
    assert_eq!(world.pcs.asked(), [""; 0]);

    // One changed character of the leaf.
    world.bundle = genuine.clone();
    let Tee::Tdx { quote: slot, .. } = &mut world.bundle.evidence.tee;
    let begin = b"-----BEGIN CERTIFICATE-----";
    let at = slot
        .0
        .windows(begin.len())
        .position(|window| window == begin)
        .unwrap()
        + begin.len()
        + 200;
    slot.0[at] = if slot.0[at] == b'A' { b'B' } else { b'A' };
    world.fetch(&endorser).await.unwrap();
    assert_eq!(world.pcs.asked(), [""; 0]);

    // No quote at all.
    world.bundle = genuine.clone();
    let Tee::Tdx { quote: slot, .. } = &mut world.bundle.evidence.tee;
    slot.0.truncate(100);
    world.fetch(&endorser).await.unwrap();
    assert_eq!(world.pcs.asked(), [""; 0]);

    world.bundle = genuine;
    world.fetch(&endorser).await.unwrap();
    assert_eq!(world.pcs.asked().len(), 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_platform_and_an_unlisted_host_are_answers() {
    let world = World::new().await;
    let ppid = world.cloud.intel().pck_spec("a").ppid;
    let endorser = world.endorser(world.sources());
    assert!(world.holds(&world.fetch(&endorser).await.unwrap()));

    world.cloud.unlist(ppid);
    let set = world.fetch(&endorser).await.unwrap();
    assert!(set.host_registry.is_empty());

    world.cloud.revoke(ppid);
    let set = world.fetch(&endorser).await.unwrap();
    assert!(!world.holds(&set));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_registry_that_speaks_of_another_cpu_is_not_believed() {
    let world = World::new().await;
    let other = world
        .cloud
        .boot(chassis_sim::machine::MachineSpec::new("b"))
        .unwrap();
    let ppid = hex::encode(world.cloud.intel().pck_spec("b").ppid);
    drop(other);
    world.pcs.break_path(
        "host-registry",
        chassis_sim::pcs::Fault::As(format!("/host-registry/{ppid}")),
    );
    let error = world.fetch(&world.endorser(world.sources())).await.unwrap_err();
    assert!(error.to_string().contains("another platform"), "{error}");
}
