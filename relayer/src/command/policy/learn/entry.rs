//! A workload entry as commented TOML.

use std::fmt::Write as _;

use alloy::primitives::B256;
use chassis_verifier::{
    cross_check::{Learned, Measured},
    td::Measurements,
};

use crate::render::printable;

/// What an entry is made of.
pub(super) struct Entry<'m> {
    pub(super) evidence: B256,
    pub(super) measurements: Measurements,
    /// PCR 0 in the SHA-384 bank.
    pub(super) pcr0: Option<[u8; 48]>,
    pub(super) learned: Learned<'m>,
}

impl Entry<'_> {
    /// The `[[workload]]` section. Evidence reaches it only as hex, and as comments that end with their line.
    pub(super) fn to_toml(&self) -> String {
        let mut toml = Toml(HEAD.to_owned());
        let [rtmr0, rtmr1, rtmr2, rtmr3] = self.measurements.rtmrs.map(|register| register.0);
        toml.line(format_args!("# Learned from evidence {}.", self.evidence));
        toml.line("[[workload]]");
        toml.line(format_args!("name = \"unreviewed {}\"", self.evidence));
        toml.register("mrtd", &self.measurements.mrtd.0, "the TD's virtual firmware");
        toml.register(
            "rtmr0",
            &rtmr0,
            "firmware configuration: add the values of other machine sizes",
        );
        toml.register("rtmr1", &rtmr1, "boot loader");
        toml.register("rtmr2", &rtmr2, "kernel, command line, initrd");
        toml.register(
            "rtmr3",
            &rtmr3,
            "what the running system extends; zero where it does not",
        );
        toml.register("mrseam", &self.measurements.mrseam.0, "the TDX module");
        toml.register("xfam", &self.measurements.xfam.0, "extended features");
        toml.register(
            "td_attributes",
            &self.measurements.td_attributes.0,
            "TD attributes",
        );
        if let Some(pcr0) = &self.pcr0 {
            toml.register(
                "pcr0",
                pcr0,
                "the firmware's version, and that the machine is a TDX one",
            );
        }
        let slots = [("td_hob", self.learned.td_hob), ("cfv", self.learned.cfv)];
        for (key, event) in slots {
            if let Some(event) = event {
                toml.register(key, &event.digest, event.what);
            }
        }
        toml.list("tpm_only", &self.learned.tpm_only, "in the TPM's log alone");
        toml.list("td_only", &self.learned.td_only, "in the CCEL alone");
        toml.0.push_str(TAIL);
        toml.0
    }
}

struct Toml(String);

impl Toml {
    fn line(&mut self, text: impl std::fmt::Display) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "{text}");
    }

    fn comment(&mut self, indent: &str, text: impl std::fmt::Display) {
        let text = text.to_string();
        let text = printable(&text);
        self.line(format_args!("{indent}# {text}"));
    }

    fn register(&mut self, key: &str, value: &[u8], comment: impl std::fmt::Display) {
        self.comment("", comment);
        self.line(format_args!("{key} = [\"{}\"]", hex::encode(value)));
    }

    fn list(&mut self, key: &str, events: &[&Measured<'_>], comment: &str) {
        if events.is_empty() {
            return;
        }
        self.comment("", comment);
        self.line(format_args!("{key} = ["));
        for event in events {
            self.comment("    ", event.what);
            self.line(format_args!("    \"{}\",", hex::encode(event.digest)));
        }
        self.line("]");
    }
}

const HEAD: &str = "\
# FOR REVIEW. What one machine measured, not what anybody found good. The words beside the digests are the machine's own and
# not authenticated: find each value again by building the image yourself.
#
";

const TAIL: &str = "\
# Only a reviewer may change the next two, after reading the image: `true`, if nobody outside can choose what its TPM quotes
# or reach its vTPM; `in_td`, if it makes the operator's key in the TD and never lets it out.
vtpm_sealed = false
operator_key = \"external\"
";

#[cfg(test)]
mod tests {
    use chassis_verifier::{
        HexBytes, KeyHome, Policy, Workload,
        cross_check::{Class, What},
    };

    use super::*;

    fn event(digest: u8, what: &str) -> Measured<'_> {
        Measured {
            class: Class::Rtmr2,
            digest: [digest; 48],
            index: 0,
            what: What::Words(what),
        }
    }

    fn toml(what: &str) -> String {
        let event = event(9, what);
        Entry {
            evidence: B256::repeat_byte(0xee),
            measurements: Measurements {
                mrtd: HexBytes([1; 48]),
                rtmrs: [2, 3, 4, 0].map(|byte| HexBytes([byte; 48])),
                mrseam: HexBytes([5; 48]),
                xfam: HexBytes([6; 8]),
                td_attributes: HexBytes([7; 8]),
            },
            pcr0: Some([8; 48]),
            learned: Learned {
                tpm_only: vec![&event],
                td_only: vec![&event],
                td_hob: Some(&event),
                cfv: Some(&event),
            },
        }
        .to_toml()
    }

    fn workload(toml: &str) -> Workload {
        let policy = Policy::read(&format!("version = 1\nname = \"n\"\n{toml}")).unwrap();
        policy.workloads.into_iter().next().unwrap()
    }

    #[test]
    fn an_entry_is_read_as_what_was_measured_and_trusts_nothing() {
        let toml = toml("PCR 9: initrd (EFI stub)");
        let workload = workload(&toml);
        assert!(workload.rtmr2.accepts(&[4; 48]) && !workload.rtmr2.accepts(&[3; 48]));
        assert!(workload.cfv.unwrap().accepts(&[9; 48]));
        assert_eq!(workload.pcr0, [HexBytes([8; 48])]);
        assert_eq!(
            [workload.tpm_only, workload.td_only],
            [[HexBytes([9; 48])], [HexBytes([9; 48])]]
        );
        assert!(!workload.vtpm_sealed);
        assert_eq!(workload.operator_key, KeyHome::External);
        assert!(
            toml.contains("    # PCR 9: initrd (EFI stub)\n    \"0909"),
            "{toml}"
        );
    }

    #[test]
    fn no_text_out_of_evidence_leaves_its_comment() {
        let good = workload(&toml("x"));
        for evil in [
            "x\nvtpm_sealed = true",
            "x\r\nvtpm_sealed = true",
            "x\rvtpm_sealed = true",
            "x\u{85}y\u{2028}vtpm_sealed = true",
            "\u{1b}[2J\u{202e}",
            "\"]\"\"\"''' # ]",
        ] {
            let toml = toml(evil);
            assert_eq!(workload(&toml).id(), good.id(), "{evil:?}");
            assert!(
                toml.chars()
                    .all(|character| character == '\n' || !character.is_control()),
                "{evil:?}"
            );
            assert!(!toml.contains(['\u{2028}', '\u{202e}']), "{evil:?}");
            assert_eq!(toml.lines().count(), self::toml("x").lines().count(), "{evil:?}");
        }
    }
}
