//! What can be wrong with an HCL report that could be read.

/// Why an HCL report fails one of its checks. The text is for people and is never hashed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HclFault {
    /// The quote speaks for other variable data, or for none.
    #[error("report_data is {quoted}, this variable data needs {computed}")]
    Binding {
        /// SHA-256 of the variable data and 32 zero bytes, hex.
        computed: String,
        /// In the quote, hex.
        quoted: String,
    },
    /// The AK is another key than `HCLAkPub`.
    #[error("the paravisor names {named}, the attestation key is {ak}")]
    Ak {
        /// `HCLAkPub`.
        named: String,
        /// The AK.
        ak: String,
    },
    /// The guest had something else reported.
    #[error("user-data is {found}, {wanted} is required")]
    UserData {
        /// In the variable data, hex.
        found: String,
        /// By the caller, hex.
        wanted: String,
    },
    /// Report and quote are of two TDs, or of two moments of one.
    #[error("TDREPORT and quote differ in {0}: collect the report, then a quote of that very report")]
    TdReport(&'static str),
}
