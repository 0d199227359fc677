//! `chassis-node host-agent`.

use std::{path::PathBuf, process::ExitCode};

use chassis_attester::{AgentConfig, Error, HostAgent, SocketAddress, drtm_log};
use clap::Args;
use serde_json::json;

use super::{Output, signals::ended};

#[derive(Debug, Args)]
pub(crate) struct HostAgentArgs {
    /// Where the host's TPM is.
    #[arg(long, env = "CHASSIS_TCTI", default_value = "device:/dev/tpmrm0")]
    tcti: String,
    /// What `chassis-node enroll` wrote.
    #[arg(
        long,
        env = "CHASSIS_ENROLMENT",
        default_value = "/var/lib/chassis-host/enrolment.json",
        value_name = "FILE"
    )]
    enrolment: PathBuf,
    /// The log of the host's dynamic launch.
    #[arg(
        long,
        env = "CHASSIS_DRTM_LOG",
        default_value = "/sys/kernel/security/slaunch/eventlog",
        value_name = "FILE"
    )]
    drtm_log: PathBuf,
    /// Where guests ask: vsock://any:PORT, or unix:PATH.
    #[arg(
        long,
        env = "CHASSIS_HOST_LISTEN",
        default_value = "vsock://any:4060",
        value_name = "ADDRESS"
    )]
    listen: SocketAddress,
    /// Where hypervisors send their guests' quote requests: QEMU's quote-generation-socket.
    #[arg(
        long,
        env = "CHASSIS_QUOTE_RELAY",
        default_value = "unix:/run/chassis-host/quote.sock",
        value_name = "ADDRESS"
    )]
    relay: SocketAddress,
    /// Where the quote generation service (QGS) of this host listens.
    #[arg(
        long,
        env = "CHASSIS_QUOTE_SERVICE",
        default_value = "unix:/var/run/tdx-qgs/qgs.socket",
        value_name = "ADDRESS"
    )]
    quote_service: SocketAddress,
}

impl HostAgentArgs {
    pub(crate) async fn run(self, output: &Output) -> Result<ExitCode, Error> {
        let agent = HostAgent::new(AgentConfig {
            tcti: self.tcti,
            enrolment: self.enrolment,
            drtm_log: drtm_log(&self.drtm_log)?,
            listen: self.listen.clone(),
            relay: self.relay.clone(),
            quote_service: self.quote_service,
        })?;
        let ready = || {
            output.result(
                &format!("guests ask at {}, hypervisors at {}", self.listen, self.relay),
                &json!({"listen": self.listen.to_string(), "relay": self.relay.to_string()}),
            );
        };
        tokio::select! {
            served = agent.serve(ready) => served?,
            () = ended() => {}
        }
        Ok(ExitCode::SUCCESS)
    }
}
