//! Policies, register values and certifications, good ones and each with one thing wrong.

mod drtm;

use super::*;
use crate::{
    challenge::AkName,
    tpm::{Attest, Attributes, HashAlg, Public, QuoteFault},
};

/// PCR 17 and 18 of a software TPM (swtpm 0.7.1) after a hash sequence over `hello` and one extend, and what its
/// `TPM2_PolicyGetDigest` said after `TPM2_PolicyPCR` over both, in a SHA-256 session.
const OBSERVED: [(HashAlg, &str, &str, &str); 2] = [
    (
        HashAlg::Sha256,
        "9851312028952521510e8eaab5be94e7dc24b5fc292b2e9781173cf11ffa9878",
        "7f85193790de75e46b70bfec3614098f47332a6993dabac6e38ad35f47df5da4",
        "c3290db11d01707a8d9b6723d242a026ce80dbb404876f90e73cc03d1a5679a2",
    ),
    (
        HashAlg::Sha384,
        "1d9b87caf048435fc39a4a0a8e4e864af9c9a584b3a3b436193bb8b60125698089f57479f370637f16fcce8a1852d1bc",
        "9bfada7cdb440f4902cabc003f0c6dbf520470ce548d23c184669fed92f745e619119c28150878edaf1ae36f85de5638",
        "f3c5729237d77a12ea1f44a532474b8da3a5d0e0a5e08bee3c0a7a03c8838d55",
    ),
];

#[test]
fn the_policy_is_what_a_tpm_computes() {
    for (bank, pcr17, pcr18, policy) in OBSERVED {
        let digest = policy_digest(bank, &bytes(pcr17), &bytes(pcr18));
        assert_eq!(hex::encode(digest), policy, "{bank}");
    }
}

#[test]
fn the_policy_depends_on_the_bank_and_on_each_value() {
    let digests = [
        policy_digest(HashAlg::Sha256, &[1; 32], &[2; 32]),
        policy_digest(HashAlg::Sha384, &[1; 32], &[2; 32]),
        policy_digest(HashAlg::Sha256, &[2; 32], &[1; 32]),
        policy_digest(HashAlg::Sha256, &[1; 32], &[3; 32]),
        policy_digest(HashAlg::Sha256, &[3; 32], &[2; 32]),
    ];
    let distinct: std::collections::BTreeSet<_> = digests.iter().collect();
    assert_eq!(distinct.len(), digests.len());
}

#[test]
fn a_key_sealed_to_the_launch_passes_with_adminwithpolicy_or_without() {
    for (bank, pcr17, pcr18, policy) in OBSERVED {
        for attributes in [AK, AK | ADMIN_WITH_POLICY] {
            let ak = area(SHA256_ID, attributes, &bytes(policy));
            assert!(ak.violations().is_empty());
            assert_eq!(check_ak_policy(&ak, bank, &bytes(pcr17), &bytes(pcr18)), Ok(()));
        }
    }
}

#[test]
fn a_key_that_a_password_opens_fails_whatever_its_policy() {
    let (bank, pcr17, pcr18, policy) = OBSERVED[0];
    for policy in [bytes(policy), Vec::new()] {
        let ak = area(SHA256_ID, AK | Attributes::USER_WITH_AUTH, &policy);
        assert_eq!(
            check_ak_policy(&ak, bank, &bytes(pcr17), &bytes(pcr18)),
            Err(HostFault::UserWithAuth)
        );
    }
}

#[test]
fn a_key_without_a_policy_fails() {
    let ak = area(SHA256_ID, AK, &[]);
    assert_eq!(
        check_ak_policy(&ak, HashAlg::Sha256, &[1; 32], &[2; 32]),
        Err(HostFault::NoPolicy)
    );
}

#[test]
fn a_key_sealed_to_something_else_fails() {
    let (bank, pcr17, pcr18, policy) = OBSERVED[0];
    let (pcr17, pcr18, policy) = (bytes(pcr17), bytes(pcr18), bytes(policy));
    let ak = area(SHA256_ID, AK, &policy);
    let is_other = |ak: &Public, bank, pcr17: &[u8], pcr18: &[u8]| {
        let fault = check_ak_policy(ak, bank, pcr17, pcr18);
        matches!(fault, Err(HostFault::Policy { .. }))
    };
    assert!(!is_other(&ak, bank, &pcr17, &pcr18));
    assert!(is_other(&ak, bank, &pcr18, &pcr17), "the registers are swapped");
    assert!(is_other(&ak, HashAlg::Sha384, &pcr17, &pcr18), "another bank");
    assert!(is_other(&ak, bank, &[0xff; 32], &[0xff; 32]), "no launch");
    // A prefix or more of the right digest is not the right digest.
    for wrong in [&policy[..31], &[&policy[..], &[0]].concat()] {
        assert!(is_other(&area(SHA256_ID, AK, wrong), bank, &pcr17, &pcr18));
    }
}

