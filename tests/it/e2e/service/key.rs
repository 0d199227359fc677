use chassis_sim::{firmware::Image, machine::MachineSpec};

use chassis_verifier::{
    bundle::{Bundle, DEFAULT_LIMIT},
    consent_signer,
};

use super::{KEY, is_attested, mode, on_machine, run};
use crate::e2e::{
    World,
    chain::signer,
    kms::{ALIAS, Keeper, environment},
    programs::binary,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_key_made_in_the_td_attests_and_another_image_does_not_get_it() {
    let mut world = World::new().await;
    let mut machine = world.cloud.boot(MachineSpec::new("a")).unwrap();
    world.relayer.start(None).await;
    let file = world.dir.path().join("operator.sealed");
    let key = |arguments: &[&str], tcti: &str| {
        let mut command = std::process::Command::new(binary("chassis-node"));
        command
            .arg("key")
            .args(arguments)
            .arg(&file)
            .args(["--tcti", tcti]);
        command
    };

    let (code, stdout, stderr) = run(key(&["new", "--sealed"], &machine.tcti())).await;
    assert_eq!(code, 0, "{stderr}");
    let operator = stdout.trim().parse().unwrap();
    assert_eq!(mode(&file), 0o600);
    let (code, _, stderr) = run(key(&["new", "--sealed"], &machine.tcti())).await;
    assert_eq!(code, 3, "a key is never overwritten: {stderr}");

    let mut register = on_machine("register", &world.chain, &machine.parts());
    register
        .env_remove("CHASSIS_OPERATOR_KEY")
        .args(["--relayer", &world.relayer.url, "--sealed-key"])
        .arg(&file);
    let (code, _, stderr) = run(register).await;
    assert_eq!(code, 0, "{stderr}");
    assert!(is_attested(&world.chain, operator).await);

    machine.reboot(Image::reviewed()).unwrap();
    let (code, stdout, stderr) = run(key(&["address", "--sealed-key"], &machine.tcti())).await;
    assert_eq!((code, stdout.trim()), (0, &*operator.to_string()), "{stderr}");
    machine.reboot(Image::other_cmdline()).unwrap();
    let (code, _, stderr) = run(key(&["address", "--sealed-key"], &machine.tcti())).await;
    assert_eq!(code, 7, "{stderr}");
    assert!(stderr.contains("is sealed to another boot"), "{stderr}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_in_kms_consents() {
    let world = World::new().await;
    let machine = world.cloud.boot(MachineSpec::new("a")).unwrap();
    let (_keeper, url) = Keeper::serve(KEY).await;
    let out = world.dir.path().join("bundle.json");
    // Every other signature of KMS has the high s, which no relayer takes.
    for _ in 0..2 {
        let mut attest = on_machine("attest", &world.chain, &machine.parts());
        attest
            .env_remove("CHASSIS_OPERATOR_KEY")
            .args(["--kms", ALIAS, "--out"])
            .arg(&out)
            .envs(environment(&url, ALIAS));
        let (code, _, stderr) = run(attest).await;
        assert_eq!(code, 0, "{stderr}");
        let bundle = Bundle::parse(&std::fs::read(&out).unwrap(), DEFAULT_LIMIT).unwrap();
        assert_eq!(consent_signer(&bundle), Some(signer(KEY).address()));
    }
    let mut nobody = on_machine("attest", &world.chain, &machine.parts());
    nobody
        .args(["--kms", "alias/nobody", "--out"])
        .arg(&out)
        .envs(environment(&url, "alias/nobody"));
    let (code, _, stderr) = run(nobody).await;
    assert_eq!(code, 7, "{stderr}");
    assert!(
        stderr.contains("is not found") && stderr.contains("kms:Sign"),
        "{stderr}"
    );
}
