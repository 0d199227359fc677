//! What is accepted of a platform's trusted computing base.

use dcap_qvl::tcb_info::TcbStatus;
use serde::{Deserialize, Serialize};

/// A TCB status as the registry numbers it. `Revoked` has no number: it is never granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub enum Tcb {
    /// Nothing to do.
    UpToDate = 1,
    /// Software should mitigate.
    SWHardeningNeeded = 2,
    /// The platform should be configured otherwise.
    ConfigurationNeeded = 3,
    /// Both.
    ConfigurationAndSWHardeningNeeded = 4,
    /// Known holes are open.
    OutOfDate = 5,
    /// Known holes are open, and the configuration is wrong.
    OutOfDateConfigurationNeeded = 6,
}

impl Tcb {
    /// Intel's status in the registry's terms. A TD that must relaunch runs under an out-of-date TCB until it does.
    pub fn from_intel(status: TcbStatus) -> Option<Self> {
        Some(match status {
            TcbStatus::UpToDate => Self::UpToDate,
            TcbStatus::SWHardeningNeeded => Self::SWHardeningNeeded,
            TcbStatus::ConfigurationNeeded => Self::ConfigurationNeeded,
            TcbStatus::ConfigurationAndSWHardeningNeeded => Self::ConfigurationAndSWHardeningNeeded,
            TcbStatus::OutOfDate | TcbStatus::TDRelaunchAdvised => Self::OutOfDate,
            TcbStatus::OutOfDateConfigurationNeeded | TcbStatus::TDRelaunchAdvisedConfigurationNeeded => {
                Self::OutOfDateConfigurationNeeded
            }
            TcbStatus::Revoked => return None,
        })
    }
}

/// What is accepted of a platform's TCB.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TcbPolicy {
    /// Accepted statuses.
    pub accepted: Vec<Tcb>,
    /// Advisories that refuse a platform whatever its status, as `INTEL-SA-00960`, in upper case or lower.
    pub rejected_advisories: Vec<String>,
    /// Least `tcbEvaluationDataNumber` of the collateral.
    pub min_evaluation_data_number: u32,
}

impl TcbPolicy {
    /// Whether it rejects this advisory. Intel's spelling is upper case; people's need not be.
    pub(crate) fn rejects(&self, advisory: &str) -> bool {
        self.rejected_advisories
            .iter()
            .any(|rejected| rejected.eq_ignore_ascii_case(advisory))
    }
}

/// `INTEL-SA-` and five digits, in upper case or lower. Spelled otherwise, it would reject nothing.
pub(super) fn is_advisory(name: &str) -> bool {
    name.split_at_checked(9).is_some_and(|(prefix, number)| {
        prefix.eq_ignore_ascii_case("INTEL-SA-")
            && number.len() == 5
            && number.bytes().all(|digit| digit.is_ascii_digit())
    })
}

impl Default for TcbPolicy {
    fn default() -> Self {
        Self {
            accepted: vec![Tcb::UpToDate],
            rejected_advisories: Vec::new(),
            min_evaluation_data_number: 0,
        }
    }
}
