//! The registers of a TD report.

use alloy_primitives::{B256, keccak256};
use dcap_qvl::quote::TDReport10;
use serde::Serialize;

use crate::HexBytes;

/// What a TD measures, each register as in the quote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Measurements {
    /// Initial contents: the virtual firmware.
    pub mrtd: HexBytes<48>,
    /// RTMR0 to RTMR3: configuration, boot loader, system, run time.
    pub rtmrs: [HexBytes<48>; 4],
    /// The TDX module.
    pub mrseam: HexBytes<48>,
    /// Extended features.
    pub xfam: HexBytes<8>,
    /// TD attributes.
    pub td_attributes: HexBytes<8>,
}

impl Measurements {
    /// Reads them out of a report.
    pub fn of(report: &TDReport10) -> Self {
        Self {
            mrtd: HexBytes(report.mr_td),
            rtmrs: [report.rt_mr0, report.rt_mr1, report.rt_mr2, report.rt_mr3].map(HexBytes),
            mrseam: HexBytes(report.mr_seam),
            xfam: HexBytes(report.xfam),
            td_attributes: HexBytes(report.td_attributes),
        }
    }

    /// `keccak256(MRTD ‖ RTMR0 ‖ … ‖ RTMR3 ‖ MRSEAM ‖ XFAM ‖ TDATTRIBUTES)`.
    pub fn hash(&self) -> B256 {
        let [rtmr0, rtmr1, rtmr2, rtmr3] = &self.rtmrs;
        let wide = [&self.mrtd, rtmr0, rtmr1, rtmr2, rtmr3, &self.mrseam].map(|register| &register.0[..]);
        keccak256([&wide.concat()[..], &self.xfam.0, &self.td_attributes.0].concat())
    }
}