/// A policy session is hashed by the key's `nameAlg`, so the same 32 bytes would mean something else.
#[test]
fn a_key_named_by_another_hash_fails() {
    let (bank, pcr17, pcr18, policy) = OBSERVED[0];
    let ak = area(0x000c, AK, &bytes(policy));
    assert_eq!(
        check_ak_policy(&ak, bank, &bytes(pcr17), &bytes(pcr18)),
        Err(HostFault::NameAlg(0x000c))
    );
}

#[test]
fn both_registers_hold_a_launch() {
    for (bank, pcr17, pcr18, _) in OBSERVED {
        assert_eq!(check_dynamic_pcrs(bank, &bytes(pcr17), &bytes(pcr18)), Ok(()));
    }
    // A single bit is enough: it is the policy's references that decide.
    let mut value = [0xff; 48];
    value[47] = 0xfe;
    assert_eq!(check_dynamic_pcrs(HashAlg::Sha384, &value, &value), Ok(()));
}

#[test]
fn a_register_that_no_launch_filled_fails() {
    let (good, zeros, ones) = ([7; 32], [0; 32], [0xff; 32]);
    for (pcr17, pcr18, fault) in [
        (ones, ones, HostFault::NotLaunched(17)),
        (good, ones, HostFault::NotLaunched(18)),
        (zeros, good, HostFault::NothingMeasured(17)),
        (good, zeros, HostFault::NothingMeasured(18)),
    ] {
        assert_eq!(check_dynamic_pcrs(HashAlg::Sha256, &pcr17, &pcr18), Err(fault));
    }
}

#[test]
fn a_value_is_as_long_as_its_banks_digests() {
    for (pcr17, pcr18, pcr, len) in [
        (&[7; 48][..], &[7; 32][..], 17, 48),
        (&[7; 32], &[7; 31], 18, 31),
        (&[], &[7; 32], 17, 0),
    ] {
        let bank = HashAlg::Sha256;
        assert_eq!(
            check_dynamic_pcrs(bank, pcr17, pcr18),
            Err(HostFault::Length { pcr, len, bank })
        );
    }
}

#[test]
fn sha1_proves_nothing() {
    assert_eq!(
        check_dynamic_pcrs(HashAlg::Sha1, &[7; 20], &[7; 20]),
        Err(HostFault::WeakBank(HashAlg::Sha1))
    );
}

#[test]
fn the_demanded_selection_is_17_and_18() {
    assert_eq!(
        demanded_selection(HashAlg::Sha384).to_string(),
        "SHA-384 {17, 18}"
    );
}

#[test]
fn a_certified_name_is_the_aks_own() {
    let certify = attest(0x8017);
    assert_eq!(check_certified_name(&certify, AkName([0x0b; 34])), Ok(()));
    assert_eq!(check_certified_name(&attest(0x801a), AkName([0x0b; 34])), Ok(()));
    let other = check_certified_name(&certify, AkName([0x0c; 34]));
    assert!(matches!(other, Err(HostFault::OtherKey { .. })), "{other:?}");
}

#[test]
fn what_certifies_no_key_fails() {
    let name = AkName([0x0b; 34]);
    assert_eq!(
        check_certified_name(&attest(0x8014), name),
        Err(HostFault::NotCertification(0x8014)),
        "an NV index has a name too"
    );
    let forged = Attest::parse(&hex::decode("000000008017").unwrap()).unwrap();
    assert_eq!(
        check_certified_name(&forged, name),
        Err(HostFault::Attest(QuoteFault::Magic(0)))
    );
}

/// An attest of this type whose first field is a name of 34 times `0b`.
fn attest(kind: u16) -> Attest {
    let mut bytes = hex::decode("ff544347").unwrap();
    bytes.extend(kind.to_be_bytes());
    bytes.extend([0; 2 + 2 + 17 + 8]);
    bytes.extend([0, 34]);
    bytes.extend([0x0b; 34]);
    bytes.extend([0, 0]);
    Attest::parse(&bytes).unwrap()
}

/// A P-256 key's area.
fn area(name_alg: u16, attributes: u32, policy: &[u8]) -> Public {
    let mut area = vec![0x00, 0x23];
    area.extend(name_alg.to_be_bytes());
    area.extend(attributes.to_be_bytes());
    area.extend(u16::try_from(policy.len()).unwrap().to_be_bytes());
    area.extend(policy);
    area.extend(hex::decode("00100018000b00030010").unwrap());
    for _ in 0..2 {
        area.extend([0, 32]);
        area.extend([0x11; 32]);
    }
    Public::parse(&area).unwrap()
}

fn bytes(hex: &str) -> Vec<u8> {
    hex::decode(hex).unwrap()
}

const SHA256_ID: u16 = 0x000b;
const ADMIN_WITH_POLICY: u32 = 1 << 7;
const AK: u32 = Attributes::FIXED_TPM
    | Attributes::FIXED_PARENT
    | Attributes::SENSITIVE_DATA_ORIGIN
    | Attributes::RESTRICTED
    | Attributes::SIGN;
