//! Times: absolute in UTC, and from the page's moment.

use std::cmp::Ordering;

use maud::{Markup, html};

use crate::render::date;

/// A time, and how far it is from `now`. 0 is none.
pub(in crate::explorer) fn when(time: u64, now: u64) -> Markup {
    if time == 0 {
        return html! { span.none { "none" } };
    }
    html! {
        time.when datetime=(iso(time)) {
            span.abs { (date(time)) } " "
            span.rel data-t=(time) { (relative(time, now)) }
        }
    }
}

/// RFC 3339.
pub(in crate::explorer) fn iso(time: u64) -> String {
    date(time).replacen(' ', "T", 1).replacen(" UTC", "Z", 1)
}

/// "in 5 h 12 min", "3 d 4 h ago".
pub(in crate::explorer) fn relative(time: u64, now: u64) -> String {
    let span = duration(time.abs_diff(now));
    match time.cmp(&now) {
        Ordering::Equal => "now".into(),
        Ordering::Greater => format!("in {span}"),
        Ordering::Less => format!("{span} ago"),
    }
}

/// The two largest units that are not zero. The page's script says the same.
pub(in crate::explorer) fn duration(seconds: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let Some(first) = UNITS.iter().position(|(unit, _)| seconds >= *unit) else {
        return "0\u{a0}s".into();
    };
    let mut text = String::new();
    let mut left = seconds;
    for (unit, name) in UNITS.iter().skip(first).take(2) {
        let count = left / unit;
        left %= unit;
        if count > 0 {
            let space = if text.is_empty() { "" } else { " " };
            text = format!("{text}{space}{count}\u{a0}{name}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_two_units_at_most() {
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (3_725, "1 h 2 min"),
            (3_605, "1 h"),
            (90_000, "1 d 1 h"),
            (864_000, "10 d"),
        ] {
            assert_eq!(
                duration(seconds),
                text.replace(' ', "\u{a0}")
                    .replacen("h\u{a0}", "h ", 1)
                    .replacen("d\u{a0}", "d ", 1)
            );
        }
        assert_eq!(relative(100, 40), "in 1\u{a0}min");
        assert_eq!(relative(40, 100), "1\u{a0}min ago");
        assert_eq!(iso(1_782_809_233), "2026-06-30T08:47:13Z");
    }
}
