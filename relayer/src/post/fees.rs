//! What to pay. Pure: the market comes from outside.

/// Least wei per gas for the block's proposer: some endpoints answer zero.
const MIN_TIP: u128 = 1_000_000;

/// What blocks cost now, wei per gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Market {
    pub(super) base_fee: u128,
    /// What an endpoint recommends.
    pub(super) tip: u128,
}

/// What a transaction offers, wei per gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fee {
    pub(super) max_fee: u128,
    pub(super) max_tip: u128,
}

/// What is never exceeded, wei per gas.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caps {
    pub(super) max_fee: u128,
    pub(super) max_tip: u128,
}

/// Whether to offer more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bump {
    /// What is offered is what the market takes.
    Keep,
    /// The market moved: offer this.
    Raise(Fee),
    /// It moved beyond the cap, or so near to it that no replacement fits below. Once it falls, what is offered is good
    /// again.
    Hold,
}

impl Caps {
    /// What to offer first. `None` while a block costs more than the cap.
    pub(super) fn first(&self, market: Market) -> Option<Fee> {
        if market.base_fee + MIN_TIP > self.max_fee {
            return None;
        }
        let tip = self.tip(market);
        let enough = market.base_fee + tip;
        let most = replaceable(self.max_fee).max(enough).min(self.max_fee);
        let max_fee = (market.base_fee + enough).min(most);
        Some(Fee {
            max_fee,
            max_tip: tip.min(max_fee),
        })
    }

    /// What to offer after `last`, of which nodes still have the bytes: only if the market moved, and then at least an
    /// eighth more in both fields, since nodes replace for no less than a tenth.
    pub(super) fn bump(&self, last: Fee, market: Market) -> Bump {
        let has_room = last.max_fee >= market.base_fee + last.max_tip;
        let tips_moved = self.tip(market) >= raised(last.max_tip);
        if has_room && !tips_moved {
            return Bump::Keep;
        }
        match self.replace(last, market) {
            Some(fee) => Bump::Raise(fee),
            None if has_room => Bump::Keep,
            None => Bump::Hold,
        }
    }

    /// The least that replaces `last` and that the market takes, if it is below the cap.
    pub(super) fn replace(&self, last: Fee, market: Market) -> Option<Fee> {
        let max_tip = self.tip(market).max(raised(last.max_tip));
        let enough = raised(last.max_fee);
        let max_fee = (2 * market.base_fee + max_tip).max(enough).min(self.max_fee);
        let fits = max_fee >= enough && max_tip <= self.max_tip.min(max_fee);
        fits.then_some(Fee { max_fee, max_tip })
    }

    /// What to follow the market with. What is at the cap nothing can replace.
    fn tip(&self, market: Market) -> u128 {
        market.tip.clamp(MIN_TIP, replaceable(self.max_tip).max(MIN_TIP))
    }
}

/// An eighth more, and never nothing more.
pub(super) fn raised(fee: u128) -> u128 {
    fee + fee.div_ceil(8)
}

/// The most that [`raised`] leaves below a cap.
fn replaceable(cap: u128) -> u128 {
    cap / 9 * 8 + (cap % 9).saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GWEI: u128 = 1_000_000_000;
    const CAPS: Caps = Caps {
        max_fee: 100 * GWEI,
        max_tip: 10 * GWEI,
    };

    fn market(base_fee: u128, tip: u128) -> Market {
        Market {
            base_fee: base_fee * GWEI,
            tip: tip * GWEI,
        }
    }

    fn fee(max_fee: u128, max_tip: u128) -> Fee {
        Fee {
            max_fee: max_fee * GWEI,
            max_tip: max_tip * GWEI,
        }
    }

    #[test]
    fn a_bump_is_an_eighth_and_never_nothing() {
        assert_eq!(raised(8), 9);
        assert_eq!(raised(1), 2);
        assert_eq!(raised(GWEI), 1_125_000_000);
        for cap in 1..100 {
            let most = replaceable(cap);
            assert!(raised(most) <= cap && raised(most + 1) > cap, "{cap}");
        }
    }

    #[test]
    fn the_first_offer_has_room_for_a_doubled_base_fee_below_the_cap() {
        assert_eq!(CAPS.first(market(20, 2)), Some(fee(42, 2)));
        assert_eq!(CAPS.first(market(98, 2)), Some(fee(100, 2)));
        assert_eq!(CAPS.first(market(100, 2)), None);
        let dear = CAPS.first(market(1, 1_000_000)).unwrap();
        assert!(
            dear.max_tip <= CAPS.max_tip,
            "an endpoint cannot make it pay any tip"
        );
    }

    #[test]
    fn a_first_offer_can_be_replaced_while_the_market_is_below_the_caps() {
        for (base, tip) in [(80, 2), (1, 1_000_000), (70, 10)] {
            let first = CAPS.first(market(base, tip)).unwrap();
            assert!(CAPS.replace(first, market(base, tip)).is_some(), "{first:?}");
            assert_eq!(CAPS.bump(first, market(base, tip)), Bump::Keep);
        }
    }

    #[test]
    fn it_bumps_only_when_the_market_moved() {
        assert_eq!(CAPS.bump(fee(42, 2), market(20, 2)), Bump::Keep);
        assert_eq!(CAPS.bump(fee(42, 2), market(40, 2)), Bump::Keep, "still room");
        let Bump::Raise(dearer) = CAPS.bump(fee(42, 2), market(41, 2)) else {
            panic!("no bump")
        };
        assert_eq!(
            (dearer.max_fee, dearer.max_tip),
            (82 * GWEI + raised(2 * GWEI), raised(2 * GWEI))
        );
        assert!(
            matches!(CAPS.bump(fee(42, 2), market(20, 3)), Bump::Raise(_)),
            "tips moved by more than an eighth"
        );
        assert_eq!(
            CAPS.bump(fee(42, 8), market(20, 8)),
            Bump::Keep,
            "a tip like the market's is kept"
        );
    }

    #[test]
    fn beyond_the_cap_it_holds_and_below_it_goes_on() {
        let held = fee(95, 2);
        assert_eq!(CAPS.bump(held, market(300, 2)), Bump::Hold);
        assert_eq!(
            CAPS.bump(held, market(94, 2)),
            Bump::Hold,
            "an eighth more is beyond the cap"
        );
        assert_eq!(
            CAPS.bump(held, market(93, 2)),
            Bump::Keep,
            "it fell: what is offered is good again"
        );
    }

    proptest! {
        #[test]
        fn no_offer_is_beyond_a_cap_or_too_little_to_replace(
            base in 0..200 * GWEI, tip in 0..200 * GWEI, later in 0..200 * GWEI, tips in 0..200 * GWEI,
        ) {
            let Some(first) = CAPS.first(Market { base_fee: base, tip }) else { return Ok(()) };
            prop_assert!(first.max_fee <= CAPS.max_fee && first.max_tip <= CAPS.max_tip.min(first.max_fee));
            if let Bump::Raise(next) = CAPS.bump(first, Market { base_fee: later, tip: tips }) {
                prop_assert!(next.max_fee <= CAPS.max_fee && next.max_tip <= CAPS.max_tip.min(next.max_fee));
                prop_assert!(8 * next.max_fee >= 9 * first.max_fee && 8 * next.max_tip >= 9 * first.max_tip);
            }
        }
    }
}
