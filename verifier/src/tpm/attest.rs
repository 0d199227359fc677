//! What the TPM signed (TPM 2.0 Part 2, §10.12.12 `TPMS_ATTEST`).

use serde::{Serialize, Serializer};

use super::{
    QuoteFault,
    attested::{Certification, Creation, Quote},
};
use crate::{Cursor, ParseError};

/// A `TPMS_ATTEST`, which may turn out to be about something unknown here, or not a TPM's.
///
/// Hazard: an unrestricted key signs any digest by `TPM2_Sign`, so bytes that only look like a quote can carry a good
/// signature. A *restricted* key refuses to sign outside data that starts with the magic; the magic is the proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attest {
    /// The first four bytes; [`Attest::MAGIC`] if a TPM made it.
    #[serde(serialize_with = "hex_text")]
    pub magic: u32,
    /// `TPM_ST`: [`Attest::QUOTE`], [`Attest::CERTIFY`], [`Attest::CREATION`], or another.
    #[serde(serialize_with = "hex_text")]
    pub kind: u16,
    #[serde(flatten)]
    content: Option<Content>,
}

/// What it is about. That it exists says that magic and type were right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum Content {
    Quote(Quote),
    Certification(Certification),
    Creation(Creation),
}

impl Attest {
    /// `TPM_GENERATED_VALUE`: "\xffTCG".
    pub const MAGIC: u32 = 0xff54_4347;
    /// `TPM_ST_ATTEST_QUOTE`: PCRs, by `TPM2_Quote`.
    pub const QUOTE: u16 = 0x8018;
    /// `TPM_ST_ATTEST_CERTIFY`: an object that is loaded, by `TPM2_Certify`.
    pub const CERTIFY: u16 = 0x8017;
    /// `TPM_ST_ATTEST_CREATION`: an object that this TPM created, by `TPM2_CertifyCreation`.
    pub const CREATION: u16 = 0x801a;

    /// Parses a `TPMS_ATTEST`. What follows a wrong magic or another type is not looked at.
    ///
    /// # Errors
    /// If it is shorter than magic and type, or is of a type named above and truncated or with bytes left over.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new("TPMS_ATTEST", bytes);
        let magic = cursor.u32_be("magic")?;
        let kind = cursor.u16_be("type")?;
        let content = if magic == Self::MAGIC {
            Content::read(kind, cursor)?
        } else {
            None
        };
        Ok(Self { magic, kind, content })
    }

    /// The content, if magic and type are a quote's.
    pub fn quote(&self) -> Option<&Quote> {
        match &self.content {
            Some(Content::Quote(quote)) => Some(quote),
            _ => None,
        }
    }

    /// The content, if magic and type are `TPM2_Certify`'s.
    pub fn certification(&self) -> Option<&Certification> {
        match &self.content {
            Some(Content::Certification(certification)) => Some(certification),
            _ => None,
        }
    }

    /// The content, if magic and type are `TPM2_CertifyCreation`'s.
    pub fn creation(&self) -> Option<&Creation> {
        match &self.content {
            Some(Content::Creation(creation)) => Some(creation),
            _ => None,
        }
    }

    /// The name of the object that the signer says is in its own TPM: loaded there (`TPM2_Certify`) or created there
    /// (`TPM2_CertifyCreation`). `None` for a quote and for what no TPM made.
    ///
    /// A name is a digest over the object's attributes and policy too, so it stands for one key with one set of rules
    /// for its use, and `fixedTPM` in that key's public area says that no other TPM has it.
    pub fn certified_name(&self) -> Option<&[u8]> {
        match &self.content {
            Some(Content::Certification(certification)) => Some(&certification.name),
            Some(Content::Creation(creation)) => Some(&creation.object_name),
            Some(Content::Quote(_)) | None => None,
        }
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

impl Content {
    fn read(kind: u16, mut cursor: Cursor<'_>) -> Result<Option<Self>, ParseError> {
        let content = match kind {
            Attest::QUOTE => Self::Quote(Quote::read(&mut cursor)?),
            Attest::CERTIFY => Self::Certification(Certification::read(&mut cursor)?),
            Attest::CREATION => Self::Creation(Creation::read(&mut cursor)?),
            _ => return Ok(None),
        };
        cursor.finish()?;
        Ok(Some(content))
    }
}

pub(super) fn hex_text<S: Serializer>(
    number: &(impl Copy + std::fmt::LowerHex),
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{number:#x}"))
}
