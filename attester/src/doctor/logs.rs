//! The event logs: are they there, and do they give the registers of this moment?

use chassis_verifier::{
    bundle::PcrValue,
    eventlog::{Algorithm, Ccel, TcgLog},
    td::TdQuote,
};

use super::{Level, Report, Setup};
use crate::{EventLogs, QUOTED_PCRS, SysLogs, TpmPlace};

/// Linux IMA's.
const IMA: usize = 10;

pub(super) fn look(setup: &Setup, quote: Option<&[u8]>, pcrs: Option<&[PcrValue]>, report: &mut Report) {
    // A paravisor's guest has none that anybody looks at.
    if matches!(setup.tpm, TpmPlace::Azure(_)) {
        return;
    }
    let logs = SysLogs::new(&setup.sys_root);
    match logs.ccel() {
        Ok(ccel) => {
            report.ok("log.ccel", Level::Quote, format!("{} bytes", ccel.len()));
            if let Some(quote) = quote {
                compare_rtmrs(&ccel, quote, setup.level(), report);
            }
        }
        Err(error) => report.missing(
            "log.ccel",
            Level::Quote,
            error.to_string(),
            "run as root, on a TDX guest whose firmware hands over a CCEL table",
        ),
    }
    if !matches!(setup.tpm, TpmPlace::Here { .. }) {
        return;
    }
    match logs.tpm_log() {
        Ok(log) => {
            report.ok("log.tpm", Level::VirtualTpm, format!("{} bytes", log.len()));
            if let Some(pcrs) = pcrs {
                compare_pcrs(&log, pcrs, report);
            }
        }
        Err(error) => report.missing(
            "log.tpm",
            Level::VirtualTpm,
            error.to_string(),
            "run as root, with securityfs mounted (`mount -t securityfs none /sys/kernel/security`), on a machine that \
             boots by UEFI with a TPM",
        ),
    }
}

fn compare_rtmrs(ccel: &[u8], quote: &[u8], level: Level, report: &mut Report) {
    // Both have been parsed before, or neither would be here.
    let (Ok(ccel), Ok(quote)) = (Ccel::parse(ccel), TdQuote::parse(quote)) else {
        return;
    };
    let quoted = quote.measurements().rtmrs;
    let differ: Vec<usize> = (0..quoted.len())
        .filter(|index| ccel.rtmrs()[*index] != quoted[*index].0)
        .collect();
    if differ.is_empty() {
        report.ok("log.ccel-replay", level, "gives RTMR0 to RTMR3 as just quoted");
        return;
    }
    report.missing(
        "log.ccel-replay",
        level,
        format!("the log does not give RTMR {differ:?}"),
        "reboot; if it happens again, something extends RTMRs after boot without a log: find it, or use another image",
    );
}

fn compare_pcrs(log: &[u8], pcrs: &[PcrValue], report: &mut Report) {
    let Ok(log) = TcgLog::parse(log) else { return };
    let Some(registers) = log.replay(Algorithm::Sha384) else {
        report.missing(
            "log.tpm-replay",
            Level::VirtualTpm,
            "the log has no SHA-384 digests",
            "allocate the SHA-384 bank in the firmware and reboot, so that it is logged too",
        );
        return;
    };
    let differ: Vec<usize> = pcrs
        .iter()
        .map(|pcr| (usize::from(pcr.index), &*pcr.value))
        .filter(|(index, value)| {
            registers
                .get(*index)
                .map(chassis_verifier::eventlog::Digest::as_slice)
                != Some(*value)
        })
        .map(|(index, _)| index)
        .collect();
    match &differ[..] {
        [] => report.ok("log.tpm-replay", Level::VirtualTpm, "gives PCRs 0 to 15 as just read"),
        [IMA] => report.missing(
            "log.tpm-replay",
            Level::VirtualTpm,
            "the boot log gives every PCR but 10, which IMA extends",
            "boot with `ima=off`, or an image without IMA",
        ),
        all if all.len() == QUOTED_PCRS.len() => report.missing(
            "log.tpm-replay",
            Level::VirtualTpm,
            "the log gives none of the PCRs: it is not this TPM's, or of another boot",
            "reboot; if it happens again, look whether --tcti and --sys-root are of one machine",
        ),
        some => report.missing(
            "log.tpm-replay",
            Level::VirtualTpm,
            format!("the log does not give PCR {some:?}"),
            "reboot; if it happens again, something extends these PCRs after boot without a log (PCR 11 to 15: often \
             systemd): use an image that does not",
        ),
    }
}
