//! `TPM2_MakeCredential` in software, for an endorsement key on P-256 (TPM 2.0 Part 1, §24 and annex C.6.4). It computes with
//! public values only.
//!
//! ```text
//! Z          = ECDH(ephemeral key, EK)
//! seed       = KDFe(SHA-256, Z, "IDENTITY", ephemeral.x, EK.x)
//! encrypted  = AES-128-CFB(KDFa(seed, "STORAGE", name), IV 0, size ‖ secret)
//! integrity  = HMAC-SHA-256(KDFa(seed, "INTEGRITY"), encrypted ‖ name)
//! ```
//!
//! Hash and cipher are those of the standard template L-2 (TCG EK Credential Profile 2.5). A TPM whose endorsement key has
//! another does not open this.

use aes::Aes128;
use cfb_mode::{
    Encryptor,
    cipher::{AsyncStreamCipher as _, KeyIvInit as _},
};
use chassis_verifier::challenge::AkName;
use ring::{
    agreement::{ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey, agree_ephemeral},
    digest,
    error::Unspecified,
    hmac,
    rand::SecureRandom,
};

/// What only the TPM with both keys opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Credential {
    /// `TPMS_ID_OBJECT`.
    pub(super) blob: Vec<u8>,
    /// `TPMS_ECC_POINT`: the ephemeral key.
    pub(super) point: Vec<u8>,
}

/// Hides `secret` for the object named `name` in the TPM whose endorsement key is at `x`, `y`.
///
/// # Errors
/// If the point is not on the curve, or there is no randomness.
pub(super) fn make(
    (x, y): ([u8; 32], [u8; 32]),
    name: AkName,
    secret: &[u8; 32],
    random: &dyn SecureRandom,
) -> Result<Credential, Unspecified> {
    let ephemeral = EphemeralPrivateKey::generate(&ECDH_P256, random)?;
    let public = ephemeral.compute_public_key()?;
    let (ephemeral_x, ephemeral_y) = public.as_ref()[1..].split_at(32);
    let ek = [&[0x04][..], &x, &y].concat();
    let seed = agree_ephemeral(ephemeral, &UnparsedPublicKey::new(&ECDH_P256, &ek), |z| {
        seed(z, ephemeral_x, &x)
    })?;
    Ok(Credential {
        blob: protect(&seed, name, secret),
        point: [&[0, 32][..], ephemeral_x, &[0, 32], ephemeral_y].concat(),
    })
}

fn seed(z: &[u8], ephemeral_x: &[u8], ek_x: &[u8]) -> [u8; 32] {
    let mut hash = digest::Context::new(&digest::SHA256);
    for part in [&1_u32.to_be_bytes()[..], z, b"IDENTITY\0", ephemeral_x, ek_x] {
        hash.update(part);
    }
    bytes(hash.finish().as_ref())
}

fn protect(seed: &[u8; 32], name: AkName, secret: &[u8; 32]) -> Vec<u8> {
    let key = kdfa(seed, b"STORAGE\0", &name.0, 128);
    let mut encrypted = [&[0, 32][..], secret].concat();
    Encryptor::<Aes128>::new(key[..16].into(), &[0; 16].into()).encrypt(&mut encrypted);
    let key = hmac::Key::new(hmac::HMAC_SHA256, &kdfa(seed, b"INTEGRITY\0", &[], 256));
    let integrity = hmac::sign(&key, &[&encrypted[..], &name.0].concat());
    [&[0, 32][..], integrity.as_ref(), &encrypted].concat()
}

/// `KDFa` (Part 1, §11.4.10.2) of at most 256 bits.
fn kdfa(key: &[u8; 32], label: &[u8], context: &[u8], bits: u32) -> [u8; 32] {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let input = [&1_u32.to_be_bytes()[..], label, context, &bits.to_be_bytes()].concat();
    bytes(hmac::sign(&key, &input).as_ref())
}

fn bytes(digest: &[u8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest);
    bytes
}

#[cfg(test)]
mod tests {
    use alloy_primitives::hex;
    use ring::rand::SystemRandom;

    use super::*;

    fn name() -> AkName {
        let mut name = [0x22; 34];
        name[..2].copy_from_slice(&[0, 0x0b]);
        AkName(name)
    }

    /// What swtpm's `TPM2_MakeCredential` made of the secret `33…33` for the endorsement key with the private number
    /// `11…11`, by which the shared secret was computed.
    #[test]
    fn a_tpm_makes_the_same() {
        let ephemeral_x = hex!("d545b71d8bf329d57f1556470d70104bd8938a330b998b7fecabf9211e47a37b");
        let z = hex!("dea4be22ba6e50aeac92b124cb34fe4a2accdd166f6f528a1af404bf991e4c99");
        let ek_x = hex!("0217e617f0b6443928278f96999e69a23a4f2c152bdf6d6cdf66e5b80282d4ed");
        let blob = hex!(
            "00202c461c0e61b17bb99372541e1c7caf3ace9af27054bf3a0addf6745b08c4009b"
            "2db1654ac7554569e568cbc3ff1d8193541c39c2ad2aaf5fc6b3a391a6c6f00b9dc7"
        );
        assert_eq!(protect(&seed(&z, &ephemeral_x, &ek_x), name(), &[0x33; 32]), blob);
    }

    #[test]
    fn each_has_an_ephemeral_key_of_its_own_and_no_point_off_the_curve_is_taken() {
        let random = SystemRandom::new();
        let secret = p256::SecretKey::from_slice(&[0x11; 32]).unwrap();
        let point = p256::elliptic_curve::sec1::ToEncodedPoint::to_encoded_point(&secret.public_key(), false);
        let (px, py): ([u8; 32], [u8; 32]) = ((*point.x().unwrap()).into(), (*point.y().unwrap()).into());
        let make = |y| make((px, y), name(), &[0x33; 32], &random);
        let (one, two) = (make(py).unwrap(), make(py).unwrap());
        assert_ne!(one.point, two.point);
        assert_ne!(one.blob, two.blob);
        assert_eq!((one.point.len(), one.blob.len()), (68, 68));
        assert!(make([0; 32]).is_err());
    }
}
