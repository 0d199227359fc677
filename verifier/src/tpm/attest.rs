//! What the TPM signed (TPM 2.0 Part 2, §10.12.12 `TPMS_ATTEST`).

use alloy_primitives::Bytes;
use serde::{Serialize, Serializer};

use super::{HashAlg, QuoteFault};
use crate::{Cursor, ParseError};

/// A `TPMS_ATTEST`, which may turn out not to be a quote, or not a TPM's.
///
/// Hazard: an unrestricted key signs any digest by `TPM2_Sign`, so bytes that only look like a quote can carry a good
/// signature. A *restricted* key refuses to sign outside data that starts with the magic; the magic is the proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attest {
    /// The first four bytes; [`Attest::MAGIC`] if a TPM made it.
    #[serde(serialize_with = "hex_text")]
    pub magic: u32,
    /// `TPM_ST`; [`Attest::QUOTE`] for a quote.
    #[serde(serialize_with = "hex_text")]
    pub kind: u16,
    quote: Option<Quote>,
}

/// A quote's content. That it exists says that magic and type were right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Quote {
    /// Qualified name of the key that signed.
    pub qualified_signer: Bytes,
    /// What the caller of `TPM2_Quote` had it say: the qualifying data.
    pub extra_data: Bytes,
    /// The TPM's clock.
    pub clock: ClockInfo,
    /// Vendor-specific.
    #[serde(serialize_with = "hex_text")]
    pub firmware_version: u64,
    /// The PCRs it covers, by bank.
    pub selections: Vec<PcrSelection>,
    /// Digest of their values, concatenated by bank, then ascending, by the *signing scheme's* hash.
    pub pcr_digest: Bytes,
}

/// `TPMS_CLOCK_INFO` (Part 2, §10.11.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClockInfo {
    /// Milliseconds the TPM was powered.
    pub clock: u64,
    /// TPM resets since the owner was cleared.
    pub reset_count: u32,
    /// Restarts and resumes since the last reset.
    pub restart_count: u32,
    /// No greater clock value was ever reported.
    pub safe: bool,
}

/// `TPMS_PCR_SELECTION` (Part 2, §10.6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PcrSelection {
    /// `TPM_ALG_ID` of the bank.
    pub alg: u16,
    /// Bit *n* stands for PCR *n*.
    pub mask: u32,
}

impl Attest {
    /// `TPM_GENERATED_VALUE`: "\xffTCG".
    pub const MAGIC: u32 = 0xff54_4347;
    /// `TPM_ST_ATTEST_QUOTE`.
    pub const QUOTE: u16 = 0x8018;

    /// Parses a `TPMS_ATTEST`. What follows a wrong magic or another type is not looked at.
    ///
    /// # Errors
    /// If it is shorter than magic and type, or is a quote that is truncated or has bytes left over.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new("TPMS_ATTEST", bytes);
        let magic = cursor.u32_be("magic")?;
        let kind = cursor.u16_be("type")?;
        let quote = (magic == Self::MAGIC && kind == Self::QUOTE)
            .then(|| Quote::read(cursor))
            .transpose()?;
        Ok(Self { magic, kind, quote })
    }

    /// The content, if magic and type are a quote's.
    pub fn quote(&self) -> Option<&Quote> {
        self.quote.as_ref()
    }

    /// A TPM made it.
    ///
    /// # Errors
    /// If the magic is another.
    pub fn check_magic(&self) -> Result<(), QuoteFault> {
        (self.magic == Self::MAGIC)
            .then_some(())
            .ok_or(QuoteFault::Magic(self.magic))
    }

    /// It is a quote, not one of the other attests a TPM signs.
    ///
    /// # Errors
    /// If the type is another.
    pub fn check_kind(&self) -> Result<(), QuoteFault> {
        (self.kind == Self::QUOTE)
            .then_some(())
            .ok_or(QuoteFault::Kind(self.kind))
    }
}

