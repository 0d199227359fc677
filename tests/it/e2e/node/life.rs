//! A node that goes on: it reboots, its provider gives it another key, its kernel is updated.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use chassis_sim::{Cloud, Seed, firmware::Image, machine::MachineSpec, policy_toml, workload};

use super::{
    super::{
        chain::{Chain, KEYS, signer},
        outside::Outside,
        programs::Relayer,
        service::{Service, travel},
    },
    World, run,
};

/// PCRs and RTMRs begin anew and come to the same values; the key, made from its template again, is the same.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_reboot_it_attests_again() {
    let mut world = World::new().await;
    world.relayer.start(None).await;
    let mut machine = world.cloud.boot(MachineSpec::new("a")).unwrap();
    let first = world.register(&machine.parts(), 2).await;
    assert_eq!(first.code, 0, "{}", first.said);
    let issued = world.stored(2).await;

    machine.reboot(Image::reviewed()).unwrap();
    // Expiries are whole units of 64 seconds: a renewal within the same one would change nothing.
    travel(&world.chain, 600).await;
    let again = world.register(&machine.parts(), 2).await;
    assert_eq!(again.code, 0, "{}", again.said);
    let renewed = world.stored(2).await;
    assert_eq!(world.chain.batches().await, 2);
    assert!(renewed.expiry.to::<u64>() >= issued.expiry.to::<u64>() + 576);
    assert_eq!(renewed.platformId, issued.platformId);
    assert_eq!(
        world.instances(2).await.len(),
        1,
        "a renewal: the key is the same"
    );
    assert!(world.is_attested(2).await);
}

/// The new key is another instance to the registry, and the operator moves there.
#[tokio::test(flavor = "multi_thread")]
async fn with_another_attestation_key_it_attests_again() {
    let mut world = World::new().await;
    world.relayer.start(None).await;
    let mut machine = world.cloud.boot(MachineSpec::new("a")).unwrap();
    assert_eq!(world.register(&machine.parts(), 2).await.code, 0);
    let old = machine.ak_certificate().to_vec();

    machine.rotate_ak(world.cloud.provider()).unwrap();
    assert_ne!(machine.ak_certificate(), old);
    let again = world.register(&machine.parts(), 2).await;
    assert_eq!(again.code, 0, "{}", again.said);
    assert!(world.is_attested(2).await);
    let operator = signer(2).address();
    assert_eq!(world.platform_of(operator).await, super::platform(&machine));
    let instances = world.instances(2).await;
    assert_eq!(instances.len(), 2, "each grant names its key");
    assert_ne!(instances[0], instances[1]);
    let holder = world.chain.registry().instanceHolder(instances[1]).call().await;
    assert_eq!(holder.unwrap(), operator);
}

/// Another kernel gives other registers. Who accepts the image decides, and until then the old attestation runs out.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_kernel_update_it_is_refused_until_the_policy_accepts_it() {
    let (mut world, updated) = before_an_update().await;
    let mut machine = world.cloud.boot(MachineSpec::new("a")).unwrap();
    assert_eq!(world.register(&machine.parts(), 2).await.code, 0);
    let before = world.chain.batches().await;

    machine.reboot(Image::other_kernel()).unwrap();
    let refused = world.register(&machine.parts(), 2).await;
    assert_eq!(refused.code, 5, "{}", refused.said);
    assert!(refused.said.contains("workload"), "{}", refused.said);
    assert_eq!(world.chain.batches().await, before);
    assert!(world.is_attested(2).await, "what was attested runs out by itself");

    accept(&mut world, &updated).await;
    let accepted = world.register(&machine.parts(), 2).await;
    assert_eq!(accepted.code, 0, "{}", accepted.said);
    assert_eq!(world.chain.batches().await, before + 1);
    assert!(world.is_attested(2).await);
}

