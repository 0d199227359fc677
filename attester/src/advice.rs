//! What a node's operator can do about a check that failed.

use chassis_verifier::CheckId;

/// What to do about the check with this id; `None` for one that this version does not know.
pub fn advice(id: u16) -> Option<&'static str> {
    let check = CheckId::ALL.iter().find(|check| **check as u16 == id)?;
    Some(about(*check))
}

/// No check is left out: the compiler sees to it.
#[expect(clippy::too_many_lines, reason = "a table")]
fn about(check: CheckId) -> &'static str {
    match check {
        CheckId::TdQuote => {
            "run again; if it stays, the host's quoting service or its platform registration with Intel is broken: ask the provider, or move to another host"
        }
        CheckId::TdTcb => {
            "the host's firmware is older than the policy accepts: on a cloud stop and start the VM, which may land on an updated host; on your own host update BIOS, microcode and TDX module, then relaunch the TD"
        }
        CheckId::TdDebug => "launch the TD without debug and profiling attributes",
        CheckId::TdPceId | CheckId::TdEvaluation => {
            "Intel's collateral as the relayer has it does not fit this platform yet: wait an hour, then ask the relayer's operator"
        }
        CheckId::TdPlatform => {
            "the policy does not accept this kind of CPU, or not this one: use a machine type that it lists"
        }
        CheckId::Anchor => {
            "--rpc-url and --registry must be of the chain and registry that the relayer works for, and the endpoint must not follow a fork"
        }
        CheckId::Age => {
            "the evidence was too old when it was appraised: send it at once, and check that --rpc-url is in step with the chain"
        }
        CheckId::ReportData => {
            "the TD quote was not made for this bundle: run again; if it stays, something else writes to configfs-tsm"
        }
        CheckId::QualifyingData => {
            "the TPM quote was not made for this bundle: run again, and do not edit bundles"
        }
        CheckId::Consent => "sign with the key of the operator that the evidence names",
        CheckId::TpmQuoteForm | CheckId::TpmSignature => {
            "the TPM's answer is not its key's quote: run again; if it stays, recreate the VM"
        }
        CheckId::TpmSelection => {
            "the TPM must have a SHA-384 bank (a host's: the policy's): allocate it in the firmware and reboot"
        }
        CheckId::TpmPcrDigest => "PCRs changed while they were quoted: run again when the machine is idle",
        CheckId::AkAttributes => {
            "the attestation key is no restricted signing key of this TPM: use the provider's own, or, on bare metal, enrol the host anew"
        }
        CheckId::HclReport | CheckId::HclAk => {
            "the paravisor's report is not of this boot: run again, and after that recreate the VM"
        }
        CheckId::AkChain => {
            "give the provider's intermediate certificates with --ak-intermediates; if they are complete, the policy does not pin this provider's root, or the certificate has ended or was revoked: recreate the VM"
        }
        CheckId::AkKeyUsage => {
            "this is not an attestation key's certificate: quote with the attestation key; a host's IAK must be certified with tcg-kp-AIKCertificate"
        }
        CheckId::AkKey => {
            "the certificate is another key's: the TPM was cleared or replaced since; recreate the VM"
        }
        CheckId::AkInstance => "the provider does not call this a production instance: use one that is",
        CheckId::PcrReplay => {
            "the TPM's event log does not explain its PCRs: reboot; if it stays, find what extends PCRs without a log, such as IMA"
        }
        CheckId::RtmrReplay => {
            "the CCEL does not explain the RTMRs: reboot; if it stays, find what extends RTMRs at run time"
        }
        CheckId::CrossConfiguration | CheckId::CrossLoader | CheckId::CrossSystem => {
            "TD and TPM did not measure the same boot: boot the reviewed image unchanged. After a kernel update, the policy must list the new image's events first (chassis policy explain shows them)"
        }
        CheckId::Pcr0 => {
            "the policy does not know this virtual firmware: ask its maintainers to list it, or stop and start the VM after the provider's rollout"
        }
        CheckId::HostPcrs | CheckId::HostLog => {
            "the host did not launch the reviewed stack with TXT: enable TXT, boot that stack, and check with `chassis-node host-doctor` there"
        }
        CheckId::HostAkPolicy => {
            "the host's key is not bound to its launch: make it anew with the host agent, under the reviewed stack"
        }
        CheckId::HostAk => "have the registrar certify the host's key, and give its statement",
        CheckId::HostPlatform => {
            "the registrar's statement is about another CPU: have it issued anew for this one"
        }
        CheckId::HostStack => "the policy does not call this host stack locked: boot the reviewed one",
        CheckId::HostRegistry => {
            "the provider's registry does not list this CPU: ask the provider, or move to another host or zone"
        }
        CheckId::CustodyAk => {
            "for this provider the policy wants a claim about the CPU itself: use a provider or machine that has one"
        }
        CheckId::Zones => "sources name different zones: recreate the VM; if it stays, ask the provider",
        CheckId::Pzid => "the host says that this TD is another instance: recreate the VM",
        CheckId::Poe => {
            "the ownership endorsement is not for this CPU, has ended, or its issuer or its owner is not in the policy"
        }
        CheckId::Alliance => {
            "the alliance's token is not for this quote or this machine, or was taken back: ask the alliance for a new one"
        }
        CheckId::Registrar => "the registrar's statement has ended or was taken back: have it issued anew",
        CheckId::Conflict => {
            "parts of the evidence name different providers: collect all of it on one machine"
        }
        CheckId::Parts => {
            "the bundle carries a part that its kind of machine is not appraised by: leave it out (for `Quote` only: --no-tpm; on Azure: --azure without --azure-tpm-quote)"
        }
        CheckId::Workload => {
            "the policy does not list what runs here: boot a reviewed image, or ask its maintainers to review this one (chassis policy learn)"
        }
        CheckId::Sealed => {
            "the policy does not say that this image keeps its vTPM to itself: for binding VirtualTpm run an image that does; for Quote use --no-tpm"
        }
        CheckId::Paravisor => {
            "the policy does not accept a paravisor: ask its maintainers, or use another provider"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_has_advice_and_no_other_id_has() {
        for check in CheckId::ALL {
            let text = advice(*check as u16).unwrap();
            assert!(
                text.len() > 20 && !text.ends_with('.'),
                "{}: {text}",
                check.name()
            );
        }
        assert_eq!(advice(0), None);
        assert_eq!(advice(999), None);
    }
}
