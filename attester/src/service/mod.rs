//! `chassis-node renew`: keeps an operator attested.
//!
//! A loop ([`keeper`]) that looks (at the chain, this machine's boot, relayers), decides ([`plan`]), and renews. Times are the
//! chain's. It may be killed anywhere: what was sent is remembered before it is sent, and found again on chain or at a relayer. Beside it
//! another one looks at the chain, and tells whoever asks.

mod catalogue;
mod clock;
mod collecting;
mod keeper;
mod listen;
mod memory;
mod plan;
mod ready;
mod sight;
mod watch;

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use alloy_primitives::B256;
use chassis_verifier::bundle::{Disclosure, Evidence};
use tracing::info;

use crate::{Error, OperatorKey, Relayers, Request, SessionKey};

pub use catalogue::{CATALOGUE, Kind, Metric};

use keeper::Keeper;
use memory::Memory;
use ready::Ready;
use sight::Sight;

/// Collects evidence; blocks.
pub type Collector = dyn Fn(&Request) -> Result<Evidence, Error> + Send + Sync;

/// All that the service works with.
pub struct Service {
    /// Whom to hand bundles to, and where to see what came of it.
    pub relayers: Relayers,
    /// Whose attestation it keeps.
    pub key: OperatorKey,
    /// Where evidence comes from.
    pub collector: Arc<Collector>,
    /// Where the kernel says which boot this is: `proc/sys/kernel/random/boot_id`.
    pub boot_id: PathBuf,
    /// Whose hash goes into quotes.
    pub session: SessionHash,
    /// How it goes about it.
    pub settings: Settings,
}

/// What quotes say of a session key.
#[derive(Clone, Debug)]
pub enum SessionHash {
    /// This; zero: nothing.
    Fixed(B256),
    /// That of a key in a file.
    Key(SessionKey),
}

/// How it goes about it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where to remember.
    pub state: PathBuf,
    /// A file that is there while the registry attests the operator.
    pub ready: Option<PathBuf>,
    /// Where `/metrics`, `/healthz` and `/readyz` are served.
    pub listen: Option<SocketAddr>,
    /// How often chain and relayers are asked.
    pub watch: Duration,
    /// How long this machine may take to make evidence.
    pub machine_patience: Duration,
    /// How long one bundle may take to be final.
    pub patience: Duration,
    /// The pause after the first failure; each further one doubles it, up to [`LONGEST_PAUSE`].
    pub retry: Duration,
    /// Who may read bundles.
    pub disclosure: Disclosure,
}

/// Between two tries, however many have failed.
pub const LONGEST_PAUSE: Duration = Duration::from_mins(10);

impl Service {
    /// Runs until `stop`. What is under way then is taken up by the next start.
    ///
    /// # Errors
    /// If it cannot start: the chain does not answer, the state file is held by another process, the address is taken.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<(), Error> {
        let metrics = catalogue::install()?;
        let operator = self.key.address();
        let registry = &self.relayers.registry;
        let chain_id = registry.rpc.chain_id().await?;
        let memory = Memory::open(&self.settings.state, chain_id, registry.address, operator)?;
        let ready = Ready::new(operator, self.settings.ready.clone());
        let listener = match self.settings.listen {
            Some(address) => Some(listen::listen(address, metrics, ready.reader()).await?),
            None => None,
        };
        let listen = async {
            match listener {
                Some(listener) => listener.await,
                None => std::future::pending().await,
            }
        };
        info!(%operator, registry = %registry.address, chain = chain_id, "started");
        let sight = Sight::new(registry.clone(), operator, ready);
        let every = self.settings.watch;
        let mut keeper = Keeper::new(self, memory, &sight);
        tokio::select! {
            () = stop => {}
            () = listen => {}
            () = sight.keep_looking(every) => {}
            () = keeper.keep() => {}
        }
        keeper.finish().await;
        info!("stopped");
        Ok(())
    }
}
