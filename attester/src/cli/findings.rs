//! What a doctor found, for people and for programs.

use std::process::ExitCode;

use chassis_attester::doctor::{Finding, Level, Outcome, Reach, Report};
use serde_json::json;

use super::Output;

impl Output {
    /// Shows `report` and which of `levels` it lets be reached. The exit code is about `wanted`.
    pub(crate) fn findings(&self, report: &Report, wanted: Level, levels: &[Level]) -> ExitCode {
        let wanted = report.reach(wanted);
        let levels: Vec<_> = levels.iter().map(|level| report.reach(*level)).collect();
        self.result(
            &text(report, &wanted, &levels),
            &json!({
                "wanted": wanted.level,
                "reachable": wanted.reachable,
                "levels": levels,
                "findings": report.findings,
            }),
        );
        ExitCode::from(code(&wanted))
    }
}

/// 4 where only what is outside of this machine stands in the way.
fn code(wanted: &Reach) -> u8 {
    let is_outside = |id: &&str| id.starts_with("rpc") || *id == "relayer";
    match &wanted.missing[..] {
        [] => 0,
        all if all.iter().all(is_outside) => 4,
        _ => 3,
    }
}

fn text(report: &Report, wanted: &Reach, levels: &[Reach]) -> String {
    let mut lines: Vec<String> = report.findings.iter().map(line).collect();
    lines.push(String::new());
    for reach in levels {
        lines.push(if reach.reachable {
            format!("{:<10}  reachable", reach.level)
        } else {
            format!("{:<10}  missing: {}", reach.level, reach.missing.join(", "))
        });
    }
    lines.push(String::new());
    lines.push(if wanted.reachable {
        format!(
            "{} is reachable; whether it is given, relayers' policies decide",
            wanted.level
        )
    } else {
        format!("{} is not reachable: see each line marked MISSING", wanted.level)
    });
    lines.join("\n")
}

fn line(finding: &Finding) -> String {
    let Finding {
        id,
        outcome,
        needed,
        found,
        todo,
    } = finding;
    let needed = match outcome {
        Outcome::Missing => format!(" (for {needed})"),
        _ => String::new(),
    };
    let first = format!("{outcome:<7}  {id:<15}  {found}{needed}");
    match todo {
        Some(todo) => format!("{first}\n{:26}→ {todo}", ""),
        None => first,
    }
}
