//! `chassis-node registrar`.

use std::{net::SocketAddr, num::NonZeroU32, path::PathBuf, process::ExitCode};

use chassis_attester::{CertificatePool, Error, Registrar, RegistrarConfig, RegistrarKey, serve_registrar};
use chassis_verifier::Base64;
use clap::{Args, Subcommand};
use serde_json::json;
use tokio::net::TcpListener;

use super::{Output, signals::ended};

#[derive(Debug, Subcommand)]
pub(crate) enum RegistrarCommand {
    /// Make the registrar's key, and print what the policy pins.
    Keygen(KeyArgs),
    /// Print what the policy pins of a key that is there.
    Key(KeyArgs),
    /// Serve hosts that enroll.
    Serve(ServeArgs),
}

#[derive(Debug, Args)]
pub(crate) struct KeyArgs {
    /// The registrar's key: Ed25519 in PKCS #8, DER.
    #[arg(long, env = "CHASSIS_REGISTRAR_KEY_FILE", value_name = "FILE")]
    key: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    key: KeyArgs,
    /// The relayers' policy: it pins the key and lists the host stacks.
    #[arg(long, env = "CHASSIS_POLICY", value_name = "FILE")]
    policy: PathBuf,
    /// Which machines stand with the provider, and which TPM and CPU each has.
    #[arg(long, env = "CHASSIS_MACHINES", value_name = "FILE")]
    machines: PathBuf,
    /// Roots of TPM makers, PEM or DER; may be given several times.
    #[arg(
        long,
        env = "CHASSIS_TPM_ROOTS",
        value_name = "FILE|DIR",
        value_delimiter = ',',
        required = true
    )]
    tpm_roots: Vec<PathBuf>,
    /// Where each statement is written down.
    #[arg(long, env = "CHASSIS_AUDIT_LOG", value_name = "FILE")]
    audit: PathBuf,
    /// How long a statement holds.
    #[arg(long, default_value_t = 30, value_name = "DAYS", value_parser = clap::value_parser!(u64).range(1..=366))]
    valid_days: u64,
    /// Where hosts ask. Requests are not encrypted: keep this within the management network, or behind a TLS proxy.
    #[arg(long, env = "CHASSIS_REGISTRAR_LISTEN", default_value = "127.0.0.1:8090")]
    listen: SocketAddr,
    /// Requests a minute from one network: an IPv4 address, or an IPv6 prefix of 64 bits. Behind a proxy all hosts are one.
    #[arg(long, default_value = "60", value_name = "NUMBER")]
    rate: NonZeroU32,
}

impl RegistrarCommand {
    pub(crate) async fn run(self, output: &Output) -> Result<ExitCode, Error> {
        match self {
            Self::Keygen(args) => Ok(show(&RegistrarKey::generate(&args.key)?, output)),
            Self::Key(args) => Ok(show(&RegistrarKey::read(&args.key)?, output)),
            Self::Serve(args) => args.run(output).await,
        }
    }
}

fn show(key: &RegistrarKey, output: &Output) -> ExitCode {
    let spki = json!(Base64(key.spki()));
    output.result(spki.as_str().unwrap_or_default(), &json!({"publicKey": spki}));
    ExitCode::SUCCESS
}

impl ServeArgs {
    async fn run(self, output: &Output) -> Result<ExitCode, Error> {
        let registrar = Registrar::new(&RegistrarConfig {
            key: self.key.key,
            policy: self.policy,
            machines: self.machines,
            maker_roots: CertificatePool::read(&self.tpm_roots)?,
            audit: self.audit,
            valid_for: self.valid_days * 86_400,
        })?;
        let cannot_listen = |error: std::io::Error| Error::Registrar {
            registrar: self.listen.to_string(),
            problem: format!("cannot listen: {error}"),
            retryable: false,
        };
        let listener = TcpListener::bind(self.listen).await.map_err(cannot_listen)?;
        let address = listener.local_addr().map_err(cannot_listen)?;
        output.result(
            &format!("hosts enroll at http://{address}"),
            &json!({"listen": address.to_string()}),
        );
        tokio::select! {
            () = serve_registrar(listener, registrar, self.rate) => {}
            () = ended() => {}
        }
        Ok(ExitCode::SUCCESS)
    }
}
