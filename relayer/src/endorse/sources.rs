//! `[endorsements]`: where endorsements come from, and how patiently they are asked for.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Longest that an unsigned answer may be used, seconds: a signature must rest on one this recent.
const MOST_UNSIGNED: u64 = 86_400;

/// Where endorsements come from. URLs come from here only, never out of evidence.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sources {
    /// Intel's Provisioning Certification Service or a PCCS, without the path: `https://api.trustedservices.intel.com`.
    pub pcs: Option<String>,
    /// Intel's root CRL, DER or hex. By default Intel's own for Intel's service, else the PCCS's `rootcacrl`.
    pub root_ca_crl: Option<String>,
    /// Which TCB evaluation data set is asked for.
    pub tcb_update: TcbUpdate,
    /// Instead of `pcs`: `QuoteCollateralV3` as JSON; `{fmspc}` is replaced by 12 hex digits.
    pub collateral: Option<String>,
    /// The provider's host registry; `{ppid}` is replaced by 32 hex digits. 404 means: not listed.
    pub host_registry: Option<String>,
    /// Certificate revocation lists of providers' authorities, DER.
    pub provider_crls: Vec<String>,
    /// Seconds until an answer must be there, whole.
    pub timeout_s: u64,
    /// Largest answer, bytes.
    pub max_bytes: usize,
    /// Most requests at once.
    pub max_concurrent: usize,
    /// Seconds after which an answer is asked for again, though it is still good.
    pub refresh_s: u64,
    /// Seconds for which an unsigned answer may be used while its source fails.
    pub unsigned_ttl_s: u64,
    /// Longest pause between two tries of a source that fails, seconds.
    pub max_backoff_s: u64,
    /// Folder into which every answer is written as it came.
    pub record_dir: Option<PathBuf>,
    /// Folder of such answers: nothing is asked of the network.
    pub replay_dir: Option<PathBuf>,
}

/// Which of Intel's TCB evaluation data sets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TcbUpdate {
    /// The one that Intel's customers are held to.
    #[default]
    Standard,
    /// The newest that Intel has published.
    Early,
}

impl TcbUpdate {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Early => "early",
        }
    }
}

impl Default for Sources {
    fn default() -> Self {
        Self {
            pcs: None,
            root_ca_crl: None,
            tcb_update: TcbUpdate::default(),
            collateral: None,
            host_registry: None,
            provider_crls: Vec::new(),
            timeout_s: 20,
            max_bytes: 1 << 20,
            max_concurrent: 8,
            refresh_s: 3600,
            unsigned_ttl_s: MOST_UNSIGNED,
            max_backoff_s: 60,
            record_dir: None,
            replay_dir: None,
        }
    }
}

impl Sources {
    /// Everything wrong with the section.
    pub fn mistakes(&self) -> Vec<String> {
        let mut mistakes = Vec::new();
        let mut mistake = |text: String| mistakes.push(format!("endorsements{text}"));
        if self.pcs.is_some() == self.collateral.is_some() {
            mistake(": name either `pcs` or `collateral`, the source of Intel's collateral".into());
        }
        let templates = [
            ("collateral", &self.collateral, "{fmspc}"),
            ("host_registry", &self.host_registry, "{ppid}"),
        ];
        for (name, template, part) in templates {
            if template.as_ref().is_some_and(|template| !template.contains(part)) {
                mistake(format!(".{name} lacks {part}"));
            }
        }
        for url in self.urls() {
            let is_url = url.parse::<reqwest::Url>().is_ok();
            if !is_url || !(url.starts_with("https://") || url.starts_with("http://")) {
                mistake(format!(": `{url}` is no http(s) URL"));
            }
        }
        for (name, value) in [
            ("timeout_s", self.timeout_s),
            ("max_bytes", self.max_bytes as u64),
            ("max_concurrent", self.max_concurrent as u64),
            ("refresh_s", self.refresh_s),
            ("max_backoff_s", self.max_backoff_s),
        ] {
            if value == 0 {
                mistake(format!(".{name} must be at least 1"));
            }
        }
        if !(1..=MOST_UNSIGNED).contains(&self.unsigned_ttl_s) {
            mistake(format!(".unsigned_ttl_s must be from 1 to {MOST_UNSIGNED}"));
        }
        if self.record_dir.is_some() && self.replay_dir.is_some() {
            mistake(": `record_dir` and `replay_dir` exclude each other".into());
        }
        mistakes
    }

    fn urls(&self) -> impl Iterator<Item = &str> {
        let single = [
            &self.pcs,
            &self.root_ca_crl,
            &self.collateral,
            &self.host_registry,
        ];
        let single = single.into_iter().flatten();
        single.chain(&self.provider_crls).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_source_of_collateral_is_enough_and_two_are_too_many() {
        let pcs = Sources {
            pcs: Some("https://pccs.example".into()),
            ..Sources::default()
        };
        assert_eq!(pcs.mistakes(), [""; 0]);
        let both = Sources {
            collateral: Some("https://pccs.example/{fmspc}".into()),
            ..pcs
        };
        assert_eq!(both.mistakes().len(), 1);
        assert_eq!(Sources::default().mistakes().len(), 1);
    }

    #[test]
    fn limits_that_limit_nothing_are_mistakes() {
        let sources = Sources {
            pcs: Some("file:///etc/passwd".into()),
            timeout_s: 0,
            unsigned_ttl_s: MOST_UNSIGNED + 1,
            record_dir: Some("a".into()),
            replay_dir: Some("a".into()),
            ..Sources::default()
        };
        assert_eq!(sources.mistakes().len(), 4, "{:?}", sources.mistakes());
    }
}
