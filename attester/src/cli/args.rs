//! Groups of arguments that several subcommands share. No secret is among them.

#![expect(
    clippy::doc_markdown,
    reason = "these comments are shown on a terminal, where backticks are noise"
)]

use std::{path::PathBuf, sync::OnceLock};

use alloy_primitives::Address;
use chassis_attester::{
    Azure, AzureTpmQuote, CertificatePool, Error, KeySource, METADATA_SERVICE, Machine, SocketAddress,
    TpmPlace, User,
};
use clap::Args;

/// The registry.
#[derive(Debug, Args)]
pub(crate) struct ChainArgs {
    /// RPC endpoint of the registry's chain. Its latest finalized block is bound into the evidence as proof of freshness.
    #[arg(long, env = "CHASSIS_RPC_URL", value_name = "URL", hide_env_values = true)]
    pub(crate) rpc_url: String,
    /// The registry's address.
    #[arg(long, env = "CHASSIS_REGISTRY", value_name = "ADDRESS")]
    pub(crate) registry: Address,
}

/// The operator's key.
#[derive(Debug, Args)]
pub(crate) struct KeyArgs {
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
    /// The operator's key, as `key new --sealed` wrote it. Only this machine's TPM opens it.
    #[arg(
        long,
        env = "CHASSIS_SEALED_KEY",
        value_name = "FILE",
        conflicts_with = "keystore"
    )]
    pub(crate) sealed_key: Option<PathBuf>,
    /// The operator's key, by its id or ARN in AWS KMS. Region and credentials come from where AWS tools take them.
    #[arg(long, env = "CHASSIS_KMS_KEY", value_name = "ID", conflicts_with_all = ["keystore", "sealed_key"])]
    pub(crate) kms: Option<String>,
}

/// The TPM, where nothing else of the machine is looked at.
#[derive(Debug, Args)]
pub(crate) struct TpmArgs {
    /// Where the TPM is.
    #[arg(long, env = "CHASSIS_TCTI", default_value = "device:/dev/tpmrm0")]
    pub(crate) tcti: String,
}

impl KeyArgs {
    /// Where the key is; a sealed one is opened by the TPM at `tcti`.
    pub(crate) fn source(&self, tcti: &str) -> KeySource {
        if let Some(id) = &self.kms {
            KeySource::Kms(id.clone())
        } else if let Some(path) = &self.sealed_key {
            KeySource::Sealed(path.clone(), tcti.to_owned())
        } else if let Some(path) = &self.keystore {
            KeySource::Keystore(path.clone(), self.keystore_password_file.clone())
        } else {
            KeySource::Environment
        }
    }
}

/// The machine that this runs on.
#[derive(Debug, Args)]
pub(crate) struct MachineArgs {
    /// Where the TPM is.
    #[arg(long, env = "CHASSIS_TCTI", default_value = "device:/dev/tpmrm0")]
    pub(crate) tcti: String,
    /// On a bare-metal host: use the host's TPM, by its agent at vsock://2:PORT (or unix:PATH), in place of one of this machine.
    #[arg(
        long,
        env = "CHASSIS_HOST",
        value_name = "ADDRESS",
        conflicts_with_all = ["no_tpm", "ak_intermediates"]
    )]
    pub(crate) host: Option<SocketAddress>,
    /// On Azure: collect by way of the paravisor. The binding is then at most Quote.
    // Not by `conflicts_with`: CHASSIS_AZURE=false counts as given.
    #[arg(long, env = "CHASSIS_AZURE")]
    pub(crate) azure: bool,
    /// On Azure: carry the vTPM's quote too. Relayers sign no such bundle: nothing in it can be compared with the TD's.
    #[arg(long, requires = "azure", conflicts_with = "no_tpm")]
    pub(crate) azure_tpm_quote: bool,
    /// Where Azure's metadata service is: for simulated machines.
    #[arg(long, default_value = METADATA_SERVICE, hide = true, value_name = "URL")]
    pub(crate) azure_metadata: String,
    /// Leave the TPM out. The binding is then at most Quote.
    #[arg(long)]
    pub(crate) no_tpm: bool,
    /// The directory that holds `sys/` and `proc/`: event logs, configfs-tsm, the boot id.
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
    /// Give root up and go on as this user once the devices are open, before anything is sent. The user must be in the
    /// group of the TPM's device (tss).
    #[arg(long, env = "CHASSIS_USER", value_name = "USER")]
    pub(crate) user: Option<String>,
    #[arg(skip)]
    opened: OnceLock<Machine>,
}

impl MachineArgs {
    /// The machine's sources; the first call gives root up where --user says so. Whatever else needs root comes before.
    pub(crate) fn open(&self) -> Result<&Machine, Error> {
        if let Some(machine) = self.opened.get() {
            return Ok(machine);
        }
        let user = self.user.as_deref().map(User::named).transpose()?;
        let mut machine = Machine::new(&self.sys_root, self.tpm()?);
        if let Some(user) = user {
            machine.hand_over(&user)?;
        }
        Ok(self.opened.get_or_init(|| machine))
    }

    /// Where its TPM is.
    pub(crate) fn tpm(&self) -> Result<TpmPlace, Error> {
        let intermediates = || CertificatePool::read(&self.ak_intermediates);
        if self.azure && self.host.is_some() {
            return Err(Error::Conflict("--azure and --host name two TPMs"));
        }
        Ok(match &self.host {
            _ if self.azure => TpmPlace::Azure(Azure {
                tcti: self.tcti.clone(),
                metadata_service: self.azure_metadata.clone(),
                intermediates: intermediates()?,
                tpm_quote: if self.azure_tpm_quote {
                    AzureTpmQuote::Carried
                } else {
                    AzureTpmQuote::LeftOut
                },
            }),
            _ if self.no_tpm => TpmPlace::LeftOut,
            Some(agent) => TpmPlace::Host(agent.clone()),
            None => TpmPlace::Here {
                tcti: self.tcti.clone(),
                intermediates: intermediates()?,
            },
        })
    }
}
