//! What can be said on the command line. No secret can.

#![expect(
    clippy::doc_markdown,
    reason = "these comments are shown on a terminal, where backticks are noise"
)]

use std::path::PathBuf;

use alloy_primitives::{Address, B256};
use chassis_verifier::bundle;
use clap::{Args, Parser, Subcommand, ValueEnum};

/// Proves a node to the Proof-of-Cloud registry, and keeps it proven.
///
/// The operator's key comes from --keystore, or from CHASSIS_OPERATOR_KEY.
///
/// Exit codes: 0 done, 1 other, 2 usage, 3 this machine lacks something, 4 an RPC endpoint or relayer failed,
/// 5 the bundle was rejected, 6 it is not final yet, 7 the operator's key cannot be used.
#[derive(Debug, Parser)]
#[command(name = "chassis-node", version, verbatim_doc_comment)]
pub(crate) struct Cli {
    /// Write JSON, one document a line, to standard output.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Collect evidence and write the bundle to a file.
    Attest(AttestArgs),
    /// Collect evidence, hand it to a relayer and follow it until it is final on chain.
    Register(RegisterArgs),
}

#[derive(Debug, Args)]
pub(crate) struct AttestArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    /// Where to write the bundle.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct RegisterArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    /// The relayer's base URL.
    #[arg(long, env = "CHASSIS_RELAYER", value_name = "URL", hide_env_values = true)]
    pub(crate) relayer: String,
    /// How long to wait until it is final. Finality alone takes about 15 minutes on Ethereum.
    #[arg(long, default_value_t = 3600, value_name = "SECONDS")]
    pub(crate) wait: u64,
}

#[derive(Debug, Args)]
pub(crate) struct NodeArgs {
    /// RPC endpoint of the registry's chain; it names the finalized block that makes the evidence fresh.
    #[arg(long, env = "CHASSIS_RPC_URL", value_name = "URL", hide_env_values = true)]
    pub(crate) rpc_url: String,
    /// The registry's address.
    #[arg(long, env = "CHASSIS_REGISTRY", value_name = "ADDRESS")]
    pub(crate) registry: Address,
    /// The operator's key, as an encrypted JSON keystore. Without it, CHASSIS_OPERATOR_KEY holds the key.
    #[arg(long, env = "CHASSIS_KEYSTORE", value_name = "FILE")]
    pub(crate) keystore: Option<PathBuf>,
    /// File whose first line is the keystore's password. Without it, CHASSIS_KEYSTORE_PASSWORD holds it.
    #[arg(
        long,
        env = "CHASSIS_KEYSTORE_PASSWORD_FILE",
        value_name = "FILE",
        requires = "keystore"
    )]
    pub(crate) keystore_password_file: Option<PathBuf>,
    /// Where the TPM is.
    #[arg(long, env = "CHASSIS_TCTI", default_value = "device:/dev/tpmrm0")]
    pub(crate) tcti: String,
    /// Leave the TPM out. The binding is then at most Quote.
    #[arg(long)]
    pub(crate) no_tpm: bool,
    /// The directory that holds `sys/`: event logs and configfs-tsm.
    #[arg(long, env = "CHASSIS_SYS_ROOT", default_value = "/", value_name = "DIR")]
    pub(crate) sys_root: PathBuf,
    /// Certificates between the AK's and the provider's root, PEM or DER; may be given several times.
    #[arg(
        long,
        env = "CHASSIS_AK_INTERMEDIATES",
        value_name = "FILE|DIR",
        value_delimiter = ','
    )]
    pub(crate) ak_intermediates: Vec<PathBuf>,
    /// SHA-256 of a SubjectPublicKeyInfo whose private key never leaves this TD.
    #[arg(long, default_value_t = B256::ZERO, hide_default_value = true, value_name = "HASH")]
    pub(crate) session_key_hash: B256,
    /// Who may read the bundle in an archive. It names project, zone and instance.
    #[arg(long, value_enum, default_value_t = Disclosure::Auditors)]
    pub(crate) disclosure: Disclosure,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Disclosure {
    /// Everybody.
    Public,
    /// Auditors with credentials.
    Auditors,
}

impl From<Disclosure> for bundle::Disclosure {
    fn from(disclosure: Disclosure) -> Self {
        match disclosure {
            Disclosure::Public => Self::Public,
            Disclosure::Auditors => Self::Auditors,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
