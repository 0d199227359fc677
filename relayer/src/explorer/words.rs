//! What numbers and codes mean, in words. Nothing here says "trusted".

use super::standing::Standing;

/// A binding's name, and what it says.
pub(super) fn binding(level: u64) -> (&'static str, &'static str) {
    match level {
        1 => (
            "Quote",
            "A valid TD quote names this operator. There is no sufficient TPM evidence, or the workload is not reviewed.",
        ),
        2 => (
            "VirtualTpm",
            "A TD and its provider's virtual TPM name each other, and both boot records agree event by event.",
        ),
        3 => (
            "Chassis",
            "A TD and a discrete TPM in the host name each other, under a measured launch of the host.",
        ),
        _ => (
            "None",
            "It is not established that the evidence comes from one machine.",
        ),
    }
}

/// A level of custody, and what it says.
pub(super) fn custody(level: u64) -> (&'static str, &'static str) {
    match level {
        1 => (
            "Witnessed",
            "People checked that this CPU stands in a data center.",
        ),
        2 => (
            "Automated",
            "The provider says of this very CPU, in a form that a machine checked, that it stands in its data center.",
        ),
        _ => (
            "None",
            "It is not established that this CPU stands in a data center.",
        ),
    }
}

/// Intel's verdict about a platform's TCB.
pub(super) fn tcb(level: u64) -> (&'static str, &'static str) {
    match level {
        1 => ("UpToDate", "Microcode and firmware are what Intel demands."),
        2 => (
            "SWHardeningNeeded",
            "Up to date; software must defend itself against known attacks.",
        ),
        3 => (
            "ConfigurationNeeded",
            "Up to date; the platform's configuration leaves it open to known attacks.",
        ),
        4 => (
            "ConfigurationAndSWHardeningNeeded",
            "Up to date; configuration and software are needed against known attacks.",
        ),
        5 => ("OutOfDate", "Microcode or firmware are older than Intel demands."),
        6 => (
            "OutOfDateConfigurationNeeded",
            "Microcode or firmware are older than Intel demands, and the configuration is open to known attacks.",
        ),
        _ => ("Unknown", "No TCB level was established."),
    }
}

/// A standing's name, and what it means for who asks the registry.
pub(super) fn standing(standing: Standing) -> (&'static str, &'static str) {
    match standing {
        Standing::Attested => ("Attested", "isAttested(operator) answers true."),
        Standing::Below => (
            "Below default",
            "Live, but isAttested(operator) answers false: a level is lower than the default requirement asks for.",
        ),
        Standing::Expired => (
            "Expired",
            "The attestation has run out. isAttested(operator) answers false.",
        ),
        Standing::Frozen => (
            "Frozen",
            "The operator, its platform or its provider is frozen. isAttested(operator) answers false.",
        ),
        Standing::Revoked => (
            "Revoked",
            "The operator or its platform is revoked. isAttested(operator) answers false.",
        ),
        Standing::Deregistered => (
            "Deregistered",
            "The operator has ended its own attestation. isAttested(operator) answers false.",
        ),
        Standing::Paused => (
            "Paused",
            "The whole registry is paused. isAttested answers false for everybody.",
        ),
        Standing::Unknown => (
            "Not attested",
            "The registry has never granted this operator anything. isAttested(operator) answers false.",
        ),
    }
}

/// Why an item of a report was not applied.
pub(super) fn skip(reason: &str) -> &'static str {
    match reason {
        "InvalidField" => "a field lies outside its range",
        "StatusNonce" => "the status had changed since the report was signed",
        "NotLater" => "a later report had been applied already",
        "Frozen" => "it was frozen less than 72 hours before",
        "PlatformUnknown" => "no such platform",
        "PlatformNotActive" => "the platform is not active",
        "CustodyTooHigh" => "it claims more custody than its platform has",
        "ExpiryTooFar" => "the expiry lies too far ahead",
        "BeyondCustody" => "the expiry lies beyond the platform's custody",
        "EvidenceTooOld" => "the evidence is not newer than what ended the last attestation",
        "InstanceTaken" => "another operator holds the instance",
        "PlatformFull" => "the platform is full",
        "LaneLapsed" => "it had lapsed already: a grant is needed",
        "Generation" => "it was signed before the last grant or cut",
        "NotForward" => "it does not move the expiry forward",
        "Revoked" => "it is revoked",
        "Exhausted" => "no numbers are left",
        _ => "no known reason",
    }
}
