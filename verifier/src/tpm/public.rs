//! The attestation key's public area (TPM 2.0 Part 2, §12.2.4 `TPMT_PUBLIC`).

use alloy_primitives::Bytes;
use serde::{Serialize, Serializer};

use super::{
    alg::{HashAlg, NULL, Scheme, SchemeKind},
    attested,
};
use crate::{Cursor, ParseError, challenge::AkName};

/// A key's public area.
///
/// Hazard: a certificate certifies the key only, not these attributes; the node may write here what it likes. They are
/// worth as much as whoever says that this very *name* is in a TPM, or that the certified key was made to a template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Public {
    /// `TPM_ALG_ID` of the hash that names the key.
    pub name_alg: u16,
    /// `objectAttributes`.
    pub attributes: Attributes,
    /// `authPolicy`; empty if there is none.
    pub auth_policy: Bytes,
    /// The scheme the key is fixed to, if it is.
    pub scheme: Option<Scheme>,
    /// The key itself.
    pub key: PublicKey,
    #[serde(skip)]
    symmetric: u16,
    #[serde(skip)]
    name: Option<AkName>,
}

/// A public key that can sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum PublicKey {
    /// A point on NIST P-256.
    EcP256 {
        /// Big-endian, 32 bytes.
        x: Bytes,
        /// Big-endian, 32 bytes.
        y: Bytes,
    },
    /// RSA.
    Rsa {
        /// The modulus: big-endian, without leading zeros.
        n: Bytes,
        /// The exponent.
        e: u64,
    },
}

impl Public {
    /// Parses a `TPMT_PUBLIC` of an RSA (2048 to 4096 bits) or P-256 key.
    ///
    /// # Errors
    /// If it is truncated, has bytes left over, or is another kind of object. A key of the wrong *attributes* parses:
    /// see [`violations`](Self::violations).
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new("TPMT_PUBLIC", bytes);
        let at = cursor.clone();
        let kind = cursor.u16_be("type")?;
        let name_alg = cursor.u16_be("nameAlg")?;
        let attributes = Attributes(cursor.u32_be("objectAttributes")?);
        let auth_policy = attested::bytes(&mut cursor, "authPolicy")?;
        let symmetric = cursor.u16_be("symmetric")?;
        if symmetric != NULL {
            cursor.u16_be("symmetric keyBits")?;
            cursor.u16_be("symmetric mode")?;
        }
        let scheme_at = cursor.clone();
        let scheme = Scheme::read(&mut cursor)?;
        let key = match kind {
            RSA => read_rsa(&mut cursor)?,
            ECC => read_p256(&mut cursor)?,
            other => return Err(at.error("type", format!("{other:#06x} is neither RSA nor ECC"))),
        };
        cursor.finish()?;
        if scheme.is_some_and(|scheme| !key.can(scheme.kind)) {
            return Err(scheme_at.error("scheme", "belongs to another type of key"));
        }
        Ok(Self {
            name_alg,
            attributes,
            auth_policy,
            scheme,
            key,
            symmetric,
            name: (name_alg == HashAlg::Sha256.id()).then(|| AkName::of(bytes)),
        })
    }

    /// The key's name, if `nameAlg` is SHA-256: no other names a key here.
    pub fn name(&self) -> Option<AkName> {
        self.name
    }

    /// Everything that keeps this from being an attestation key; empty for a good one.
    ///
    /// `restricted` is the heart: such a key signs a digest only if the TPM made it and it does not pose as an attest.
    pub fn violations(&self) -> Vec<&'static str> {
        let missing = REQUIRED
            .iter()
            .filter(|(bit, _)| !self.attributes.has(*bit))
            .map(|(_, problem)| *problem);
        let others = [
            (self.attributes.has(Attributes::DECRYPT), "decrypt is set"),
            (self.symmetric != NULL, "symmetric is not null"),
            (self.scheme.is_none(), "no signing scheme is fixed"),
            (self.name.is_none(), "nameAlg is not SHA-256"),
        ];
        missing
            .chain(
                others
                    .into_iter()
                    .filter_map(|(bad, problem)| bad.then_some(problem)),
            )
            .collect()
    }
}

impl PublicKey {
    /// Whether a key of this type signs by this scheme.
    pub fn can(&self, scheme: SchemeKind) -> bool {
        matches!(self, Self::EcP256 { .. }) == (scheme == SchemeKind::Ecdsa)
    }
}

impl std::fmt::Display for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::EcP256 { x, .. } => write!(f, "P-256 key {}…", hex::encode(&x[..8.min(x.len())])),
            Self::Rsa { n, .. } => write!(
                f,
                "RSA-{} key {}…",
                n.len() * 8,
                hex::encode(&n[..8.min(n.len())])
            ),
        }
    }
}

