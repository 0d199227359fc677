//! What can stop a node from being attested: what happened, to which thing, and what to do.

use std::{io, path::PathBuf};

use alloy_primitives::{Address, B256};
use chassis_program::{KeyError, date};

use crate::{
    OnChain,
    relayer::{CheckReport, State},
};

/// Everything that can go wrong on a node.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The TPM does not open.
    #[error(
        "cannot open the TPM at `{tcti}`: {source}; check that it exists and that this user may open it (group tss), or name another with --tcti"
    )]
    TpmOpen {
        /// The TCTI string.
        tcti: String,
        /// What the TSS said.
        source: tss_esapi::Error,
    },
    /// The TPM refused a command.
    #[error("the TPM refused {doing}: {source}")]
    Tpm {
        /// The operation, as a noun.
        doing: String,
        /// What the TSS said.
        source: tss_esapi::Error,
    },
    /// No key in this TPM is vouched for by a provider.
    #[error(
        "the TPM holds no attestation key that a provider vouches for: {missing}; on Google Cloud, create the VM with a vTPM (Shielded VM); on Azure use --azure, on bare metal --host; elsewhere --no-tpm, for `Quote`"
    )]
    NoAttestationKey {
        /// What was looked for and not found.
        missing: String,
    },
    /// The provider's certificate is about another key.
    #[error(
        "the key made from the template at NV 0x{template:08x} is not the one certified at NV 0x{certificate:08x}: the endorsement seed or one of the two was changed after the provider wrote them; recreate the VM"
    )]
    AttestationKeyDisagrees {
        /// NV index of the template.
        template: u32,
        /// NV index of the certificate.
        certificate: u32,
    },
    /// The attestation key changed between two steps.
    #[error("the TPM's attestation key changed while evidence was being collected; run again")]
    AttestationKeyChanged,
    /// A public area or certificate that cannot be used.
    #[error("{what} cannot be used: {problem}")]
    Unusable {
        /// The thing, and where it came from.
        what: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A PCR bank is not allocated.
    #[error(
        "the TPM has no {bank} bank with PCRs {pcrs:?}; allocate it in the firmware (tpm2_pcrallocate) and reboot"
    )]
    NoPcrBank {
        /// The bank's hash.
        bank: String,
        /// The PCRs asked for.
        pcrs: Vec<u8>,
    },
    /// PCRs were extended again and again between quoting and reading.
    #[error(
        "PCRs 0 to 15 changed during each of {attempts} quotes; find what keeps extending them (often IMA, PCR 10), or run again when the machine is idle"
    )]
    PcrsMoved {
        /// How often it was tried.
        attempts: u32,
    },
    /// A file or directory cannot be used.
    #[error("cannot {doing} {path}: {source}{hint}", path = path.display())]
    File {
        /// The operation, as a verb.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
        /// What to do, with its own leading punctuation; may be empty.
        hint: &'static str,
    },
    /// A binary structure does not parse.
    #[error("this machine gave something that does not parse: {0}")]
    Parse(#[from] chassis_verifier::ParseError),
    /// The TD quoting service does not answer.
    #[error(
        "no TD quote from {path} within {seconds} s; check that the host runs its quote generation service (QGS)",
        path = path.display()
    )]
    NoTdQuote {
        /// The report entry.
        path: PathBuf,
        /// How long it was waited for.
        seconds: u64,
    },
    /// The machine is a confidential guest of another kind.
    #[error(
        "TD quotes come from provider `tdx_guest`, this machine has `{provider}`; only Intel TDX guests are supported"
    )]
    NotTdx {
        /// What configfs-tsm says.
        provider: String,
    },
    /// A device neither answers nor fails.
    #[error(
        "this machine made no evidence within {seconds} s; its TPM or the host's quote generation service hangs: `chassis-node doctor` tells which, restart that, or the machine"
    )]
    Hangs {
        /// How long it was waited for.
        seconds: u64,
    },
    /// Somebody else wrote to our report entry, again and again.
    #[error(
        "another process interfered with each of {attempts} TD quotes; find what writes to configfs-tsm entries named chassis-*"
    )]
    TdQuoteRaced {
        /// How often it was tried.
        attempts: u32,
    },
    /// Root cannot be given up.
    #[error("giving up root: {0}")]
    Privileges(String),
    /// The operator's key cannot be used.
    #[error("operator key: {0}")]
    Key(String),
    /// The evidence cannot be made into a bundle.
    #[error(transparent)]
    Bundle(#[from] chassis_verifier::Error),
    /// The chain's RPC endpoint failed.
    #[error("RPC endpoint {endpoint}: {problem}")]
    Rpc {
        /// Scheme, host and port; paths often hold credentials.
        endpoint: String,
        /// What went wrong, and what to do.
        problem: String,
    },
    /// A relayer failed or refused to serve us.
    #[error("relayer {relayer}: {problem}")]
    Relayer {
        /// Scheme, host and port.
        relayer: String,
        /// What went wrong.
        problem: String,
        /// Whether the same request may succeed later.
        retryable: bool,
    },
    /// A bare-metal host's agent failed or refused.
    #[error("host agent at {address}: {problem}")]
    Host {
        /// Its socket.
        address: String,
        /// What went wrong.
        problem: String,
        /// Whether the same request may succeed later.
        retryable: bool,
    },
    /// Azure's metadata service failed or refused.
    #[error("Azure's metadata service at {address}: {problem}")]
    MetadataService {
        /// Scheme, host and port.
        address: String,
        /// What went wrong.
        problem: String,
    },
    /// A registrar failed or refused.
    #[error("registrar {registrar}: {problem}")]
    Registrar {
        /// Scheme, host and port.
        registrar: String,
        /// What went wrong.
        problem: String,
        /// Whether the same request may succeed later.
        retryable: bool,
    },
    /// The bundle was appraised and rejected.
    #[error("bundle {digest} was rejected: {why}", why = why(checks, reason))]
    Rejected {
        /// The evidence digest.
        digest: B256,
        /// The relayer's reason, where no check failed.
        reason: String,
        /// Every check the relayer told of.
        checks: Vec<CheckReport>,
    },
    /// The bundle is not on chain, and is not to be.
    #[error(
        "bundle {digest} changed nothing on chain: operator is attested until {until}, and {relayer} says that this evidence would not make it longer; nothing is to be done before it is due",
        until = date(*expiry)
    )]
    Unchanged {
        /// Scheme, host and port of who says so.
        relayer: String,
        /// The evidence digest.
        digest: B256,
        /// Until when the registry has the operator, Unix seconds.
        expiry: u64,
    },
    /// Something landed, and nobody shows what.
    #[error(
        "the registry has new evidence of this operator, and no relayer shows manifest {manifest}, which tells whether it is ours: {problem}; name more relayers"
    )]
    Hidden {
        /// The manifest's SHA-256, as the registry's log has it.
        manifest: B256,
        /// What the last relayer said.
        problem: String,
    },
    /// A relayer lies, or it and our RPC endpoint follow different chains.
    #[error(
        "relayer {relayer} says that bundle {digest} is final, and the registry does not know of it as of finalized block {block}; do not believe that relayer, or check that --rpc-url and --registry are the ones it works for"
    )]
    Untrue {
        /// Scheme, host and port.
        relayer: String,
        /// The evidence digest.
        digest: B256,
        /// The finalized block as of which our own endpoint was asked.
        block: u64,
    },
    /// The registry does not let the operator in.
    #[error(
        "the registry has operator {operator} as {status}; {advice}",
        advice = match status {
            OnChain::Frozen => "a freeze blocks grants for 72 h and ends by a grant after that: ask the guardians why",
            OnChain::Deregistered => "it left by itself, after this evidence was made: register again",
            OnChain::Revoked => "only governance can reinstate it",
            _ => "ask the registry's guardians why",
        }
    )]
    Down {
        /// The operator.
        operator: Address,
        /// Where it stands.
        status: OnChain,
    },
    /// There is nothing to leave.
    #[error("the registry has operator {operator} as {status}; there is nothing to leave")]
    NotActive {
        /// The operator.
        operator: Address,
        /// Where it stands.
        status: OnChain,
    },
    /// An own transaction is not final yet.
    #[error(
        "transaction {transaction} is not final after {seconds} s; it stays valid: look it up, and do not send another one"
    )]
    Pending {
        /// Its hash.
        transaction: B256,
        /// How long it was waited for.
        seconds: u64,
    },
    /// An own transaction did nothing.
    #[error(
        "transaction {transaction} reverted: the registry changed between asking and sending; look, and try again"
    )]
    Reverted {
        /// Its hash.
        transaction: B256,
    },
    /// Nobody can be served at this address.
    #[error("cannot listen on {address}: {problem}; choose another with --listen")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// What the system said.
        problem: io::Error,
    },
    /// The system gives no signals.
    #[error("cannot listen for signals: {0}")]
    Signals(io::Error),
    /// Metrics cannot be recorded.
    #[error("metrics: {0}")]
    Metrics(String),
    /// Two arguments exclude each other.
    #[error("{0}; leave one out")]
    Conflict(&'static str),
    /// No relayer was named.
    #[error("there is no relayer to send a bundle to; name one with --relayer")]
    NoRelayer,
    /// The bundle is not final on chain yet.
    #[error(
        "bundle {digest} is {state} after {seconds} s and not final{}; relayers go on without us: ask again later, or wait longer with --wait",
        because(reason)
    )]
    NotFinal {
        /// The evidence digest.
        digest: B256,
        /// Its last known state.
        state: State,
        /// What keeps it there, by a relayer's word; may be empty.
        reason: String,
        /// How long it was waited for.
        seconds: u64,
    },
}