impl Quote {
    fn read(mut cursor: Cursor<'_>) -> Result<Self, ParseError> {
        let quote = Self {
            qualified_signer: Bytes::copy_from_slice(cursor.tpm2b("qualifiedSigner")?),
            extra_data: Bytes::copy_from_slice(cursor.tpm2b("extraData")?),
            clock: ClockInfo::read(&mut cursor)?,
            firmware_version: cursor.u64_be("firmwareVersion")?,
            selections: read_selections(&mut cursor)?,
            pcr_digest: Bytes::copy_from_slice(cursor.tpm2b("pcrDigest")?),
        };
        cursor.finish()?;
        Ok(quote)
    }
}

impl ClockInfo {
    fn read(cursor: &mut Cursor<'_>) -> Result<Self, ParseError> {
        Ok(Self {
            clock: cursor.u64_be("clock")?,
            reset_count: cursor.u32_be("resetCount")?,
            restart_count: cursor.u32_be("restartCount")?,
            safe: {
                let at = cursor.clone();
                match cursor.u8("safe")? {
                    0 => false,
                    1 => true,
                    other => return Err(at.error("safe", format!("{other} is neither 0 nor 1"))),
                }
            },
        })
    }
}

impl PcrSelection {
    /// Selects PCRs of one bank; indices beyond 31 do not exist and are left out.
    pub fn new(bank: HashAlg, pcrs: impl IntoIterator<Item = u8>) -> Self {
        let mask = pcrs
            .into_iter()
            .filter_map(|pcr| 1u32.checked_shl(u32::from(pcr)))
            .fold(0, std::ops::BitOr::bitor);
        Self { alg: bank.id(), mask }
    }

    /// The bank, if it is one with a hash known here.
    pub fn bank(&self) -> Option<HashAlg> {
        HashAlg::from_id(self.alg)
    }

    /// The selected PCRs, ascending.
    pub fn pcrs(&self) -> impl Iterator<Item = u8> + use<> {
        let mask = self.mask;
        (0..32).filter(move |pcr| mask & (1 << pcr) != 0)
    }
}

impl Serialize for PcrSelection {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut selection = serializer.serialize_struct("PcrSelection", 2)?;
        match self.bank() {
            Some(bank) => selection.serialize_field("bank", &bank)?,
            None => selection.serialize_field("bank", &format!("{:#06x}", self.alg))?,
        }
        selection.serialize_field("pcrs", &self.pcrs().collect::<Vec<_>>())?;
        selection.end()
    }
}

impl std::fmt::Display for PcrSelection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.bank() {
            Some(bank) => write!(f, "{bank}")?,
            None => write!(f, "bank {:#06x}", self.alg)?,
        }
        let pcrs: Vec<_> = self.pcrs().map(|pcr| pcr.to_string()).collect();
        write!(f, " {{{}}}", pcrs.join(", "))
    }
}

/// `TPML_PCR_SELECTION` (Part 2, §10.9.7).
fn read_selections(cursor: &mut Cursor<'_>) -> Result<Vec<PcrSelection>, ParseError> {
    let at = cursor.clone();
    let count = cursor.u32_be("pcrSelect count")?;
    if count > MOST_BANKS {
        return Err(at.error(
            "pcrSelect count",
            format!("{count} banks, at most {MOST_BANKS} exist"),
        ));
    }
    (0..count).map(|_| read_selection(cursor)).collect()
}

fn read_selection(cursor: &mut Cursor<'_>) -> Result<PcrSelection, ParseError> {
    let alg = cursor.u16_be("pcrSelect hash")?;
    let at = cursor.clone();
    let size = usize::from(cursor.u8("sizeofSelect")?);
    let mut mask = [0; 4];
    if size > mask.len() {
        return Err(at.error("sizeofSelect", format!("{size} bytes, at most 4 exist")));
    }
    mask[..size].copy_from_slice(cursor.take("pcrSelect", size)?);
    // Bit 0 of byte 0 is PCR 0: little-endian, alone in this specification.
    Ok(PcrSelection {
        alg,
        mask: u32::from_le_bytes(mask),
    })
}

fn hex_text<S: Serializer>(
    number: &(impl Copy + std::fmt::LowerHex),
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{number:#x}"))
}

/// `HASH_COUNT` of any TPM there is is smaller.
const MOST_BANKS: u32 = 16;
