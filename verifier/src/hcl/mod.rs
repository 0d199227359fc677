//! Azure's HCL report: which TPM key and which user data a paravisor's TD quote speaks for.
//!
//! On Azure the guest does not choose its TD's report data. The paravisor (HCL) beneath it does: it writes a JSON
//! document, the *variable data*, with the attestation key of the vTPM it runs and 64 bytes that the guest chose, and
//! reports `SHA-256(variable data)` and 32 zero bytes. From the quote to the challenge it is one step more than elsewhere:
//!
//! ```text
//! TD quote ── report_data ──▶ variable data ──┬─ HCLAkPub ── signs ──▶ TPM quote
//!                                             └─ user-data: what other TDs put into report_data
//! ```
//!
//! | check | asked by |
//! |---|---|
//! | the TD quote speaks for this variable data | [`HclReport::check_binding`] |
//! | the AK is the one named there | [`HclReport::check_ak`] |
//! | the user data is the challenge's | [`HclReport::check_user_data`] |
//! | the report is of the quote's TD and moment | [`HclReport::check_td_report`] |
//!
//! # What it does not prove
//!
//! Nobody signs this report. Its TDREPORT is authenticated by a MAC that only the CPU that made it can verify, so it is
//! for diagnosis: **decide by the quote alone**. And the binding proves only that *a* TD named this key. Any TD may
//! report the digest of any JSON, and the key of a rented VM is public. The JSON is a paravisor's word only where the
//! quote's MRTD is that of a paravisor the policy lists. A paravisor leaves all RTMRs zero; what the guest booted is in
//! the vTPM's PCRs alone.

mod envelope;
mod fault;
mod td_report;
mod unique;
mod variable_data;

#[cfg(test)]
mod tests;

use self::envelope::Envelope;
use crate::{
    ParseError, digest,
    td::TdQuote,
    tpm::{Public, PublicKey},
};

pub use envelope::REPORT_LIMIT;
pub use fault::HclFault;
pub use td_report::TdReport;
pub use variable_data::{VariableData, VmConfiguration};

/// A parsed report. Nothing in it is authenticated until [`check_binding`](Self::check_binding) has passed for a verified
/// quote, and then only the variable data is.
#[derive(Clone, Debug)]
pub struct HclReport<'a> {
    td_report: TdReport<'a>,
    variable_bytes: &'a [u8],
    variable_data: VariableData,
}

impl<'a> HclReport<'a> {
    /// Parses the report of a TDX machine whose paravisor hashes by SHA-256.
    ///
    /// # Errors
    /// If it is larger than [`REPORT_LIMIT`], truncated, of another version, TEE or hash, if its sizes contradict each
    /// other, if anything but zeros follows, or if the variable data is not as [`VariableData`] says.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let envelope = Envelope::read(bytes)?;
        Ok(Self {
            variable_data: VariableData::parse(&envelope.variable_at, envelope.variable_bytes)?,
            variable_bytes: envelope.variable_bytes,
            td_report: envelope.td_report,
        })
    }

    /// What the paravisor says. Trust it only with [`check_binding`](Self::check_binding).
    pub fn variable_data(&self) -> &VariableData {
        &self.variable_data
    }

    /// The same, as hashed into the quote: JSON.
    pub fn variable_bytes(&self) -> &'a [u8] {
        self.variable_bytes
    }

    /// The vTPM's attestation key: RSA of 2048 to 4096 bits.
    pub fn ak(&self) -> &PublicKey {
        &self.variable_data.ak
    }

    /// What the guest had the paravisor report.
    pub fn user_data(&self) -> &[u8; 64] {
        &self.variable_data.user_data.0
    }

    /// The TDREPORT, unauthenticated: decide nothing by it.
    pub fn td_report(&self) -> &TdReport<'a> {
        &self.td_report
    }

    /// A quote with this `report_data` speaks for this variable data.
    ///
    /// # Errors
    /// If `report_data` is not the variable data's SHA-256, followed by 32 zero bytes.
    pub fn check_binding(&self, report_data: &[u8; 64]) -> Result<(), HclFault> {
        let mut computed = [0; 64];
        computed[..32].copy_from_slice(digest::sha256(self.variable_bytes).as_slice());
        if &computed == report_data {
            return Ok(());
        }
        Err(HclFault::Binding {
            computed: hex::encode(computed),
            quoted: hex::encode(report_data),
        })
    }

    /// `ak` is the key named in the variable data.
    ///
    /// Hazard: the variable data names a key without its attributes. That it is restricted is the paravisor's doing,
    /// like the whole vTPM.
    ///
    /// # Errors
    /// If it is another key.
    pub fn check_ak(&self, ak: &Public) -> Result<(), HclFault> {
        if self.ak() == &ak.key {
            return Ok(());
        }
        Err(HclFault::Ak {
            named: self.ak().to_string(),
            ak: ak.key.to_string(),
        })
    }

    /// The guest had the paravisor report `wanted`.
    ///
    /// # Errors
    /// If it is something else.
    pub fn check_user_data(&self, wanted: &[u8; 64]) -> Result<(), HclFault> {
        if self.user_data() == wanted {
            return Ok(());
        }
        Err(HclFault::UserData {
            found: hex::encode(self.user_data()),
            wanted: hex::encode(wanted),
        })
    }

    /// The report's TDREPORT is the one `quote` was made from, as far as both show the same fields. It proves nothing;
    /// a failure tells an operator that report and quote were not collected together.
    ///
    /// # Errors
    /// With the first field that differs.
    pub fn check_td_report(&self, quote: &TdQuote<'_>) -> Result<(), HclFault> {
        self.td_report
            .difference(quote)
            .map_or(Ok(()), |field| Err(HclFault::TdReport(field)))
    }
}
