//! TD evidence by way of the paravisor.

use std::{
    thread,
    time::{Duration, Instant},
};

use chassis_verifier::{hcl::HclReport, td::TdQuote};

use super::Azure;
use crate::{Error, TdEvidence, TdQuoter, Tpm};

/// NV index of the HCL report.
const REPORT: u32 = 0x0140_0001;
/// NV index of what the guest has reported.
const USER_DATA: u32 = 0x0140_0002;

/// For the report to tell of new user data: until then the index shows an older one.
const PATIENCE: Duration = Duration::from_secs(15);
const STEP: Duration = Duration::from_millis(200);

impl TdQuoter for Azure {
    fn quote(&self, report_data: [u8; 64]) -> Result<TdEvidence, Error> {
        let bytes = self.report(&report_data)?;
        let report = HclReport::parse(&bytes)?;
        let quote = self.ask_for_quote(report.td_report())?;
        // Neither is authenticated here. That they belong together spares a relayer's refusal.
        let quoted = TdQuote::parse(&quote)?;
        report
            .check_binding(quoted.report_data())
            .and_then(|()| report.check_td_report(&quoted))
            .map_err(|fault| Error::unusable("what the metadata service quoted", fault))?;
        Ok(TdEvidence {
            quote,
            hcl_report: Some(bytes),
        })
    }
}

impl Azure {
    /// A report that tells of `user_data`. The TPM is opened for each look: others may use it meanwhile.
    fn report(&self, user_data: &[u8; 64]) -> Result<Vec<u8>, Error> {
        Tpm::open(&self.tcti)?.write_nv(USER_DATA, user_data)?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let bytes = Tpm::open(&self.tcti)?.read_nv(REPORT)?.ok_or_else(|| {
                let what = format!("NV index 0x{REPORT:08x}");
                Error::unusable(
                    what,
                    "it is not defined, so no paravisor keeps this TPM: is this an Azure confidential VM?",
                )
            })?;
            match unlike(&bytes, user_data) {
                None => return Ok(bytes),
                Some(_) if Instant::now() < deadline => thread::sleep(STEP),
                Some(problem) => {
                    let problem = format!(
                        "{problem}; after {} s the paravisor still tells of other data: find what else writes NV index \
                         0x{USER_DATA:08x}",
                        PATIENCE.as_secs()
                    );
                    return Err(Error::unusable("the HCL report", problem));
                }
            }
        }
    }
}

/// What keeps a report from being of one piece and of `user_data`: it is read in parts, and may change in between.
fn unlike(bytes: &[u8], user_data: &[u8; 64]) -> Option<String> {
    let report = match HclReport::parse(bytes) {
        Ok(report) => report,
        Err(error) => return Some(error.to_string()),
    };
    report
        .check_user_data(user_data)
        .and_then(|()| report.check_binding(report.td_report().report_data()))
        .err()
        .map(|fault| fault.to_string())
}
