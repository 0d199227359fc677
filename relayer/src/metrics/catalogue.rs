//! The list.

use metrics::Unit;

use super::{Kind, Labels, Metric};

/// All of them, ascending by name.
pub const CATALOGUE: &[Metric] = &[
    gauge(
        "chassis_account_balance_wei",
        "Wei that the relayer's account has",
    ),
    labelled(
        "chassis_appraisals_total",
        "Appraisals, by `outcome`: attestable, rejected",
        &[&[("outcome", "attestable")], &[("outcome", "rejected")]],
    ),
    counter(
        "chassis_archive_corrupt_total",
        "Documents read from the archive that were not what their name says",
    ),
    counter(
        "chassis_batches_final_total",
        "Reports whose transaction is final",
    ),
    gauge("chassis_bundles", "Bundles on their way, by `state`"),
    counter(
        "chassis_bundles_received_total",
        "Bundles archived and acknowledged",
    ),
    labelled(
        "chassis_cosign_answers_total",
        "Messages of peers, by `message` and `outcome`",
        &[],
    ),
    counter(
        "chassis_cosign_disagreements_total",
        "Results of peers that differ from its own for the same evidence, policy, endorsements and time",
    ),
    counter(
        "chassis_cosign_given_up_total",
        "Signed reports that did not get enough signatures, or were not posted, in time",
    ),
    counter(
        "chassis_cosign_lies_total",
        "Reports that it was asked to sign and that do not follow from what they rest on",
    ),
    gauge(
        "chassis_cosign_peers_needed",
        "Peers that must sign with it, as the registry has it",
    ),
    gauge(
        "chassis_cosign_peers_up",
        "Peers that answer and work by the same policy",
    ),
    labelled(
        "chassis_cosign_proposals_total",
        "Proposals put to the other relayers, by `outcome`: agreed, failed",
        &[&[("outcome", "agreed")], &[("outcome", "failed")]],
    ),
    labelled(
        "chassis_cosign_requests_total",
        "Messages to peers, by `message` and `outcome`",
        &[],
    ),
    labelled(
        "chassis_cosign_signatures_total",
        "Signatures under reports, `of`: own, peer",
        &[],
    ),
    counter(
        "chassis_cosign_stage_timeouts_total",
        "Peers that voted yes and did not sign in time",
    ),
    labelled(
        "chassis_cosign_votes_total",
        "This relayer's votes on others' bundles, by `vote`: yes, no",
        &[],
    ),
    Metric {
        kind: Kind::Histogram,
        unit: Unit::Seconds,
        ..gauge(
            "chassis_endorsement_fetch_seconds",
            "How long a `source` of endorsements takes to answer",
        )
    },
    labelled(
        "chassis_endorsement_fetches_total",
        "Requests for endorsements, by `source` and `outcome`",
        &[],
    ),
    gauge(
        "chassis_endorsement_source_up",
        "1 if the `source`'s last answer was good",
    ),
    counter(
        "chassis_equivocations_refused_total",
        "Signatures that its own records kept it from, as they contradict earlier ones",
    ),
    counter(
        "chassis_freezes_proposed_total",
        "Freezes of an operator that this relayer has signed",
    ),
    counter("chassis_gas_used_total", "Gas that final reports used"),
    gauge("chassis_http_connections", "Open connections"),
    labelled(
        "chassis_http_problems_total",
        "Answers that are problems, by the problem's `type`",
        &[],
    ),
    Metric {
        kind: Kind::Histogram,
        unit: Unit::Seconds,
        ..gauge(
            "chassis_http_request_duration_seconds",
            "How long answers take, by `method` and `route`",
        )
    },
    labelled(
        "chassis_http_requests_total",
        "Requests answered, by `method`, `route` and `status`",
        &[],
    ),
    gauge(
        "chassis_index_block",
        "The last finalized block of the registry's log that was read",
    ),
    gauge(
        "chassis_index_diverged",
        "1 while the registry is not what its log says",
    ),
    counter(
        "chassis_index_divergences_total",
        "Times that the registry was found not to be what its log says",
    ),
    counter(
        "chassis_index_events_total",
        "Events of the registry that were read",
    ),
    counter(
        "chassis_index_reorgs_total",
        "Times that blocks of the registry's log which were read were taken back",
    ),
    gauge(
        "chassis_index_tip_block",
        "The last block of the registry's log that was read, final or not",
    ),
    counter(
        "chassis_nonces_lost_total",
        "Transactions whose nonce another program used with the relayer's key",
    ),
    Metric {
        unit: Unit::Seconds,
        ..gauge(
            "chassis_oldest_pending_seconds",
            "Age of the oldest transaction that is in no block",
        )
    },
    gauge(
        "chassis_operators_warned",
        "Operators whose bundle on chain would not be attested so today, as of the last round's end",
    ),
    gauge(
        "chassis_post_held",
        "1 while posting is held up, by `reason`: fee_cap, spend_cap, funds, stuck",
    ),
    labelled(
        "chassis_post_holds_total",
        "Times that posting was held up, by `reason`",
        &[],
    ),
    Metric {
        unit: Unit::Bytes,
        ..gauge("chassis_process_resident_bytes", "Memory in use")
    },
    counter(
        "chassis_reappraisal_rounds_total",
        "Rounds through all operators that came to their end",
    ),
    labelled(
        "chassis_reappraisals_total",
        "Bundles on chain appraised again, by `outcome`: holds, falls, fails",
        &[],
    ),
    counter(
        "chassis_reorgs_total",
        "Transactions whose block was reorganised away",
    ),
    counter(
        "chassis_rpc_disagreements_total",
        "Decisions put off because no two RPC endpoints said the same",
    ),
    labelled(
        "chassis_rpc_failures_total",
        "Calls that an RPC `endpoint` did not answer",
        &[],
    ),
    gauge(
        "chassis_rpc_needed",
        "RPC endpoints that must agree on a decision",
    ),
    labelled(
        "chassis_rpc_skips_total",
        "Times that an RPC `endpoint` was left out after three failures",
        &[],
    ),
    gauge(
        "chassis_rpc_usable",
        "1 if an RPC `endpoint` is asked, 0 if it is left out",
    ),
    gauge(
        "chassis_spent_today_wei",
        "Wei that transactions cost in the last 24 hours",
    ),
    labelled(
        "chassis_step_errors_total",
        "Steps that failed and are taken again, by `task` and error `code`",
        &[],
    ),
    labelled("chassis_steps_total", "Steps taken, by `task`", &[]),
    Metric {
        unit: Unit::Seconds,
        ..gauge(
            "chassis_task_heartbeat_timestamp_seconds",
            "Unix time at which a `task` last showed that it lives",
        )
    },
    labelled(
        "chassis_task_restarts_total",
        "Steps that were abandoned, by `task` and error `code`: it panicked, or did not come back",
        &[],
    ),
    gauge("chassis_transactions", "Transactions under way, by `state`"),
    counter(
        "chassis_transactions_refused_total",
        "Times that no endpoint took a transaction",
    ),
    counter(
        "chassis_transactions_reverted_total",
        "Final transactions that had no effect",
    ),
    labelled(
        "chassis_webhook_deliveries_total",
        "Messages to operators, by `outcome`: taken, failed, given_up",
        &[],
    ),
];

/// A counter without labels.
const fn counter(name: &'static str, help: &'static str) -> Metric {
    labelled(name, help, &[&[]])
}

const fn labelled(name: &'static str, help: &'static str, born: &'static [Labels]) -> Metric {
    Metric {
        born,
        ..metric(name, Kind::Counter, help)
    }
}

const fn gauge(name: &'static str, help: &'static str) -> Metric {
    metric(name, Kind::Gauge, help)
}

const fn metric(name: &'static str, kind: Kind, help: &'static str) -> Metric {
    Metric {
        name,
        kind,
        unit: Unit::Count,
        help,
        born: &[],
    }
}
