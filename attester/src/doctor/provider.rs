//! Whose machine this seems to be. The firmware says so and anybody can write such tables, so it only guides.

use std::fs;

use super::{Level, Report, Setup};

const VENDOR: &str = "sys/class/dmi/id/sys_vendor";
const PRODUCT: &str = "sys/class/dmi/id/product_name";

pub(super) fn look(setup: &Setup, report: &mut Report) {
    let read = |path: &str| {
        let text = fs::read_to_string(setup.sys_root.join(path)).unwrap_or_default();
        text.trim().to_owned()
    };
    let (vendor, product) = (read(VENDOR), read(PRODUCT));
    let name = [&*vendor, &*product].join(" ").trim().to_owned();
    let found = match &*vendor {
        "" => format!("{VENDOR} does not say whose machine this is"),
        "Google" => {
            format!("{name}: a TDX VM here reaches VirtualTpm, with custody by Google's host registry")
        }
        "Microsoft Corporation" => {
            format!(
                "{name}: a paravisor stands between hardware and guest, so Azure reaches Quote at most, by --azure"
            )
        }
        _ => format!(
            "{name}: no provider known to certify its vTPMs; bare metal reaches Chassis through a host agent"
        ),
    };
    report.note("provider", Level::Custody, found);
}
