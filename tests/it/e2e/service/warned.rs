use chassis_sim::{
    intel::NEXT_SVNS,
    machine::{Machine, MachineSpec},
};

use super::{KEY, Service, expiry, is_attested, travel};
use crate::e2e::{chain::signer, cosign::Network};

const HOUR: u64 = 3600;

#[tokio::test(flavor = "multi_thread")]
async fn one_relayer_goes_down_the_other_one_warns_and_an_update_ends_it() {
    let mut network = Network::with_threshold(2, 1).await;
    let machine = network.cloud.boot(MachineSpec::new("a")).unwrap();
    for relayer in &mut network.honest {
        relayer.start(None).await;
    }
    let operator = signer(KEY).address();
    let urls: Vec<_> = network.honest.iter().map(|relayer| relayer.url.clone()).collect();
    let urls: Vec<&str> = urls.iter().map(String::as_str).collect();

    let mut service = Service::new();
    service.start(&network.chain, &machine.parts(), &urls);
    service.until("it is ready", || service.is_ready()).await;
    service
        .until("it has landed", || async {
            service.renewals("landed").await == 1
        })
        .await;

    network.honest[0].kill();
    let before = expiry(&network.chain, operator).await;
    travel(&network.chain, 17 * HOUR).await;
    service
        .until("it is renewed", || async {
            expiry(&network.chain, operator).await > before
        })
        .await;
    service
        .until("it has landed", || async {
            service.renewals("landed").await == 2
        })
        .await;
    let down = format!("chassis_node_relayer_failures_total{{relayer=\"{}\"}}", urls[0]);
    assert!(service.metric(&down).await >= 1);

    // Intel demands an update. It would be due in half a day; the warning has it tried now, and told what to do.
    network.cloud.demand_update();
    service
        .until("it is warned", || async {
            service
                .metric("chassis_node_warning_deadline_timestamp_seconds")
                .await
                > 0
        })
        .await;
    service
        .until("it tries early", || async {
            service.renewals("rejected").await >= 1
        })
        .await;
    let log = service.log();
    assert!(log.contains("a relayer warns") && log.contains("td.tcb"), "{log}");
    assert!(
        log.contains("the host's firmware is older than the policy accepts"),
        "{log}"
    );
    assert!(is_attested(&network.chain, operator).await, "until it expires");
    tokio::time::sleep(std::time::Duration::from_secs(4)).await;
    assert_eq!(service.renewals("rejected").await, 1, "a warning is heeded once");

    // Its host gets the update, and the TD goes on: new evidence lands long before it is due, because of the warning.
    assert_eq!(service.stop().await, Some(0));
    let boot_id = |machine: &Machine| machine.sys_root().join("proc/sys/kernel/random/boot_id");
    let boot = std::fs::read(boot_id(&machine)).unwrap();
    drop(machine);
    let mut pck = network.cloud.intel().pck_spec("a");
    pck.cpu_svn = NEXT_SVNS;
    let spec = MachineSpec {
        pck: Some(pck),
        ..MachineSpec::new("a")
    };
    let machine = network.cloud.boot(spec).unwrap();
    std::fs::write(boot_id(&machine), boot).unwrap();
    // An eighth of a lifetime after the first try.
    travel(&network.chain, 4 * HOUR).await;
    let (before, told) = (expiry(&network.chain, operator).await, service.log().len());
    service.start(&network.chain, &machine.parts(), &urls);
    service
        .until("it is renewed", || async {
            expiry(&network.chain, operator).await > before
        })
        .await;
    let log = service.log()[told..].to_owned();
    let reasons: Vec<_> = log.lines().filter(|line| line.contains("renewing")).collect();
    assert!(
        reasons.len() == 1 && reasons[0].contains("a relayer warns"),
        "{reasons:?}"
    );
    service
        .until("the warning ends", || async {
            service.renewals("landed").await >= 1
                && service
                    .metric("chassis_node_warning_deadline_timestamp_seconds")
                    .await
                    == 0
        })
        .await;
}
