//! Whether Intel's signatures hold, and what they say about the machine.

use std::path::Path;

use chassis_program::unix_now;
use dcap_qvl::{
    QuoteCollateralV3,
    policy::{Policy, QuoteClaims},
    tcb_info::TcbInfo,
    verify::QuoteVerifier,
};
use serde::Serialize;

use super::super::input;
use crate::render::{Cell, Document, Mark, Refusal, date};

/// What to verify with, and when.
#[derive(Debug)]
pub(crate) struct Demand {
    collateral: QuoteCollateralV3,
    /// DER. Intel's production root if `None`.
    danger_root: Option<Vec<u8>>,
    at: u64,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Verdict {
    /// Signatures, certificates, CRLs, identities and dates hold. Not: the TCB is up to date.
    verifies: bool,
    /// Unix seconds.
    at: u64,
    /// `intel`, or `danger` for a root that was named on the command line.
    root: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    claims: Option<Claims>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Claims {
    status: String,
    advisories: Vec<String>,
    platform_status: String,
    qe_status: String,
    tcb_date: String,
    tcb_evaluation_data_number: u32,
    /// Whether the TCB info used is for this quote's PCE. Intel's verification does not compare it.
    pce_id_matches: bool,
    /// The collateral's dates, Unix seconds.
    issued_earliest: u64,
    issued_latest: u64,
    expires: u64,
}

impl Demand {
    /// Reads collateral and root.
    ///
    /// # Errors
    /// If one cannot be read.
    pub(super) fn read(
        collateral: &Path,
        danger_root: Option<&Path>,
        at: Option<u64>,
    ) -> Result<Self, Refusal> {
        let danger_root = danger_root
            .map(|path| {
                let mut certificates = input::certificates(&input::read(path, input::LIMIT)?)?;
                Ok::<_, Refusal>(certificates.swap_remove(0))
            })
            .transpose()?;
        Ok(Self {
            collateral: parse(&input::read_text(collateral, input::LIMIT)?)
                .map_err(|reason| Refusal(format!("{}: {reason}", collateral.display())))?,
            danger_root,
            at: at.unwrap_or_else(unix_now),
        })
    }

    pub(super) fn pck_chain(&self) -> Option<&str> {
        self.collateral.pck_certificate_chain.as_deref()
    }

    pub(super) fn verify(&self, raw: &[u8]) -> Verdict {
        let verifier = self
            .danger_root
            .as_ref()
            .map_or_else(QuoteVerifier::new_prod, |root| QuoteVerifier::new(root.clone()));
        let result = verifier.verify_with_policy(raw, &self.collateral, self.at, &AnyStatus);
        let (reason, claims) = match result {
            Ok(claims) => (None, Some(self.claims(&claims))),
            Err(cause) => (Some(format!("{cause:#}")), None),
        };
        Verdict {
            verifies: claims.is_some(),
            at: self.at,
            root: self.danger_root.as_ref().map_or("intel", |_| "danger"),
            reason,
            claims,
        }
    }

    fn claims(&self, claims: &QuoteClaims) -> Claims {
        let pce_id = hex::encode(&claims.platform.pck.pce_id);
        let pce_id_matches = serde_json::from_str::<TcbInfo>(&self.collateral.tcb_info)
            .is_ok_and(|info| info.pce_id.eq_ignore_ascii_case(&pce_id));
        Claims {
            status: claims.tcb.status.to_string(),
            advisories: claims.tcb.advisory_ids.clone(),
            platform_status: claims.platform.tcb_level.tcb_status.to_string(),
            qe_status: claims.qe.tcb_level.tcb_status.to_string(),
            tcb_date: claims.platform.tcb_level.tcb_date.clone(),
            tcb_evaluation_data_number: claims.tcb.eval_data_number,
            pce_id_matches,
            issued_earliest: claims.earliest_issue_date,
            issued_latest: claims.latest_issue_date,
            expires: claims.earliest_expiration_date,
        }
    }
}

impl Verdict {
    pub(super) fn verifies(&self) -> bool {
        self.verifies
    }

    pub(super) fn document(&self) -> Document {
        let root = match self.root {
            "intel" => "Intel's root",
            _ => "THE ROOT NAMED BY --danger-root: this proves nothing about real hardware",
        };
        let mut rows = vec![("as of", date(self.at).into()), ("up to", root.into())];
        if let Some(reason) = &self.reason {
            rows.push(("refused", Cell::marked(reason, Mark::Bad)));
        }
        if let Some(claims) = &self.claims {
            rows.extend(claims.rows());
        }
        Document::new().heading("Verdict").fields(rows)
    }
}

impl Claims {
    fn rows(&self) -> Vec<(&'static str, Cell)> {
        let current = if self.status == "UpToDate" {
            Mark::Good
        } else {
            Mark::Bad
        };
        let pce = if self.pce_id_matches {
            Cell::from("the collateral's")
        } else {
            Cell::marked("NOT the collateral's", Mark::Bad)
        };
        vec![
            ("verifies", Cell::marked("yes", Mark::Good)),
            ("TCB status", Cell::marked(&self.status, current)),
            ("advisories", listed(&self.advisories).into()),
            (
                "platform, QE",
                format!("{}, {}", self.platform_status, self.qe_status).into(),
            ),
            ("TCB date", (&self.tcb_date).into()),
            ("evaluation data", self.tcb_evaluation_data_number.into()),
            ("PCEID", pce),
            (
                "collateral issued",
                format!("{} to {}", date(self.issued_earliest), date(self.issued_latest)).into(),
            ),
            ("collateral expires", date(self.expires).into()),
        ]
    }
}

fn listed(items: &[String]) -> String {
    if items.is_empty() {
        "none".into()
    } else {
        items.join(", ")
    }
}

/// JSON or YAML, by its first character.
fn parse(text: &str) -> Result<QuoteCollateralV3, String> {
    if text.trim_start().starts_with('{') {
        serde_json::from_str(text).map_err(|error| format!("collateral: {error}"))
    } else {
        serde_saphyr::from_str(text).map_err(|error| format!("collateral: {error}"))
    }
}

/// The status is shown, not judged: what is acceptable is a policy's business.
struct AnyStatus;

impl Policy for AnyStatus {
    fn validate(&self, _: &QuoteClaims) -> anyhow::Result<()> {
        Ok(())
    }
}
