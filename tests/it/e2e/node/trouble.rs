//! A machine that fails in the middle.

use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use chassis_sim::machine::{Machine, MachineSpec, Parts};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::{super::chain::KEYS, World, run};

const REPORTS: &str = "sys/kernel/config/tsm/report";

/// The TPM goes between the reading of its key and its quote: when the TD is asked, which comes in between.
#[tokio::test(flavor = "multi_thread")]
async fn a_tpm_that_goes_mid_way_leaves_no_bundle() {
    let world = World::new().await;
    let machine = world.cloud.boot(MachineSpec::new("a")).unwrap();
    let root = world.dir.path().join("root");
    for log in [
        "sys/firmware/acpi/tables/data/CCEL",
        "sys/kernel/security/tpm0/binary_bios_measurements",
    ] {
        fs::create_dir_all(root.join(log).parent().unwrap()).unwrap();
        fs::copy(machine.sys_root().join(log), root.join(log)).unwrap();
    }
    fs::create_dir_all(root.join(REPORTS)).unwrap();
    let out = world.dir.path().join("bundle.json");
    let mut command = world.node(
        "attest",
        &Parts {
            sys_root: root.clone(),
            ..machine.parts()
        },
    );
    command
        .arg("--out")
        .arg(&out)
        .env("CHASSIS_OPERATOR_KEY", KEYS[2]);
    let (ran, killed) = tokio::join!(run(command), kill_the_tpm_when_the_td_is_asked(&root, &machine));
    assert!(killed, "the TD was never asked: {}", ran.said);
    assert_eq!(ran.code, 3, "{}", ran.said);
    assert!(ran.said.contains("cannot open the TPM"), "{}", ran.said);
    assert!(!out.exists());
    assert_eq!(
        fs::read_dir(root.join(REPORTS)).unwrap().count(),
        0,
        "no entry is left behind"
    );
}

async fn kill_the_tpm_when_the_td_is_asked(root: &Path, machine: &Machine) -> bool {
    let (reports, td) = (root.join(REPORTS), machine.td().clone());
    let tpm = Pid::from_raw(i32::try_from(machine.tpm_pid()).unwrap());
    let watch = move || {
        let deadline = Instant::now() + Duration::from_secs(30);
        while Instant::now() < deadline {
            for entry in fs::read_dir(&reports).unwrap().flatten() {
                let question = fs::read(entry.path().join("inblob")).unwrap_or_default();
                let Ok(report_data) = <[u8; 64]>::try_from(question) else {
                    continue;
                };
                kill(tpm, Signal::SIGKILL).unwrap();
                thread::sleep(Duration::from_millis(200));
                let write = |attribute: &str, content: &[u8]| {
                    fs::write(entry.path().join(attribute), content).unwrap();
                };
                write("provider", b"tdx_guest\n");
                write("outblob", &td.quote(report_data));
                write("generation", b"1\n");
                return true;
            }
            thread::sleep(Duration::from_millis(5));
        }
        false
    };
    tokio::task::spawn_blocking(watch).await.unwrap()
}
