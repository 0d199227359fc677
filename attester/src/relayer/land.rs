//! A bundle's way to the chain, by several relayers at once.
//!
//! Each of them is given the bundle: whoever withholds it, lies about it or is down costs nothing if another one works.
//! That a bundle has landed is the registry's word alone, read at the finalized block through the operator's own endpoint:
//! its log has the result, and the manifest that the log names has which evidence that result is of. Whoever shows the
//! manifest can only show the right one.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_primitives::{Address, B256};
use chassis_verifier::bundle::Bundle;
use futures::future::select_ok;
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{MissedTickBehavior, interval, sleep_until},
};

use super::{
    Relayer, Status,
    follow::{Seat, not_final, worst},
};
use crate::{At, Error, OnChain, Registry, Standing, registry::Applied};

/// Between two looks at the chain.
const LOOK: Duration = Duration::from_secs(2);
/// Blocks whose log is read again: an endpoint is often several machines, and one that is behind gives too little of the last
/// ones.
const OVERLAP: u64 = 128;

/// Several relayers, and the registry that tells whether they speak the truth.
#[derive(Clone, Debug)]
pub struct Relayers {
    /// At least one.
    pub members: Vec<Relayer>,
    /// Read through the operator's own endpoint.
    pub registry: Registry,
}

/// One bundle to be brought on chain, and what tells that it is there.
#[derive(Clone, Copy, Debug)]
pub struct Errand {
    /// The evidence digest.
    pub digest: B256,
    /// Whom it is about.
    pub operator: Address,
    /// The anchor's block: it lands in a later one.
    pub anchor_block: u64,
    /// The anchor's time, Unix seconds: a grant on this evidence bears it.
    pub evidence_time: u64,
    /// The expiry on chain before it was sent: a renewal moves it forward.
    pub expiry_before: u64,
}

