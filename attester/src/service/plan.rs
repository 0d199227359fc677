//! When to renew: a pure function of what the chain, this machine and relayers say.

use alloy_primitives::{Address, keccak256};

use crate::{OnChain, Standing};

/// What the decision rests on. Times are the chain's, Unix seconds: a wrong clock here changes nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a> {
    pub(super) operator: Address,
    pub(super) now: u64,
    pub(super) standing: &'a Standing,
    /// When the last evidence landed; 0 if that is not known.
    pub(super) landed: u64,
    /// When the last renewal was begun that changed nothing on chain; 0 if none did.
    pub(super) unchanged: u64,
    /// Whether this is the boot of which the last evidence speaks.
    pub(super) is_same_boot: bool,
    /// Whether a relayer warns of what is on chain.
    pub(super) is_warned: bool,
    /// When a warning was last heeded; 0 if never.
    pub(super) heeded: u64,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Renew now.
    Renew(Reason),
    /// Not before this time.
    Wait(u64),
    /// Nothing that new evidence would help.
    Leave,
}

/// Why a renewal is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// It was never attested.
    New,
    /// It is attested no more.
    Lapsed,
    /// It was frozen, which ends by a grant on new evidence.
    Frozen,
    /// The machine booted since.
    Rebooted,
    /// The better part of its lifetime is over.
    Aged,
    /// A relayer says that it would not be attested so today.
    Warned,
}

/// Of a lifetime, the part after which it is due: between this,
const EARLIEST: u64 = 50;
/// and this, in percent. So one failure of half a lifetime's third costs nothing, and nodes do not come all at once.
const LATEST: u64 = 70;
/// So small a part of a lifetime must lie between two renewals that a relayer's word alone causes, by a warning or by saying that
/// there was nothing to change: whoever says so all the time must not have us renew all the time.
const PAUSES_PER_LIFETIME: u64 = 8;
/// However short the lifetime.
const LEAST_PAUSE: u64 = 60;

pub(super) fn next(view: &View<'_>) -> Step {
    let standing = view.standing;
    match standing.status {
        OnChain::Unknown => Step::Renew(Reason::New),
        OnChain::Expired => Step::Renew(Reason::Lapsed),
        OnChain::Frozen => Step::Renew(Reason::Frozen),
        // Its operator took it out; a service does not take it in again.
        OnChain::Deregistered | OnChain::Revoked => Step::Leave,
        OnChain::Active | OnChain::Paused => {
            let begin = begin(view);
            let lifetime = standing.expiry.saturating_sub(begin);
            let pause = (lifetime / PAUSES_PER_LIFETIME).max(LEAST_PAUSE);
            let (due, reason) = if view.is_same_boot {
                (begin + lifetime * part(view) / 100_000, Reason::Aged)
            } else {
                (view.now, Reason::Rebooted)
            };
            let due = due.max(view.unchanged + pause);
            if view.now >= due {
                Step::Renew(reason)
            } else if view.is_warned && view.now >= view.unchanged.max(view.heeded) + pause {
                Step::Renew(Reason::Warned)
            } else {
                Step::Wait(due)
            }
        }
    }
}

/// When this attestation began. The registry knows its end and the policy's TTL; where the end was capped, that would be
/// too early, and every renewal would be followed by the next one: then what we remember counts.
fn begin(view: &View<'_>) -> u64 {
    let standing = view.standing;
    let by_ttl = standing.expiry.saturating_sub(standing.ttl);
    by_ttl.max(view.landed.min(standing.expiry))
}

/// In thousandths of a percent: the same for one operator and expiry after any restart, and different for others.
fn part(view: &View<'_>) -> u64 {
    let seed = [
        view.operator.as_slice(),
        view.standing.expiry.to_be_bytes().as_slice(),
    ]
    .concat();
    let hash = keccak256(seed);
    let draw = u64::from(u16::from_be_bytes([hash[0], hash[1]]));
    let span = (LATEST - EARLIEST) * 1000;
    EARLIEST * 1000 + draw * span / u64::from(u16::MAX)
}

impl Reason {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::New => "not attested yet",
            Self::Lapsed => "attested no more",
            Self::Frozen => "frozen",
            Self::Rebooted => "this machine has booted since",
            Self::Aged => "most of its lifetime is over",
            Self::Warned => "a relayer warns",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400;
    const BEGIN: u64 = 1_700_000_000;

    fn standing(status: OnChain) -> Standing {
        Standing {
            status,
            evidence_time: BEGIN,
            attested_since: BEGIN,
            ..Standing::until(BEGIN + DAY)
        }
    }

