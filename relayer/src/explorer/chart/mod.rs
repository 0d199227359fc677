//! Pictures, drawn on the server. Each says in words what it shows, and stands beside a table with the same content.

mod axis;
mod steps;
mod timeline;

pub(super) use steps::Steps;
pub(super) use timeline::{Bar, Mark, Row, Timeline};

/// For whom a picture is drawn: a page shows one of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Screen {
    Wide,
    Narrow,
}

impl Screen {
    const BOTH: [Self; 2] = [Self::Wide, Self::Narrow];

    /// In the picture's units, which are a pixel each at its usual size.
    fn width(self) -> u64 {
        match self {
            Self::Wide => 1_040,
            Self::Narrow => 336,
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Wide => "chart wide",
            Self::Narrow => "chart narrow",
        }
    }

    /// Tells the ids of two pictures apart.
    fn suffix(self) -> &'static str {
        match self {
            Self::Wide => "w",
            Self::Narrow => "n",
        }
    }
}
