//! Which code? Checks 1001 and 1002.

use alloy_primitives::B256;

use crate::{Check, CheckId, Error, Workload, td::Measurements};

/// A workload entry that matches.
#[derive(Clone, Copy)]
pub(super) struct Found<'a> {
    /// Its place in the policy.
    pub(super) index: usize,
    pub(super) entry: &'a Workload,
    /// Its name on chain.
    pub(super) id: B256,
}

/// The reviewed workload with these measurements, if there is one.
pub(super) fn find<'a>(
    workloads: &'a [Workload],
    measured: &Measurements,
) -> Result<Option<Found<'a>>, Error> {
    workloads
        .iter()
        .enumerate()
        .find(|(_, entry)| first_difference(entry, measured).is_none())
        .map(|(index, entry)| {
            Ok(Found {
                index,
                entry,
                id: entry.id()?,
            })
        })
        .transpose()
}

pub(super) fn check(
    matched: Option<Found<'_>>,
    workloads: &[Workload],
    measured: &Measurements,
    has_vtpm: bool,
) -> [Check; 2] {
    let Some(Found { index, entry, id }) = matched else {
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
        return [Check::fail(CheckId::Workload, text).by("workload"), sealed];
    };
    let reviewed = Check::pass(CheckId::Workload, format!("`{}`", entry.name))
        .fact("workload", id.to_string())
        .by(format!("workload[{index}]"));
    let sealed = match (has_vtpm, entry.vtpm_sealed) {
        (false, _) => Check::not_applicable(CheckId::Sealed, "no virtual TPM's evidence"),
        (true, true) => Check::pass(
            CheckId::Sealed,
            "nobody outside chooses extraData or reaches the vTPM",
        ),
        (true, false) => Check::fail(
            CheckId::Sealed,
            format!("`{}` could serve as somebody else's TPM", entry.name),
        ),
    };
    [reviewed, sealed.by(format!("workload[{index}].vtpm_sealed"))]
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
