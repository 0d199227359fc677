//! Which code? Checks 1001 and 1002.

use crate::{Check, CheckId, Error, Workload, td::Measurements};

/// A workload entry, and its place in the policy.
pub(super) type Found<'a> = (usize, &'a Workload);

/// The reviewed workload with these measurements, if there is one.
pub(super) fn find<'a>(workloads: &'a [Workload], measured: &Measurements) -> Option<Found<'a>> {
    workloads
        .iter()
        .enumerate()
        .find(|(_, workload)| first_difference(workload, measured).is_none())
}

pub(super) fn check(
    matched: Option<Found<'_>>,
    workloads: &[Workload],
    measured: &Measurements,
    has_vtpm: bool,
) -> Result<[Check; 2], Error> {
    let Some((index, workload)) = matched else {
        let nearest: Vec<_> = workloads
            .iter()
            .filter_map(|workload| {
                Some(format!(
                    "`{}` by {}",
                    workload.name,
                    first_difference(workload, measured)?
                ))
            })
            .collect();
        let text = match nearest.as_slice() {
            [] => "the policy lists no workload".into(),
            list => format!("no reviewed workload: differs from {}", list.join(", from ")),
        };
        let sealed = Check::not_applicable(CheckId::Sealed, "no reviewed workload");
        return Ok([Check::fail(CheckId::Workload, text).by("workload"), sealed]);
    };
    let entry = Check::pass(CheckId::Workload, format!("`{}`", workload.name))
        .fact("workload", workload.id()?.to_string())
        .by(format!("workload[{index}]"));
    let sealed = match (has_vtpm, workload.vtpm_sealed) {
        (false, _) => Check::not_applicable(CheckId::Sealed, "no virtual TPM's evidence"),
        (true, true) => Check::pass(
            CheckId::Sealed,
            "nobody outside chooses extraData or reaches the vTPM",
        ),
        (true, false) => Check::fail(
            CheckId::Sealed,
            format!("`{}` could serve as somebody else's TPM", workload.name),
        ),
    };
    Ok([entry, sealed.by(format!("workload[{index}].vtpm_sealed"))])
}

fn first_difference(workload: &Workload, measured: &Measurements) -> Option<&'static str> {
    let [rtmr0, rtmr1, rtmr2, rtmr3] = &measured.rtmrs;
    [
        (workload.mrtd.accepts(&measured.mrtd.0), "MRTD"),
        (workload.rtmr0.accepts(&rtmr0.0), "RTMR0"),
        (workload.rtmr1.accepts(&rtmr1.0), "RTMR1"),
        (workload.rtmr2.accepts(&rtmr2.0), "RTMR2"),
        (workload.rtmr3.accepts(&rtmr3.0), "RTMR3"),
        (workload.mrseam.accepts(&measured.mrseam.0), "MRSEAM"),
        (workload.xfam.accepts(&measured.xfam.0), "XFAM"),
        (
            workload.td_attributes.accepts(&measured.td_attributes.0),
            "TDATTRIBUTES",
        ),
    ]
    .into_iter()
    .find_map(|(accepted, name)| (!accepted).then_some(name))
}
