//! `chassis policy learn BUNDLE`: a workload entry for a machine one trusts, for a person to review.
//!
//! Nothing is verified here: the entry says what the bundle says. Every comment is of a log's own words, which nobody signs,
//! so a reviewer must find each digest again by building the image.

mod entry;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use chassis_verifier::{
    bundle::{Bundle, DEFAULT_LIMIT, FurtherLog, FurtherLogKind, Tee},
    cross_check::{
        Learned, Measured, first_unlisted, further_measured, ima_measured, learn, td_measured, tpm_measured,
    },
    eventlog::{Ccel, ImaLog, TcgLog},
    td::{Measurements, TdQuote},
};
use clap::Args;

use crate::{
    inspect::read,
    render::{Refusal, finish_text},
};
use entry::Entry;

/// `chassis policy learn`.
#[derive(Clone, Debug, Args)]
pub struct Learn {
    /// The bundle of the machine one trusts; `-` for standard input.
    bundle: PathBuf,
}

impl Learn {
    pub(super) fn run(self) -> ExitCode {
        finish_text(answer(&self.bundle))
    }
}

fn answer(bundle: &Path) -> Result<String, Refusal> {
    let bundle = Bundle::parse(&read(bundle, DEFAULT_LIMIT)?, DEFAULT_LIMIT)?;
    let Tee::Tdx { quote, ccel, .. } = &bundle.evidence.tee;
    let measurements = TdQuote::parse(quote)?.measurements();
    let boot = bundle
        .evidence
        .tpm
        .as_ref()
        .and_then(|tpm| tpm.event_log.as_ref());
    let boot = boot.map(|log| TcgLog::parse(log)).transpose()?;
    let ccel = ccel.as_ref().map(|log| Ccel::parse(log)).transpose()?;
    if let Some(ccel) = &ccel {
        explained(ccel, &measurements)?;
    }
    let mut entry = Entry {
        evidence: bundle.digest,
        measurements,
        pcr0: None,
        learned: Learned::default(),
    };
    let (Some(boot), Some(ccel)) = (&boot, &ccel) else {
        return Ok(entry.to_toml());
    };
    entry.pcr0 = boot.sha384().map(|[pcr0, ..]| pcr0);
    let tpm = tpm_measured(boot).ok_or_else(|| Refusal("the TPM log has no SHA-384 bank".into()))?;
    let td = td_measured(ccel);
    let further = further(&bundle.evidence.logs, boot)?;
    entry.learned = learn(&tpm, &td, &further)?;
    if let Some(event) = first_unlisted(further.iter().copied(), &(&entry.learned).into()) {
        let text = format!("a further log measures where only firmware may: {}", event.what);
        return Err(Refusal(text));
    }
    Ok(entry.to_toml())
}

/// A log that is of another boot than the quote teaches nothing. What the running system extends RTMR3 by is in no log: there
/// the entry is to list what was quoted.
fn explained(ccel: &Ccel<'_>, measurements: &Measurements) -> Result<(), Refusal> {
    let unlogged = |rtmr| rtmr == 3 && !ccel.replay().had_events(rtmr);
    for (rtmr, (replayed, quoted)) in ccel.rtmrs().iter().zip(&measurements.rtmrs).enumerate() {
        if *replayed != quoted.0 && !unlogged(rtmr) {
            let text = format!("RTMR{rtmr}: the CCEL replays to another value than quoted");
            return Err(Refusal(text));
        }
    }
    Ok(())
}

fn further<'a>(logs: &'a [FurtherLog], boot: &TcgLog<'_>) -> Result<Vec<Measured<'a>>, Refusal> {
    let mut measured = Vec::new();
    for log in logs {
        match log.kind {
            FurtherLogKind::Tcg2 => {
                let log = further_measured(&TcgLog::parse(&log.data)?);
                measured.extend(log.ok_or_else(|| Refusal("a further log has no SHA-384 bank".into()))?);
            }
            FurtherLogKind::Ima => measured.extend(ima_measured(&ImaLog::parse(&log.data)?, boot)),
        }
    }
    Ok(measured)
}
