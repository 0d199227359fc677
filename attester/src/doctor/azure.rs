//! An Azure confidential VM, asked as a node asks it.

use chassis_program::unix_now;
use chassis_verifier::{ak::AkCertificate, hcl::HclReport};

use super::{
    Level, Report, Setup,
    td::{REPORT_DATA, look_at_quote},
    tpm::no_custody,
};
use crate::{Azure, Error, TdQuoter, TpmQuoter};

/// The TD's quote, if there is one.
pub(super) fn look(azure: &Azure, setup: &Setup, report: &mut Report) -> Option<Vec<u8>> {
    report.missing(
        "tpm.ak",
        Level::VirtualTpm,
        "a paravisor stands between TDX and this guest: RTMRs are zero, so nothing can be compared",
        "no policy gives a paravisor more than Quote; use another provider for more",
    );
    no_custody(report);
    let evidence = match TdQuoter::quote(azure, *REPORT_DATA) {
        Ok(evidence) => evidence,
        Err(error) => {
            let (id, todo) = whose(&error);
            report.missing(id, Level::Quote, error.to_string(), todo);
            return None;
        }
    };
    let told = evidence.hcl_report.as_deref().map(HclReport::parse);
    if let Some(Ok(hcl)) = &told {
        let found = format!("machine {}", hcl.variable_data().vm_configuration.vm_unique_id);
        report.ok("azure.report", Level::Quote, found);
        look_at_key(azure, hcl, report);
    }
    look_at_quote(evidence.quote, None, setup, report)
}

fn whose(error: &Error) -> (&'static str, &'static str) {
    match error {
        Error::MetadataService { .. } => (
            "td.quote",
            "the host's metadata service answers its own guests only, at a link-local address: let no firewall or proxy \
             stand before it, and run again",
        ),
        Error::TpmOpen { .. } => (
            "tpm.device",
            "create the VM with a vTPM (Azure: --enable-vtpm true), add this user to group tss, or say where it is with --tcti",
        ),
        _ => (
            "azure.report",
            "run on a confidential VM of Azure's with TDX (DCesv5, ECesv5 or later), as a user who may write the vTPM's NV",
        ),
    }
}

/// Nothing rests on it, for the vTPM's quote is left out; it would for a policy that looks at Azure's key.
fn look_at_key(azure: &Azure, hcl: &HclReport<'_>, report: &mut Report) {
    let found = match azure.attestation_key() {
        Err(error) => error.to_string(),
        Ok(key) => match chassis_verifier::tpm::Public::parse(&key.public) {
            Err(error) => error.to_string(),
            Ok(public) => {
                let named = hcl.check_ak(&public).map_err(|fault| fault.to_string());
                let certified = key.certificates.first().map(|der| AkCertificate::parse(der));
                match (named, certified) {
                    (Err(fault), _) => fault,
                    (Ok(()), Some(Ok(certificate))) if certificate.not_after() <= unix_now() => {
                        "its certificate has ended".into()
                    }
                    (Ok(()), Some(Ok(certificate))) => certificate.check_azure_confidential().map_or_else(
                        |error| error.to_string(),
                        |()| "the report names it, and Azure certifies it as a confidential machine's".into(),
                    ),
                    (Ok(()), _) => "the report names it; its certificate cannot be read".into(),
                }
            }
        },
    };
    report.note("azure.ak", Level::VirtualTpm, found);
}
