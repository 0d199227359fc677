//! The trust domain: is this one, and does it get quotes?

use chassis_program::unix_now;
use chassis_verifier::{platform_id, td::TdQuote};

use super::{Level, Report, Setup};
use crate::{ConfigfsTsm, TdQuoter};

const DEVICE: &str = "dev/tdx_guest";
const CONFIGFS: &str = "sys/kernel/config";
const REPORTS: &str = "sys/kernel/config/tsm/report";

/// No challenge's: SHA-512 never gives this.
pub(super) const REPORT_DATA: &[u8; 64] = b"chassis-node doctor: this quote proves nothing about anybody....";

/// The quote, if there is one.
pub(super) fn look(setup: &Setup, report: &mut Report) -> Option<Vec<u8>> {
    look_at_configfs(setup, report);
    let quote = ConfigfsTsm::new(&setup.sys_root).quote(*REPORT_DATA);
    look_at_device(setup, quote.is_ok(), report);
    match quote {
        Ok(evidence) => look_at_quote(evidence.quote, Some(REPORT_DATA), setup, report),
        Err(error) => {
            report.missing(
                "td.quote",
                Level::Quote,
                error.to_string(),
                "run as root inside a TDX guest whose host runs Intel's quote generation service",
            );
            None
        }
    }
}

/// The quote, if it can be used; `wanted`: what it must be over, where that is asked for in the quote itself.
pub(super) fn look_at_quote(
    bytes: Vec<u8>,
    wanted: Option<&[u8; 64]>,
    setup: &Setup,
    report: &mut Report,
) -> Option<Vec<u8>> {
    let quote = match TdQuote::parse(&bytes) {
        Ok(quote) if wanted.is_none_or(|wanted| quote.report_data() == wanted) => quote,
        Ok(_) => {
            report.missing(
                "td.quote",
                Level::Quote,
                "the quote is over somebody else's report data",
                "find what else writes to configfs-tsm entries named chassis-*",
            );
            return None;
        }
        Err(error) => {
            report.missing(
                "td.quote",
                Level::Quote,
                format!("what came back is no TD quote: {error}"),
                "ask the provider; the kernel handed over what the host made",
            );
            return None;
        }
    };
    report.ok("td.quote", Level::Quote, format!("{} bytes", bytes.len()));
    if quote.is_debug() {
        report.missing(
            "td.debug",
            Level::Quote,
            "this TD is in debug mode: its host reads its memory",
            "create the machine again without TD debugging",
        );
    } else {
        report.ok("td.debug", Level::Quote, "off");
    }
    look_at_platform(setup, &quote, report);
    Some(bytes)
}

fn look_at_configfs(setup: &Setup, report: &mut Report) {
    let (configfs, reports) = (setup.sys_root.join(CONFIGFS), setup.sys_root.join(REPORTS));
    if reports.is_dir() {
        return report.ok("td.configfs", Level::Quote, reports.display().to_string());
    }
    let is_mounted = configfs
        .read_dir()
        .is_ok_and(|mut entries| entries.next().is_some());
    let todo = if is_mounted {
        "load the module with `modprobe tdx_guest`; it needs a kernel from 6.7"
    } else {
        "mount it with `mount -t configfs none /sys/kernel/config`, then `modprobe tdx_guest`; it needs a kernel from 6.7"
    };
    let found = format!("no {}", reports.display());
    report.missing("td.configfs", Level::Quote, found, todo);
}

fn look_at_device(setup: &Setup, has_quote: bool, report: &mut Report) {
    let device = setup.sys_root.join(DEVICE);
    if device.exists() {
        report.ok("td.device", Level::Quote, device.display().to_string());
    } else if has_quote {
        report.note(
            "td.device",
            Level::Quote,
            format!("no {}, but quotes come", device.display()),
        );
    } else {
        report.missing(
            "td.device",
            Level::Quote,
            format!("no {}: this is no TDX guest, or its kernel does not know", device.display()),
            "create the machine as an Intel TDX VM (Google: --confidential-compute-type=TDX), with a kernel that has \
             CONFIG_TDX_GUEST_DRIVER",
        );
    }
}

fn look_at_platform(setup: &Setup, quote: &TdQuote<'_>, report: &mut Report) {
    match quote.certified_platform(setup.danger_intel_root.as_deref(), unix_now()) {
        Ok(platform) => report.ok(
            "td.platform",
            Level::Quote,
            format!(
                "{}, FMSPC {}; whether its TCB is current, relayers ask Intel",
                platform_id(&platform.ppid),
                alloy_primitives::hex::encode(platform.fmspc)
            ),
        ),
        Err(problem) => report.missing(
            "td.platform",
            Level::Quote,
            problem,
            "check this machine's clock; if it is right, the hardware is not one that Intel vouches for",
        ),
    }
}
