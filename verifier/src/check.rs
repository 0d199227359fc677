//! Every check there is. Ids are hashed and posted: one is never reused or renumbered.

use serde::{Serialize, Serializer, ser::SerializeStruct};

macro_rules! checks {
    ($($id:literal $variant:ident $name:literal $question:ident $asks:literal;)*) => {
        /// A check, by what it asks.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum CheckId {
            $(#[doc = $asks] $variant = $id,)*
        }

        impl CheckId {
            /// All checks, ascending by id.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its stable name, as `td.quote`.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// The question it belongs to.
            pub fn question(self) -> Question {
                match self { $(Self::$variant => Question::$question),* }
            }

            /// What it asks, in words.
            pub fn asks(self) -> &'static str {
                match self { $(Self::$variant => $asks),* }
            }
        }
    };
}

checks! {
    101 TdQuote "td.quote" Td "The TD quote verifies up to the pinned Intel root, with collateral in date.";
    102 TdTcb "td.tcb" Td "The platform's TCB status and advisories are accepted by the policy.";
    103 TdDebug "td.debug" Td "The TD is not in debug mode.";
    104 TdPceId "td.pce_id" Td "The collateral is for this PCE and FMSPC.";
    105 TdEvaluation "td.evaluation" Td "The collateral's TCB evaluation data number is recent enough.";
    106 TdPlatform "td.platform" Td "The policy accepts this kind of platform, and this one.";

    201 Anchor "fresh.anchor" Fresh "The evidence names a finalized block of this chain and this registry.";
    202 Age "fresh.age" Fresh "That block is recent enough.";
    203 ReportData "fresh.report_data" Machine "The TD quote names the challenge and the TPM's key.";
    204 QualifyingData "fresh.qualifying_data" Machine "The TPM quote names the challenge and the TD quote.";
    205 Consent "fresh.consent" Fresh "The operator's own key signed this evidence.";

    301 TpmQuoteForm "tpm.form" Machine "A TPM made the attest: TPM magic, and of type quote.";
    302 TpmSignature "tpm.signature" Machine "The attestation key signed the attest.";
    303 TpmSelection "tpm.selection" Machine "It covers exactly the demanded PCRs in the demanded bank.";
    304 TpmPcrDigest "tpm.pcr_digest" Machine "The PCR values in the bundle are the quoted ones.";
    305 AkAttributes "tpm.ak_attributes" Machine "The key is a restricted signing key that never left its TPM.";
    306 HclReport "tpm.hcl_report" Machine "The TD quote names the paravisor's variable data.";
    307 HclAk "tpm.hcl_ak" Machine "The paravisor's variable data name the TPM's key.";

    401 AkChain "ak.chain" Machine "The key's certificate chains to a provider root the policy pins.";
    402 AkKeyUsage "ak.key_usage" Machine "It is an attestation key's certificate, not an endorsement key's.";
    403 AkKey "ak.key" Machine "It certifies this very key.";
    404 AkInstance "ak.instance" Machine "It names a production instance.";

    501 PcrReplay "log.pcrs" Machine "Logs explain every quoted PCR wholly.";
    502 RtmrReplay "log.rtmrs" Machine "The CCEL explains RTMR0 to RTMR3 wholly.";

    601 CrossConfiguration "cross.rtmr0" Machine "PCR 1 and 7 measured what RTMR0 measured.";
    602 CrossLoader "cross.rtmr1" Machine "PCR 2 to 6 measured what RTMR1 measured.";
    603 CrossSystem "cross.rtmr2" Machine "PCR 8 to 15 measured what RTMR2 measured.";
    604 Pcr0 "cross.pcr0" Machine "PCR 0 is a firmware the policy knows to be a TDX virtual machine's.";

    701 HostPcrs "host.pcrs" Machine "PCR 17 and 18 hold a launch of a host stack that the policy knows.";
    702 HostLog "host.drtm_log" Machine "The DRTM log explains PCR 17 and 18 wholly.";
    703 HostAkPolicy "host.ak_policy" Machine "The TPM uses the key under that launch only.";
    704 HostAk "host.ak" Machine "A registrar's statement, or a certified IAK, says that this key is in that TPM.";
    705 HostPlatform "host.platform" Machine "The registrar's statement is about this CPU.";
    706 HostStack "host.stack" Code "That stack checks the TD itself, takes no qualifying data from others, and is locked.";

    801 HostRegistry "custody.host_registry" DataCenter "The provider's registry lists this CPU.";
    802 CustodyAk "custody.ak" DataCenter "The policy lets this provider's AK certificates speak for the CPU.";
    803 Zones "custody.zones" DataCenter "All sources agree on the zone.";
    804 Pzid "custody.pzid" DataCenter "The host says that this TD is the instance the AK's certificate names.";
    805 Poe "custody.poe" DataCenter "A platform ownership endorsement names this CPU's owner.";
    806 Alliance "custody.alliance" DataCenter "The Proof of Cloud alliance witnessed this CPU.";
    807 Registrar "custody.registrar" DataCenter "The provider's registrar has this CPU in its data center.";

    901 Conflict "evidence.conflict" DataCenter "All sources name one provider.";
    902 Parts "evidence.parts" Machine "The bundle carries nothing that is not appraised.";

    1001 Workload "workload.entry" Code "The measurements are a reviewed workload's.";
    1002 Sealed "workload.sealed" Code "That workload keeps its vTPM to itself.";
    1003 Paravisor "workload.paravisor" Code "The policy lets a paravisor stand between hardware and workload.";
}

/// What a group of checks answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Question {
    /// Is it a TD?
    Td,
    /// Is it this machine?
    Machine,
    /// Is it in a data center?
    DataCenter,
    /// Is it fresh?
    Fresh,
    /// Which code?
    Code,
}

impl Question {
    /// All questions, in the order a person asks them.
    pub const ALL: [Self; 5] = [Self::Td, Self::Machine, Self::DataCenter, Self::Fresh, Self::Code];

    /// The question in words.
    pub fn text(self) -> &'static str {
        match self {
            Self::Td => "Is it a TD?",
            Self::Machine => "Is it this machine?",
            Self::DataCenter => "Is it in a data center?",
            Self::Fresh => "Is it fresh?",
            Self::Code => "Which code?",
        }
    }
}

impl Serialize for CheckId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut check = serializer.serialize_struct("CheckId", 2)?;
        check.serialize_field("id", &(*self as u16))?;
        check.serialize_field("name", self.name())?;
        check.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_ascend_and_names_are_unique() {
        assert!(CheckId::ALL.is_sorted_by(|a, b| (*a as u16) < (*b as u16)));
        let names: std::collections::BTreeSet<_> = CheckId::ALL.iter().map(|id| id.name()).collect();
        assert_eq!(names.len(), CheckId::ALL.len());
    }
}
