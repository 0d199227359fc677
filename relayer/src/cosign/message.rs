//! What relayers say to each other: JSON bodies of `POST /v1/cosign`.

use alloy::primitives::{Address, B256, Bytes};
use serde::{Deserialize, Serialize};

/// A request.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", deny_unknown_fields)]
pub(super) enum Message {
    /// Are you there, and of one mind? Answered with [`Hello`].
    Hello,
    /// How do you judge these? Answered with [`Votes`].
    Propose(Proposal),
    /// Sign this. Answered with [`Signature`].
    Sign(SignRequest),
    /// Here is my signature. Answered with an empty object.
    Signed(Delivery),
    /// I have found reason for this freeze, and signed it: have you? Answered with [`Signature`].
    Freeze(FreezeRequest),
    /// Hand me this document. Answered with its bytes.
    Fetch(Fetch),
}

impl Message {
    /// For logs and metrics.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Hello => "hello",
            Self::Propose(_) => "propose",
            Self::Sign(_) => "sign",
            Self::Signed(_) => "signed",
            Self::Freeze(_) => "freeze",
            Self::Fetch(_) => "fetch",
        }
    }
}

/// What a relayer works by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Hello {
    /// Digest of the policy under which it appraises.
    pub(super) policy: B256,
    /// The relayer set in force, as it sees it.
    pub(super) relayer_set_id: u32,
    /// The latest block it holds for finalized.
    pub(super) finalized: u64,
}

/// All that a report follows from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Proposal {
    /// The set whose signatures it is to carry.
    pub(super) relayer_set_id: u32,
    /// The policy's digest.
    pub(super) policy: B256,
    /// A finalized block. Everybody reads the registry as of it.
    pub(super) block: BlockName,
    /// That block's time, Unix seconds: the report's `issuedAt`.
    pub(super) as_of: u64,
    /// Strictly ascending by evidence.
    pub(super) items: Vec<Item>,
}

/// A block by number and hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct BlockName {
    pub(super) number: u64,
    pub(super) hash: B256,
}

/// One bundle, and all that its result is a function of, the policy aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Item {
    /// Digest of the evidence.
    pub(super) evidence: B256,
    /// Digest of the endorsement set.
    pub(super) endorsements: B256,
    /// When it was appraised, Unix seconds.
    pub(super) as_of: u64,
}

/// One vote for each item of a proposal, in its order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Votes {
    pub(super) votes: Vec<Vote>,
}

/// A relayer's judgement of one item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "vote", rename_all = "camelCase", deny_unknown_fields)]
pub(super) enum Vote {
    /// It appraised the item itself, with this result, and would sign it.
    #[serde(rename_all = "camelCase")]
    Yes { result: B256 },
    /// It would not sign, for these reasons.
    #[serde(rename_all = "camelCase")]
    No { reasons: Vec<String> },
}

/// A report to be signed, with what it follows from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SignRequest {
    /// Only items for which the recipient voted yes.
    pub(super) proposal: Proposal,
    /// The report, ABI-encoded. It follows from the proposal; it is here so that a difference has a name.
    pub(super) report: Bytes,
    /// The sender's own signature under it: who asks has signed.
    pub(super) signature: Bytes,
}

/// A signature under a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Signature {
    /// 64 bytes (EIP-2098).
    pub(super) signature: Bytes,
}

/// An order that the sender has signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct FreezeRequest {
    /// The order's EIP-712 digest: whoever has found the same knows its bytes.
    pub(super) order: B256,
    /// The sender's signature under it, 64 bytes (EIP-2098).
    pub(super) signature: Bytes,
}

/// A signature for everybody who may hold the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Delivery {
    /// The report's EIP-712 digest.
    pub(super) report: B256,
    /// Whose signature it is: not always the sender's.
    pub(super) signer: Address,
    /// 64 bytes (EIP-2098).
    pub(super) signature: Bytes,
}

/// A document by its digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Fetch {
    pub(super) document: Document,
    pub(super) digest: B256,
}

/// What may be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Document {
    Evidence,
    Endorsements,
}

/// Why there is no answer. Its status is 4xx or 5xx.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Refusal {
    pub(super) reason: String,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// For a second implementation: the shapes never change.
    #[test]
    fn messages_have_these_shapes() {
        let digest = B256::repeat_byte(1);
        let proposal = Proposal {
            relayer_set_id: 3,
            policy: digest,
            block: BlockName {
                number: 5,
                hash: digest,
            },
            as_of: 7,
            items: vec![Item {
                evidence: digest,
                endorsements: digest,
                as_of: 6,
            }],
        };
        let fields = json!({
            "relayerSetId": 3, "policy": digest, "block": {"number": 5, "hash": digest}, "asOf": 7,
            "items": [{"evidence": digest, "endorsements": digest, "asOf": 6}],
        });
        let mut propose = fields.clone();
        propose["kind"] = json!("propose");
        let sign = SignRequest {
            proposal: proposal.clone(),
            report: Bytes::from_static(&[1]),
            signature: Bytes::from_static(&[2]),
        };
        let delivery = Delivery {
            report: digest,
            signer: Address::ZERO,
            signature: Bytes::from_static(&[2]),
        };
        let fetch = Fetch {
            document: Document::Evidence,
            digest,
        };
        let shapes = [
            (Message::Hello, json!({"kind": "hello"})),
            (Message::Propose(proposal), propose),
            (
                Message::Sign(sign),
                json!({"kind": "sign", "proposal": fields, "report": "0x01", "signature": "0x02"}),
            ),
            (
                Message::Signed(delivery),
                json!({"kind": "signed", "report": digest, "signer": Address::ZERO, "signature": "0x02"}),
            ),
            (
                Message::Fetch(fetch),
                json!({"kind": "fetch", "document": "evidence", "digest": digest}),
            ),
        ];
        for (message, shape) in shapes {
            assert_eq!(serde_json::to_value(&message).unwrap(), shape);
            let text = shape.to_string();
            let read: Message = serde_json::from_str(&text).unwrap();
            assert_eq!(read.name(), shape["kind"]);
        }
        let votes = Votes {
            votes: vec![
                Vote::Yes { result: digest },
                Vote::No {
                    reasons: vec!["too old".into()],
                },
            ],
        };
        let shape =
            json!({"votes": [{"vote": "yes", "result": digest}, {"vote": "no", "reasons": ["too old"]}]});
        assert_eq!(serde_json::to_value(&votes).unwrap(), shape);
    }
}
