//! Do the logs explain what was quoted, and did both sides measure one boot? Checks 501, 502 and 601 to 604.

use super::{checks::Checks, tpm::Tpm, without_tpm, workload::Found};
use crate::{
    Base64, Check, CheckId, Error, Outcome, ParseError, Profile,
    bundle::{self, FURTHER_LOGS_LIMIT},
    cross_check::{
        Class, Exceptions, Measured, cross_check, first_unlisted, further_measured, ima_measured,
        td_measured, tpm_measured,
    },
    eventlog::{Algorithm, Ccel, Digest, ImaLog, Registers, TcgLog},
    td::Measurements,
};

/// PCRs that a virtual TPM's quote must cover.
const PCRS: usize = 16;

const TPM_CHECKS: &[CheckId] = &[
    CheckId::PcrReplay,
    CheckId::CrossConfiguration,
    CheckId::CrossLoader,
    CheckId::CrossSystem,
    CheckId::Pcr0,
];

/// The event logs in a bundle, parsed.
pub(super) struct Logs<'a> {
    boot: Option<TcgLog<'a>>,
    further: Vec<Further<'a>>,
    ccel: Option<Ccel<'a>>,
}

/// A log that explains what was extended after boot.
enum Further<'a> {
    Tcg2(TcgLog<'a>),
    Ima(ImaLog<'a>),
}

impl<'a> Logs<'a> {
    pub(super) fn parse(
        tpm: Option<&'a bundle::Tpm>,
        ccel: Option<&'a Base64>,
        further: &'a [bundle::FurtherLog],
    ) -> Result<Self, Error> {
        let imas = further
            .iter()
            .filter(|log| log.kind == bundle::FurtherLogKind::Ima)
            .count();
        if further.len() > FURTHER_LOGS_LIMIT || imas > 1 {
            let text = format!(
                "{} further logs, {imas} of them IMA's; at most {FURTHER_LOGS_LIMIT}, 1",
                further.len()
            );
            return Err(Error::Json(text));
        }
        Ok(Self {
            boot: tpm
                .and_then(|tpm| tpm.event_log.as_ref())
                .map(|log| TcgLog::parse(log))
                .transpose()?,
            further: further.iter().map(Further::parse).collect::<Result<_, _>>()?,
            ccel: ccel.map(|ccel| Ccel::parse(ccel)).transpose()?,
        })
    }
}

impl<'a> Further<'a> {
    fn parse(log: &'a bundle::FurtherLog) -> Result<Self, ParseError> {
        match log.kind {
            bundle::FurtherLogKind::Tcg2 => TcgLog::parse(&log.data).map(Self::Tcg2),
            bundle::FurtherLogKind::Ima => ImaLog::parse(&log.data).map(Self::Ima),
        }
    }

    /// `None` where the log has no such bank.
    fn continue_replay(&self, registers: &mut Registers) -> Option<()> {
        match self {
            Self::Tcg2(log) => log.continue_replay(registers),
            Self::Ima(log) => {
                log.continue_replay(registers);
                Some(())
            }
        }
    }

    /// The first record that the workload entry does not list, though it must.
    fn first_unlisted(&self, boot: &TcgLog<'_>, exceptions: &Exceptions) -> Option<Measured<'a>> {
        match self {
            Self::Tcg2(log) => first_unlisted(further_measured(log).unwrap_or_default(), exceptions),
            Self::Ima(log) => first_unlisted(ima_measured(log, boot), exceptions),
        }
    }
}

pub(super) fn check(
    logs: &Logs<'_>,
    tpm: Option<&Tpm<'_>>,
    profile: Profile,
    measured: &Measurements,
    workload: Option<Found<'_>>,
    checks: &mut Checks,
) {
    let rtmrs = rtmr_check(logs.ccel.as_ref(), measured, workload);
    let mut unexplained: Vec<_> = failed(&rtmrs).into_iter().collect();
    checks.push(rtmrs);
    let Some(tpm) = tpm else {
        without_tpm(TPM_CHECKS, checks);
        return;
    };
    if profile == Profile::BareMetal {
        let text = "a host's TPM measures the host, not the TD";
        checks.extend(TPM_CHECKS.iter().map(|id| Check::not_applicable(*id, text)));
        return;
    }
    let Some(boot) = &logs.boot else {
        let text = "the bundle has no TPM event log to explain what was quoted";
        checks.extend(TPM_CHECKS.iter().map(|id| Check::fail(*id, text)));
        return;
    };
    let exceptions = workload.map_or_else(Exceptions::default, |found| found.entry.into());
    let pcrs = pcr_check(tpm, boot, &logs.further);
    unexplained.extend(failed(&pcrs));
    checks.push(pcrs);
    let rule = workload.map_or_else(
        || "workload".to_owned(),
        |found| format!("workload[{}]", found.index),
    );
    let mut compared = cross_checks(boot, &logs.further, logs.ccel.as_ref(), &exceptions);
    if !unexplained.is_empty() {
        let text = format!(
            "; but the logs are not of what was quoted: see {}",
            unexplained.join(", ")
        );
        for check in compared.iter_mut().filter(|check| check.outcome == Outcome::Pass) {
            check.detail.push_str(&text);
        }
    }
    checks.extend(compared.into_iter().map(|check| check.by(rule.clone())));
    checks.push(pcr0_check(tpm, workload));
}

fn failed(check: &Check) -> Option<&'static str> {
    (check.outcome == Outcome::Fail).then(|| check.id.name())
}

/// The whole of each register must be explained. RTMR3 is the running system's, and what that extends no firmware logs: it is
/// zero, unless the workload entry lists it. Records of it in the CCEL are an explanation too, so they must hold.
fn rtmr_check(ccel: Option<&Ccel<'_>>, measured: &Measurements, workload: Option<Found<'_>>) -> Check {
    let Some(ccel) = ccel else {
        return Check::not_applicable(CheckId::RtmrReplay, "no CCEL in the bundle");
    };
    let replayed = ccel.rtmrs();
    let differs = (0..)
        .zip(&measured.rtmrs)
        .find(|(rtmr, quoted): &(usize, _)| replayed[*rtmr] != quoted.0);
    let Some((rtmr, quoted)) = differs else {
        return Check::pass(CheckId::RtmrReplay, "the CCEL replays to RTMR0 to RTMR3");
    };
    let listing = workload.filter(|found| found.entry.rtmr3.lists(&quoted.0));
    if let (3, false, Some(found)) = (rtmr, ccel.replay().had_events(3), listing) {
        let text = "the CCEL replays to RTMR0 to RTMR2, and the workload entry lists RTMR3";
        return Check::pass(CheckId::RtmrReplay, text).by(format!("workload[{}].rtmr3", found.index));
    }
    let text = format!("RTMR{rtmr}: the CCEL replays to another value than quoted");
    Check::fail(CheckId::RtmrReplay, text)
}

/// Compares with the *quoted* values, in the quoted bank: digests of another bank are anybody's words.
fn pcr_check(tpm: &Tpm<'_>, boot: &TcgLog<'_>, further: &[Further<'_>]) -> Check {
    let fail = |text: String| Check::fail(CheckId::PcrReplay, text);
    let Some(mut replayed) = boot.replay(Algorithm::Sha384) else {
        return fail("the TPM log has no SHA-384 bank".into());
    };
    if further
        .iter()
        .any(|log| log.continue_replay(&mut replayed).is_none())
    {
        return fail("a further log has no SHA-384 bank".into());
    }
    for pcr in 0..PCRS {
        let quoted = tpm.pcr(pcr);
        if quoted.is_none() || replayed.get(pcr).map(Digest::as_slice) != quoted {
            return fail(format!("PCR {pcr}: the logs replay to another value than quoted"));
        }
    }
    Check::pass(
        CheckId::PcrReplay,
        "the logs replay to PCR 0 to 15 in the SHA-384 bank",
    )
}

fn cross_checks(
    boot: &TcgLog<'_>,
    further: &[Further<'_>],
    ccel: Option<&Ccel<'_>>,
    exceptions: &Exceptions,
) -> Vec<Check> {
    let all = |text: &str| Class::ALL.map(|class| Check::fail(id(class), text)).to_vec();
    let Some(ccel) = ccel else {
        return all("no CCEL in the bundle to compare the TPM log with");
    };
    let Some(tpm) = tpm_measured(boot) else {
        return all("the TPM log has no SHA-384 bank");
    };
    let unlisted = further
        .iter()
        .find_map(|log| log.first_unlisted(boot, exceptions));
    cross_check(&tpm, &td_measured(ccel), exceptions)
        .classes
        .into_iter()
        .map(|(class, result)| match (result, &unlisted) {
            (Err(mismatch), _) => Check::fail(id(class), mismatch.to_string()),
            (Ok(_), Some(event)) if class == Class::Rtmr2 => {
                let text = format!(
                    "a further log's record is not in the workload entry: {}",
                    event.what
                );
                Check::fail(id(class), text)
            }
            (Ok(matched), _) => Check::pass(id(class), format!("{} records agree", matched.pairs))
                .fact("pairs", matched.pairs)
                .fact("tpmOnly", matched.tpm_only)
                .fact("tdOnly", matched.td_only),
        })
        .collect()
}

fn id(class: Class) -> CheckId {
    match class {
        Class::Rtmr0 => CheckId::CrossConfiguration,
        Class::Rtmr1 => CheckId::CrossLoader,
        Class::Rtmr2 => CheckId::CrossSystem,
    }
}

/// PCR 0 says which technology guards the machine: a vTPM of a non-TDX VM fails here.
fn pcr0_check(tpm: &Tpm<'_>, workload: Option<Found<'_>>) -> Check {
    let Some(Found { index, entry, .. }) = workload else {
        return Check::not_applicable(CheckId::Pcr0, "no reviewed workload to compare with");
    };
    let quoted = tpm.pcr(0).unwrap_or_default();
    let check = if entry.pcr0.iter().any(|accepted| accepted.0 == quoted) {
        Check::pass(CheckId::Pcr0, "a firmware the policy knows").fact("pcr0", hex::encode(quoted))
    } else {
        Check::fail(
            CheckId::Pcr0,
            format!("PCR 0 is {}, which the policy does not know", hex::encode(quoted)),
        )
    };
    check.by(format!("workload[{index}].pcr0"))
}
