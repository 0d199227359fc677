//! A node that goes on: it reboots, its provider gives it another key, its kernel is updated.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, sync::Arc};

use chassis_sim::{Cloud, Seed, firmware::Image, machine::MachineSpec, policy_toml, workload};

use super::{
    super::{
        chain::{Chain, KEYS, signer},
        outside::Outside,
        programs::Relayer,
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
    let issued = world
        .chain
        .registry()
        .attestationOf(signer(2).address())
        .call()
        .await
        .unwrap();

    machine.reboot(Image::reviewed()).unwrap();
    let again = world.register(&machine.parts(), 2).await;
    assert_eq!(again.code, 0, "{}", again.said);
    let renewed = world
        .chain
        .registry()
        .attestationOf(signer(2).address())
        .call()
        .await
        .unwrap();
    assert_eq!(renewed.platformId, issued.platformId);
    assert!(renewed.expiry >= issued.expiry);
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
    assert_eq!(
        world.platform_of(signer(2).address()).await,
        super::platform(&machine)
    );
}

/// Another kernel gives other registers. Who accepts the image decides, and until then the old attestation runs out.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_kernel_update_it_is_refused_until_the_policy_accepts_it() {
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
    let mut machine = world.cloud.boot(MachineSpec::new("a")).unwrap();
    assert_eq!(world.register(&machine.parts(), 2).await.code, 0);
    let before = world.chain.batches().await;

    machine.reboot(Image::other_kernel()).unwrap();
    let refused = world.register(&machine.parts(), 2).await;
    assert_eq!(refused.code, 5, "{}", refused.said);
    assert!(refused.said.contains("workload"), "{}", refused.said);
    assert_eq!(world.chain.batches().await, before);
    assert!(world.is_attested(2).await, "what was attested runs out by itself");

    world.relayer.stop();
    let old_path = world.cloud.policy_path().display().to_string();
    world
        .relayer
        .configure(|text| text.replace(&old_path, &updated_path.display().to_string()));
    world.relayer.start(None).await;
    let accepted = world.register(&machine.parts(), 2).await;
    assert_eq!(accepted.code, 0, "{}", accepted.said);
    assert_eq!(world.chain.batches().await, before + 1);
    assert!(world.is_attested(2).await);
}

/// The entry that root made serves for more than one quote, of more than one run.
#[tokio::test(flavor = "multi_thread")]
async fn it_attests_as_another_user_again_and_again() {
    let is_root = nix::unistd::geteuid().is_root();
    let mut world = World::new().await;
    world.relayer.start(None).await;
    let machine = world.cloud.boot(MachineSpec::new("a")).unwrap();
    let open = |path: &Path| fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    open(world.dir.path());
    for _ in 0..2 {
        let mut command = world.node("register", &machine.parts());
        command
            .args(["--relayer", &world.relayer.url, "--wait", "90"])
            .args(is_root.then_some(["--user", "nobody"]).iter().flatten())
            .env("CHASSIS_OPERATOR_KEY", KEYS[2]);
        let ran = run(command).await;
        assert_eq!(ran.code, 0, "{}", ran.said);
    }
    let entry = machine
        .sys_root()
        .join("sys/kernel/config/tsm/report/chassis-nobody/generation");
    if is_root {
        assert_eq!(fs::read_to_string(entry).unwrap(), "2\n");
    }
}
