//! What is signed, and what is hashed into a batch. Solidity makes these sections.

use alloy::{
    primitives::{Address, B256, Bytes, U256, keccak256},
    signers::{SignerSync, local::PrivateKeySigner},
    sol_types::{SolStruct, SolType, SolValue},
};
use chassis_relayer::registry::{IProofOfCloudRegistry as relayer, domain};
use chassis_verifier::{
    Enrolment,
    bundle::{Anchor, Bundle},
    consent_signer, enrolment_hash, merkle_root, registry_domain,
};
use serde::de::DeserializeOwned;

use super::{Section, documents::evidence, hex};

pub(super) const SECTIONS: [&str; 8] = [
    "attestationResult",
    "batch",
    "domain",
    "enrolment",
    "freeze",
    "report",
    "revoke",
    "types",
];

/// The interface once more, in a form that reads the file's JSON.
mod json {
    #![allow(
        missing_docs,
        clippy::pedantic,
        clippy::too_many_arguments,
        reason = "generated from Solidity"
    )]

    alloy::sol!(
        #[sol(extra_derives(serde::Deserialize))]
        "../contracts/src/interfaces/IProofOfCloudRegistry.sol"
    );
}

use json::IProofOfCloudRegistry as read;

#[test]
fn both_crates_sign_in_the_registrys_domain() {
    let section = Section::read("domain");
    let name: String = section.input("/name");
    let version: String = section.input("/version");
    let anchor = anchor();
    for domain in [domain(anchor.chain_id, anchor.registry), registry_domain(&anchor)] {
        assert_eq!(domain.name.as_deref(), Some(&*name));
        assert_eq!(domain.version.as_deref(), Some(&*version));
        assert_eq!(domain.separator(), section.output::<B256>("/separator"));
    }
}

#[test]
fn types_are_spelt_alike() {
    fn spelt<T: SolStruct>() -> (&'static str, String) {
        (T::NAME, T::eip712_encode_type().into_owned())
    }
    let section = Section::read("types");
    let domain = registry_domain(&anchor());
    let types = [
        ("EIP712Domain", domain.encode_type()),
        spelt::<chassis_verifier::AttestationResult>(),
        spelt::<relayer::AttestationResult>(),
        spelt::<Enrolment>(),
        spelt::<relayer::Enrolment>(),
        spelt::<relayer::Freeze>(),
        spelt::<relayer::Grant>(),
        spelt::<relayer::PlatformEntry>(),
        spelt::<relayer::Report>(),
        spelt::<relayer::Revoke>(),
    ];
    for (name, text) in &types {
        let pointer = format!("/{name}");
        assert_eq!(section.input::<String>(&pointer), *text);
        assert_eq!(section.output::<B256>(&pointer), keccak256(text), "{name}");
    }
    for name in section.input.as_object().unwrap().keys() {
        assert!(types.iter().any(|(known, _)| known == name), "{name}");
    }
}

#[test]
fn messages_hash_alike() {
    let report = message::<read::Report>("report");
    same::<relayer::Report>(&report);
    let result = message::<read::AttestationResult>("attestationResult");
    same::<relayer::AttestationResult>(&result);
    same::<chassis_verifier::AttestationResult>(&result);
    let enrolment = message::<read::Enrolment>("enrolment");
    same::<relayer::Enrolment>(&enrolment);
    same::<Enrolment>(&enrolment);
    same::<relayer::Freeze>(&message::<read::Freeze>("freeze"));
    same::<relayer::Revoke>(&message::<read::Revoke>("revoke"));
}

#[test]
fn a_relayer_signs_a_report_in_64_bytes() {
    let section = Section::read("report");
    let signer = signer(&section);
    let signature = signer.sign_hash_sync(&section.output("/digest")).unwrap();
    assert_eq!(
        hex(signature.as_erc2098()),
        section.output::<String>("/signature")
    );
    assert_eq!(signer.address(), section.output::<Address>("/signer"));
}

#[test]
fn an_operator_consents_in_65_bytes() {
    let section = Section::read("enrolment");
    let digest: B256 = section.input("/message/evidenceDigest");
    assert_eq!(
        enrolment_hash(&anchor(), digest),
        section.output::<B256>("/digest")
    );
    let signer = signer(&section);
    let signature = signer.sign_hash_sync(&section.output("/digest")).unwrap();
    assert_eq!(hex(signature.as_bytes()), section.output::<String>("/signature"));
    assert_eq!(signer.address(), section.output::<Address>("/signer"));

    let mut evidence = evidence();
    evidence.anchor = anchor();
    let bundle = Bundle {
        evidence,
        consent: section.output("/signature"),
        digest,
    };
    assert_eq!(consent_signer(&bundle), Some(signer.address()));
}

#[test]
fn a_batch_has_one_root() {
    let section = Section::read("batch");
    let digests: Vec<B256> = section.input("/digests");
    let leaves: Vec<_> = digests
        .iter()
        .enumerate()
        .map(|(index, digest)| (U256::from(index), *digest).abi_encode())
        .collect();
    let hashed: Vec<_> = leaves.iter().map(|leaf| keccak256(keccak256(leaf))).collect();
    assert_eq!(hashed, section.output::<Vec<B256>>("/leaves"));
    assert_eq!(merkle_root(leaves.into_iter()), section.output::<B256>("/root"));
}

/// A message's JSON has the section's encoding and hashes.
fn message<T: SolStruct + SolValue + DeserializeOwned>(name: &str) -> Section {
    let section = Section::read(name);
    let message: T = section.input("/message");
    assert_eq!(
        hex(message.abi_encode()),
        section.output::<String>("/abi"),
        "{name}"
    );
    hashes(&message, &section);
    section
}

/// What production code has for this message hashes as the section says.
fn same<T: SolStruct + SolValue>(section: &Section) {
    let encoded: Bytes = section.output("/abi");
    let message = <T as SolType>::abi_decode(&encoded).unwrap();
    assert_eq!(message.abi_encode(), *encoded, "{}", T::NAME);
    hashes(&message, section);
}

fn hashes<T: SolStruct>(message: &T, section: &Section) {
    let struct_hash = message.eip712_hash_struct();
    assert_eq!(struct_hash, section.output::<B256>("/structHash"), "{}", T::NAME);
    // An attestation result is hashed, never signed.
    if T::NAME != "AttestationResult" {
        let digest = message.eip712_signing_hash(&registry_domain(&anchor()));
        assert_eq!(digest, section.output::<B256>("/digest"), "{}", T::NAME);
    }
}

/// An anchor on the chain and for the registry whose domain the file's messages are signed in.
fn anchor() -> Anchor {
    let section = Section::read("domain");
    Anchor {
        chain_id: section.input("/chainId"),
        registry: section.input("/verifyingContract"),
        block_number: 0,
        block_hash: B256::ZERO,
    }
}

fn signer(section: &Section) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&section.input("/privateKey")).unwrap()
}
