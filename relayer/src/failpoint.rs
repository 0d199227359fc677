//! Places where a test may have the process die, as a power cut would have it. Not in release builds.

/// Every fail point: its name, and the way of a bundle on which it lies. A kill test goes through each.
pub const ALL: &[(&str, Way)] = &[
    ("archived", Way::Intake),
    ("received", Way::Intake),
    ("appraised", Way::Straight),
    ("recorded", Way::Straight),
    ("collected", Way::Straight),
    ("queued", Way::Straight),
    ("reserved", Way::Straight),
    ("signed", Way::Straight),
    ("sent", Way::Straight),
    ("broadcast", Way::Straight),
    ("included", Way::Straight),
    ("final", Way::Straight),
    ("bumped", Way::Spike),
    ("gap", Way::Gap),
    ("gap closed", Way::Gap),
    ("requeued", Way::Foreign),
    ("reorged", Way::Reorg),
    ("withdrawn", Way::Late),
    ("posted by another", Way::Overtaken),
    ("reverted", Way::Reverted),
    ("cancelled", Way::Cancelled),
];

/// Those among several relayers: of one that votes, of the one that gathers signatures, of one that is told of
/// another's.
pub const COSIGN: &[&str] = &["voted", "gathered", "delivered"];

/// Those on the way of a freeze, from what was found to its end on chain, and to who is told.
pub const FREEZE: &[&str] = &["ordered", "reappraised", "order queued", "frozen", "told"];

/// Those that lie on no bundle's way, but on that of the registry's log, in the order in which an index that begins anew comes
/// by them.
pub const INDEX: &[&str] = &["index_range", "index_block", "index_settled", "index_rolled_back"];

/// What must happen to a bundle for it to come by a fail point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// It is being taken in, and was not acknowledged.
    Intake,
    /// Nothing unusual.
    Straight,
    /// Fees rise while its transaction waits.
    Spike,
    /// A nonce below its transaction's is free.
    Gap,
    /// Another program uses its transaction's nonce.
    Foreign,
    /// Its transaction's block is reorganised away.
    Reorg,
    /// Its report's deadline passes in the queue.
    Late,
    /// Another relayer posts its report.
    Overtaken,
    /// The same, and its own transaction is mined too.
    Reverted,
    /// Its report's deadline passes while its transaction waits.
    Cancelled,
}

/// Aborts if this is the place that `CHASSIS_FAILPOINT` names.
pub(crate) fn failpoint(name: &str) {
    if cfg!(debug_assertions) && std::env::var("CHASSIS_FAILPOINT").is_ok_and(|wanted| wanted == name) {
        tracing::error!(name, "failpoint: aborting");
        std::process::abort();
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, path::Path};

    /// So that none is forgotten by the kill tests.
    #[test]
    fn every_fail_point_in_the_source_is_listed() {
        let mut found = BTreeSet::new();
        collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
        let others = super::INDEX.iter().chain(super::FREEZE).chain(super::COSIGN);
        let all = super::ALL.iter().map(|(name, _)| name).chain(others);
        let listed: BTreeSet<_> = all.clone().map(|name| (*name).to_owned()).collect();
        assert_eq!(found, listed);
        assert_eq!(all.count(), listed.len(), "twice in the list");
    }

    fn collect(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let calls = text.split(concat!("failpoint", "(\"")).skip(1);
                found.extend(calls.filter_map(|rest| rest.split('"').next()).map(str::to_owned));
            }
        }
    }
}
