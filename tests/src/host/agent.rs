//! The host agent: the only software on a reviewed host that reaches its TPM.

use alloy::primitives::B256;
use anyhow::{Context as _, ensure};
use chassis_verifier::{
    bundle::PcrValue, challenge::qualifying_data, host::DYNAMIC_PCRS, td::TdQuote, tpm::HashAlg,
};

use super::{AkSpec, Authorization, ak, tss};
use crate::{machine::Td, tpm::connect};

/// The agent of one host. What it answers is only worth as much as the launch that measured it.
#[derive(Clone, Debug)]
pub struct HostAgent {
    pub(super) tcti: String,
    pub(super) ak: AkSpec,
    pub(super) ak_public: Vec<u8>,
    pub(super) td: Td,
    pub(super) bank: HashAlg,
    pub(super) drtm_log: Vec<u8>,
}

/// What a host's TPM says about its launch: the TPM's part of a bundle, without who vouches for the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostQuote {
    /// `TPMT_PUBLIC`.
    pub ak_public: Vec<u8>,
    /// `TPMS_ATTEST`.
    pub attest: Vec<u8>,
    /// `TPMT_SIGNATURE`.
    pub signature: Vec<u8>,
    /// PCR 17 and 18 of the quoted bank.
    pub pcrs: Vec<PcrValue>,
    /// The launch's log; empty if there was none.
    pub drtm_log: Vec<u8>,
}

impl HostAgent {
    /// Quotes for a TD on this host, over qualifying data that the agent computes itself from `challenge`
    /// ([`challenge`](chassis_verifier::challenge::challenge)) and the quote.
    ///
    /// # Errors
    /// If the quote is not by a TD on this host, or the TPM refuses: what was launched is not what the key is sealed to.
    pub fn quote(&self, challenge: B256, td_quote: &[u8]) -> anyhow::Result<HostQuote> {
        self.check_local(td_quote)?;
        self.quote_anything(qualifying_data(challenge, td_quote))
    }

    /// What no reviewed agent does: quotes whatever its caller chose.
    ///
    /// # Errors
    /// If the TPM refuses.
    pub fn quote_anything(&self, extra_data: [u8; 32]) -> anyhow::Result<HostQuote> {
        self.quote_as(self.ak.authorization(), extra_data)
    }

    /// The same with the proof that the caller chose.
    ///
    /// # Errors
    /// If the TPM refuses.
    pub fn quote_as(&self, authorization: Authorization, extra_data: [u8; 32]) -> anyhow::Result<HostQuote> {
        let mut context = connect(&self.tcti)?;
        let template = self.ak.template(&mut context)?;
        let (key, _) = ak::create(&mut context, template)?;
        let (attest, signature) = ak::quote(&mut context, key, authorization, extra_data, self.bank)?;
        let selection = tss::selection(self.bank)?;
        let (_, _, values) = context.execute_without_session(|context| context.pcr_read(selection))?;
        ensure!(
            values.len() == DYNAMIC_PCRS.len(),
            "the TPM has no {} bank",
            self.bank
        );
        let pcrs = DYNAMIC_PCRS.into_iter().zip(values.value());
        Ok(HostQuote {
            ak_public: self.ak_public.clone(),
            attest,
            signature,
            pcrs: pcrs
                .map(|(index, value)| PcrValue {
                    index,
                    value: value.value().to_vec().into(),
                })
                .collect(),
            drtm_log: self.drtm_log.clone(),
        })
    }

    /// A real agent has the TD's report verified by `ENCLU[EVERIFYREPORT2]`, which succeeds on the CPU that made the report
    /// only, and matches it to the quote. Simulated quotes are deterministic, so it suffices to ask this host's TD again.
    fn check_local(&self, td_quote: &[u8]) -> anyhow::Result<()> {
        let report_data = *TdQuote::parse(td_quote)
            .context("the TD quote cannot be read")?
            .report_data();
        ensure!(
            self.td.quote(report_data) == td_quote,
            "the TD quote is not by a TD on this host"
        );
        Ok(())
    }
}
