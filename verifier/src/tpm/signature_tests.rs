//! Signatures of every scheme, and of none.

use p256::ecdsa::{SigningKey, signature::hazmat::PrehashSigner};
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::*;

const MESSAGE: &[u8] = b"quoted";

#[test]
fn p256_verifies_with_sha256_and_sha384() {
    for hash in [HashAlg::Sha256, HashAlg::Sha384] {
        let ak = p256_public(hash);
        let mut shortened = 0;
        for counter in 0..300_u32 {
            // Among so many there are r and s with leading zeros, and with the top bit set.
            let message = counter.to_be_bytes();
            let bytes = p256_signature(hash, &message, Zeros::Kept);
            let signature = Signature::parse(&bytes).unwrap();
            assert_eq!(signature.verify(&ak, &message), Ok(()), "{hash} {counter}");
            if bytes[6] == 0 || bytes[40] == 0 {
                let short = p256_signature(hash, &message, Zeros::Dropped);
                assert!(short.len() < bytes.len());
                assert_eq!(Signature::parse(&short).unwrap(), signature);
                shortened += 1;
            }
        }
        assert!(shortened > 0, "no number among them starts with a zero byte");
        let signature = Signature::parse(&p256_signature(hash, MESSAGE, Zeros::Kept)).unwrap();
        let other = signature.verify(&ak, b"other");
        assert!(matches!(other, Err(QuoteFault::Signature { .. })), "{other:?}");
    }
}

#[test]
fn a_signature_with_one_changed_bit_does_not_verify() {
    let ak = p256_public(HashAlg::Sha256);
    let good = p256_signature(HashAlg::Sha256, MESSAGE, Zeros::Kept);
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        let verified = Signature::parse(&bad).map(|signature| signature.verify(&ak, MESSAGE));
        assert_ne!(verified, Ok(Ok(())), "bit {bit}");
    }
}

#[test]
fn a_certified_key_verifies_by_whatever_scheme_it_signed() {
    let key = p256_public(HashAlg::Sha256).key;
    for hash in [HashAlg::Sha256, HashAlg::Sha384] {
        let signature = Signature::parse(&p256_signature(hash, MESSAGE, Zeros::Kept)).unwrap();
        assert_eq!(signature.verify_by_key(&key, MESSAGE), Ok(()));
        let other = signature.verify_by_key(&key, b"other");
        assert!(matches!(other, Err(QuoteFault::Signature { .. })), "{other:?}");
    }
}

#[test]
fn sha1_is_refused_whatever_it_signs() {
    let mut bytes = p256_signature(HashAlg::Sha256, MESSAGE, Zeros::Kept);
    bytes[2..4].copy_from_slice(&HashAlg::Sha1.id().to_be_bytes());
    let fault = Signature::parse(&bytes)
        .unwrap()
        .verify(&p256_public(HashAlg::Sha1), MESSAGE);
    assert!(matches!(fault, Err(QuoteFault::WeakHash(_))), "{fault:?}");
    let fault = Signature::parse(&bytes)
        .unwrap()
        .verify_by_key(&p256_public(HashAlg::Sha1).key, MESSAGE);
    assert!(matches!(fault, Err(QuoteFault::WeakHash(_))), "{fault:?}");
}

#[test]
fn p256_with_sha512_is_refused_as_unsupported() {
    let bytes = p256_signature(HashAlg::Sha512, MESSAGE, Zeros::Kept);
    let fault = Signature::parse(&bytes)
        .unwrap()
        .verify(&p256_public(HashAlg::Sha512), MESSAGE);
    assert!(matches!(fault, Err(QuoteFault::Unsupported(_))), "{fault:?}");
}

#[test]
fn a_scheme_other_than_the_keys_own_is_refused() {
    let bytes = p256_signature(HashAlg::Sha384, MESSAGE, Zeros::Kept);
    let fault = Signature::parse(&bytes)
        .unwrap()
        .verify(&p256_public(HashAlg::Sha256), MESSAGE);
    assert!(matches!(fault, Err(QuoteFault::Scheme { .. })), "{fault:?}");

    let rsa_key_of_no_scheme = Public::parse(&rsa_area("0010")).unwrap();
    let fault = Signature::parse(&p256_signature(HashAlg::Sha256, MESSAGE, Zeros::Kept))
        .unwrap()
        .verify(&rsa_key_of_no_scheme, MESSAGE);
    assert!(matches!(fault, Err(QuoteFault::KeyType { .. })), "{fault:?}");
}

#[test]
fn rsapss_verifies_when_salted_with_as_many_bytes_as_the_hash() {
    let ak = Public::parse(&rsa_area("0016000b")).unwrap();
    let signature =
        |value: &str| Signature::parse(&hex::decode(format!("0016000b0100{value}")).unwrap()).unwrap();
    assert_eq!(signature(PSS).verify(&ak, MESSAGE), Ok(()));
    let other = signature(PSS).verify(&ak, b"other");
    assert!(matches!(other, Err(QuoteFault::Signature { .. })), "{other:?}");
    let long_salt = signature(PSS_LONG_SALT).verify(&ak, MESSAGE);
    assert!(
        matches!(long_salt, Err(QuoteFault::Signature { .. })),
        "{long_salt:?}"
    );
}

