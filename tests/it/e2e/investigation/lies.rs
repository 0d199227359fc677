//! What two of the three relayers sign and post, and what they put into their archive.

use std::{fs, path::Path};

use alloy::{
    network::TransactionBuilder as _,
    primitives::{Address, B256, Bytes, aliases::U40},
    providers::Provider as _,
    rpc::types::TransactionRequest,
    signers::SignerSync as _,
    sol_types::{SolCall as _, SolStruct as _},
};
use chassis_relayer::{
    registry::{
        IProofOfCloudRegistry::{Report, postCall},
        domain,
    },
    report::{Item, Manifest},
};
use chassis_verifier::{bundle::canonical_json, sha256};
use serde_json::json;

use super::super::{
    byzantine::{Offer, finalized, report as report_of},
    chain::{signer, until},
    cosign::{MEMBERS, Network},
};

/// Who a platform is that nobody ever attested on.
pub(super) const INVENTED: B256 = B256::repeat_byte(0xee);

/// Numbers from here on are errors to go-ethereum.
pub(super) const FAR: u64 = 1 << 63;

/// The second and third relayer's keys, and their archive.
pub(super) struct Liars<'a> {
    pub(super) network: &'a Network,
    pub(super) archive: &'a Path,
}

/// How a report comes to the registry.
#[derive(Clone, Copy)]
enum Way {
    Call,
    /// By a contract that makes the call out of something else, so that no calldata has it.
    Contract,
}

impl Liars<'_> {
    /// That evidence of two machines is one machine's; then the same once more, as a renewal, with a platform that nobody
    /// ever saw.
    pub(super) async fn mix(&self, offer: &Offer) {
        let mut lie = offer.appraise(self.network);
        assert!(!lie.is_attestable());
        // What an honest appraisal of one machine would have said.
        (lie.result.binding, lie.result.custody, lie.result.tcb) = (2, 2, 1);
        lie.result.instanceId = B256::repeat_byte(0x11);
        lie.result.provider = chassis_sim::provider::PROVIDER_ID;
        let expiry = (offer.as_of + 3_600) & !63;
        lie.result.expiry = U40::from(expiry);
        lie.verdict.custody_expiry = expiry + 128;
        let mut report = report_of(&json!({"asOf": self.now().await}), offer, &lie);
        report.grants[0].ttl = 86_400;
        report.archive = self.keep(offer, lie.digest(), lie.result.endorsementsDigest);
        self.post(&report, Way::Call).await;

        lie.result.expiry = U40::from(expiry + 64);
        let mut platform = report.platforms.remove(0);
        platform.platformId = INVENTED;
        let operator = offer.bundle.evidence.operator;
        let renewals = self.renewal(operator, expiry + 64).await;
        let report = Report {
            issuedAt: U40::from(self.now().await),
            platforms: vec![platform],
            grants: Vec::new(),
            renewals,
            digests: vec![lie.digest()],
            archive: self.keep(offer, lie.digest(), lie.result.endorsementsDigest),
            ..report
        };
        self.post(&report, Way::Contract).await;
    }

    /// A true grant and a true renewal; then a grant of a worse TCB level than the evidence has. The archive's copy of the
    /// evidence has lost its consent.
    pub(super) async fn worsen(&self, offer: &Offer) {
        let truth = offer.appraise(self.network);
        assert!(truth.is_attestable());
        let end: u64 = truth.result.expiry.to();
        let mut report = report_of(&json!({"asOf": self.now().await}), offer, &truth);
        report.grants[0].expiry = U40::from(end - 640);
        report.archive = self.keep(offer, truth.digest(), truth.result.endorsementsDigest);
        self.post(&report, Way::Call).await;

        let renewal = Report {
            issuedAt: U40::from(self.now().await),
            platforms: Vec::new(),
            grants: Vec::new(),
            renewals: self.renewal(truth.result.operator, end).await,
            digests: vec![truth.digest()],
            ..report.clone()
        };
        self.post(&renewal, Way::Call).await;

        report.grants[0].tcb = 2;
        let worse = Report {
            issuedAt: U40::from(self.now().await),
            platforms: Vec::new(),
            ..report
        };
        self.post(&worse, Way::Call).await;
        self.put("bundles", offer.bundle.digest, without_consent(&offer.document));
    }

    /// A true grant, and a renewal by endorsements that name a block that no chain will ever have. All of it is in the
    /// archive, the policy, too.
    pub(super) async fn promise(&self, offer: &Offer) {
        let truth = offer.appraise(self.network);
        let end: u64 = truth.result.expiry.to();
        let mut report = report_of(&json!({"asOf": self.now().await}), offer, &truth);
        report.grants[0].expiry = U40::from(end - 640);
        report.archive = self.keep(offer, truth.digest(), truth.result.endorsementsDigest);
        self.post(&report, Way::Call).await;
        let policy = canonical_json(&self.network.cloud.policy()).unwrap();
        self.put("policies", report.policyDigest, policy);

        let mut far = offer.clone();
        far.set.anchor.number = FAR;
        let lie = far.appraise(self.network);
        let renewal = Report {
            issuedAt: U40::from(self.now().await),
            platforms: Vec::new(),
            grants: Vec::new(),
            renewals: self.renewal(truth.result.operator, end).await,
            digests: vec![lie.digest()],
            archive: self.keep(&far, lie.digest(), lie.result.endorsementsDigest),
            ..report
        };
        self.post(&renewal, Way::Call).await;
    }

    async fn now(&self) -> u64 {
        finalized(&self.network.chain).await.timestamp
    }

    /// Puts what a digest names into the archive, but for the policy, which honest relayers show. Returns the manifest's hash.
    fn keep(&self, offer: &Offer, result: B256, set: B256) -> B256 {
        let manifest = Manifest::new([Item {
            result,
            evidence: offer.bundle.digest,
            endorsements: set,
        }]);
        let mut manifest = manifest.to_json().unwrap();
        // A field that nobody reads, and not in UTF-8: a proof must carry it all the same.
        manifest.splice(1..1, *b"\"x\":\"\xff\",");
        let hash = sha256(&manifest);
        self.put("manifests", hash, manifest);
        self.put("endorsements", set, offer.set.to_json().unwrap());
        self.put("bundles", offer.bundle.digest, offer.document.clone());
        hash
    }

    fn put(&self, folder: &str, name: B256, document: Vec<u8>) {
        let folder = self.archive.join(folder);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{name}.json")), document).unwrap();
    }

    /// One lane's new expiry, as a report has it.
    async fn renewal(&self, operator: Address, expiry: u64) -> Bytes {
        let registry = self.network.chain.registry();
        let lane = registry.attestationOf(operator).call().await.unwrap().lane;
        let stored = registry.laneSlot(lane / 8).call().await.unwrap();
        let place = (lane % 8) as usize;
        let generation = (stored >> (224 - 32 * place)).wrapping_to::<u32>() & 63;
        let mut words = [0_u32; 8];
        words[place] = u32::try_from(expiry).unwrap() & !63 | generation;
        let words = words.iter().flat_map(|word| word.to_be_bytes());
        (lane / 8).to_be_bytes().into_iter().chain(words).collect()
    }

    /// Signs, posts, and waits until it is final.
    async fn post(&self, report: &Report, way: Way) {
        let chain = &self.network.chain;
        let before = chain.batches().await;
        let hash = report.eip712_signing_hash(&domain(self.network.chain_id().await, chain.registry));
        let signatures = MEMBERS[1..3].iter().map(|key| {
            let signature = signer(*key).sign_hash_sync(&hash).unwrap().normalized_s();
            signature.as_erc2098().to_vec()
        });
        let call = postCall {
            report: report.clone(),
            signerMask: 0b110,
            signatures: signatures.collect::<Vec<_>>().concat().into(),
        };
        let request = match way {
            Way::Call => TransactionRequest::default()
                .with_to(chain.registry)
                .with_input(call.abi_encode()),
            Way::Contract => {
                TransactionRequest::default().with_deploy_code(hidden(chain.registry, &call.abi_encode()))
            }
        };
        let sent = chain.provider.send_transaction(request).await.unwrap();
        let receipt = sent.get_receipt().await.unwrap();
        assert!(receipt.status(), "the registry takes it: enough relayers signed");
        assert_eq!(chain.batches().await, before + 1);
        let block = receipt.block_number.unwrap();
        until("it is final", || async { finalized(chain).await.number >= block }).await;
    }
}

