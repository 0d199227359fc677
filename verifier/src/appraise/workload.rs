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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Accept, HexBytes, KeyHome};

    fn one<const N: usize>(value: HexBytes<N>) -> Accept<N> {
        Accept::OneOf(vec![value])
    }

    type Change = fn(&mut Measurements);

    #[test]
    fn each_register_by_itself_decides() {
        let honest = Measurements {
            mrtd: HexBytes([1; 48]),
            rtmrs: [2, 3, 4, 5].map(|byte| HexBytes([byte; 48])),
            mrseam: HexBytes([6; 48]),
            xfam: HexBytes([7; 8]),
            td_attributes: HexBytes([8; 8]),
        };
        let [rtmr0, rtmr1, rtmr2, rtmr3] = honest.rtmrs.map(one);
        let reviewed = Workload {
            name: "reviewed".into(),
            mrtd: one(honest.mrtd),
            rtmr0,
            rtmr1,
            rtmr2,
            rtmr3,
            mrseam: one(honest.mrseam),
            xfam: one(honest.xfam),
            td_attributes: one(honest.td_attributes),
            pcr0: Vec::new(),
            tpm_only: Vec::new(),
            td_only: Vec::new(),
            td_hob: None,
            cfv: None,
            vtpm_sealed: false,
            operator_key: KeyHome::External,
        };
        let workloads = [reviewed];
        assert!(find(&workloads, &honest).unwrap().is_some());
        let changes: [(&str, Change); 8] = [
            ("MRTD", |measured| measured.mrtd.0[47] ^= 1),
            ("RTMR0", |measured| measured.rtmrs[0].0[0] ^= 1),
            ("RTMR1", |measured| measured.rtmrs[1].0[0] ^= 1),
            ("RTMR2", |measured| measured.rtmrs[2].0[0] ^= 1),
            ("RTMR3", |measured| measured.rtmrs[3].0[0] ^= 1),
            ("MRSEAM", |measured| measured.mrseam.0[0] ^= 1),
            ("XFAM", |measured| measured.xfam.0[0] ^= 1),
            ("TDATTRIBUTES", |measured| measured.td_attributes.0[7] ^= 1),
        ];
        for (name, change) in changes {
            let mut measured = honest.clone();
            change(&mut measured);
            assert!(find(&workloads, &measured).unwrap().is_none(), "{name}");
            assert_eq!(first_difference(&workloads[0], &measured), Some(name));
        }
    }
}
