//! What is in PCR 17 and 18, and what its log says.

use chassis_attester::Tpm;
use chassis_sim::host::{AkSpec, HostSpec, Launch, LaunchPcrs};
use chassis_verifier::{
    eventlog::DrtmLog,
    host::{HostFault, check_ak_policy, check_drtm_log, check_dynamic_pcrs, demanded_selection},
    tpm::{Attest, HashAlg, Public, QuoteFault, check_selection},
};
use tss_esapi::{
    handles::PcrHandle,
    interface_types::algorithm::HashingAlgorithm,
    structures::{Digest, DigestValues},
};

use super::{BANKS, quoted, says};
use crate::world::World;

#[test]
fn the_tpm_holds_what_the_log_explains_in_each_bank() {
    let world = World::new();
    let host = world.cloud.boot_host(HostSpec::new("a")).unwrap();
    let log = host.drtm_log();
    let log = DrtmLog::parse(&log).unwrap();
    for bank in BANKS {
        let pcrs = host.pcrs(bank).unwrap();
        assert_eq!(pcrs, Launch::reviewed().pcrs(bank));
        assert_eq!(check_dynamic_pcrs(bank, &pcrs.pcr17, &pcrs.pcr18), Ok(()));
        assert_eq!(check_drtm_log(&log, bank, &pcrs.pcr17, &pcrs.pcr18), Ok(()));
    }
    // The host's boot log is another matter: this TPM heard of no boot.
    let mut tpm = Tpm::open(&host.tcti()).unwrap();
    let boot = tpm.read_pcrs(HashingAlgorithm::Sha384, &[0, 4, 7]).unwrap();
    assert!(boot.iter().all(|pcr| pcr.value[..] == [0; 48]));
}

#[test]
fn software_cannot_speak_for_the_launch() {
    let world = World::new();
    let host = world.cloud.boot_host(HostSpec::new("a")).unwrap();
    let mut tpm = Tpm::open(&host.tcti()).unwrap();
    for (pcr, handle) in [(17, PcrHandle::Pcr17), (18, PcrHandle::Pcr18)] {
        let mut digests = DigestValues::new();
        digests.set(HashingAlgorithm::Sha384, Digest::try_from(vec![1; 48]).unwrap());
        assert!(
            tpm.context().pcr_extend(handle, digests).is_err(),
            "extended {pcr}"
        );
        assert!(tpm.context().pcr_reset(handle).is_err(), "reset {pcr}");
    }
    drop(tpm);
    assert_eq!(
        host.pcrs(HashAlg::Sha384).unwrap(),
        Launch::reviewed().pcrs(HashAlg::Sha384)
    );
}

#[test]
fn a_host_that_was_never_launched_fails_though_its_key_is_sealed_to_that() {
    let world = World::new();
    let bank = HashAlg::Sha384;
    let never = LaunchPcrs::never_launched(bank);
    let spec = HostSpec::new("a")
        .launch(None)
        .ak(AkSpec::sealed_to(never.clone()));
    let host = world.cloud.boot_host(spec).unwrap();
    assert_eq!(host.pcrs(bank).unwrap(), never);
    let (quote, _) = quoted(&world, &host);
    let ak = Public::parse(&quote.ak_public).unwrap();
    assert_eq!(check_ak_policy(&ak, bank, &never.pcr17, &never.pcr18), Ok(()));
    assert_eq!(
        check_dynamic_pcrs(bank, &quote.pcrs[0].value, &quote.pcrs[1].value),
        Err(HostFault::NotLaunched(17))
    );
    assert!(DrtmLog::parse(&quote.drtm_log).is_err(), "there is no log");
    // Another launch's log does not explain all ones.
    let log = Launch::reviewed().log();
    let log = DrtmLog::parse(&log).unwrap();
    let fault = check_drtm_log(&log, bank, &never.pcr17, &never.pcr18);
    assert!(
        matches!(fault, Err(HostFault::Replay { pcr: 17, .. })),
        "{fault:?}"
    );
}

#[test]
fn a_quote_of_another_bank_fails() {
    let world = World::new();
    let spec = HostSpec {
        quoted_bank: HashAlg::Sha256,
        ..HostSpec::new("a")
    };
    let host = world.cloud.boot_host(spec).unwrap();
    // The policy is about one bank, the quote about another: the TPM does not mind.
    let (quote, _) = quoted(&world, &host);
    let attest = Attest::parse(&quote.attest).unwrap();
    let fault = check_selection(attest.quote().unwrap(), demanded_selection(HashAlg::Sha384));
    assert!(matches!(fault, Err(QuoteFault::Selection { .. })), "{fault:?}");
}

#[test]
fn a_launch_that_fills_another_bank_only_fails() {
    let world = World::new();
    let spec = HostSpec {
        banks: vec![HashAlg::Sha256],
        ..HostSpec::new("a")
    };
    let host = world.cloud.boot_host(spec.clone()).unwrap();
    assert_eq!(
        host.pcrs(HashAlg::Sha256).unwrap(),
        Launch::reviewed().pcrs(HashAlg::Sha256)
    );
    let refused = host.agent().quote_anything([0; 32]);
    assert!(says(&refused, "policy"), "{refused:?}");
    drop(host);

    // So the key is sealed to the bank that was filled, and the other is quoted.
    let sealed = AkSpec::sealed_to(Launch::reviewed().pcrs(HashAlg::Sha256));
    let host = world.cloud.boot_host(spec.ak(sealed)).unwrap();
    let (quote, _) = quoted(&world, &host);
    let (pcr17, pcr18) = (&quote.pcrs[0].value, &quote.pcrs[1].value);
    let bank = HashAlg::Sha384;
    assert_eq!(
        check_dynamic_pcrs(bank, pcr17, pcr18),
        Err(HostFault::NothingMeasured(18))
    );
    let log = DrtmLog::parse(&quote.drtm_log).unwrap();
    let fault = check_drtm_log(&log, bank, pcr17, pcr18);
    assert!(
        matches!(fault, Err(HostFault::Replay { pcr: 17, .. })),
        "{fault:?}"
    );
    let ak = Public::parse(&quote.ak_public).unwrap();
    let reviewed = Launch::reviewed().pcrs(bank);
    let fault = check_ak_policy(&ak, bank, &reviewed.pcr17, &reviewed.pcr18);
    assert!(matches!(fault, Err(HostFault::Policy { .. })), "{fault:?}");
}

#[test]
fn hosts_leave_nothing_running() {
    let world = World::new();
    let mut host = world.cloud.boot_host(HostSpec::new("a")).unwrap();
    let first = host.tpm_pid();
    host.reboot(None).unwrap();
    let second = host.tpm_pid();
    assert!(!is_running(first) && is_running(second));
    drop(host);
    assert!(!is_running(second));
}

fn is_running(pid: u32) -> bool {
    std::path::Path::new(&format!("/proc/{pid}")).exists()
}
