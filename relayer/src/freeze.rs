//! A freeze: what the registry takes from `freezeThreshold` relayers to stop an operator at once.
//!
//! An order is a function of what was found, with a deadline in steps. So relayers that find the same at about the same time
//! sign the same bytes without having asked each other, and their signatures add up.

use alloy::{
    primitives::{Address, B256, Bytes, aliases::U40},
    sol_types::SolCall,
};

use crate::{reappraise::Trigger, registry::IProofOfCloudRegistry::Freeze};

/// The step of deadlines, seconds. An order is good for one to two steps from the finalized block as of which its reason was
/// found. That block is some minutes old (two epochs on mainnet, 13 minutes), and so much less is left when it is signed. The
/// registry takes none that is good for more than an hour.
const STEP: u64 = 1500;

/// `Freeze.action`: an operator.
const OPERATOR: u8 = 0;

mod call {
    #![allow(missing_docs, clippy::pedantic, reason = "generated from Solidity")]

    alloy::sol! {
        /// As `IProofOfCloudGovernance` has it, its first argument spelled out.
        function freezeBySignatures((uint32, uint8, bytes32, uint32, uint16, bytes32, uint40) order, uint32 signerMask, bytes signatures) external;
    }
}

/// What is found against an operator.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Finding {
    pub(crate) operator: Address,
    /// As the registry has it.
    pub(crate) status_nonce: u32,
    pub(crate) trigger: Trigger,
    /// The evidence that its attestation rests on: digest.
    pub(crate) evidence: B256,
}

impl Finding {
    /// The order that the members of a set sign for it as of a finalized block of this time, Unix seconds.
    pub(crate) fn order(&self, set_id: u32, now: u64) -> Freeze {
        Freeze {
            relayerSetId: set_id,
            action: OPERATOR,
            subject: self.operator.into_word(),
            statusNonce: self.status_nonce,
            reason: self.trigger.check() as u16,
            evidenceHash: self.evidence,
            deadline: U40::from(deadline(now)),
        }
    }
}

/// The deadline of orders that are signed as of a finalized block of this time, Unix seconds.
pub(crate) fn deadline(now: u64) -> u64 {
    (now / STEP + 2) * STEP
}

/// The call that carries an order out.
pub(crate) fn calldata(order: &Freeze, mask: u32, signatures: Vec<u8>) -> Vec<u8> {
    let call = call::freezeBySignaturesCall {
        order: (
            order.relayerSetId,
            order.action,
            order.subject,
            order.statusNonce,
            order.reason,
            order.evidenceHash,
            order.deadline,
        ),
        signerMask: mask,
        signatures: Bytes::from(signatures),
    };
    call.abi_encode()
}

/// The deadline of the order in such a call, Unix seconds; `None` if it is another call.
pub(crate) fn deadline_in(calldata: &[u8]) -> Option<u64> {
    let call = call::freezeBySignaturesCall::abi_decode(calldata).ok()?;
    Some(call.order.6.to())
}

#[cfg(test)]
mod tests {
    use alloy::sol_types::SolStruct;

    use super::*;
    use crate::registry::domain;

    fn finding() -> Finding {
        Finding {
            operator: Address::repeat_byte(1),
            status_nonce: 3,
            trigger: Trigger::PckRevoked,
            evidence: B256::repeat_byte(2),
        }
    }

    #[test]
    fn what_is_found_in_one_step_is_one_order_and_good_for_less_than_an_hour() {
        let domain = domain(1, Address::ZERO);
        let digest = |finding: &Finding, now| finding.order(7, now).eip712_signing_hash(&domain);
        let found = digest(&finding(), 3_000);
        assert_eq!(digest(&finding(), 4_499), found);
        assert_ne!(digest(&finding(), 4_500), found);
        for now in [3_000, 4_499, 1_800_000_001] {
            let left = finding().order(7, now).deadline.to::<u64>() - now;
            assert!((STEP..=2 * STEP).contains(&left) && left < 3_600, "{left}");
        }
        let others = [
            Finding {
                operator: Address::ZERO,
                ..finding()
            },
            Finding {
                status_nonce: 4,
                ..finding()
            },
            Finding {
                trigger: Trigger::AkRevoked,
                ..finding()
            },
            Finding {
                evidence: B256::ZERO,
                ..finding()
            },
        ];
        for other in others {
            assert_ne!(digest(&other, 3_000), found, "{other:?}");
        }
    }

    #[test]
    fn a_call_tells_its_deadline_and_other_calls_are_none() {
        let order = finding().order(7, 3_000);
        let call = calldata(&order, 0b11, vec![9; 128]);
        assert_eq!(deadline_in(&call), Some(6_000));
        assert_eq!(deadline_in(&call[1..]), None);
    }
}
