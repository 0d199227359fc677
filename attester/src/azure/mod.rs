//! An Azure confidential VM: a paravisor stands between TDX and the guest, and keeps the vTPM.
//!
//! The guest does not choose its TD's report data. It leaves 64 bytes in the vTPM's NV; the paravisor writes them into its
//! *variable data*, has the CPU report the digest of those, and shows all of it in another NV index, the HCL report. The
//! guest takes the TDREPORT out of that and has the host turn it into a quote:
//!
//! ```text
//! challenge ──NV 0x01400002──▶ paravisor ──NV 0x01400001──▶ HCL report {TDREPORT, variable data {HCLAkPub, user-data}}
//!                                                             TDREPORT ──POST /acc/tdquote──▶ metadata service ──▶ TD quote
//! ```
//!
//! Source: Microsoft's *Confidential VM guest attestation design*, and `azure-cvm-tooling` by Microsoft and Kinvolk. The
//! layout is that of [`chassis_verifier::hcl`].

mod imds;
mod report;
mod vtpm;

use crate::CertificatePool;

pub use imds::METADATA_SERVICE;

/// The sources of such a machine.
#[derive(Clone, Debug)]
pub struct Azure {
    /// Where the vTPM is; see [`Tpm::open`](crate::Tpm::open).
    pub tcti: String,
    /// Scheme, host and port of the metadata service: [`METADATA_SERVICE`], but on a simulated machine.
    pub metadata_service: String,
    /// What is known between the attestation key's certificate and its root.
    pub intermediates: CertificatePool,
    /// Whether the vTPM's quote is evidence too.
    pub tpm_quote: AzureTpmQuote,
}

/// Whether evidence carries the quote of an Azure vTPM.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AzureTpmQuote {
    /// No: RTMRs are zero there, so the cross-check fails with it, and no relayer signs what fails.
    #[default]
    LeftOut,
    /// Yes: for whoever appraises it by rules of his own.
    Carried,
}
