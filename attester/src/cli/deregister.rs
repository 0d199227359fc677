//! `chassis-node deregister`.

use std::{
    io::{IsTerminal, Write, stdin},
    process::ExitCode,
    time::Duration,
};

use chassis_attester::{Deregistration, Error, OperatorKey, Registry, Rpc};
use clap::Args;
use serde_json::json;

use super::{
    Output,
    args::{ChainArgs, KeyArgs, TpmArgs},
};

#[derive(Debug, Args)]
pub(crate) struct DeregisterArgs {
    #[command(flatten)]
    chain: ChainArgs,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    tpm: TpmArgs,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    /// How long to wait until it is final.
    #[arg(long, default_value_t = 3600, value_name = "SECONDS")]
    wait: u64,
}

impl DeregisterArgs {
    pub(crate) async fn run(self, output: &Output) -> Result<ExitCode, Error> {
        let key = OperatorKey::open(&self.key.source(&self.tpm.tcti)).await?;
        let operator = key.address();
        let registry = Registry::new(Rpc::new(&self.chain.rpc_url)?, self.chain.registry);
        let deregistration = Deregistration::prepare(&registry, operator).await?;
        let question = format!(
            "Take {operator} out of the registry at {}? It is not attested from then on, until new evidence is registered. The transaction costs at most {} gwei.",
            self.chain.registry,
            deregistration.greatest_cost().div_ceil(1_000_000_000)
        );
        if !self.yes && !is_agreed(&question) {
            output.say("left as it is");
            return Ok(ExitCode::from(1));
        }
        let hash = deregistration.send(&registry, &key).await?;
        output.say(&format!("sent       transaction {hash}"));
        let patience = Duration::from_secs(self.wait);
        let mut included = || output.say("on chain   waiting for finality");
        deregistration
            .follow(&registry, hash, patience, &mut included)
            .await?;
        output.result(
            &format!("{operator} is deregistered"),
            &json!({"operator": operator, "transaction": hash, "status": "deregistered"}),
        );
        Ok(ExitCode::SUCCESS)
    }
}

/// Without a terminal nobody can agree.
fn is_agreed(question: &str) -> bool {
    if !stdin().is_terminal() {
        eprintln!("{question}\nNobody is there to ask: give --yes.");
        return false;
    }
    eprint!("{question} [y/N] ");
    let _ = std::io::stderr().flush();
    let mut answer = String::new();
    let read = stdin().read_line(&mut answer);
    read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes")
}