    fn view(standing: &Standing) -> View<'_> {
        View {
            operator: Address::repeat_byte(1),
            now: BEGIN + 1,
            standing,
            landed: BEGIN,
            unchanged: 0,
            is_same_boot: true,
            is_warned: false,
            heeded: 0,
        }
    }

    #[test]
    fn it_is_due_between_half_and_seven_tenths_of_its_lifetime() {
        let active = standing(OnChain::Active);
        let dues: Vec<u64> = (0..200u8)
            .map(|byte| {
                let operator = Address::repeat_byte(byte);
                let Step::Wait(due) = next(&View {
                    operator,
                    ..view(&active)
                }) else {
                    panic!("it is not due at once");
                };
                let now = due;
                let at = View {
                    operator,
                    now,
                    ..view(&active)
                };
                assert_eq!(next(&at), Step::Renew(Reason::Aged));
                due - BEGIN
            })
            .collect();
        let (least, most) = (*dues.iter().min().unwrap(), *dues.iter().max().unwrap());
        assert!((DAY / 2..DAY * 54 / 100).contains(&least), "{least}");
        assert!(most <= DAY * 7 / 10 && most > DAY * 66 / 100, "{most}");
    }

    #[test]
    fn each_status_has_its_step() {
        for (status, step) in [
            (OnChain::Unknown, Step::Renew(Reason::New)),
            (OnChain::Expired, Step::Renew(Reason::Lapsed)),
            (OnChain::Frozen, Step::Renew(Reason::Frozen)),
            (OnChain::Deregistered, Step::Leave),
            (OnChain::Revoked, Step::Leave),
        ] {
            assert_eq!(next(&view(&standing(status))), step, "{status}");
        }
        for status in [OnChain::Active, OnChain::Paused] {
            assert!(
                matches!(next(&view(&standing(status))), Step::Wait(_)),
                "{status}"
            );
        }
    }

    #[test]
    fn a_reboot_is_renewed_at_once() {
        let active = standing(OnChain::Active);
        let is_same_boot = false;
        let rebooted = View {
            is_same_boot,
            ..view(&active)
        };
        assert_eq!(next(&rebooted), Step::Renew(Reason::Rebooted));
    }

    #[test]
    fn warnings_without_end_are_heeded_eight_times_in_a_lifetime() {
        let active = standing(OnChain::Active);
        let warned = |now, heeded| {
            let is_warned = true;
            next(&View {
                now,
                is_warned,
                heeded,
                ..view(&active)
            })
        };
        assert_eq!(warned(BEGIN + 1, 0), Step::Renew(Reason::Warned));
        assert!(matches!(warned(BEGIN + 2, BEGIN + 1), Step::Wait(_)));
        assert_eq!(
            warned(BEGIN + 1 + DAY / 8, BEGIN + 1),
            Step::Renew(Reason::Warned)
        );
    }

    #[test]
    fn an_expiry_that_was_capped_does_not_make_every_renewal_late() {
        let capped = Standing {
            expiry: BEGIN + 3600,
            ..standing(OnChain::Active)
        };
        let Step::Wait(due) = next(&view(&capped)) else {
            panic!("it has just landed");
        };
        assert!((1800..=2520).contains(&(due - BEGIN)), "{}", due - BEGIN);
        // Whoever has forgotten renews once more.
        let forgotten = View {
            landed: 0,
            ..view(&capped)
        };
        assert_eq!(next(&forgotten), Step::Renew(Reason::Aged));
    }

    /// The end cannot move, by a CRL's or a statement's date: each renewal is answered with "final", without a transaction.
    #[test]
    fn where_renewals_change_nothing_they_are_few() {
        let capped = Standing {
            expiry: BEGIN + 3600,
            ..standing(OnChain::Active)
        };
        let renewals = |is_same_boot| {
            let (mut unchanged, mut renewals) = (0, Vec::new());
            for now in BEGIN..BEGIN + 3600 {
                let view = View {
                    now,
                    unchanged,
                    is_same_boot,
                    ..view(&capped)
                };
                if matches!(next(&view), Step::Renew(_)) {
                    (unchanged, renewals) = (now, [renewals, vec![now]].concat());
                }
            }
            renewals
        };
        assert!((2..=4).contains(&renewals(true).len()), "{:?}", renewals(true));
        assert_eq!(renewals(false).len(), 8);
        assert_eq!(renewals(false)[0], BEGIN, "a reboot is tried at once");
    }
}
