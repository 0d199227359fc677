//! The head: each step's payload and what it makes of the head before it. Solidity makes this section.

use alloy::{
    primitives::{Address, B256, Bytes, U256, keccak256},
    sol,
    sol_types::SolValue,
};
use serde::de::DeserializeOwned;

use super::Section;

sol! {
    #[derive(serde::Deserialize)]
    struct Posted {
        uint64 batch;
        bytes32 policyDigest;
        uint256 origin;
        bytes32 reportHash;
        bytes32 archive;
        uint256 applied;
        bytes32 root;
    }

    #[derive(serde::Deserialize)]
    struct Status {
        uint8 subjectKind;
        bytes32 subject;
        uint8 oldStatus;
        uint8 newStatus;
        uint16 reason;
        bytes32 evidenceHash;
        address actor;
    }

    #[derive(serde::Deserialize)]
    struct Control {
        bool paused;
        // A uint128, the same word; but only the wider one is read from a string as well, as great numbers stand there.
        uint256 frozenProviders;
        uint32 relayerSetId;
        uint16 reason;
        bytes32 evidenceHash;
        address actor;
    }

    #[derive(serde::Deserialize)]
    struct RelayerSetChange {
        uint8 threshold;
        uint8 freezeThreshold;
        uint32 disabled;
        uint40 retiredAt;
        uint16 reason;
        bytes32 evidenceHash;
        address actor;
    }

    #[derive(serde::Deserialize)]
    struct Governed {
        uint8 authority;
        bytes32 subject;
        uint256 value;
        address actor;
    }

    #[derive(serde::Deserialize)]
    struct PolicyChange {
        bytes32 policyDigest;
        bool inForce;
        uint16 reason;
        bytes32 evidenceHash;
        address actor;
    }
}

#[test]
fn every_step_leads_from_one_head_to_the_next() {
    let section = Section::read("heads");
    for name in section.input.as_object().unwrap().keys() {
        let fields = format!("/{name}");
        let (kind, payload) = match &**name {
            "batchOfGrants" | "batchOfRenewals" => (1, batch(&section, &fields)),
            "status" => (2, encoded::<Status>(&section, &fields)),
            "control" => (3, encoded::<Control>(&section, &fields)),
            "relayerSet" => (4, relayer_set(&section, &fields)),
            "policyRegistered" | "policyRetired" => (5, encoded::<PolicyChange>(&section, &fields)),
            "authority" => (6, encoded::<Governed>(&section, &fields)),
            other => panic!("no payload known for {other}"),
        };
        assert_eq!(section.input::<u8>(&format!("{fields}/kind")), kind, "{name}");
        let payload = keccak256(payload);
        assert_eq!(
            payload,
            section.output::<B256>(&format!("{fields}/payload")),
            "{name}"
        );
        let previous: B256 = section.input(&format!("{fields}/previous"));
        let head = next(previous, kind, payload);
        assert_eq!(head, section.output::<B256>(&format!("{fields}/head")), "{name}");
    }
}

/// 216 bits of hash, and how many batches there were: kind 1 is one more.
fn next(previous: B256, kind: u8, payload: B256) -> B256 {
    let hash: U256 = keccak256((previous, U256::from(kind), payload).abi_encode()).into();
    let low = U256::from((1_u64 << 40) - 1);
    let batches = (U256::from_be_bytes(previous.0) & low) + U256::from(kind == 1);
    (hash & !low | batches).into()
}

fn encoded<T: DeserializeOwned + SolValue>(section: &Section, fields: &str) -> Vec<u8> {
    section.input::<T>(fields).abi_encode()
}

/// The batch's words, then its renewals' hash.
fn batch(section: &Section, fields: &str) -> Vec<u8> {
    let renewals: Bytes = section.input(&format!("{fields}/renewals"));
    [encoded::<Posted>(section, fields), keccak256(renewals).to_vec()].concat()
}

/// The set's id, its members' hash, then the rest.
fn relayer_set(section: &Section, fields: &str) -> Vec<u8> {
    let id: u32 = section.input(&format!("{fields}/setId"));
    let members: Vec<Address> = section.input(&format!("{fields}/members"));
    let members: Vec<_> = members.iter().map(Address::into_word).collect();
    let members = keccak256(members.concat());
    let change = encoded::<RelayerSetChange>(section, fields);
    [(U256::from(id), members).abi_encode(), change].concat()
}
