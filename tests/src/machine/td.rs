//! The trust domain of a machine or on a host.

use std::sync::Arc;

use dcap_qvl::quote::TDReport10;
use sha2::{Digest as _, Sha384};

use super::MachineSpec;
use crate::{
    firmware::{Image, MeasuredBoot},
    intel::{PckSpec, Platform, QuoteFormat, td_report},
};

/// A trust domain on its platform.
#[derive(Clone, Debug)]
pub struct Td {
    platform: Arc<Platform>,
    format: QuoteFormat,
    report: TDReport10,
}

impl Td {
    /// `owner`: what the host says of the TD, which the TD cannot change.
    pub(crate) fn of(spec: &MachineSpec, platform: Platform, boot: &MeasuredBoot, owner: [u8; 48]) -> Self {
        let report = TDReport10 {
            td_attributes: spec.td_attributes,
            mr_owner: owner,
            ..td_report()
        };
        let mut td = Self {
            platform: Arc::new(platform),
            format: spec.quote_format,
            report,
        }
        .measuring(&spec.image, boot);
        td.report.rt_mr3 = spec.rtmr3;
        td
    }

    /// What a paravisor is on this platform: nothing is measured into its RTMRs.
    pub(crate) fn paravisor(platform: Platform) -> Self {
        Self {
            platform: Arc::new(platform),
            format: QuoteFormat::V4,
            report: paravisor_report(),
        }
    }

    /// The same platform after `image` booted.
    pub(super) fn measuring(&self, image: &Image, boot: &MeasuredBoot) -> Self {
        let [rt_mr0, rt_mr1, rt_mr2, rt_mr3] = boot.rtmrs();
        let report = TDReport10 {
            mr_td: image.mrtd(),
            rt_mr0,
            rt_mr1,
            rt_mr2,
            rt_mr3,
            ..self.report
        };
        Self {
            report,
            ..self.clone()
        }
    }

    /// A quote over `report_data`.
    pub fn quote(&self, report_data: [u8; 64]) -> Vec<u8> {
        self.platform.quote(
            self.format,
            TDReport10 {
                report_data,
                ..self.report
            },
        )
    }

    /// What its platform's keys, once extracted, quote of a TD that it does not run.
    #[must_use]
    pub fn claiming(&self, report: TDReport10) -> Self {
        Self {
            report,
            ..self.clone()
        }
    }

    /// What the CPU reports of it with `report_data`, for the quoting enclave of the same CPU.
    pub fn td_report(&self, report_data: [u8; 64]) -> Vec<u8> {
        self.platform.td_report(&TDReport10 {
            report_data,
            ..self.report
        })
    }

    /// What the quoting enclave of its CPU makes of a report.
    ///
    /// # Errors
    /// If another CPU made it, or nobody.
    pub fn quote_report(&self, td_report: &[u8]) -> anyhow::Result<Vec<u8>> {
        self.platform.quote_report(self.format, td_report)
    }

    /// Its measurements.
    pub fn report(&self) -> &TDReport10 {
        &self.report
    }

    /// What its platform's certificate says.
    pub fn pck(&self) -> &PckSpec {
        &self.platform.spec
    }
}

/// What the CPU reports of the simulated paravisor.
pub(crate) fn paravisor_report() -> TDReport10 {
    TDReport10 {
        mr_td: Sha384::digest("the simulated paravisor").into(),
        ..td_report()
    }
}
