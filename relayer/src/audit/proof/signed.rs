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
    pub(super) async fn find(
        chain: &Chain,
        batch: &Batch,
        signers: &[Address],
    ) -> Result<Option<Self>, Error> {
        let input = chain.calldata(batch.at.transaction).await?;
        let is_it = |report: &Report| hash(chain, report) == batch.report;
        Ok(input.and_then(|input| Self::within(&input, is_it, batch.report, signers)))
    }

    /// Whoever posts may put the same report beside it, with other signatures: those of the batch's signers are taken.
    fn within(
        input: &[u8],
        is_it: impl Fn(&Report) -> bool,
        hash: B256,
        signers: &[Address],
    ) -> Option<Self> {
        let places = input.windows(4).enumerate();
        let places = places.filter(|(_, bytes)| *bytes == postCall::SELECTOR);
        let call = places
            .filter_map(|(at, _)| postCall::abi_decode(input.get(at..)?).ok())
            .find(|call| is_it(&call.report) && recovered(&call.signatures, hash) == signers)?;
        Some(Self {
            report: call.report.abi_encode().into(),
            signatures: call.signatures,
        })
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

#[cfg(test)]
mod tests {
    use alloy::signers::{SignerSync as _, local::PrivateKeySigner};

    use super::*;

    #[test]
    fn a_decoy_before_the_call_does_not_hide_who_signed() {
        let signer = PrivateKeySigner::from_bytes(&B256::repeat_byte(1)).unwrap();
        let report = Report {
            archive: B256::repeat_byte(2),
            ..Report::default()
        };
        let hash = |report: &Report| report.eip712_signing_hash(&domain(1, Address::ZERO));
        let digest = hash(&report);
        let find = |input: &[u8], who| Signed::within(input, |r| hash(r) == digest, digest, &[who]);
        let call = |report: &Report, signatures: Vec<u8>| {
            let (report, signatures) = (report.clone(), signatures.into());
            let call = postCall {
                report,
                signerMask: 1,
                signatures,
            };
            call.abi_encode()
        };
        let signature = signer.sign_hash_sync(&digest).unwrap().normalized_s();
        let signature = signature.as_erc2098().to_vec();
        let other = PrivateKeySigner::from_bytes(&B256::repeat_byte(3)).unwrap();
        let others = other.sign_hash_sync(&digest).unwrap().normalized_s();
        let decoys = [
            call(&report, vec![0x11; 64]),
            call(&report, others.as_erc2098().to_vec()),
            call(&report, Vec::new()),
            call(&Report::default(), signature.clone()),
        ]
        .concat();
        let all = [&decoys[..], &call(&report, signature.clone())].concat();
        let found = find(&all, signer.address()).unwrap();
        assert_eq!(found.signatures, signature);
        assert_eq!(found.report, report.abi_encode());
        assert!(find(&decoys, signer.address()).is_none());
    }
}