/// The same by the service, which tries again and again, and needs nobody when the policy comes.
#[tokio::test(flavor = "multi_thread")]
async fn the_service_is_refused_after_a_kernel_update_until_the_policy_accepts_it() {
    let (mut world, updated) = before_an_update().await;
    let mut machine = world.cloud.boot(MachineSpec::new("a")).unwrap();
    let mut service = Service::new();
    service.start(&world.chain, &machine.parts(), &[&world.relayer.url]);
    service
        .until("it has landed", || async {
            service.renewals("landed").await == 1
        })
        .await;
    let (before, first_boot) = (world.stored(2).await, service.state()["bootId"].clone());
    assert_eq!(service.stop().await, Some(0));

    machine.reboot(Image::other_kernel()).unwrap();
    travel(&world.chain, 600).await;
    service.start(&world.chain, &machine.parts(), &[&world.relayer.url]);
    service
        .until("it is refused twice", || async {
            service.renewals("rejected").await >= 2
        })
        .await;
    let log = service.log();
    assert!(log.contains("workload.entry"), "{log}");
    assert!(log.contains("this machine has booted since"), "{log}");
    assert_eq!(world.chain.batches().await, 1);
    assert!(service.is_ready().await, "what was attested runs out by itself");
    assert_eq!(service.state()["bootId"], first_boot, "of which the evidence is");

    accept(&mut world, &updated).await;
    service
        .until("it has landed", || async {
            service.renewals("landed").await == 1
        })
        .await;
    assert_eq!(world.chain.batches().await, 2);
    let after = world.stored(2).await;
    assert_ne!(after.workloadId, before.workloadId);
    assert!(after.expiry > before.expiry && service.is_ready().await);
    assert_ne!(service.state()["bootId"], first_boot);
}

/// A world whose relayer knows the reviewed kernel only, and the policy that knows the other one too; the registry has both
/// in force.
async fn before_an_update() -> (World, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let cloud = Arc::new(Cloud::new(&dir.path().join("cloud"), Seed(7)).unwrap());
    let mut updated = cloud.policy();
    updated.workloads.push(workload(&Image::other_kernel()));
    let updated_path = dir.path().join("updated.toml");
    fs::write(&updated_path, policy_toml(&updated).unwrap()).unwrap();
    let policies = [cloud.policy().digest().unwrap(), updated.digest().unwrap()];
    let chain = Chain::start_policies(&policies).await;
    let outside = Outside::serve(Arc::clone(&cloud)).await;
    let relayer = Relayer::new(&chain, &cloud, &outside);
    let mut world = World {
        cloud,
        chain,
        relayer,
        outside,
        dir,
    };
    world.relayer.start(None).await;
    (world, updated_path)
}

/// The relayer takes up the updated policy.
async fn accept(world: &mut World, updated: &Path) {
    world.relayer.stop();
    let old = world.cloud.policy_path().display().to_string();
    world
        .relayer
        .configure(|text| text.replace(&old, &updated.display().to_string()));
    world.relayer.start(None).await;
}

/// The entry that root made serves for more than one quote, of more than one run.
#[tokio::test(flavor = "multi_thread")]
async fn it_attests_as_another_user_again_and_again() {
    if !needs_root() {
        return;
    }
    let mut world = World::new().await;
    world.relayer.start(None).await;
    let machine = world.cloud.boot(MachineSpec::new("a")).unwrap();
    let open = |path: &Path| fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    open(world.dir.path());
    for round in 1..=2 {
        let mut command = world.node("register", &machine.parts());
        command
            .args(["--relayer", &world.relayer.url, "--wait", "90"])
            .args(["--user", "nobody"])
            .env("CHASSIS_OPERATOR_KEY", KEYS[2]);
        let ran = run(command).await;
        assert_eq!(ran.code, 0, "{}", ran.said);
        assert_eq!(world.chain.batches().await, round);
        travel(&world.chain, 600).await;
    }
    let entry = machine
        .sys_root()
        .join("sys/kernel/config/tsm/report/chassis-nobody/generation");
    assert_eq!(fs::read_to_string(entry).unwrap(), "2\n");
}

/// Whether this test can be run. Where it cannot, it fails, unless somebody says that this is known.
fn needs_root() -> bool {
    let is_root = nix::unistd::geteuid().is_root();
    assert!(
        is_root || std::env::var_os("CHASSIS_TEST_WITHOUT_ROOT").is_some(),
        "only root can give root up: run this test as root, or set CHASSIS_TEST_WITHOUT_ROOT to leave it out"
    );
    is_root
}
