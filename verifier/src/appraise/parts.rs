//! The binary parts of the evidence, read. What cannot be read is an error, before anything is asked.

use super::{custody::Signed, logs::Logs, tpm::Tpm};
use crate::{
    Error,
    bundle::{Evidence, Tee},
    hcl::HclReport,
    td::TdQuote,
};

pub(super) struct Parts<'a> {
    pub(super) quote: TdQuote<'a>,
    pub(super) hcl: Option<HclReport<'a>>,
    pub(super) tpm: Option<Tpm<'a>>,
    pub(super) logs: Logs<'a>,
    pub(super) signed: Signed,
}

impl<'a> Parts<'a> {
    pub(super) fn parse(evidence: &'a Evidence) -> Result<Self, Error> {
        let Tee::Tdx {
            quote,
            ccel,
            hcl_report,
        } = &evidence.tee;
        let tpm = evidence.tpm.as_ref();
        Ok(Self {
            quote: TdQuote::parse(quote)?,
            hcl: hcl_report
                .as_ref()
                .map(|report| HclReport::parse(report))
                .transpose()?,
            tpm: tpm.map(Tpm::parse).transpose()?,
            logs: Logs::parse(tpm, ccel.as_ref(), &evidence.logs)?,
            signed: Signed::parse(&evidence.custody)?,
        })
    }
}
