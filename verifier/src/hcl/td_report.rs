//! The TDREPORT inside (Intel TDX Module ABI specification, `TDREPORT_STRUCT`).

use crate::{
    Cursor, HexBytes, ParseError,
    td::{Measurements, TdQuote},
};

/// What the CPU gave the paravisor, and Intel's quoting enclave turned into a quote. Its MAC is worth nothing off that
/// CPU, so the fields are those of whoever sent the report. As bytes, it is the whole structure.
#[derive(Clone, Debug)]
pub struct TdReport<'a> {
    bytes: &'a [u8],
    report_data: [u8; 64],
    measurements: Measurements,
    owner: [u8; 48],
}

impl<'a> TdReport<'a> {
    /// Its size.
    pub const LEN: usize = 1024;

    /// Parses a report.
    ///
    /// # Errors
    /// If it is not [`LEN`](Self::LEN) bytes, or no TD's.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new("TDREPORT", bytes);
        let report = Self::read(&mut cursor)?;
        cursor.finish()?;
        Ok(report)
    }

    /// What a quote made from it carries as report data.
    pub fn report_data(&self) -> &[u8; 64] {
        &self.report_data
    }

    /// The registers, as a quote made from it carries them.
    pub fn measurements(&self) -> &Measurements {
        &self.measurements
    }

    /// `MROWNER`.
    pub fn owner(&self) -> &[u8; 48] {
        &self.owner
    }

    pub(super) fn read(cursor: &mut Cursor<'a>) -> Result<Self, ParseError> {
        let at = cursor.clone();
        let bytes = cursor.clone().take("TDREPORT", Self::LEN)?;
        // REPORTMACSTRUCT, 256 bytes.
        let kind = cursor.u8("REPORTTYPE")?;
        if kind != TDX {
            return Err(at.error("REPORTTYPE", format!("{kind:#04x} is not a TD's, {TDX:#04x}")));
        }
        // Subtype, version, reserved, CPUSVN, and the digests of the two structures that follow.
        cursor.take("REPORTMACSTRUCT", 3 + 12 + 16 + 48 + 48)?;
        let report_data = cursor.array("REPORTDATA")?;
        cursor.take("MAC", 32 + 32)?;
        // TEE_TCB_INFO, 239 bytes, and a gap of 17.
        cursor.take("TEE_TCB_SVN", 8 + 16)?;
        let mrseam = HexBytes(cursor.array("MRSEAM")?);
        cursor.take("TEE_TCB_INFO", 48 + 8 + 111 + 17)?;
        // TDINFO_STRUCT, 512 bytes.
        let td_attributes = HexBytes(cursor.array("ATTRIBUTES")?);
        let xfam = HexBytes(cursor.array("XFAM")?);
        let mrtd = HexBytes(cursor.array("MRTD")?);
        cursor.take("MRCONFIGID", 48)?;
        let owner = cursor.array("MROWNER")?;
        cursor.take("MROWNERCONFIG", 48)?;
        let rtmrs = [
            HexBytes(cursor.array("RTMR0")?),
            HexBytes(cursor.array("RTMR1")?),
            HexBytes(cursor.array("RTMR2")?),
            HexBytes(cursor.array("RTMR3")?),
        ];
        cursor.take("SERVTD_HASH", 48 + 64)?;
        Ok(Self {
            bytes,
            report_data,
            measurements: Measurements {
                mrtd,
                rtmrs,
                mrseam,
                xfam,
                td_attributes,
            },
            owner,
        })
    }

    /// The first field in which `quote` differs, of those that both have and this type reads.
    pub fn difference(&self, quote: &TdQuote<'_>) -> Option<&'static str> {
        let (this, quoted) = (&self.measurements, quote.measurements());
        [
            ("REPORTDATA", &self.report_data == quote.report_data()),
            ("MRTD", this.mrtd == quoted.mrtd),
            ("RTMRs", this.rtmrs == quoted.rtmrs),
            ("MRSEAM", this.mrseam == quoted.mrseam),
            ("XFAM", this.xfam == quoted.xfam),
            ("ATTRIBUTES", this.td_attributes == quoted.td_attributes),
            ("MROWNER", &self.owner == quote.owner()),
        ]
        .into_iter()
        .find_map(|(field, same)| (!same).then_some(field))
    }
}

impl std::ops::Deref for TdReport<'_> {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        self.bytes
    }
}

/// `REPORTTYPE.TYPE` of a TD's report.
const TDX: u8 = 0x81;