fn because(reason: &str) -> String {
    if reason.is_empty() {
        String::new()
    } else {
        format!(", because: {reason}")
    }
}

impl Error {
    /// Whether the same request may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Relayer { retryable, .. }
            | Self::Host { retryable, .. }
            | Self::Registrar { retryable, .. } => *retryable,
            Self::Rpc { .. }
            | Self::PcrsMoved { .. }
            | Self::TdQuoteRaced { .. }
            | Self::AttestationKeyChanged
            | Self::MetadataService { .. } => true,
            _ => false,
        }
    }

    pub(crate) fn tpm(doing: impl Into<String>) -> impl FnOnce(tss_esapi::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Tpm { doing, source }
    }

    pub(crate) fn unusable(what: impl Into<String>, problem: impl std::fmt::Display) -> Self {
        Self::Unusable {
            what: what.into(),
            problem: format!("{problem}"),
        }
    }
}

impl From<KeyError> for Error {
    fn from(error: KeyError) -> Self {
        Self::Key(error.to_string())
    }
}

/// Counts what failed; where nothing did, the relayer's own words are all there is.
fn why(checks: &[CheckReport], reason: &str) -> String {
    match checks.iter().filter(|check| check.failed()).count() {
        0 if reason.is_empty() => "the relayer gives no reason".to_owned(),
        0 => reason.to_owned(),
        1 => "1 check failed".to_owned(),
        checks => format!("{checks} checks failed"),
    }
}
