//! Reviewed host stacks: what a bare-metal machine launches by Intel TXT before it runs anybody's TD.

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};

use crate::{Error, canonical::canonical_json, digest::sha256, tpm::HashAlg};

/// One host stack that somebody read and found worth its name.
///
/// The stack answers for a TD that it cannot look into: it says by its TPM that this TD runs on *this* host. So it matters
/// what it does, and who else can make it do so.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostStack {
    /// For people.
    pub name: String,
    /// The bank whose PCR 17 and 18 are quoted: `sha256` or `sha384`.
    pub bank: HashAlg,
    /// Accepted values of PCR 17 in that bank, in hex: the ACM and the launch policy.
    pub pcr17: Vec<String>,
    /// Accepted values of PCR 18 in that bank, in hex: the measured launch environment.
    pub pcr18: Vec<String>,
    /// It verifies the TD's report on this very CPU, and quotes only for a TD quote with that report in it.
    #[serde(default)]
    pub checks_td_report: bool,
    /// It computes the qualifying data itself and takes none from its callers.
    #[serde(default)]
    pub chooses_qualifying_data: bool,
    /// `kexec`, login and raw access to the TPM are off.
    #[serde(default)]
    pub locked: bool,
}

impl HostStack {
    /// Whether it launches with these values.
    pub(crate) fn launches(&self, pcr17: &[u8], pcr18: &[u8]) -> bool {
        let lists = |accepted: &[String], value: &[u8]| {
            let value = hex::encode(value);
            accepted
                .iter()
                .any(|accepted| accepted.eq_ignore_ascii_case(&value))
        };
        lists(&self.pcr17, pcr17) && lists(&self.pcr18, pcr18)
    }

    /// Whether both launch with some values.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        let share = |one: &[String], another: &[String]| {
            one.iter()
                .any(|value| another.iter().any(|other| value.eq_ignore_ascii_case(other)))
        };
        share(&self.pcr17, &other.pcr17) && share(&self.pcr18, &other.pcr18)
    }

    /// What of it an attacker could use; empty for a stack that may answer for a TD.
    pub(crate) fn gaps(&self) -> Vec<&'static str> {
        [
            (self.checks_td_report, "does not check the TD's report"),
            (
                self.chooses_qualifying_data,
                "takes qualifying data from its callers",
            ),
            (self.locked, "lets somebody log in, kexec or reach the TPM"),
        ]
        .into_iter()
        .filter_map(|(good, gap)| (!good).then_some(gap))
        .collect()
    }

    /// SHA-256 of the entry's canonical JSON.
    ///
    /// # Errors
    /// If it cannot be serialised.
    pub fn id(&self) -> Result<B256, Error> {
        Ok(sha256(&canonical_json(self)?))
    }

    pub(super) fn mistakes(&self) -> Vec<(&'static str, String)> {
        let mut mistakes = Vec::new();
        if !matches!(self.bank, HashAlg::Sha256 | HashAlg::Sha384) {
            mistakes.push(("bank", format!("{} is neither sha256 nor sha384", self.bank)));
        }
        for (key, values) in [("pcr17", &self.pcr17), ("pcr18", &self.pcr18)] {
            if values.is_empty() {
                mistakes.push((key, "lists no value".into()));
            }
            for value in values {
                if let Some(problem) = self.problem_of(value) {
                    mistakes.push((key, problem));
                }
            }
        }
        mistakes
    }

    fn problem_of(&self, value: &str) -> Option<String> {
        let wrong = || format!("`{value}` is not {} bytes in hex", self.bank.digest_len());
        let Ok(bytes) = hex::decode(value) else {
            return Some(wrong());
        };
        if bytes.len() != self.bank.digest_len() {
            return Some(wrong());
        }
        let trivial = [0x00, 0xff]
            .iter()
            .any(|fill| bytes.iter().all(|byte| byte == fill));
        trivial.then(|| "all zero or all ones is a TPM without a launch".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_launches_with_both_of_its_values_and_with_no_other() {
        let stack = HostStack {
            name: "reviewed".into(),
            bank: HashAlg::Sha256,
            pcr17: vec!["aa".repeat(32), "AB".repeat(32)],
            pcr18: vec!["bb".repeat(32)],
            checks_td_report: true,
            chooses_qualifying_data: true,
            locked: true,
        };
        let launches = |pcr17, pcr18| stack.launches(&[pcr17; 32], &[pcr18; 32]);
        assert!(launches(0xaa, 0xbb) && launches(0xab, 0xbb));
        assert!(!launches(0xac, 0xbb), "another PCR 17");
        assert!(!launches(0xaa, 0xbc), "another PCR 18");
        assert!(!launches(0xbb, 0xaa), "one in the other's place");
        assert!(!stack.launches(&[0xaa; 32], &[]) && !stack.launches(&[], &[0xbb; 32]));
    }
}
