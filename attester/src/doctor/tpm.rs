//! The TPM: does it open, has it the bank, and who vouches for its key?

use chassis_program::unix_now;
use chassis_verifier::{
    ak::{AkCertificate, verify_chain},
    bundle::PcrValue,
    tpm::{Public, PublicKey},
};
use tss_esapi::interface_types::algorithm::HashingAlgorithm;

use super::{Level, Report};
use crate::{AttestationKey, CertificatePool, Error, GoogleAk, QUOTED_PCRS, Tpm, TpmQuoter};

/// PCRs 0–15 of the SHA-384 bank, if they can be read.
pub(super) fn look(
    tcti: &str,
    intermediates: &CertificatePool,
    report: &mut Report,
) -> Option<Vec<PcrValue>> {
    // One client at a time: it is closed before the key is looked for.
    let opened = Tpm::open(tcti).map(|mut tpm| tpm.read_pcrs(HashingAlgorithm::Sha384, &QUOTED_PCRS));
    let pcrs = match opened {
        Ok(pcrs) => pcrs,
        Err(error) => {
            report.missing(
                "tpm.device",
                Level::VirtualTpm,
                error.to_string(),
                "create the VM with a vTPM (Google: --shielded-vtpm), add this user to group tss, or say where it is with --tcti",
            );
            return None;
        }
    };
    report.ok("tpm.device", Level::VirtualTpm, tcti);
    look_at_key(tcti, intermediates, report);
    match pcrs {
        Ok(pcrs) => {
            report.ok("tpm.bank", Level::VirtualTpm, "SHA-384, PCRs 0 to 15");
            Some(pcrs)
        }
        Err(error) => {
            report.missing(
                "tpm.bank",
                Level::VirtualTpm,
                error.to_string(),
                "RTMRs are SHA-384, so this bank is needed; a virtual TPM without it cannot be compared: ask the provider",
            );
            None
        }
    }
}

fn look_at_key(tcti: &str, intermediates: &CertificatePool, report: &mut Report) {
    let source = GoogleAk {
        tcti: tcti.to_owned(),
        intermediates: intermediates.clone(),
    };
    let key = match source.attestation_key() {
        Ok(key) => key,
        Err(error) => {
            let todo = match error {
                Error::NoAttestationKey { .. } => {
                    "use a provider that certifies its vTPMs' keys; a host's TPM needs a registrar (`chassis-node registrar`)"
                }
                Error::AttestationKeyDisagrees { .. } | Error::Unusable { .. } => {
                    "recreate the VM, or ask the provider: nobody else can repair what it wrote"
                }
                _ => "end what else uses the TPM and run again; if it stays, reboot",
            };
            report.missing("tpm.ak", Level::VirtualTpm, error.to_string(), todo);
            return no_custody(report);
        }
    };
    match Public::parse(&key.public).map(|public| public.key) {
        Ok(PublicKey::EcP256 { .. }) => report.ok(
            "tpm.ak",
            Level::VirtualTpm,
            format!("P-256, name {}", alloy_primitives::hex::encode(key.name().0)),
        ),
        Ok(PublicKey::Rsa { .. }) => report.missing(
            "tpm.ak",
            Level::VirtualTpm,
            "an RSA key; relayers take the P-256 one only, or an instance would have two names",
            "recreate the VM: newer ones have a P-256 attestation key too",
        ),
        Err(error) => report.missing(
            "tpm.ak",
            Level::VirtualTpm,
            error.to_string(),
            "recreate the VM, or ask the provider",
        ),
    }
    look_at_certificates(&key, report);
}

fn look_at_certificates(key: &AttestationKey, report: &mut Report) {
    let leaf = key.certificates.first().map(|der| AkCertificate::parse(der));
    let leaf = match leaf {
        Some(Ok(leaf)) => leaf,
        Some(Err(error)) => {
            let todo = "recreate the VM, or ask the provider";
            report.missing("tpm.certificate", Level::VirtualTpm, error.to_string(), todo);
            return no_custody(report);
        }
        None => return no_custody(report),
    };
    let view = leaf.view();
    let problem = if let Err(error) = leaf.check_key_usage() {
        Some(error.to_string())
    } else if unix_now() < view.not_before || unix_now() > view.not_after {
        Some("it does not hold now by this machine's clock".to_owned())
    } else {
        None
    };
    match problem {
        None => report.ok(
            "tpm.certificate",
            Level::VirtualTpm,
            format!("issued by {}", view.issuer),
        ),
        Some(problem) => report.missing(
            "tpm.certificate",
            Level::VirtualTpm,
            problem,
            "check the clock; if it is right, recreate the VM, or ask the provider",
        ),
    }
    look_at_chain(key, &view.issuer, report);
    match view.instance {
        Some(instance) if instance.is_production() => report.ok(
            "custody",
            Level::Custody,
            format!(
                "the provider certifies an instance in {}; relayers look its CPU up in the provider's host registry",
                instance.zone
            ),
        ),
        Some(_) => report.missing(
            "custody",
            Level::Custody,
            "the provider says that this is no production machine",
            "use a production machine",
        ),
        None => no_custody(report),
    }
}

/// Verified from the last certificate that is known on down: which root is above it, the policy says.
fn look_at_chain(key: &AttestationKey, issuer: &str, report: &mut Report) {
    let [leaf, between @ .., last] = &key.certificates[..] else {
        return report.missing(
            "tpm.chain",
            Level::VirtualTpm,
            format!("nothing between the AK's certificate and its root: `{issuer}` is not known"),
            "give the provider's intermediate certificates with --ak-intermediates; `chassis-node fetch-issuers` fetches them",
        );
    };
    let between: Vec<_> = between.iter().map(Vec::as_slice).collect();
    if let Err(error) = verify_chain(leaf, &between, &[last], &[], unix_now()) {
        let todo =
            "give the provider's present intermediate certificates with --ak-intermediates, and no others";
        return report.missing("tpm.chain", Level::VirtualTpm, error.to_string(), todo);
    }
    let root = AkCertificate::parse(last).map_or_else(|_| "?".to_owned(), |last| last.view().issuer);
    report.ok(
        "tpm.chain",
        Level::VirtualTpm,
        format!(
            "{} certificates hold, up to one by `{root}`, which must be a root that the policy pins",
            key.certificates.len()
        ),
    );
}

pub(super) fn no_custody(report: &mut Report) {
    report.missing(
        "custody",
        Level::Custody,
        "nothing here says in whose data center this CPU is",
        "use a provider whose certificates or host registry say so, or a registrar's statement on bare metal; the registry \
         takes no CPU of which no claim names a provider",
    );
}
