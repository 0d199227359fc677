//! Findings, and what they add up to.

use std::fmt;

use serde::Serialize;

use crate::http::printable;

/// One line: something that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What was looked at, as `tpm.bank`; stable.
    pub id: &'static str,
    /// What came of it.
    pub outcome: Outcome,
    /// The lowest level that cannot be reached without it.
    pub needed: Level,
    /// What was found, in prose.
    pub found: String,
    /// What to do about it; always there if something is missing.
    pub todo: Option<String>,
}

/// What came of looking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// It is there.
    Ok,
    /// Worth knowing; nothing depends on it.
    Note,
    /// It is not there, or not usable.
    Missing,
}

/// What can be reached: the three levels of binding, and custody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Level {
    /// A TD quote that names the operator.
    Quote,
    /// With a provider's vTPM, cross-checked.
    VirtualTpm,
    /// With the host's own TPM.
    Chassis,
    /// That the CPU is in a data center.
    Custody,
}

/// Everything that was found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// In the order of looking.
    pub findings: Vec<Finding>,
}

/// Whether a level can be reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reach {
    /// The level.
    pub level: Level,
    /// Whether it can be reached, as far as this machine can tell: policies are the relayers'.
    pub reachable: bool,
    /// The findings that stand in the way.
    pub missing: Vec<&'static str>,
}

impl Level {
    /// All of them, lowest first.
    pub const ALL: [Self; 4] = [Self::Quote, Self::VirtualTpm, Self::Chassis, Self::Custody];
}

impl Report {
    /// Whether each level can be reached.
    pub fn levels(&self) -> [Reach; 4] {
        Level::ALL.map(|level| self.reach(level))
    }

    /// Whether `level` can be reached: everything needs what `Quote` needs, and nothing else needs each other.
    pub fn reach(&self, level: Level) -> Reach {
        let missing: Vec<_> = self
            .findings
            .iter()
            .filter(|finding| finding.outcome == Outcome::Missing)
            .filter(|finding| finding.needed == Level::Quote || finding.needed == level)
            .map(|finding| finding.id)
            .collect();
        Reach {
            level,
            reachable: missing.is_empty(),
            missing,
        }
    }

    pub(super) fn ok(&mut self, id: &'static str, needed: Level, found: impl Into<String>) {
        self.push(id, Outcome::Ok, needed, &found.into(), None);
    }

    pub(super) fn note(&mut self, id: &'static str, needed: Level, found: impl Into<String>) {
        self.push(id, Outcome::Note, needed, &found.into(), None);
    }

    pub(super) fn missing(
        &mut self,
        id: &'static str,
        needed: Level,
        found: impl Into<String>,
        todo: impl Into<String>,
    ) {
        self.push(id, Outcome::Missing, needed, &found.into(), Some(&todo.into()));
    }

    /// Words of a host's agent, of certificates and of a cloud's metadata service are in it, and go to a terminal.
    fn push(&mut self, id: &'static str, outcome: Outcome, needed: Level, found: &str, todo: Option<&str>) {
        self.findings.push(Finding {
            id,
            outcome,
            needed,
            found: printable(found),
            todo: todo.map(printable),
        });
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Quote => "Quote",
            Self::VirtualTpm => "VirtualTpm",
            Self::Chassis => "Chassis",
            Self::Custody => "custody",
        })
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Missing => "MISSING",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_finding_moves_the_cursor() {
        let mut report = Report::default();
        report.ok("a", Level::Quote, "zone `\u{1b}[2Jhall\n4`");
        report.missing("b", Level::Quote, "\u{202e}", "do\u{7}this");
        let [first, second] = &report.findings[..] else {
            panic!("two")
        };
        assert_eq!(first.found, "zone ` [2Jhall 4`");
        assert_eq!((&*second.found, second.todo.as_deref()), (" ", Some("do this")));
    }

    #[test]
    fn each_level_needs_its_own_and_what_quote_needs() {
        let mut report = Report::default();
        report.ok("a", Level::Quote, "");
        report.note("b", Level::Quote, "");
        report.missing("c", Level::VirtualTpm, "", "do");
        let reachable = |report: &Report| report.levels().map(|reach| reach.reachable);
        assert_eq!(reachable(&report), [true, false, true, true]);
        assert_eq!(report.reach(Level::VirtualTpm).missing, ["c"]);
        report.missing("d", Level::Quote, "", "do");
        assert_eq!(reachable(&report), [false; 4]);
        assert_eq!(report.reach(Level::VirtualTpm).missing, ["c", "d"]);
    }
}