/// `TPMA_OBJECT` (Part 2, §8.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attributes(pub u32);

impl Attributes {
    /// Cannot be duplicated to another TPM.
    pub const FIXED_TPM: u32 = 1 << 1;
    /// Cannot be moved under another parent.
    pub const FIXED_PARENT: u32 = 1 << 4;
    /// The TPM made the private part; nobody imported it.
    pub const SENSITIVE_DATA_ORIGIN: u32 = 1 << 5;
    /// Usable with its password, whatever its policy says.
    pub const USER_WITH_AUTH: u32 = 1 << 6;
    /// Signs only what the TPM made.
    pub const RESTRICTED: u32 = 1 << 16;
    /// Decrypts.
    pub const DECRYPT: u32 = 1 << 17;
    /// Signs.
    pub const SIGN: u32 = 1 << 18;

    /// Whether all of `bits` are set.
    pub fn has(self, bits: u32) -> bool {
        self.0 & bits == bits
    }
}

impl Serialize for Attributes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names = NAMES
            .iter()
            .filter(|(bit, _)| self.has(*bit))
            .map(|(_, name)| *name);
        serializer.collect_seq(names)
    }
}

fn read_rsa(cursor: &mut Cursor<'_>) -> Result<PublicKey, ParseError> {
    let at = cursor.clone();
    let bits = cursor.u16_be("keyBits")?;
    if !(2048..=4096).contains(&bits) {
        return Err(at.error("keyBits", format!("{bits} is not in 2048 to 4096")));
    }
    let e = match cursor.u32_be("exponent")? {
        0 => 65537, // Part 2, §12.2.3.5: zero stands for the default.
        e => u64::from(e),
    };
    let at = cursor.clone();
    let n = cursor.tpm2b("unique")?;
    if n.len() * 8 != usize::from(bits) || n[0] & 0x80 == 0 {
        return Err(at.error(
            "unique",
            format!("a modulus of {} bytes is not one of {bits} bits", n.len()),
        ));
    }
    Ok(PublicKey::Rsa {
        n: Bytes::copy_from_slice(n),
        e,
    })
}

fn read_p256(cursor: &mut Cursor<'_>) -> Result<PublicKey, ParseError> {
    let at = cursor.clone();
    let curve = cursor.u16_be("curveID")?;
    if curve != NIST_P256 {
        return Err(at.error("curveID", format!("{curve:#06x} is not NIST P-256")));
    }
    let at = cursor.clone();
    let kdf = cursor.u16_be("kdf")?;
    if kdf != NULL {
        return Err(at.error("kdf", format!("{kdf:#06x}: must be null")));
    }
    let x = Bytes::from(read_p256_number(cursor, "unique x")?);
    let y = Bytes::from(read_p256_number(cursor, "unique y")?);
    Ok(PublicKey::EcP256 { x, y })
}

/// A `TPM2B_ECC_PARAMETER`, which some TPMs shorten by its leading zeros, in 32 bytes.
pub(super) fn read_p256_number(cursor: &mut Cursor<'_>, field: &'static str) -> Result<[u8; 32], ParseError> {
    let at = cursor.clone();
    let short = cursor.tpm2b(field)?;
    let mut number = [0; 32];
    let start = number
        .len()
        .checked_sub(short.len())
        .ok_or_else(|| at.error(field, format!("{} bytes are too many for P-256", short.len())))?;
    number[start..].copy_from_slice(short);
    Ok(number)
}

const RSA: u16 = 0x0001;
const ECC: u16 = 0x0023;
const NIST_P256: u16 = 0x0003;

const REQUIRED: &[(u32, &str)] = &[
    (Attributes::FIXED_TPM, "fixedTPM is clear"),
    (Attributes::FIXED_PARENT, "fixedParent is clear"),
    (Attributes::SENSITIVE_DATA_ORIGIN, "sensitiveDataOrigin is clear"),
    (Attributes::RESTRICTED, "restricted is clear"),
    (Attributes::SIGN, "sign is clear"),
];

const NAMES: &[(u32, &str)] = &[
    (Attributes::FIXED_TPM, "fixedTPM"),
    (1 << 2, "stClear"),
    (Attributes::FIXED_PARENT, "fixedParent"),
    (Attributes::SENSITIVE_DATA_ORIGIN, "sensitiveDataOrigin"),
    (Attributes::USER_WITH_AUTH, "userWithAuth"),
    (1 << 7, "adminWithPolicy"),
    (1 << 10, "noDA"),
    (1 << 11, "encryptedDuplication"),
    (Attributes::RESTRICTED, "restricted"),
    (Attributes::DECRYPT, "decrypt"),
    (Attributes::SIGN, "sign"),
    (1 << 19, "x509sign"),
];
