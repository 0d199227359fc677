//! Which PCRs, of which bank (TPM 2.0 Part 2, §10.6.2 `TPMS_PCR_SELECTION`).

use serde::{Serialize, Serializer};

use super::HashAlg;
use crate::{Cursor, ParseError};

/// `TPMS_PCR_SELECTION` (Part 2, §10.6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PcrSelection {
    /// `TPM_ALG_ID` of the bank.
    pub alg: u16,
    /// Bit *n* stands for PCR *n*.
    pub mask: u32,
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
pub(super) fn read_selections(cursor: &mut Cursor<'_>) -> Result<Vec<PcrSelection>, ParseError> {
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

/// `HASH_COUNT` of any TPM there is is smaller.
const MOST_BANKS: u32 = 16;