/// A bundle with another signature where its consent is.
pub(super) fn without_consent(document: &[u8]) -> Vec<u8> {
    let mut document = String::from_utf8(document.to_vec()).unwrap();
    let at = document.find("\"consent\":\"0x").unwrap() + 14;
    let other = if &document[at..=at] == "0" { "1" } else { "0" };
    document.replace_range(at..=at, other);
    document.into_bytes()
}

/// A constructor that makes this call, which stands behind it with all bits flipped.
fn hidden(to: Address, call: &[u8]) -> Vec<u8> {
    let size = u16::try_from(call.len().next_multiple_of(32))
        .unwrap()
        .to_be_bytes();
    let length = u16::try_from(call.len()).unwrap().to_be_bytes();
    let code = |offset: [u8; 2]| {
        [
            // codecopy(0, offset, size)
            &[0x61][..],
            &size,
            &[0x61],
            &offset,
            &[0x60, 0, 0x39],
            // for (i = 0; i < size; i += 32) mstore(i, not(mload(i)))
            &[0x60, 0, 0x5b, 0x80, 0x51, 0x19, 0x81, 0x52, 0x60, 32, 0x01, 0x61],
            &size,
            &[0x81, 0x10, 0x60, 11, 0x57, 0x50],
            // if (!call(gas, to, 0, 0, length, 0, 0)) revert(0, 0)
            &[0x60, 0, 0x60, 0, 0x61],
            &length,
            &[0x60, 0, 0x60, 0, 0x73],
            to.as_slice(),
            &[0x5a, 0xf1, 0x60, 70, 0x57, 0x60, 0, 0x80, 0xfd, 0x5b, 0x00],
        ]
        .concat()
    };
    let offset = u16::try_from(code([0; 2]).len()).unwrap().to_be_bytes();
    let mut all = code(offset);
    all.extend(call.iter().map(|byte| !byte));
    // Beyond the code there are zeros.
    all
}
