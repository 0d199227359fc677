//! What every subcommand that collects evidence does alike.

#![expect(
    clippy::doc_markdown,
    reason = "these comments are shown on a terminal, where backticks are noise"
)]

use std::path::PathBuf;

use alloy_primitives::B256;
use chassis_attester::{ClaimFiles, Error, KeySource, OperatorKey, Request, collect, finalized_anchor};
use chassis_verifier::bundle::{self, Bundle, Evidence};
use clap::{Args, ValueEnum};

use super::{
    Output,
    args::{ChainArgs, KeyArgs, MachineArgs},
};

#[derive(Debug, Args)]
pub(crate) struct EvidenceArgs {
    #[command(flatten)]
    pub(crate) chain: ChainArgs,
    #[command(flatten)]
    pub(crate) key: KeyArgs,
    #[command(flatten)]
    pub(crate) machine: MachineArgs,
    /// Intel's platform ownership endorsement of this CPU, from the machine's owner (COSE). It is read anew for each bundle.
    #[arg(long, env = "CHASSIS_POE", value_name = "FILE")]
    pub(crate) poe: Option<PathBuf>,
    /// SHA-256 of a SubjectPublicKeyInfo whose private key never leaves this TD.
    #[arg(long, default_value_t = B256::ZERO, hide_default_value = true, value_name = "HASH")]
    pub(crate) session_key_hash: B256,
    /// Whom relayers show the bundle. It names project, zone and instance.
    #[arg(long, env = "CHASSIS_DISCLOSURE", value_enum, default_value_t = Disclosure::Auditors)]
    pub(crate) disclosure: Disclosure,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Disclosure {
    /// Everybody who asks.
    Public,
    /// Nobody who asks: only who holds an archive reads it there.
    Auditors,
}

impl EvidenceArgs {
    /// The operator's key, opened while what only root can read still can be. Who keeps keys elsewhere is asked after root is
    /// given up.
    pub(crate) async fn operator(&self) -> Result<OperatorKey, Error> {
        let source = self.key.source(&self.machine.tcti);
        if let KeySource::Kms(_) = source {
            self.machine.open()?;
        }
        OperatorKey::open(&source).await
    }

    /// What collects evidence whenever it is asked. Root is given up here, where --user says so.
    pub(crate) fn collector(
        self,
    ) -> Result<impl Fn(&Request) -> Result<Evidence, Error> + Send + Sync, Error> {
        self.machine.open()?;
        let claims = self.claims();
        Ok(move |request: &Request| collect(&self.machine.open()?.sources(&claims), request))
    }

    fn claims(&self) -> ClaimFiles {
        ClaimFiles {
            poe: self.poe.clone(),
        }
    }

    /// Collects a bundle and signs its consent. Files of root's are read before root is given up, and that is before anything
    /// is sent.
    pub(crate) async fn bundle(&self, output: &Output) -> Result<Bundle, Error> {
        let operator = self.operator().await?;
        let machine = self.machine.open()?;
        let request = Request {
            anchor: finalized_anchor(&self.chain.rpc_url, self.chain.registry).await?,
            operator: operator.address(),
            session_key_hash: self.session_key_hash,
            disclosure: self.disclosure.into(),
        };
        output.collecting(&request);
        // Blocking, on the one thread there is: nothing else waits for it.
        let evidence = collect(&machine.sources(&self.claims()), &request)?;
        let bundle = operator.consent(evidence).await?;
        output.collected(&bundle);
        Ok(bundle)
    }
}

impl From<Disclosure> for bundle::Disclosure {
    fn from(disclosure: Disclosure) -> Self {
        match disclosure {
            Disclosure::Public => Self::Public,
            Disclosure::Auditors => Self::Auditors,
        }
    }
}
