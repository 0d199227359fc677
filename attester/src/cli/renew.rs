//! `chassis-node renew`.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use chassis_attester::{Error, Rotation, Service, SessionHash, SessionKey, Settings};
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use super::{EvidenceArgs, RelayerArgs};

#[derive(Debug, Args)]
pub(crate) struct RenewArgs {
    #[command(flatten)]
    evidence: EvidenceArgs,
    #[command(flatten)]
    relayers: RelayerArgs,
    /// State file: current boot and bundles in flight.
    #[arg(
        long,
        env = "CHASSIS_STATE",
        value_name = "FILE",
        default_value = "/var/lib/chassis-node/state.json"
    )]
    state: PathBuf,
    /// A file to keep while the registry attests the operator; it says until when.
    #[arg(long, env = "CHASSIS_READY_FILE", value_name = "FILE")]
    ready_file: Option<PathBuf>,
    /// Where to serve /metrics (Prometheus), /healthz and /readyz.
    #[arg(long, env = "CHASSIS_LISTEN", value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// How often to ask chain and relayers how things stand.
    #[arg(long, default_value_t = 60, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    watch: u64,
    /// How long this machine has to make evidence. A discrete TPM may need half a minute.
    #[arg(long, default_value_t = 180, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    machine_timeout: u64,
    /// The pause after a failure. Each further one doubles it, to 10 minutes.
    #[arg(long, default_value_t = 15, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=600))]
    retry: u64,
    /// A P-256 key of this TD, made if it is not there, whose hash goes into each quote. Its public half is written to
    /// FILE.pub.
    #[arg(
        long,
        env = "CHASSIS_SESSION_KEY",
        value_name = "FILE",
        conflicts_with = "session_key_hash"
    )]
    session_key: Option<PathBuf>,
    /// Make a new session key for each renewal. It takes the old one's place once it is final on chain.
    #[arg(long, requires = "session_key")]
    rotate_session_key: bool,
}

impl RenewArgs {
    pub(crate) async fn run(self) -> Result<ExitCode, Error> {
        let rotation = self.rotation();
        let relayers = self.relayers.open(&self.evidence.chain)?;
        let key = self.evidence.operator().await?;
        let boot_id = self
            .evidence
            .machine
            .sys_root
            .join("proc/sys/kernel/random/boot_id");
        let disclosure = self.evidence.disclosure.into();
        let fixed = SessionHash::Fixed(self.evidence.session_key_hash);
        // From here on without root: what is written below belongs to --user.
        let collector = Arc::new(self.evidence.collector()?);
        let session = match &self.session_key {
            Some(path) => SessionHash::Key(SessionKey::open(path, rotation)?),
            None => fixed,
        };
        let service = Service {
            relayers,
            key,
            collector,
            boot_id,
            session,
            settings: Settings {
                state: self.state,
                ready: self.ready_file,
                listen: self.listen,
                watch: Duration::from_secs(self.watch),
                machine_patience: Duration::from_secs(self.machine_timeout),
                patience: self.relayers.patience(),
                retry: Duration::from_secs(self.retry),
                disclosure,
            },
        };
        service.run(told_to_stop()?).await?;
        Ok(ExitCode::SUCCESS)
    }

    fn rotation(&self) -> Rotation {
        if self.rotate_session_key {
            Rotation::EachRenewal
        } else {
            Rotation::Keep
        }
    }
}

/// `SIGTERM` or `SIGINT`, from now on.
fn told_to_stop() -> Result<impl Future<Output = ()>, Error> {
    let mut terminate = signal(SignalKind::terminate()).map_err(Error::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::Signals)?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
