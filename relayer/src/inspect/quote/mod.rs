//! `chassis inspect quote`: a DCAP quote, of a TD or an SGX enclave.

mod layout;
mod platform;
mod report;
mod verdict;

use std::path::PathBuf;

use dcap_qvl::quote::{Header, Quote};
use serde::Serialize;

use super::{Common, input};
use crate::render::{Cell, Document, Refusal, View, parse_time};
use platform::Platform;
use report::{Fields, fields_of};
use verdict::{Demand, Verdict};

/// What `chassis inspect quote` takes.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct QuoteArgs {
    #[command(flatten)]
    pub(super) common: Common,
    /// Intel's collateral (`QuoteCollateralV3`, JSON or YAML): verify the quote with it.
    #[arg(long, value_name = "FILE")]
    collateral: Option<PathBuf>,
    /// Verify as of this time: Unix seconds, or as `2026-06-30T08:47:13Z`. Default: now.
    #[arg(long, value_name = "TIME", value_parser = parse_time, requires = "collateral")]
    at: Option<u64>,
    /// Verify up to this root certificate (DER or PEM) instead of Intel's. For tests: anybody can make such a root.
    #[arg(long, value_name = "FILE", requires = "collateral")]
    danger_root: Option<PathBuf>,
}

/// A decoded quote, and the verdict if one was asked for.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct QuoteView {
    kind: &'static str,
    tee: &'static str,
    header: HeaderView,
    /// Bytes of the quote itself.
    size: usize,
    /// What follows it in the file.
    trailing: Trailing,
    #[serde(flatten)]
    fields: Fields,
    #[serde(flatten)]
    platform: Platform,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<Verdict>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct HeaderView {
    version: u16,
    attestation_key_type: u16,
    tee_type: u32,
    qe_svn: u16,
    pce_svn: u16,
    qe_vendor_id: String,
    user_data: String,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Trailing {
    bytes: usize,
    all_zero: bool,
}

impl QuoteArgs {
    pub(super) fn answer(&self) -> Result<QuoteView, Refusal> {
        let file = input::read(&self.common.file, input::LIMIT)?;
        let demand = self
            .collateral
            .as_deref()
            .map(|collateral| Demand::read(collateral, self.danger_root.as_deref(), self.at))
            .transpose()?;
        QuoteView::decode(&input::spelled(&file)?, demand.as_ref())
    }
}

impl QuoteView {
    /// Decodes `raw`, and verifies it if demanded.
    pub(super) fn decode(raw: &[u8], demand: Option<&Demand>) -> Result<Self, Refusal> {
        let size = layout::length(raw)?;
        let (content, rest) = raw.split_at(size);
        // The layout was read to the end before, so what is left to fail has no place to name.
        let quote =
            Quote::parse(content).map_err(|cause| Refusal(format!("quote at offset 0: {cause:#}")))?;
        let certificates = demand.and_then(Demand::pck_chain);
        Ok(Self {
            kind: "quote",
            tee: if quote.report.is_sgx() { "sgx" } else { "tdx" },
            header: HeaderView::of(&quote.header),
            size,
            trailing: Trailing {
                bytes: rest.len(),
                all_zero: rest.iter().all(|byte| *byte == 0),
            },
            fields: fields_of(&quote.report),
            platform: Platform::of(&quote, certificates),
            verdict: demand.map(|demand| demand.verify(raw)),
        })
    }

    /// The most telling fields, for a bundle's summary.
    pub(super) fn summary(&self) -> Vec<(&'static str, Cell)> {
        let mut rows = self.fields.rows();
        rows.extend(self.platform.rows());
        rows.retain(|(name, _)| {
            matches!(
                *name,
                "MRTD"
                    | "RTMR0"
                    | "RTMR1"
                    | "RTMR2"
                    | "RTMR3"
                    | "report data"
                    | "PPID"
                    | "FMSPC"
                    | "platform id"
            )
        });
        rows
    }
}

impl HeaderView {
    fn of(header: &Header) -> Self {
        Self {
            version: header.version,
            attestation_key_type: header.attestation_key_type,
            tee_type: header.tee_type,
            qe_svn: header.qe_svn,
            pce_svn: header.pce_svn,
            qe_vendor_id: hex::encode(header.qe_vendor_id),
            user_data: hex::encode(header.user_data),
        }
    }

    fn rows(&self) -> Vec<(&'static str, Cell)> {
        let key_type = match self.attestation_key_type {
            2 => "2 (ECDSA P-256)".to_owned(),
            3 => "3 (ECDSA P-384)".to_owned(),
            other => other.to_string(),
        };
        vec![
            ("version", self.version.into()),
            ("attestation key", key_type.into()),
            ("TEE type", format!("0x{:02x}", self.tee_type).into()),
            (
                "QE SVN, PCE SVN",
                format!("{}, {}", self.qe_svn, self.pce_svn).into(),
            ),
            ("QE vendor", (&self.qe_vendor_id).into()),
            ("user data", (&self.user_data).into()),
        ]
    }
}

impl View for QuoteView {
    fn document(&self) -> Document {
        let what = match self.tee {
            "sgx" => "an SGX enclave (not a TD: no bundle can carry it)",
            _ => "a TD",
        };
        let document = Document::new().heading(format_args!("DCAP quote of {what}, {} bytes", self.size));
        let document = match self.trailing {
            Trailing { bytes: 0, .. } => document,
            Trailing {
                bytes,
                all_zero: true,
            } => document.line(format_args!("{bytes} zero bytes of padding follow")),
            Trailing { bytes, .. } => {
                document.line(format_args!("{bytes} bytes follow that are not part of it"))
            }
        };
        let document = document
            .fields(self.header.rows())
            .heading("Report")
            .fields(self.fields.rows())
            .heading("Platform, from the PCK certificate")
            .fields(self.platform.rows());
        match &self.verdict {
            Some(verdict) => document.then(verdict.document()),
            None => document
                .heading("Verdict")
                .line("not verified: nothing above is authenticated (--collateral FILE verifies it)"),
        }
    }

    fn holds(&self) -> bool {
        self.verdict.as_ref().is_none_or(Verdict::verifies)
    }
}
