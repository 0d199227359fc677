//! One table as CSV (RFC 4180).

use super::{Table, facts::Facts};
use crate::render::printable;

pub(super) fn table(facts: &Facts, table: Table) -> String {
    let mut text = String::new();
    let mut row = |fields: &[String]| {
        let fields: Vec<_> = fields.iter().map(|field| quoted(field)).collect();
        text.push_str(&fields.join(","));
        text.push_str("\r\n");
    };
    let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    match table {
        Table::Coverage => {
            row(&names(&[
                "operator",
                "possibleSeconds",
                "attestedSeconds",
                "gaps",
                "attestedAtEnd",
            ]));
            for c in &facts.coverage {
                row(&[
                    c.operator.to_string(),
                    c.possible.to_string(),
                    c.attested.to_string(),
                    c.gaps.to_string(),
                    c.is_attested.to_string(),
                ]);
            }
        }
        Table::Incidents => {
            row(&names(&["time", "block", "subject", "what"]));
            for i in &facts.incidents {
                row(&[
                    i.time.to_string(),
                    i.block.to_string(),
                    i.subject.clone(),
                    i.what.clone(),
                ]);
            }
        }
        Table::Concentration => {
            row(&names(&["by", "name", "operators", "perMille"]));
            for g in &facts.concentration {
                row(&[
                    g.by.to_owned(),
                    g.name.clone(),
                    g.operators.to_string(),
                    g.per_mille.to_string(),
                ]);
            }
        }
        Table::Relayers => {
            row(&names(&["relayer", "signed", "possible", "inOffice"]));
            for r in &facts.relayers {
                row(&[
                    r.relayer.to_string(),
                    r.signed.to_string(),
                    r.possible.to_string(),
                    r.is_in_office.to_string(),
                ]);
            }
        }
        Table::Shared => {
            row(&names(&["platform", "owner", "operators"]));
            for s in &facts.shared {
                let operators: Vec<_> = s.operators.iter().map(ToString::to_string).collect();
                for owner in &s.owners {
                    row(&[s.platform.to_string(), owner.clone(), operators.join(" ")]);
                }
            }
        }
    }
    text
}

/// A field. Owners' and zones' names are strangers': what a terminal would act on is spelled out, and what a spreadsheet
/// would take for a formula gets a quote before it.
fn quoted(field: &str) -> String {
    let mut field = printable(field);
    if field.starts_with(['=', '+', '-', '@']) {
        field.insert(0, '\'');
    }
    if field.contains(['"', ',']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn fields_cannot_leave_their_cell_or_compute() {
        assert_eq!(quoted("plain"), "plain");
        assert_eq!(quoted("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(quoted("=1+1"), "'=1+1");
        assert_eq!(quoted("a\r\nb"), "a\\u{d}\\u{a}b");
        assert_eq!(quoted("\u{1b}[2J\u{202e}"), "\\u{1b}[2J\\u{202e}");
    }
}
