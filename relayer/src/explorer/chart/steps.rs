//! A number over time.

use maud::{Markup, html};

use super::{Screen, axis::Axis};

const TOP: u64 = 16;
const HEIGHT: u64 = 120;

/// A number that changes in steps.
#[derive(Clone, Debug)]
pub(in crate::explorer) struct Steps {
    /// Of the element, unique on its page.
    pub(in crate::explorer) id: &'static str,
    pub(in crate::explorer) title: String,
    pub(in crate::explorer) description: String,
    pub(in crate::explorer) from: u64,
    pub(in crate::explorer) to: u64,
    /// From when on it was how much, in order.
    pub(in crate::explorer) points: Vec<(u64, u64)>,
}

impl Steps {
    pub(in crate::explorer) fn markup(&self) -> Markup {
        html! { div.figure { @for screen in Screen::BOTH { (self.drawn(screen)) } } }
    }

    fn drawn(&self, screen: Screen) -> Markup {
        let id = |part: &str| format!("{}-{part}-{}", self.id, screen.suffix());
        let axis = Axis::new(self.from, self.to, 36, screen.width() - 4);
        let most = self
            .points
            .iter()
            .map(|(_, number)| *number)
            .max()
            .unwrap_or(0)
            .max(1);
        let bottom = TOP + HEIGHT;
        let y = |number: u64| bottom - number * HEIGHT / most;
        let pieces = self.points.iter().enumerate().map(|(i, (time, number))| match i {
            0 => format!("M{} {}", axis.x(*time), y(*number)),
            _ => format!("H{}V{}", axis.x(*time), y(*number)),
        });
        let line = format!("{}H{}", pieces.collect::<Vec<_>>().concat(), axis.x(self.to));
        let start = self.points.first().map_or(self.from, |(time, _)| *time);
        let area = format!("{line}V{bottom}H{}Z", axis.x(start));
        html! {
            svg class=(screen.class()) viewBox={ "0 0 " (screen.width()) " " (bottom + 24) }
                role="img" aria-labelledby={ (id("title")) " " (id("text")) } {
                title id=(id("title")) { (self.title) }
                desc id=(id("text")) { (self.description) }
                (axis.grid(TOP, bottom, None))
                g.scale {
                    line x1="36" x2=(screen.width() - 4) y1=(TOP) y2=(TOP) {}
                    line x1="36" x2=(screen.width() - 4) y1=(bottom) y2=(bottom) {}
                    text x="28" y=(TOP + 4) text-anchor="end" { (most) }
                    text x="28" y=(bottom + 4) text-anchor="end" { "0" }
                }
                @if !self.points.is_empty() {
                    path.area d=(area) {}
                    path.line d=(line) {}
                }
            }
        }
    }
}
