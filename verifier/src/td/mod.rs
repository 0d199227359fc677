//! The TD quote: what Intel's hardware says about the TD, and Intel's word about the hardware.
//!
//! Parsing and the chain of signatures are `dcap-qvl`'s. What it leaves to its caller is decided here and in the
//! checks: its `verify` answers `Ok` for an out-of-date platform, and it never compares `pceId`.

mod collateral;
mod layout;
mod measurements;
mod platform;

use dcap_qvl::{
    QuoteCollateralV3,
    policy::{Policy as IntelPolicy, QuoteClaims},
    quote::{Quote, TDReport10},
    verify::QuoteVerifier,
};

use serde::Deserialize;

use crate::{Cursor, ParseError, memo::IntelConfig};

pub use measurements::Measurements;
pub use platform::{CertifiedPlatform, INTEL_ROOT};

/// A parsed quote of a TD. Nothing about it is verified yet.
#[derive(Clone, Debug)]
pub struct TdQuote<'a> {
    raw: &'a [u8],
    report: TDReport10,
}

/// Whether a TD in debug mode, whose memory its host can read, ends the verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DebugTd {
    /// It does.
    Refuse,
    /// The caller has a check of its own for it.
    CallerChecks,
}

/// What Intel's signatures and collateral say about a quote.
#[derive(Clone, Debug)]
pub struct VerifiedTd {
    /// Everything `dcap-qvl` established.
    pub claims: QuoteClaims,
    /// `pceId` of the TCB info that was used: two bytes in hex.
    pub collateral_pce_id: String,
}

impl<'a> TdQuote<'a> {
    /// Parses a DCAP quote, version 4 or 5, of a TD.
    ///
    /// # Errors
    /// If it does not parse, is an SGX enclave's, or is larger than 128 KiB: real ones have 5,000 to 8,000 bytes.
    pub fn parse(raw: &'a [u8]) -> Result<Self, ParseError> {
        layout::check(raw)?;
        let error = |problem: String| Cursor::new(layout::NAME, raw).error("quote", problem);
        let quote = Quote::parse(raw).map_err(|cause| error(format!("{cause:#}")))?;
        let report = quote
            .report
            .as_td10()
            .ok_or_else(|| error("an SGX enclave's, not a TD's".into()))?;
        Ok(Self { raw, report: *report })
    }

    /// The whole quote: what a claim about it is a claim about.
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// The registers that say what runs.
    pub fn measurements(&self) -> Measurements {
        Measurements::of(&self.report)
    }

    /// What the TD asked its hardware to sign.
    pub fn report_data(&self) -> &[u8; 64] {
        &self.report.report_data
    }

    /// `MR_OWNER`, set by the host.
    pub fn owner(&self) -> &[u8; 48] {
        &self.report.mr_owner
    }

    /// Whether the host can look into the TD. `ATTRIBUTES.TUD` (bits 0–7) puts the TD out of trust: debug, profiling.
    pub fn is_debug(&self) -> bool {
        self.report.td_attributes[0] != 0
    }

    /// Verifies the quote up to `root` (DER; Intel's production root if `None`), with `collateral`, at `at` (Unix
    /// seconds).
    ///
    /// `Ok` does not say *up to date*: look at `claims.tcb`.
    ///
    /// # Errors
    /// If a signature, certificate, CRL, date, identity or attribute is wrong, or collateral larger than any real one: the
    /// text says which.
    pub fn verify(
        &self,
        collateral: &QuoteCollateralV3,
        root: Option<&[u8]>,
        at: u64,
        debug: DebugTd,
    ) -> Result<VerifiedTd, String> {
        collateral::check(collateral)?;
        let claims = root
            .map_or_else(QuoteVerifier::new_prod, |root| QuoteVerifier::new(root.to_vec()))
            .with_config::<IntelConfig>()
            .allow_debug(debug == DebugTd::CallerChecks)
            .verify_with_policy(self.raw, collateral, at, &AnyStatus)
            .map_err(|cause| format!("{cause:#}"))?;
        let tcb_info: TcbInfoPce = serde_json::from_str(&collateral.tcb_info)
            .map_err(|cause| format!("TCB info does not parse: {cause}"))?;
        Ok(VerifiedTd {
            claims,
            collateral_pce_id: tcb_info.pce_id,
        })
    }
}

/// Of a TCB info, which `dcap-qvl` has parsed whole, the one field that it does not hand out.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TcbInfoPce {
    pce_id: String,
}

/// The status is a check of its own: `QuotePolicy::strict` would refuse every real Google machine for its flags.
struct AnyStatus;

impl IntelPolicy for AnyStatus {
    fn validate(&self, _: &QuoteClaims) -> anyhow::Result<()> {
        Ok(())
    }
}
