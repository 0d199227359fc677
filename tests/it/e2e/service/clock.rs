//! The node's own clock is wrong, by a month: a library in front of libc's says so to that process alone.

use std::{path::Path, process::Command};

use chassis_sim::machine::MachineSpec;

use super::{KEY, Service, expiry, on_machine, run, travel};
use crate::e2e::{World, chain::signer};

const MONTH: i64 = 30 * 86_400;
const HOUR: u64 = 3600;

const SOURCE: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

int clock_gettime(clockid_t id, struct timespec *time) {
    int (*real)(clockid_t, struct timespec *) = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int failed = real(id, time);
    if (!failed && id == CLOCK_REALTIME) time->tv_sec += atol(getenv("CLOCK_SHIFT"));
    return failed;
}
"#;

/// Has a process live so many seconds from now.
fn shift(command: &mut Command, dir: &Path, seconds: i64) {
    let [source, library] = ["clock.c", "clock.so"].map(|name| dir.join(name));
    if !library.exists() {
        std::fs::write(&source, SOURCE).unwrap();
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-o"])
            .arg(&library)
            .arg(&source)
            .arg("-ldl");
        assert!(cc.status().unwrap().success());
    }
    command
        .env("LD_PRELOAD", library)
        .env("CLOCK_SHIFT", seconds.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_clock_is_a_month_wrong_renews_in_time_and_no_more_than_that() {
    let mut world = World::new().await;
    let machine = world.cloud.boot(MachineSpec::new("a")).unwrap();
    world.relayer.start(None).await;
    let (chain, relayer) = (&world.chain, &*world.relayer.url);
    let operator = signer(KEY).address();

    let mut service = Service::new();
    for (round, seconds) in [(1, -MONTH), (2, MONTH)] {
        let mut doctor = on_machine("doctor", chain, &machine.parts());
        doctor.args(["--json", "--relayer", relayer]);
        let mut args = doctor.get_args();
        // `doctor` takes no such option.
        let kept: Vec<_> = args
            .by_ref()
            .filter(|arg| *arg != "--disclosure" && *arg != "public")
            .map(ToOwned::to_owned)
            .collect();
        let mut doctor = Command::new(doctor.get_program());
        doctor.args(kept);
        shift(&mut doctor, world.dir.path(), seconds);
        let (_, stdout, _) = run(doctor).await;
        let told: serde_json::Value = serde_json::from_str(&stdout).unwrap();
        let findings = told["findings"].as_array().unwrap();
        let clock = findings.iter().find(|finding| finding["id"] == "clock").unwrap();
        assert_eq!(
            clock["outcome"], "missing",
            "the program's clock is wrong: {clock}"
        );

        service.start_with(chain, &machine.parts(), &[relayer], |command| {
            shift(command, world.dir.path(), seconds);
        });
        service
            .until("it has landed", || async {
                service.renewals("landed").await == 1
            })
            .await;
        service.until("it is ready", || service.is_ready()).await;
        tokio::time::sleep(std::time::Duration::from_secs(5)).await;
        assert!(service.is_ready().await);
        assert_eq!(chain.batches().await, round, "nothing is due: {}", service.log());
        let end = expiry(chain, operator).await;
        let due = service
            .metric("chassis_node_next_renewal_timestamp_seconds")
            .await;
        assert!((end - 13 * HOUR..end - 7 * HOUR).contains(&due), "{due}, {end}");
        assert_eq!(service.stop().await, Some(0));
        travel(chain, 17 * HOUR).await;
    }
}
