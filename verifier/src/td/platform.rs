//! Which machine a quote claims to be from, once Intel's root vouches for the claim: enough to know what to ask Intel.

use dcap_qvl::{config::PckCa, intel, quote::Quote};

use super::TdQuote;
use crate::ak::verify_chain;

/// Intel's SGX root CA (DER): what a quote chains to under a policy that names no other root.
pub const INTEL_ROOT: &[u8] = include_bytes!("intel-root.der");

/// What the quote's PCK certificate says. Its chain verified; whether it is revoked, and whether the quote is that key's,
/// is not known yet: that takes collateral.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertifiedPlatform {
    /// Family, model, stepping, platform, custom SKU: which TCB info applies.
    pub fmspc: [u8; 6],
    /// The CPU package.
    pub ppid: Vec<u8>,
    /// Which CA's CRL applies, as Intel's service spells it: `platform` or `processor`.
    pub ca: &'static str,
}

impl TdQuote<'_> {
    /// Reads the PCK certificate in the quote after its chain has verified up to `root` (DER; Intel's production root if
    /// `None`) at `at` (Unix seconds).
    ///
    /// Whoever asks others about a quote asks only after this: a forged certificate then makes nobody fetch anything.
    ///
    /// # Errors
    /// If the quote carries no chain, the chain does not verify, or the certificate says nothing of the platform.
    pub fn certified_platform(&self, root: Option<&[u8]>, at: u64) -> Result<CertifiedPlatform, String> {
        let text = |cause: anyhow::Error| format!("PCK certificate: {cause:#}");
        let quote = Quote::parse(self.raw()).map_err(text)?;
        let chain = intel::extract_cert_chain(&quote).map_err(text)?;
        let (pck, issuers) = chain
            .split_first()
            .ok_or("the quote carries no PCK certificate")?;
        let issuers: Vec<_> = issuers.iter().map(Vec::as_slice).collect();
        verify_chain(pck, &issuers, &[root.unwrap_or(INTEL_ROOT)], &[], at)
            .map_err(|cause| format!("PCK certificate: {cause}"))?;
        let extension = intel::parse_pck_extension(pck).map_err(text)?;
        let ca = match intel::pck_ca(pck).map_err(text)? {
            PckCa::Platform => "platform",
            PckCa::Processor => "processor",
        };
        Ok(CertifiedPlatform {
            fmspc: extension.fmspc,
            ppid: extension.ppid,
            ca,
        })
    }
}
