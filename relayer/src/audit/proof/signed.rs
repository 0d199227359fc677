//! The report behind a batch, and its signatures: they accuse by themselves, without a chain.

use alloy::{
    primitives::{Address, B256, Bytes, Signature},
    sol_types::{SolCall as _, SolStruct as _, SolValue as _},
};
use serde::{Deserialize, Serialize};

use crate::{
    Error,
    chain::Chain,
    history::Batch,
    registry::{
        IProofOfCloudRegistry::{Report, postCall},
        domain,
    },
};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Signed {
    /// ABI encoding of the `Report`.
    report: Bytes,
    /// EIP-2098, one after the other, in ascending order of the signers' bits.
    signatures: Bytes,
}

impl Signed {
    /// From the call that posted the batch, wherever in the calldata it stands.
    pub(super) async fn find(chain: &Chain, batch: &Batch) -> Result<Option<Self>, Error> {
        let Some(input) = chain.calldata(batch.at.transaction).await? else {
            return Ok(None);
        };
        let places = input.windows(4).enumerate();
        let places = places.filter(|(_, bytes)| *bytes == postCall::SELECTOR);
        let call = places
            .filter_map(|(at, _)| postCall::abi_decode(input.get(at..)?).ok())
            .find(|call| hash(chain, &call.report) == batch.report);
        Ok(call.map(|call| Self {
            report: call.report.abi_encode().into(),
            signatures: call.signatures,
        }))
    }

    /// Who signed the report that was applied as this batch; nobody, if this is another report, or no report.
    pub(super) fn by(&self, chain: &Chain, batch: &Batch) -> Vec<Address> {
        match Report::abi_decode(&self.report) {
            Ok(report) if hash(chain, &report) == batch.report && report.abi_encode() == self.report => {
                recovered(&self.signatures, batch.report)
            }
            _ => Vec::new(),
        }
    }
}

/// What relayers sign.
fn hash(chain: &Chain, report: &Report) -> B256 {
    report.eip712_signing_hash(&domain(chain.id, *chain.registry.address()))
}

fn recovered(signatures: &[u8], hash: B256) -> Vec<Address> {
    let (signatures, rest) = signatures.as_chunks::<64>();
    if !rest.is_empty() {
        return Vec::new();
    }
    let signers = signatures.iter().filter_map(|signature| {
        Signature::from_erc2098(signature)
            .recover_address_from_prehash(&hash)
            .ok()
    });
    signers.collect()
}