/// What happens meanwhile.
#[derive(Debug)]
pub enum Progress<'a> {
    /// A relayer says something new. It may not be true.
    Said(&'a Relayer, &'a Status),
    /// A relayer does not answer, or will have nothing to do with the bundle.
    Trouble(&'a Relayer, &'a Error),
    /// What is on chain cannot be read; it is tried again.
    Blind(&'a Error),
    /// It is in a block that may still be undone.
    Included(&'a Standing),
}

impl Relayers {
    /// What is needed to know later whether `bundle` has landed. To be asked before it is sent.
    ///
    /// # Errors
    /// If the RPC endpoint does not answer.
    pub async fn errand(&self, bundle: &Bundle) -> Result<Errand, Error> {
        let operator = bundle.evidence.operator;
        let anchor = &bundle.evidence.anchor;
        let standing = self.registry.standing(operator, At::Latest).await?;
        Ok(Errand {
            digest: bundle.digest,
            operator,
            anchor_block: anchor.block_number,
            evidence_time: self.registry.rpc.time_of(anchor.block_number).await?,
            expiry_before: standing.expiry,
        })
    }

    /// Hands `bundle` to every relayer and waits until it is final on chain. Without `bundle`, they are expected to
    /// have it, and are only asked.
    ///
    /// # Errors
    /// [`Error::Rejected`] if one who took it does not find it good and no other brings it on chain, [`Error::Unchanged`] if
    /// they say that it would change nothing there, [`Error::Untrue`] if they only say that it is final, [`Error::Down`] if
    /// it is and the operator is not let in, [`Error::NotFinal`] after `patience`; what the last of them said if none
    /// takes it.
    pub async fn land(
        &self,
        errand: &Errand,
        bundle: Option<Vec<u8>>,
        patience: Duration,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Standing, Error> {
        if self.members.is_empty() {
            return Err(Error::NoRelayer);
        }
        let deadline = Instant::now() + patience;
        let bundle = bundle.map(Arc::new);
        let (ear, mut heard) = mpsc::channel(self.members.len().max(1));
        // Aborted when dropped.
        let mut tasks = JoinSet::new();
        for (number, relayer) in self.members.iter().cloned().enumerate() {
            tasks.spawn(relayer.attend(number, errand.digest, bundle.clone(), ear.clone()));
        }
        drop(ear);
        let mut seats: Vec<Seat> = self.members.iter().map(|_| Seat::Offered(0, None)).collect();
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut trail = Trail {
            next: errand.anchor_block + 1,
            hidden: None,
            was_included: false,
        };
        loop {
            tokio::select! {
                Some((number, heard)) = heard.recv() => {
                    let (relayer, seat) = (&self.members[number], &mut seats[number]);
                    seat.hear(relayer, heard, progress);
                    if !matches!(seat, Seat::Claims { .. }) && !seats.iter().all(Seat::is_hopeless) {
                        continue;
                    }
                }
                _ = looks.tick() => {}
                () = sleep_until(deadline.into()) => {
                    return Err(not_final(errand.digest, patience, &seats));
                }
            }
            match self.look(errand, &mut seats, &mut trail, progress).await {
                Ok(Some(standing)) => return Ok(standing),
                Ok(None) if seats.iter().all(Seat::is_hopeless) => return Err(worst(seats)),
                Ok(None) => {}
                Err(error @ Error::Down { .. }) => return Err(error),
                Err(error) => progress(Progress::Blind(&error)),
            }
        }
    }

    /// Whether it is final. Whoever claims so of a block that is final to us too, and is not borne out, has lied.
    async fn look(
        &self,
        errand: &Errand,
        seats: &mut [Seat],
        trail: &mut Trail,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Option<Standing>, Error> {
        // In this order: the state is at least as late as the number.
        let finalized: u64 = self.registry.rpc.block(At::Finalized).await?.number.to();
        let standing = self.registry.standing(errand.operator, At::Finalized).await?;
        match self.trace(errand, &standing, finalized, trail).await {
            Ok(true) => return Ok(Some(standing)),
            Ok(false) => self.judge(errand, &standing, finalized, seats, progress).await?,
            // Something has landed. As long as nobody says what, nobody has lied.
            Err(hidden @ Error::Hidden { manifest, .. }) => {
                if trail.hidden.replace(manifest) != Some(manifest) {
                    progress(Progress::Blind(&hidden));
                }
            }
            Err(error) => return Err(error),
        }
        if !trail.was_included {
            let standing = self.registry.standing(errand.operator, At::Latest).await?;
            if errand.may_have_landed(&standing) {
                trail.was_included = true;
                progress(Progress::Included(&standing));
            }
        }
        Ok(None)
    }

    /// Whether this very bundle is in the registry's log, as far as that is final.
    async fn trace(
        &self,
        errand: &Errand,
        standing: &Standing,
        finalized: u64,
        trail: &mut Trail,
    ) -> Result<bool, Error> {
        if !errand.may_have_landed(standing) {
            return Ok(false);
        }
        let Errand { digest, operator, .. } = *errand;
        let applied = self
            .registry
            .applied(operator, standing.lane, trail.next, finalized)
            .await?;
        // What nobody shows must not hide ours, which may stand behind it.
        let mut hidden = None;
        for Applied { result, archive } in applied {
            let asked = self
                .members
                .iter()
                .map(|relayer| Box::pin(relayer.manifest(archive)));
            match select_ok(asked).await {
                Ok((manifest, _)) if manifest.says(result, digest) => return Ok(true),
                Ok(_) => {}
                Err(last) => {
                    hidden.get_or_insert(Error::Hidden {
                        manifest: archive,
                        problem: last.to_string(),
                    });
                }
            }
        }
        if let Some(hidden) = hidden {
            return Err(hidden);
        }
        trail.next = trail.next.max((finalized + 1).saturating_sub(OVERLAP));
        Ok(false)
    }

    /// Judges those who say that it is final, which it is not.
    async fn judge(
        &self,
        errand: &Errand,
        standing: &Standing,
        finalized: u64,
        seats: &mut [Seat],
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<(), Error> {
        let latest: u64 = self.registry.rpc.block(At::Latest).await?.number.to();
        for (relayer, seat) in self.members.iter().zip(seats.iter_mut()) {
            let Seat::Claims { block, by } = seat else {
                continue;
            };
            // What is final anywhere is in a block that exists: who names a later one, or none, gains no time by it.
            let by = *by.get_or_insert(block.map_or(latest, |block| block.min(latest)));
            if finalized < by {
                continue;
            }
            if standing.status.is_down() {
                return Err(Error::Down {
                    operator: errand.operator,
                    status: standing.status,
                });
            }
            // Final without a transaction: the operator is attested for as long already, it says. The chain knows only
            // for how long.
            let error = if block.is_none() && standing.status == OnChain::Active {
                Error::Unchanged {
                    relayer: relayer.name().to_owned(),
                    digest: errand.digest,
                    expiry: standing.expiry,
                }
            } else {
                Error::Untrue {
                    relayer: relayer.name().to_owned(),
                    digest: errand.digest,
                    block: finalized,
                }
            };
            progress(Progress::Trouble(relayer, &error));
            *seat = Seat::Out(error);
        }
        Ok(())
    }
}

impl Errand {
    /// Whether `standing` can be what came of it. Any other grant, a clone's or an older bundle's, looks the same.
    fn may_have_landed(&self, standing: &Standing) -> bool {
        // Who leaves the registry by another way is stamped with the time at which he left.
        !standing.status.is_down()
            && standing.status != OnChain::Unknown
            && (standing.evidence_time >= self.evidence_time || standing.expiry > self.expiry_before)
    }
}

/// What has been seen of one bundle's way.
#[derive(Debug)]
struct Trail {
    /// The first block whose log is to be read next.
    next: u64,
    /// The manifest that nobody shows.
    hidden: Option<B256>,
    was_included: bool,
}
