//! Scenario 2 to its end: a chain, a relayer that knows the policy, and the TD's own program.

use std::{fs, process::Stdio, sync::Arc, time::Duration};

use chassis_relayer::registry::IProofOfCloudRegistry::Requirement;
use chassis_sim::{Cloud, Seed};
use chassis_verifier::Policy;

use super::stack::{Metal, Running, out};
use crate::e2e::{
    chain::{Chain, KEYS, signer, until},
    outside::Outside,
    programs::Relayer,
    service::{expiry, travel},
};

/// The operator's key, by its number.
const KEY: usize = 2;

/// Binding by the chassis, custody by a registrar, a current TCB.
fn chassis() -> Requirement {
    Requirement {
        minBinding: 3,
        minCustody: 2,
        maxTcb: 1,
        ..Requirement::default()
    }
}

/// A host with everything that runs on it, and what its TD is attested by.
struct Landing {
    metal: Metal,
    chain: Chain,
    relayer: Relayer,
    _outside: Outside,
    agent: Option<Running>,
}

impl Landing {
    async fn new() -> Self {
        let metal = Metal::new();
        let policy = Policy::from_toml(&fs::read_to_string(metal.path("policy.toml")).unwrap()).unwrap();
        // The same cloud again, shared with a server.
        let (dir, now) = (metal.world.cloud.dir(), metal.world.cloud.now());
        let cloud = Arc::new(Cloud::at(dir, Seed(42), now).unwrap());
        fs::copy(metal.path("policy.toml"), cloud.policy_path()).unwrap();
        let chain = Chain::start(policy.digest().unwrap()).await;
        let outside = Outside::serve(Arc::clone(&cloud)).await;
        let mut relayer = Relayer::new(&chain, &cloud, &outside);
        relayer.start(None).await;
        let registrar = metal.registrar().await;
        let enrolled = metal.enroll(&registrar.url, &[]);
        assert!(enrolled.status.success(), "{}", out(&enrolled));
        let agent = metal.agent().await;
        Self {
            metal,
            chain,
            relayer,
            _outside: outside,
            agent: Some(agent),
        }
    }

    fn node(&self, subcommand: &str) -> std::process::Command {
        let registry = self.chain.registry.to_string();
        let mut command = self.metal.in_guest(subcommand, &self.chain.url, &registry);
        command
            .args(["--relayer", &self.relayer.url, "--disclosure", "public"])
            .env("CHASSIS_OPERATOR_KEY", KEYS[KEY]);
        command
    }

    async fn is_attested(&self, requirement: Requirement) -> bool {
        let operator = signer(KEY).address();
        let registry = self.chain.registry();
        registry.isAttested_1(operator, requirement).call().await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_td_registers_through_its_host_and_its_service_renews_it() {
    let landing = Landing::new().await;
    let operator = signer(KEY).address();
    assert!(!landing.is_attested(chassis()).await);

    let mut command = landing.node("register");
    command.args(["--wait", "90"]);
    let registered = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    assert!(registered.status.success(), "{}", out(&registered));
    assert!(
        out(&registered).contains(&format!("{operator} is attested until")),
        "{}",
        out(&registered)
    );
    assert!(landing.is_attested(chassis()).await);
    let in_td = Requirement {
        requireKeyInTd: true,
        ..chassis()
    };
    assert!(!landing.is_attested(in_td).await, "no more than was proven");
    let stored = landing.chain.registry().attestationOf(operator).call().await;
    let stored = stored.unwrap();
    assert_eq!((stored.binding, stored.custody), (3, 2));
    let platform = chassis_verifier::platform_id(&landing.metal.host.td().pck().ppid);
    assert_eq!(stored.platformId, platform);

    // The service takes this for another boot than it knows, and says so by a renewal of its own; then one in time.
    let log = fs::File::create(landing.metal.path("renew.log")).unwrap();
    let mut command = landing.node("renew");
    command
        .args(["--watch", "1", "--retry", "1", "--state"])
        .arg(landing.metal.path("state.json"))
        .env("RUST_LOG", "info")
        .stdout(Stdio::null())
        .stderr(log);
    let _service = Killed(command.spawn().unwrap());
    let moved_on = async |from: u64| {
        until("the service renews", || async {
            expiry(&landing.chain, operator).await > from && landing.is_attested(chassis()).await
        })
        .await;
        expiry(&landing.chain, operator).await
    };
    let (landed, half) = (expiry(&landing.chain, operator).await, 43_200);
    travel(&landing.chain, half + 17_400).await;
    let renewed = moved_on(landed).await;
    assert!(renewed >= landed + half, "{landed} to {renewed}");
}

/// A host that launched something else since is not attested again, and what was runs out by itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_td_on_a_host_that_launched_otherwise_does_not_register_again() {
    let mut landing = Landing::new().await;
    let mut command = landing.node("register");
    command.args(["--wait", "90"]);
    let registered = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    assert!(registered.status.success(), "{}", out(&registered));
    landing
        .metal
        .host
        .reboot(Some(chassis_sim::host::Launch::other_mle()))
        .unwrap();
    landing.metal.write_drtm_log();
    // The TPM's address is another one now.
    landing.agent = None;
    landing.agent = Some(landing.metal.agent().await);
    let before = landing.chain.batches().await;
    let mut command = landing.node("register");
    command.args(["--wait", "30"]);
    let refused = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    assert_eq!(refused.status.code(), Some(4), "{}", out(&refused));
    assert!(
        out(&refused).contains("PCR 17 and 18 are not what the key is sealed to"),
        "{}",
        out(&refused)
    );
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(landing.chain.batches().await, before);
}

/// Killed on drop.
struct Killed(std::process::Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
