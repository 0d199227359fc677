//! What can go wrong in a relayer.

use std::path::PathBuf;

/// An error, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The configuration cannot be used. All mistakes at once.
    #[error("configuration {path}: {}", .mistakes.join("; "))]
    Config {
        /// The file.
        path: PathBuf,
        /// Everything wrong with it.
        mistakes: Vec<String>,
    },
    /// A file in the archive, or the archive's folder.
    #[error("archive {path}: {source}")]
    Archive {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// An archived document is not what it is named after.
    #[error("archive {path}: its content has another hash than its name; restore it from a copy")]
    ArchiveCorrupt {
        /// The file.
        path: PathBuf,
    },
    /// The database.
    #[error("database: {0}")]
    Store(#[from] sqlx::Error),
    /// A second relayer on one `SQLite` database.
    #[error("database {path}: another relayer has it open; stop that one, or let both use PostgreSQL")]
    StoreInUse {
        /// The database.
        path: PathBuf,
    },
    /// Another replica has taken over.
    #[error("the lease `{name}` is held by another replica, which goes on in place of this one")]
    LeaseLost {
        /// The lease.
        name: String,
    },
    /// The database's schema.
    #[error("database schema: {0}; if a newer program was here, use that one")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// A signature would contradict one already given.
    #[error(
        "evidence {evidence} was signed with another result under the same policy, endorsements and time"
    )]
    Equivocation {
        /// The evidence.
        evidence: String,
    },
    /// The chain's RPC endpoint.
    #[error("RPC: {0}")]
    Rpc(String),
    /// A source of endorsements.
    #[error("endorsements from {url}: {problem}")]
    Endorsement {
        /// Where from.
        url: String,
        /// What is wrong.
        problem: String,
    },
    /// Another relayer.
    #[error("relayer {peer}: {problem}")]
    Peer {
        /// Which.
        peer: alloy::primitives::Address,
        /// What is wrong.
        problem: String,
    },
    /// Evidence, policy or endorsements that cannot be read.
    #[error(transparent)]
    Verifier(#[from] chassis_verifier::Error),
    /// A report the registry would refuse.
    #[error("the registry refuses the report: {0}")]
    Refused(String),
    /// A question about a registry's history to which there is no answer.
    #[error("{0}")]
    Question(String),
    /// The signing key.
    #[error("signing key: {0}")]
    Key(String),
    /// A task's step panicked: a bug, and never an operator's fault.
    #[error("the task `{task}` panicked: {message}; please report this with the log around it")]
    Panicked {
        /// Which task.
        task: &'static str,
        /// The panic's message.
        message: String,
    },
    /// A task's step did not come back.
    #[error(
        "a step of the task `{task}` took more than {seconds} s and was abandoned ([tasks] stuck_after_s)"
    )]
    Stuck {
        /// Which task.
        task: &'static str,
        /// How long it was waited for.
        seconds: u64,
    },
    /// A task ended by itself, which none ever does.
    #[error("the task `{task}` ended by itself; the relayer stops, to be started again")]
    Ended {
        /// Which task.
        task: &'static str,
    },
    /// Anything of the operating system's.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done.
        doing: String,
        /// What the system said.
        source: std::io::Error,
    },
}

impl Error {
    /// A name for metrics, alerts and the runbook that stays the same while words change.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Config { .. } => "E-CONFIG",
            Self::Archive { .. } => "E-ARCHIVE",
            Self::ArchiveCorrupt { .. } => "E-ARCHIVE-CORRUPT",
            Self::Store(_) => "E-STORE",
            Self::StoreInUse { .. } => "E-STORE-IN-USE",
            Self::LeaseLost { .. } => "E-LEASE-LOST",
            Self::Migrate(_) => "E-STORE-SCHEMA",
            Self::Equivocation { .. } => "E-SIGN-EQUIVOCATION",
            Self::Rpc(_) => "E-RPC",
            Self::Endorsement { .. } => "E-ENDORSEMENT",
            Self::Peer { .. } => "E-PEER",
            Self::Verifier(_) => "E-EVIDENCE",
            Self::Refused(_) => "E-REGISTRY-REFUSED",
            Self::Question(_) => "E-QUESTION",
            Self::Key(_) => "E-KEY",
            Self::Panicked { .. } => "E-TASK-PANIC",
            Self::Stuck { .. } => "E-TASK-STUCK",
            Self::Ended { .. } => "E-TASK-ENDED",
            Self::Io { .. } => "E-IO",
        }
    }

    /// Whether the same may succeed later without anybody doing anything.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Rpc(_)
                | Self::Endorsement { .. }
                | Self::Store(_)
                | Self::LeaseLost { .. }
                | Self::Archive { .. }
                // Whoever has the document can put it back.
                | Self::ArchiveCorrupt { .. }
                | Self::Peer { .. }
        )
    }
}

impl Error {
    /// What it is about, in a word that may leave this relayer.
    pub(crate) fn topic(&self) -> String {
        match self {
            Self::Archive { .. } | Self::ArchiveCorrupt { .. } => "the archive",
            Self::Store(_) | Self::Migrate(_) => "the database",
            Self::Rpc(_) => "the chain",
            Self::Endorsement { .. } => "endorsements",
            // About what the peer itself has sent.
            Self::Peer { .. } | Self::Verifier(_) | Self::Refused(_) | Self::Equivocation { .. } => {
                return self.to_string();
            }
            _ => "this relayer",
        }
        .to_owned()
    }
}

impl From<chassis_program::KeyError> for Error {
    fn from(error: chassis_program::KeyError) -> Self {
        Self::Key(error.to_string())
    }
}

macro_rules! rpc_error {
    ($($error:ty),*) => {$(
        impl From<$error> for Error {
            fn from(error: $error) -> Self {
                Self::Rpc(error.to_string())
            }
        }
    )*};
}

rpc_error!(alloy::transports::TransportError, alloy::contract::Error);
