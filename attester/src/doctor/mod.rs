//! What this machine has, what it lacks, and for which level: looked at, never believed from a file of yesterday.
//!
//! Registers are read now and compared with the logs now: PCRs from the TPM, RTMRs from a quote made on the spot. That
//! quote's report data is no challenge's, so nobody can be attested by it.

mod azure;
mod chain;
mod host;
mod logs;
mod on_host;
mod provider;
mod relayers;
mod report;
mod td;
mod tpm;
mod user;

use std::path::PathBuf;

use alloy_primitives::Address;

use crate::TpmPlace;

pub use on_host::{HostSetup, examine_host};
pub use report::{Finding, Level, Outcome, Reach, Report};

/// What to look at.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The machine's `/`.
    pub sys_root: PathBuf,
    /// Where its TPM is.
    pub tpm: TpmPlace,
    /// Root of PCK certificates (DER) in place of Intel's own.
    pub danger_intel_root: Option<Vec<u8>>,
    /// The user that a node is to go on as.
    pub user: Option<String>,
    /// The operator's RPC endpoint.
    pub rpc_url: Option<String>,
    /// The registry on its chain.
    pub registry: Option<Address>,
    /// Base URLs of relayers.
    pub relayers: Vec<String>,
}

/// Looks at everything there is. What fails is a finding, never an error.
pub async fn examine(setup: &Setup) -> Report {
    let mut report = Report::default();
    provider::look(setup, &mut report);
    let quote = match &setup.tpm {
        TpmPlace::Azure(azure) => azure::look(azure, setup, &mut report),
        _ => td::look(setup, &mut report),
    };
    let pcrs = match &setup.tpm {
        TpmPlace::LeftOut => {
            let todo = "leave --no-tpm out to look at it";
            report.missing("tpm.device", Level::VirtualTpm, "left out", todo);
            None
        }
        TpmPlace::Here { tcti, intermediates } => tpm::look(tcti, intermediates, &mut report),
        TpmPlace::Host(agent) => {
            host::look(agent, quote.as_deref(), setup, &mut report);
            None
        }
        // Asked for the TD's quote before.
        TpmPlace::Azure(_) => None,
    };
    logs::look(setup, quote.as_deref(), pcrs.as_deref(), &mut report);
    if !matches!(setup.tpm, TpmPlace::Host(_)) {
        report.missing(
            "host.agent",
            Level::Chassis,
            "this machine's own TPM cannot speak for its host",
            "on bare metal launched by Intel TXT, run `chassis-node host-agent` on the host and name it with --host; a \
             rented VM stays at VirtualTpm",
        );
    }
    user::look(setup.user.as_deref(), &mut report);
    let chain_id = chain::look(setup, &mut report).await;
    relayers::look(setup, chain_id, &mut report).await;
    report
}

impl Setup {
    /// What the TPM that is asked can give.
    fn level(&self) -> Level {
        match self.tpm {
            TpmPlace::Host(_) => Level::Chassis,
            TpmPlace::LeftOut | TpmPlace::Here { .. } | TpmPlace::Azure(_) => Level::VirtualTpm,
        }
    }
}
