//! `chassis audit report`: a period, as numbers for programs and as a page for people.

mod csv;
mod facts;
mod page;

use std::{collections::BTreeMap, path::PathBuf, process::ExitCode};

use alloy::primitives::Address;
use clap::{Args, ValueEnum};

use super::{
    reappraise::{Archives, Entry},
    source::Source,
    wait_for,
};
use crate::{
    Error,
    inspect::read_text,
    render::{Refusal, finish_text, parse_time, printable_json},
};
use facts::{Facts, Period};

/// Report on a period: coverage, incidents, concentration, relayers' participation, shared platforms.
///
/// Exit code 0: reported; 2: no report is possible.
#[derive(Clone, Debug, Args)]
pub(super) struct ReportQuestion {
    #[command(flatten)]
    source: Source,
    /// The period's beginning: Unix seconds, or as `2026-06-30T08:47:13Z`.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    from: u64,
    /// Its end. The last final block's time, if not given or later than that.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    to: Option<u64>,
    /// Output format. CSV has one table, `--table`.
    #[arg(long, value_enum, default_value_t = Form::Html)]
    format: Form,
    /// Which table CSV prints.
    #[arg(long, value_enum, default_value_t = Table::Coverage)]
    table: Table,
    /// Where bundles are: a relayer's URL, or an archive's folder. With it, operators are counted by zone, too.
    #[arg(long, env = "CHASSIS_ARCHIVE", value_name = "URL|FOLDER")]
    archive: Option<String>,
    /// Operators by owner, one `OWNER ADDRESS` a line, as the owners claim: platforms that owners share are named. Without
    /// it, each operator is taken for an owner of its own.
    #[arg(long, value_name = "FILE")]
    owners: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// One page without any other file, to be read or printed.
    Html,
    /// One document.
    Json,
    /// One table.
    Csv,
}

/// A table of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Table {
    /// Operators, and for how much of the period they were attested.
    Coverage,
    /// What went wrong, and what was stopped.
    Incidents,
    /// Operators by platform, provider, zone.
    Concentration,
    /// Relayers, and how many batches they signed.
    Relayers,
    /// Platforms that owners share.
    Shared,
}

impl ReportQuestion {
    pub(super) fn run(self) -> ExitCode {
        let (form, table) = (self.format, self.table);
        let facts = self.owned().and_then(|owners| wait_for(self.facts(owners)));
        finish_text(facts.and_then(|facts| {
            Ok(match form {
                Form::Html => page::page(&facts),
                Form::Csv => csv::table(&facts, table),
                Form::Json => {
                    let text = serde_json::to_string_pretty(&facts);
                    printable_json(&text.map_err(|error| Refusal(error.to_string()))?) + "\n"
                }
            })
        }))
    }

    /// Whose operators are whose.
    fn owned(&self) -> Result<BTreeMap<Address, String>, Refusal> {
        let Some(path) = &self.owners else {
            return Ok(BTreeMap::new());
        };
        let text = read_text(path, 1 << 20)?;
        let lines = text.lines().enumerate().map(|(i, line)| (i + 1, line.trim()));
        let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        lines
            .map(|(number, line)| {
                let (owner, address) = line.rsplit_once(char::is_whitespace).unwrap_or(("", line));
                let address = address.parse().ok().filter(|_| !owner.is_empty());
                let address = address
                    .ok_or_else(|| Refusal(format!("{}:{number}: not `OWNER ADDRESS`", path.display())))?;
                Ok((address, owner.trim().to_owned()))
            })
            .collect()
    }

    async fn facts(self, owners: BTreeMap<Address, String>) -> Result<Facts, Error> {
        let mut latest: BTreeMap<Address, Entry> = BTreeMap::new();
        let end = self.to.unwrap_or(u64::MAX);
        let known = self
            .source
            .known(|history, happening| {
                if let Some(entry) = Entry::of(history, &happening).filter(|entry| entry.time < end) {
                    latest.insert(entry.operator, entry);
                }
            })
            .await?;
        let period = Period {
            from: self.from,
            // The end is not included, and the last block's second is known.
            to: end.min(known.time + 1),
        };
        if period.from >= period.to {
            return Err(Error::Question(format!(
                "the period is empty: it begins at {} and ends at {}",
                period.from, period.to
            )));
        }
        let mut zones = BTreeMap::new();
        if let Some(place) = &self.archive {
            let mut archives = Archives::open(std::slice::from_ref(place))?;
            for (operator, entry) in &latest {
                if let Some(batch) = known.history.batch(entry.batch)
                    && let Some(zone) = archives.zone(entry, batch).await
                {
                    zones.insert(*operator, zone);
                }
            }
        }
        Ok(Facts::of(&known, period, &zones, &owners))
    }
}
