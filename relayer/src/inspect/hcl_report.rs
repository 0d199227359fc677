//! `chassis inspect hcl-report`: what Azure's paravisor says, and whether a given quote speaks for it.

use std::path::PathBuf;

use chassis_verifier::{
    hcl::{HclReport, TdReport, VariableData, VmConfiguration},
    sha256,
    td::{Measurements, TdQuote},
};
use serde::Serialize;

use super::{Common, input};
use crate::render::{Cell, Document, Mark, Refusal, View, text_of};

/// What `chassis inspect hcl-report` takes.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct HclReportArgs {
    #[command(flatten)]
    common: Common,
    /// A TD quote: tell whether it speaks for this report. The quote itself is not verified.
    #[arg(long, value_name = "FILE")]
    quote: Option<PathBuf>,
}

/// A decoded report.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HclReportView {
    kind: &'static str,
    size: usize,
    variable_data: VariableData,
    /// SHA-256 of the variable data: what a quote that speaks for them has in its report data, before 32 zeros.
    variable_data_hash: String,
    td_report: TdReportView,
    #[serde(skip_serializing_if = "Option::is_none")]
    quote: Option<QuoteView>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct TdReportView {
    #[serde(flatten)]
    measurements: Measurements,
    mr_owner: String,
    report_data: String,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct QuoteView {
    speaks_for_it: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Why report and quote were not collected together.
    #[serde(skip_serializing_if = "Option::is_none")]
    difference: Option<String>,
}

impl HclReportArgs {
    pub(super) fn answer(&self) -> Result<HclReportView, Refusal> {
        let file = input::read(&self.common.file, input::LIMIT)?;
        let raw = input::spelled(&file)?;
        let mut view = HclReportView::decode(&raw)?;
        if let Some(quote) = &self.quote {
            let quote = input::read(quote, input::LIMIT)?;
            view.quote = Some(QuoteView::of(&raw, &input::spelled(&quote)?)?);
        }
        Ok(view)
    }
}

impl HclReportView {
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Refusal> {
        let report = HclReport::parse(bytes)?;
        Ok(Self {
            kind: "hcl-report",
            size: bytes.len(),
            variable_data: report.variable_data().clone(),
            variable_data_hash: hex::encode(sha256(report.variable_bytes())),
            td_report: TdReportView::of(report.td_report()),
            quote: None,
        })
    }

    /// Which key, and of which machine, in words.
    pub(super) fn summary(&self) -> String {
        let VariableData {
            ak, vm_configuration, ..
        } = &self.variable_data;
        format!("{ak} of machine {}", vm_configuration.vm_unique_id)
    }

    fn variable_rows(&self) -> Vec<(&'static str, Cell)> {
        let user_data = &self.variable_data.user_data.0;
        let user_data = match text_of(user_data) {
            Some(text) => format!("{} (\"{text}\")", hex::encode(user_data)),
            None if *user_data == [0; 64] => "zero (64 bytes)".to_owned(),
            None => hex::encode(user_data),
        };
        let mut rows = vec![
            ("attestation key", (&self.variable_data.ak).into()),
            ("user data", user_data.into()),
            ("SHA-256", (&self.variable_data_hash).into()),
        ];
        rows.extend(configuration_rows(&self.variable_data.vm_configuration));
        rows
    }
}

impl TdReportView {
    fn of(report: &TdReport<'_>) -> Self {
        Self {
            measurements: report.measurements().clone(),
            mr_owner: hex::encode(report.owner()),
            report_data: hex::encode(report.report_data()),
        }
    }

    fn rows(&self) -> Vec<(&'static str, Cell)> {
        let Measurements {
            mrtd,
            rtmrs,
            mrseam,
            xfam,
            td_attributes,
        } = &self.measurements;
        let mut rows = vec![("MRTD", hex::encode(mrtd.0).into())];
        let names = ["RTMR0", "RTMR1", "RTMR2", "RTMR3"];
        rows.extend(
            names
                .into_iter()
                .zip(rtmrs)
                .map(|(name, rtmr)| (name, hex::encode(rtmr.0).into())),
        );
        rows.extend([
            ("MRSEAM", hex::encode(mrseam.0).into()),
            ("XFAM", hex::encode(xfam.0).into()),
            ("TD attributes", hex::encode(td_attributes.0).into()),
            ("MR_OWNER", (&self.mr_owner).into()),
            ("report data", (&self.report_data).into()),
        ]);
        rows
    }
}

impl QuoteView {
    fn of(report: &[u8], quote: &[u8]) -> Result<Self, Refusal> {
        let (report, quote) = (HclReport::parse(report)?, TdQuote::parse(quote)?);
        let named = report.check_binding(quote.report_data());
        Ok(Self {
            speaks_for_it: named.is_ok(),
            reason: named.err().map(|fault| fault.to_string()),
            difference: report
                .check_td_report(&quote)
                .err()
                .map(|fault| fault.to_string()),
        })
    }

    fn rows(&self) -> Vec<(&'static str, Cell)> {
        let verdict = match &self.reason {
            None => Cell::marked("yes, if the quote verifies", Mark::Good),
            Some(reason) => Cell::marked(format_args!("no: {reason}"), Mark::Bad),
        };
        let mut rows = vec![("speaks for it", verdict)];
        rows.extend(self.difference.iter().map(|text| ("collected", text.into())));
        rows
    }
}

impl View for HclReportView {
    fn document(&self) -> Document {
        let document = Document::new()
            .heading(format_args!("HCL report, {} bytes", self.size))
            .heading("Variable data")
            .fields(self.variable_rows())
            .heading("TD report")
            .line("Only the CPU that made it could tell whether it is genuine: decide by the quote alone.")
            .fields(self.td_report.rows())
            .heading("TD quote");
        match &self.quote {
            Some(quote) => document.fields(quote.rows()),
            None => document.line(
                "not looked at: nothing above is authenticated (--quote FILE tells whether it speaks for it)",
            ),
        }
    }

    fn holds(&self) -> bool {
        self.quote.as_ref().is_none_or(|quote| quote.speaks_for_it)
    }
}

fn configuration_rows(configuration: &VmConfiguration) -> [(&'static str, Cell); 7] {
    let flag = |set: bool| if set { "yes" } else { "no" };
    let said = |set: Option<bool>| set.map_or("not said", flag);
    [
        ("machine", (&configuration.vm_unique_id).into()),
        ("secure boot", flag(configuration.secure_boot).into()),
        ("TPM", flag(configuration.tpm_enabled).into()),
        ("state sealed", flag(configuration.tpm_persisted).into()),
        ("console for the host", flag(configuration.console_enabled).into()),
        (
            "interactive console",
            said(configuration.interactive_console_enabled).into(),
        ),
        (
            "filtered devices",
            said(configuration.filtered_vpci_devices_allowed).into(),
        ),
    ]
}
