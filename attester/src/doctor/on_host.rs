//! The host itself: its launch, its enrolment, and what the agent needs.

use std::path::PathBuf;

use chassis_program::unix_now;
use chassis_verifier::{
    host::check_ak_policy,
    tpm::{HashAlg, Public},
};

use super::{Level, Report, host::launch};
use crate::{EnrolledKey, Error, SocketAddress, Tpm, drtm_log};

/// What to look at on a bare-metal host.
#[derive(Clone, Debug)]
pub struct HostSetup {
    /// The host's TPM.
    pub tcti: String,
    /// The bank that the policy demands.
    pub bank: HashAlg,
    /// The launch's log.
    pub drtm_log: PathBuf,
    /// What `chassis-node enroll` wrote.
    pub enrolment: PathBuf,
    /// Where the quote generation service listens.
    pub quote_service: SocketAddress,
}

/// Looks at everything that the agent needs. What fails is a finding, never an error.
pub async fn examine_host(setup: &HostSetup) -> Report {
    let mut report = Report::default();
    look_at_tpm(setup, &mut report);
    match setup.quote_service.connect().await {
        Ok(_) => report.ok("host.qgs", Level::Chassis, setup.quote_service.to_string()),
        Err(error) => report.missing(
            "host.qgs",
            Level::Chassis,
            format!("{}: {error}", setup.quote_service),
            "run Intel's quote generation service (QGS), and name its socket with --quote-service",
        ),
    }
    report
}

fn look_at_tpm(setup: &HostSetup, report: &mut Report) {
    let pcrs = Tpm::open(&setup.tcti).and_then(|mut tpm| tpm.launch_pcrs(setup.bank));
    let pcrs = match pcrs {
        Ok(pcrs) => pcrs,
        Err(error) => {
            let todo = "enable the TPM and its bank in the firmware, add this user to group tss, or say where it is with --tcti";
            return report.missing("host.tpm", Level::Chassis, error.to_string(), todo);
        }
    };
    report.ok("host.tpm", Level::Chassis, setup.tcti.as_str());
    let [pcr17, pcr18] = &pcrs[..] else { return };
    let log = drtm_log(&setup.drtm_log).map_err(|error| error.to_string());
    let log = log.as_deref().map_err(Clone::clone);
    launch(setup.bank, &pcr17.value, &pcr18.value, log, report);
    match enrolled(setup, &pcr17.value, &pcr18.value) {
        Ok(until) => report.ok(
            "host.enrolment",
            Level::Chassis,
            format!("of this TPM and launch, until {until} (Unix time)"),
        ),
        Err(problem) => report.missing(
            "host.enrolment",
            Level::Chassis,
            problem,
            "run `chassis-node enroll`, once the policy lists this launch",
        ),
    }
}

/// When the statement ends.
fn enrolled(setup: &HostSetup, pcr17: &[u8], pcr18: &[u8]) -> Result<u64, String> {
    let text = |error: Error| error.to_string();
    let enrolment = EnrolledKey::read(&setup.enrolment).map_err(text)?;
    let until = enrolment.not_after().map_err(|error| error.to_string())?;
    if enrolment.bank != setup.bank {
        return Err(format!(
            "it is of the {} bank, not {}",
            enrolment.bank, setup.bank
        ));
    }
    if unix_now() >= until {
        return Err(format!("the registrar's statement ended at {until}"));
    }
    let public = Public::parse(&enrolment.ak_public).map_err(|error| error.to_string())?;
    check_ak_policy(&public, setup.bank, pcr17, pcr18).map_err(|fault| fault.to_string())?;
    let template = enrolment.template().map_err(|error| error.to_string())?;
    let made = Tpm::open(&setup.tcti)
        .and_then(|mut tpm| tpm.create_endorsement_primary(&template))
        .map_err(text)?;
    if made.public_bytes[..] != enrolment.ak_public[..] {
        return Err("the enrolled key is not this TPM's".into());
    }
    Ok(until)
}
