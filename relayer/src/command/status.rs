//! `chassis status OPERATOR`: what the registry answers, and why.

use std::process::ExitCode;

use alloy::primitives::{Address, B256};
use clap::Args;
use reqwest::Url;
use serde::Serialize;

use crate::{
    Error,
    chain::{Chain, Rpc},
    registry::status_name,
    render::{Cell, Document, Format, Mark, Refusal, View, date, finish},
};

/// Show what the registry says about an operator.
///
/// Exit code 0: attested; 1: not attested; 2: the registry cannot be asked.
#[derive(Clone, Debug, Args)]
pub struct Status {
    /// The operator's address.
    operator: Address,
    /// RPC endpoint of the registry's chain.
    #[arg(long, env = "CHASSIS_RPC_URL", value_name = "URL", hide_env_values = true)]
    rpc_url: Url,
    /// The registry's address.
    #[arg(long, env = "CHASSIS_REGISTRY", value_name = "ADDRESS")]
    registry: Address,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Status {
    /// Asks and prints.
    pub fn run(self) -> ExitCode {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let answer = runtime
            .map_err(|error| Refusal(format!("no runtime: {error}")))
            .and_then(|runtime| {
                runtime
                    .block_on(self.ask())
                    .map_err(|error| Refusal(error.to_string()))
            });
        finish(answer, Format::from_switch(self.json))
    }

    async fn ask(&self) -> Result<Answer, Error> {
        let registry = Chain::connect(&Rpc::alone(self.rpc_url.clone()), self.registry)
            .await?
            .registry;
        let stored = registry.attestationOf(self.operator).call().await?;
        Ok(Answer {
            operator: self.operator,
            is_attested: registry.isAttested_0(self.operator).call().await?,
            status: status_name(stored.status),
            status_nonce: stored.statusNonce,
            binding: stored.binding,
            custody: stored.custody,
            tcb: stored.tcb,
            provider: stored.provider,
            key_in_td: stored.flags & 1 == 1,
            evidence_time: stored.evidenceTime.to(),
            attested_since: stored.attestedSince.to(),
            expiry: stored.expiry.to(),
            platform_id: stored.platformId,
            workload_id: stored.workloadId,
        })
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    operator: Address,
    is_attested: bool,
    status: &'static str,
    /// What governance's calls about it name.
    status_nonce: u32,
    binding: u8,
    custody: u8,
    tcb: u8,
    provider: u16,
    key_in_td: bool,
    evidence_time: u64,
    attested_since: u64,
    expiry: u64,
    platform_id: B256,
    workload_id: B256,
}

const BINDINGS: [&str; 4] = ["none", "quote", "virtual TPM", "chassis"];
const CUSTODIES: [&str; 3] = ["none", "witnessed", "automated"];

impl View for Answer {
    fn document(&self) -> Document {
        let named = |names: &[&str], value: u8| {
            let name = names.get(usize::from(value)).copied().unwrap_or("unknown");
            Cell::from(format!("{value} ({name})"))
        };
        let verdict = if self.is_attested {
            Cell::marked("yes", Mark::Good)
        } else {
            Cell::marked("no", Mark::Bad)
        };
        Document::new().heading(self.operator).fields(vec![
            ("attested", verdict),
            ("status", self.status.into()),
            ("status nonce", self.status_nonce.to_string().into()),
            ("binding", named(&BINDINGS, self.binding)),
            ("custody", named(&CUSTODIES, self.custody)),
            ("TCB", self.tcb.to_string().into()),
            ("provider", self.provider.to_string().into()),
            ("evidence of", date(self.evidence_time).into()),
            ("attested since", date(self.attested_since).into()),
            ("expires", date(self.expiry).into()),
            ("platform", self.platform_id.to_string().into()),
            ("workload", self.workload_id.to_string().into()),
        ])
    }

    fn holds(&self) -> bool {
        self.is_attested
    }
}
