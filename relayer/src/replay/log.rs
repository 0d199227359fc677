//! A registry's log entries, decoded.

use alloy::{
    primitives::{B256, LogData},
    sol_types::{SolEvent, SolEventInterface},
};

use super::error::{Problem, ReplayError};
use crate::registry::{
    IProofOfCloudGovernance::{
        ActionExecuted, ActionSubmitted, ActionVetoed, Equivocation, IProofOfCloudGovernanceEvents,
        OrderExecuted,
    },
    IProofOfCloudRegistry::{
        AuthorityChanged, BatchPosted, ControlChanged, IProofOfCloudRegistryEvents, ItemSkipped,
        OperatorGranted, PlatformUpdated, PolicyRegistered, PolicyRetired, RelayerSetChanged, StatusChanged,
    },
};

/// Where a log stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The block's number.
    pub block: u64,
    /// The block's hash.
    pub block_hash: B256,
    /// The block's time, Unix seconds.
    pub time: u64,
    /// The transaction.
    pub transaction: B256,
    /// The log's index in its block.
    pub log_index: u64,
}

/// One of the registry's logs.
#[derive(Clone, Debug)]
pub struct RegistryLog {
    /// Where it stands.
    pub at: Position,
    /// What it says.
    pub event: Event,
}

macro_rules! events {
    ($($event:ident),* $(,)?) => {
        /// What a registry's log says.
        #[derive(Clone, Debug)]
        #[allow(missing_docs, reason = "named after the event, which the contracts' interfaces describe")]
        pub enum Event {
            $($event(Box<$event>),)*
        }

        impl Event {
            /// All there are.
            pub const NAMES: &[&str] = &[$(stringify!($event)),*];

            /// As the contract has it.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$event(_) => stringify!($event),)*
                }
            }

            /// As it stands in a receipt.
            pub fn log_data(&self) -> LogData {
                match self {
                    $(Self::$event(event) => event.encode_log_data(),)*
                }
            }
        }
    };
}

events![
    BatchPosted,
    PlatformUpdated,
    OperatorGranted,
    ItemSkipped,
    StatusChanged,
    ControlChanged,
    RelayerSetChanged,
    PolicyRegistered,
    PolicyRetired,
    AuthorityChanged,
    ActionSubmitted,
    ActionExecuted,
    ActionVetoed,
    OrderExecuted,
    Equivocation,
];

impl RegistryLog {
    /// Reads a log. It must be encoded just as the registry would have it, to the byte.
    ///
    /// # Errors
    /// If it is none of the registry's events, or encoded otherwise.
    pub fn decode(at: Position, data: &LogData) -> Result<Self, ReplayError> {
        let fail = |event: &str, problem| ReplayError {
            block: at.block,
            block_hash: at.block_hash,
            transaction: at.transaction,
            log_index: at.log_index,
            event: event.into(),
            problem: Box::new(problem),
        };
        let Some(event) = decode(data).map_err(|problem| fail("an event", problem))? else {
            let topic = data.topics().first().copied().unwrap_or_default();
            return Err(fail(&format!("topic {topic}"), Problem::Unknown));
        };
        if event.log_data() != *data {
            let problem = Problem::Malformed("it is not in its one ABI encoding".into());
            return Err(fail(event.name(), problem));
        }
        Ok(Self { at, event })
    }
}

/// `None`: no such event.
fn decode(data: &LogData) -> Result<Option<Event>, Problem> {
    use IProofOfCloudGovernanceEvents as Governance;
    use IProofOfCloudRegistryEvents as Registry;

    let Some(topic) = data.topics().first() else {
        return Ok(None);
    };
    let malformed = |error: alloy::sol_types::Error| Problem::Malformed(error.to_string());
    if Registry::SELECTORS.contains(&topic.0) {
        let event = Registry::decode_raw_log(data.topics(), &data.data).map_err(malformed)?;
        return Ok(Some(match event {
            Registry::BatchPosted(e) => Event::BatchPosted(Box::new(e)),
            Registry::PlatformUpdated(e) => Event::PlatformUpdated(Box::new(e)),
            Registry::OperatorGranted(e) => Event::OperatorGranted(Box::new(e)),
            Registry::ItemSkipped(e) => Event::ItemSkipped(Box::new(e)),
            Registry::StatusChanged(e) => Event::StatusChanged(Box::new(e)),
            Registry::ControlChanged(e) => Event::ControlChanged(Box::new(e)),
            Registry::RelayerSetChanged(e) => Event::RelayerSetChanged(Box::new(e)),
            Registry::PolicyRegistered(e) => Event::PolicyRegistered(Box::new(e)),
            Registry::PolicyRetired(e) => Event::PolicyRetired(Box::new(e)),
            Registry::AuthorityChanged(e) => Event::AuthorityChanged(Box::new(e)),
        }));
    }
    if Governance::SELECTORS.contains(&topic.0) {
        let event = Governance::decode_raw_log(data.topics(), &data.data).map_err(malformed)?;
        return Ok(Some(match event {
            Governance::ActionSubmitted(e) => Event::ActionSubmitted(Box::new(e)),
            Governance::ActionExecuted(e) => Event::ActionExecuted(Box::new(e)),
            Governance::ActionVetoed(e) => Event::ActionVetoed(Box::new(e)),
            Governance::OrderExecuted(e) => Event::OrderExecuted(Box::new(e)),
            Governance::Equivocation(e) => Event::Equivocation(Box::new(e)),
        }));
    }
    Ok(None)
}
