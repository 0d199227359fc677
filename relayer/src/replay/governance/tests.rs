//! Submissions, vetoes and executions, made up.

use alloy::{
    primitives::{Address, B256, FixedBytes, U256, aliases::U40, keccak256},
    sol_types::SolCall,
};

use super::*;

const TIME: u64 = 1_800_000_000;
const DELAY: u64 = 86_400;

/// A registry under which each of these waits a day.
fn registry() -> Replay {
    let mut replay = Replay::new(Address::ZERO);
    for selector in [
        unpauseCall::SELECTOR,
        admitProviderCall::SELECTOR,
        registerPolicyCall::SELECTOR,
    ] {
        replay.state.delays.insert(selector.into(), U256::from(DELAY));
    }
    replay
}

fn submission(call: &impl SolCall, time: u64) -> ActionSubmitted {
    let data = call.abi_encode();
    ActionSubmitted {
        id: keccak256(&data),
        selector: FixedBytes::from_slice(&data[..4]),
        data: data.into(),
        executableAt: U40::from(time + DELAY),
    }
}

fn execution(of: &ActionSubmitted) -> ActionExecuted {
    ActionExecuted {
        id: of.id,
        selector: of.selector,
        actor: Address::ZERO,
    }
}

fn veto(of: &ActionSubmitted) -> ActionVetoed {
    ActionVetoed {
        id: of.id,
        selector: of.selector,
        actor: Address::ZERO,
    }
}

fn refused(result: Result<(), Problem>, what: &str) {
    let problem = result.unwrap_err().to_string();
    assert!(problem.starts_with(what), "{problem}");
}

#[test]
fn a_call_is_ripe_after_its_delay_and_not_a_second_sooner_or_later() {
    let (replay, submitted) = (registry(), submission(&unpauseCall {}, TIME));
    replay.clone().submitted(&submitted, TIME).unwrap();
    for wrong in [TIME, TIME + DELAY - 1, TIME + DELAY + 1] {
        let event = ActionSubmitted {
            executableAt: U40::from(wrong),
            ..submitted.clone()
        };
        refused(replay.clone().submitted(&event, TIME), "when the call is ripe");
    }
}

#[test]
fn a_call_begins_with_its_selector() {
    let (replay, submitted) = (registry(), submission(&unpauseCall {}, TIME));
    let short = vec![0xee_u8];
    let other = ActionSubmitted {
        selector: admitProviderCall::SELECTOR.into(),
        ..submitted.clone()
    };
    let short = ActionSubmitted {
        id: keccak256(&short),
        data: short.into(),
        ..submitted
    };
    for event in [other, short] {
        refused(replay.clone().submitted(&event, TIME), "the call's selector");
    }
}

#[test]
fn what_is_made_or_struck_out_is_the_function_that_was_submitted() {
    let (mut replay, submitted) = (registry(), submission(&unpauseCall {}, TIME));
    replay.submitted(&submitted, TIME).unwrap();
    let (executed, vetoed) = (execution(&submitted), veto(&submitted));
    replay.clone().executed(&executed, TIME + DELAY).unwrap();
    replay.clone().vetoed(&vetoed, TIME).unwrap();

    let selector = admitProviderCall::SELECTOR.into();
    let executed = ActionExecuted { selector, ..executed };
    let vetoed = ActionVetoed { selector, ..vetoed };
    let what = "the submitted call's selector";
    refused(replay.clone().executed(&executed, TIME + DELAY), what);
    refused(replay.vetoed(&vetoed, TIME), what);
}

#[test]
fn beside_a_policy_that_waits_no_other_is_submitted() {
    let policy = |byte| registerPolicyCall {
        policyDigest: B256::repeat_byte(byte),
    };
    let mut replay = registry();
    replay.submitted(&submission(&policy(1), TIME), TIME).unwrap();
    let last = TIME + DELAY + WINDOW;
    for time in [TIME, last] {
        refused(
            replay.clone().submitted(&submission(&policy(2), time), time),
            "the call: expected one beside none that waits",
        );
    }
    // Run out.
    replay
        .submitted(&submission(&policy(2), last + 1), last + 1)
        .unwrap();

    // Of others, as many as there are wait at once.
    for provider in [1, 2] {
        let admit = admitProviderCall { provider };
        replay.submitted(&submission(&admit, last), last).unwrap();
    }
}

#[test]
fn what_has_run_out_is_neither_vetoed_nor_made() {
    let (mut replay, submitted) = (registry(), submission(&unpauseCall {}, TIME));
    replay.submitted(&submitted, TIME).unwrap();
    let last = TIME + DELAY + WINDOW;
    replay.clone().vetoed(&veto(&submitted), last).unwrap();
    replay.clone().executed(&execution(&submitted), last).unwrap();
    refused(
        replay.clone().vetoed(&veto(&submitted), last + 1),
        "the call: expected one that waits",
    );
    refused(
        replay.executed(&execution(&submitted), last + 1),
        "the call: expected one submitted and ripe",
    );
}

#[test]
fn what_waits_is_submitted_again_only_after_a_veto_and_waits_anew() {
    let (mut replay, first) = (registry(), submission(&unpauseCall {}, TIME));
    replay.submitted(&first, TIME).unwrap();
    let again = submission(&unpauseCall {}, TIME + 1);
    refused(
        replay.clone().submitted(&again, TIME + 1),
        "the call: expected one beside none that waits",
    );
    replay.vetoed(&veto(&first), TIME + 1).unwrap();
    replay.submitted(&again, TIME + 1).unwrap();
    refused(
        replay.clone().executed(&execution(&again), TIME + DELAY),
        "the call: expected one submitted and ripe",
    );
    replay.executed(&execution(&again), TIME + 1 + DELAY).unwrap();
}
