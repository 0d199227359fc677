//! Time from left to right.

use maud::{Markup, html};

use crate::render::date;

const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;
/// Between ticks, in seconds.
const STEPS: [u64; 20] = [
    60,
    300,
    900,
    1_800,
    HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    4 * DAY,
    7 * DAY,
    14 * DAY,
    30 * DAY,
    91 * DAY,
    182 * DAY,
    365 * DAY,
    730 * DAY,
    1_825 * DAY,
    3_650 * DAY,
];

/// A stretch of time, and where it lies in a picture.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    from: u64,
    to: u64,
    left: u64,
    width: u64,
}

impl Axis {
    /// `to` is made later than `from`.
    pub(super) fn new(from: u64, to: u64, left: u64, right: u64) -> Self {
        Self {
            from,
            to: to.max(from + 1),
            left,
            width: right.saturating_sub(left).max(1),
        }
    }

    /// Where a time is, in tenths of a unit, as text.
    pub(super) fn x(&self, time: u64) -> String {
        decimal(self.tenths(time))
    }

    /// How wide a stretch is, at least a unit and a half: what happened is to be seen.
    pub(super) fn width(&self, from: u64, to: u64) -> String {
        decimal(self.tenths(to).saturating_sub(self.tenths(from)).max(15))
    }

    /// In units.
    pub(super) fn length(&self, from: u64, to: u64) -> u64 {
        self.tenths(to).saturating_sub(self.tenths(from)) / 10
    }

    fn tenths(&self, time: u64) -> u64 {
        let since = time.clamp(self.from, self.to) - self.from;
        let scaled = u128::from(since) * u128::from(self.width) * 10 / u128::from(self.to - self.from);
        self.left * 10 + u64::try_from(scaled).unwrap_or(0)
    }

    /// Lines at round times, and their names below `bottom`, but where `now` has its own.
    pub(super) fn grid(&self, top: u64, bottom: u64, now: Option<u64>) -> Markup {
        let most = (self.width / 110).max(2);
        let span = self.to - self.from;
        let step = STEPS
            .into_iter()
            .find(|step| span / step <= most)
            .unwrap_or(3_650 * DAY);
        let first = self.from.div_ceil(step) * step;
        let ticks = (0..=span / step)
            .map(|i| first + i * step)
            .filter(|tick| *tick <= self.to);
        // A name needs room to its right or left.
        let is_free = |tick| now.is_none_or(|now| self.tenths(tick).abs_diff(self.tenths(now)) > 450);
        let (low, high) = (self.left * 10 + 200, (self.left + self.width) * 10 - 200);
        html! {
            g.grid {
                @for tick in ticks {
                    line x1=(self.x(tick)) x2=(self.x(tick)) y1=(top) y2=(bottom) {}
                    @if (low..=high).contains(&self.tenths(tick)) && is_free(tick) {
                        text x=(self.x(tick)) y=(bottom + 16) text-anchor="middle" { (name(tick, step)) }
                    }
                }
            }
        }
    }
}

fn decimal(tenths: u64) -> String {
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// `08:00` within a day, else `30 Nov`.
fn name(time: u64, step: u64) -> String {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let text = date(time);
    if step < DAY && !time.is_multiple_of(DAY) {
        return text.get(11..16).unwrap_or_default().to_owned();
    }
    let month = text.get(5..7).and_then(|month| month.parse::<usize>().ok());
    let month = month
        .and_then(|month| MONTHS.get(month.wrapping_sub(1)))
        .unwrap_or(&"");
    let day = text.get(8..10).unwrap_or_default().trim_start_matches('0');
    if step >= 91 * DAY {
        return format!("{month} {}", text.get(..4).unwrap_or_default());
    }
    format!("{day} {month}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_lie_where_they_should_and_never_outside() {
        let axis = Axis::new(1_000, 2_000, 10, 110);
        assert_eq!(
            (axis.x(1_000), axis.x(1_500), axis.x(2_000)),
            ("10.0".into(), "60.0".into(), "110.0".into())
        );
        assert_eq!((axis.x(0), axis.x(u64::MAX)), ("10.0".into(), "110.0".into()));
        assert_eq!(axis.width(1_500, 1_500), "1.5");
        assert_eq!(axis.length(1_000, 2_000), 100);
        assert_eq!(Axis::new(5, 5, 0, 10).x(5), "0.0");
    }

    #[test]
    fn ticks_are_few_and_named_by_hour_or_day() {
        assert_eq!(name(1_782_864_000, DAY), "1 Jul");
        assert_eq!(name(1_782_864_000 + 8 * HOUR, HOUR), "08:00");
        assert_eq!(name(1_782_864_000, 365 * DAY), "Jul 2026");
        for span in [10, 5_000, 90_000, 900_000, 90_000_000, 900_000_000] {
            let grid = Axis::new(1_782_809_233, 1_782_809_233 + span, 100, 1_000)
                .grid(0, 100, None)
                .into_string();
            assert!(grid.matches("<line").count() <= 10, "{span}: {grid}");
        }
    }
}