#[test]
fn a_signature_cut_anywhere_or_with_a_byte_more_does_not_parse() {
    let good = p256_signature(HashAlg::Sha256, MESSAGE, Zeros::Kept);
    for len in 0..good.len() {
        Signature::parse(&good[..len]).unwrap_err();
    }
    let error = Signature::parse(&[&good[..], &[0]].concat()).unwrap_err();
    assert_eq!(error.field, "end");
    for (bytes, field) in [
        ("0010", "scheme"),
        ("0005000b", "scheme"),
        ("00180012", "scheme hash"),
        ("0014000bffff00", "sig"),
        ("0018000bffff00", "signatureR"),
        (
            "0018000b0021000000000000000000000000000000000000000000000000000000000000000000",
            "signatureR",
        ),
    ] {
        assert_eq!(
            Signature::parse(&hex::decode(bytes).unwrap()).unwrap_err().field,
            field,
            "{bytes}"
        );
    }
}

#[derive(Clone, Copy)]
enum Zeros {
    Kept,
    Dropped,
}

fn key() -> SigningKey {
    SigningKey::from_slice(&[7; 32]).unwrap()
}

fn p256_signature(hash: HashAlg, message: &[u8], zeros: Zeros) -> Vec<u8> {
    let digest = match hash {
        HashAlg::Sha384 => Sha384::digest(message).to_vec(),
        HashAlg::Sha512 => Sha512::digest(message).to_vec(),
        _ => Sha256::digest(message).to_vec(),
    };
    let signature: p256::ecdsa::Signature = key().sign_prehash(&digest).unwrap();
    let (r, s) = signature.split_bytes();
    let mut bytes = [[0x00, 0x18], hash.id().to_be_bytes()].concat();
    for number in [r, s] {
        let start = match zeros {
            Zeros::Kept => 0,
            Zeros::Dropped => number.iter().position(|byte| *byte != 0).unwrap(),
        };
        bytes.extend([0, u8::try_from(32 - start).unwrap()]);
        bytes.extend(&number[start..]);
    }
    bytes
}

fn p256_public(hash: HashAlg) -> Public {
    let point = key().verifying_key().to_encoded_point(false);
    let area = format!(
        "0023000b0005007200000010\
         0018{:04x}00030010\
         0020{}0020{}",
        hash.id(),
        hex::encode(point.x().unwrap()),
        hex::encode(point.y().unwrap()),
    );
    Public::parse(&hex::decode(area).unwrap()).unwrap()
}

fn rsa_area(scheme: &str) -> Vec<u8> {
    hex::decode(format!(
        "0001000b0005007200000010{scheme}0800000000000100{MODULUS}"
    ))
    .unwrap()
}

/// An RSA key made by OpenSSL 3.0 for these tests.
const MODULUS: &str = "\
    ab704536f6c688770c4dbfdf8a2f68e7afd36c278cf3594f8767ebf07a2f72a11800b000fd7001046952e02b7ccb3f64591b\
    2279f73e892c4fed22224f17c559785e4be4d65b0810ac8b4aa0cc0d7487e1ef76e4499008f4623898a6a426be5b6e41322c\
    83c37444f866bbdd6bdc9eca7ce27f511ea1540411ed99127a9e198a5d64d43f7650532184312f145e872e55dc1dc4c0a227\
    8ee73c432efa6e83aa0b29621ce46f449fd43ff24763e17d32c07c43c59241ae09a338516101692d07743ab5e525bea91eee\
    570bed46efd7abe2596d78c2b5ac4e38f6700c7a8c5d1c1e6d6f2bdef7266ed63a099a5be28f54faace8ba9154f6e29b075b\
    3dcb0b83c2a5";

/// Its RSAPSS signature with SHA-256 over [`MESSAGE`], 32 bytes of salt.
const PSS: &str = "\
    892bc7d057b2e321300e4257d24d1c846cd0428cbe2e4a691201524e5907a994287a60585b20d6cb1a6a049d31c5a7238424\
    fa5c62e811182986226e46a97642095c7faddca2c2ef553b4da482864a04d03ff8b1bde622d694c39729bfa53416f57a15f6\
    2245455cccd7817e480c46dc978488057ca93cc9f53680b9d1bc9593c2431ea3271455ffe84439421218d06ca0f9239b4718\
    8bd28f23645dbf8f17ada85edbea3411440e4bceb75065bf4b3faeec719c7276b2b686e157e2bd64f0f727b05c530ad47ccd\
    c39666210bd909d31ff570cffb0a3d9a3a3aef9c1b8c9a20494a729fdc8ea07d41a91b16c2901151d5a99b78fee6ccda2a11\
    4b912718e0c8";

/// The same with as much salt as fits, as TPMs before FIPS 186-4 sign.
const PSS_LONG_SALT: &str = "\
    850762d080fc59fdb8122b82b171e78ed38004b886d04051f838db5634f3b94665f753c891f99708d44dff3f9a8aa07b1e54\
    3d8f926db96e40fab73b1aa2c44d2bb96f3e6534ee48a52ac0447972eb2e2dd023cb4fbc52e21ee7d2a9c4538d51f0fa28af\
    062f30c7bcbbefa70a3d60d05e926c76dc57628d69c89fae73b8f5ad7a7ac02849abc251643297fcd595b8488b1761535b0e\
    1be85cc9966ecec9b42795dd6d7745e1326066d14e2f3a80a8abc79037a87ae793e9fdcccf7976146fedd4beb493717a34cb\
    aaf60e81f748b3f4df638a0bb073774bab17215f996e6ed49c5c1495c1e4d9db1907869b9a1c0b9b4e4b94cf8b6e88e75eb1\
    13c737e01f44";
