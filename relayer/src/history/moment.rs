//! What was true at a time, and why.

use alloy::primitives::Address;

use super::{History, Span, StatusChange, Switch};
use crate::registry::IProofOfCloudRegistry::{Denial, Status};

/// The least that a relying party asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Floor {
    /// Least binding.
    pub binding: u8,
    /// Least custody.
    pub custody: u8,
    /// Worst TCB level; 0 = any.
    pub tcb: u8,
}

/// An operator at a time.
#[derive(Clone, Debug)]
pub struct Moment<'a> {
    /// Which time.
    pub time: u64,
    /// What `requireAttested` said; `None`: it was attested.
    pub denial: Denial,
    /// The span that held the time. Under a pause it may be there, and still nobody is attested.
    pub span: Option<&'a Span>,
    /// What decided.
    pub why: Why<'a>,
}

/// What decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why<'a> {
    /// A live lane, and nothing against it.
    Attested(&'a Span),
    /// Nothing was known of the operator.
    Unknown,
    /// A pause, or its provider's freeze.
    Switch(&'a Switch),
    /// Its own status, or its platform's.
    Status(&'a StatusChange),
    /// Its last span was over.
    Over(&'a Span),
    /// It was attested, as less than was asked for.
    Level(&'a Span),
}

/// A time in which an operator was attested: a part of a span without outages.
#[derive(Clone, Copy, Debug)]
pub struct Stretch<'a> {
    /// From when on.
    pub from: u64,
    /// Until when.
    pub to: u64,
    /// As what.
    pub span: &'a Span,
}

impl Floor {
    /// What `isAttested(operator)` asks for.
    pub const DEFAULT: Self = Self {
        binding: 2,
        custody: 1,
        tcb: 1,
    };
    /// Any attestation at all.
    pub const ANY: Self = Self {
        binding: 0,
        custody: 0,
        tcb: 0,
    };

    /// Why a standing does not meet it; `None` if it does.
    fn denial(self, span: &Span) -> Denial {
        let s = &span.standing;
        if s.binding < self.binding {
            Denial::Binding
        } else if s.custody < self.custody {
            Denial::Custody
        } else if self.tcb != 0 && s.tcb > self.tcb {
            Denial::Tcb
        } else {
            Denial::None
        }
    }
}

impl History {
    /// What the registry answered about an operator at the end of the block that was the last one at this time. Later than
    /// the last log, it is what it will answer if nothing more happens.
    pub fn at(&self, operator: Address, time: u64, floor: Floor) -> Moment<'_> {
        let known = self.operator(operator);
        let span = known.and_then(|known| known.span_at(time));
        let (denial, why) = self.decide(operator, time, floor);
        Moment {
            time,
            denial,
            span,
            why,
        }
    }

    /// In the order in which the registry gives its reasons (`Reads.sol`).
    fn decide(&self, operator: Address, time: u64, floor: Floor) -> (Denial, Why<'_>) {
        let Some(switch) = self.switch_at(time) else {
            return (Denial::Unknown, Why::Unknown);
        };
        if switch.paused {
            return (Denial::Paused, Why::Switch(self.thrown(time, |s| s.paused)));
        }
        let Some(known) = self.operator(operator) else {
            return (Denial::Unknown, Why::Unknown);
        };
        let span = known.last_begun(time);
        let change = known.changes.iter().rev().find(|change| change.at.time <= time);
        if let Some(change) =
            change.filter(|change| span.is_none_or(|span| span.from.key() < change.at.key()))
        {
            return (denial_of(change.new), Why::Status(change));
        }
        let Some(span) = span else {
            return (Denial::Unknown, Why::Unknown);
        };
        let provider = span.standing.provider;
        if switch.stops(provider) {
            let cause = self.thrown(time, |switch| switch.stops(provider));
            return (Denial::ProviderFrozen, Why::Switch(cause));
        }
        if time >= span.to {
            let platform = self.platform(span.standing.platform);
            let stopped = platform.and_then(|platform| platform.stopped_at(time));
            return match stopped {
                Some(change) => (denial_of(change.new), Why::Status(change)),
                None => (Denial::Expired, Why::Over(span)),
            };
        }
        match floor.denial(span) {
            Denial::None => (Denial::None, Why::Attested(span)),
            denial => (denial, Why::Level(span)),
        }
    }

    /// The switch since which something has been off, as it is at this time.
    fn thrown(&self, time: u64, is_off: impl Fn(&Switch) -> bool) -> &Switch {
        let until = self.switches.partition_point(|switch| switch.at.time <= time);
        let (before, _) = self.switches.split_at(until);
        let last_on = before.iter().rposition(|switch| !is_off(switch));
        // It is off now, so there is one after the last one where it was on.
        &before[last_on.map_or(0, |on| on + 1)]
    }

    /// When an operator was attested from `from` until `to`, as far as the log goes: its spans without pauses and without its
    /// provider's freezes, where the standing meets the floor. A span that has not ended counts until its expiry.
    pub fn stretches(&self, operator: Address, from: u64, to: u64, floor: Floor) -> Vec<Stretch<'_>> {
        let spans = self.operator(operator).map_or(&[][..], |known| &known.spans);
        let mut stretches = Vec::new();
        for span in spans.iter().filter(|span| floor.denial(span) == Denial::None) {
            let (mut on, end) = (span.from.time.max(from), span.to.min(to));
            for (off, back) in self.off(span.standing.provider) {
                if on < off.min(end) {
                    stretches.push(Stretch {
                        from: on,
                        to: off.min(end),
                        span,
                    });
                }
                on = on.max(back.unwrap_or(u64::MAX));
            }
            if on < end {
                stretches.push(Stretch {
                    from: on,
                    to: end,
                    span,
                });
            }
        }
        stretches
    }

    /// When nobody of a provider's was attested: begin and end.
    fn off(&self, provider: u16) -> Vec<(u64, Option<u64>)> {
        let mut times: Vec<(u64, Option<u64>)> = Vec::new();
        for switch in &self.switches {
            let is_off = switch.paused || switch.stops(provider);
            match times.last_mut().filter(|(_, to)| to.is_none()) {
                Some(open) if !is_off => open.1 = Some(switch.at.time),
                None if is_off => times.push((switch.at.time, None)),
                _ => {}
            }
        }
        times
    }
}

impl Moment<'_> {
    /// Whether it was attested.
    pub fn is_attested(&self) -> bool {
        self.denial == Denial::None
    }

    /// What `statusOf` said.
    pub fn status(&self) -> Status {
        match self.denial {
            Denial::Paused => Status::Paused,
            Denial::Unknown => Status::Unknown,
            Denial::Frozen | Denial::ProviderFrozen => Status::Frozen,
            Denial::Revoked => Status::Revoked,
            Denial::Deregistered => Status::Deregistered,
            Denial::Expired | Denial::ExpiryTooFar => Status::Expired,
            _ => Status::Active,
        }
    }
}

fn denial_of(status: Status) -> Denial {
    match status {
        Status::Revoked => Denial::Revoked,
        Status::Deregistered => Denial::Deregistered,
        _ => Denial::Frozen,
    }
}
