//! What stands around the variable data.
//!
//! Integers are little-endian, sizes in bytes. As `igvm_attest/get.rs` of Microsoft's `openvmm` writes it, and Azure's
//! *Confidential VM guest attestation design* describes it; the vTPM shows it in NV index `0x01400001`.
//!
//! | offset | size | |
//! |---|---|---|
//! | 0 | 32 | `HCLA`, version 2, report size (to the end of the variable data), request type 2 (AK certificate), status, three reserved |
//! | 32 | 1184 | hardware report: a TDREPORT of 1024, then zeros |
//! | 1216 | 20 | data size (from here to the end of the variable data), version 1, report type 4 (TDX), hash type 1 (SHA-256), variable data size |
//! | 1236 | | variable data, JSON |
//! | | | zeros |

use super::TdReport;
use crate::{Cursor, ParseError};

/// Largest report looked at, in bytes. The vTPM's index has 2,600.
pub const REPORT_LIMIT: usize = 8 << 10;

/// The parts of a report.
pub(super) struct Envelope<'a> {
    pub(super) td_report: TdReport<'a>,
    /// Where the variable data begins, for errors.
    pub(super) variable_at: Cursor<'a>,
    pub(super) variable_bytes: &'a [u8],
}

impl<'a> Envelope<'a> {
    /// Takes a report apart. Header, sizes and padding are held to what Azure writes, though nothing rests on them: what
    /// is strange is not read on.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new("HCL report", bytes);
        if bytes.len() > REPORT_LIMIT {
            let problem = format!("{} bytes, at most {REPORT_LIMIT} are looked at", bytes.len());
            return Err(cursor.error("size", problem));
        }
        let report_size = read_header(&mut cursor)?;
        let td_report = TdReport::read(&mut cursor)?;
        zeros(&mut cursor, "hardware report padding", HARDWARE_PADDING)?;

        let start = cursor.position();
        let (data_size, variable_size) = read_request(&mut cursor)?;
        let variable_at = cursor.clone();
        let variable_bytes = cursor.take("variable data", size(variable_size))?;
        let end = cursor.position();
        data_size.check(end - start)?;
        report_size.check(end)?;
        let padding = cursor.rest().len();
        zeros(&mut cursor, "padding", padding)?;
        Ok(Self {
            td_report,
            variable_at,
            variable_bytes,
        })
    }
}

/// `IgvmAttestRequestHeader`, of which only the report's size varies.
fn read_header<'a>(cursor: &mut Cursor<'a>) -> Result<Announced<'a>, ParseError> {
    let at = cursor.clone();
    if cursor.take("signature", 4)? != b"HCLA" {
        return Err(at.error("signature", "must be `HCLA`"));
    }
    expect(cursor, "version", 2)?;
    let report_size = Announced::read(cursor, "report size")?;
    expect(cursor, "request type", AK_CERT)?;
    expect(cursor, "status", 0)?;
    zeros(cursor, "reserved", 12)?;
    Ok(report_size)
}

/// `IgvmAttestRequestData`: the size of the data, this structure included, and that of the variable data.
fn read_request<'a>(cursor: &mut Cursor<'a>) -> Result<(Announced<'a>, u32), ParseError> {
    let data_size = Announced::read(cursor, "data size")?;
    expect(cursor, "request version", 1)?;
    expect(cursor, "report type", TDX)?;
    expect(cursor, "report data hash type", SHA256)?;
    Ok((data_size, cursor.u32_le("variable data size")?))
}

/// A size that follows from what comes later, and where it stands.
struct Announced<'a> {
    field: &'static str,
    size: u32,
    at: Cursor<'a>,
}

impl<'a> Announced<'a> {
    fn read(cursor: &mut Cursor<'a>, field: &'static str) -> Result<Self, ParseError> {
        let at = cursor.clone();
        Ok(Self {
            field,
            size: cursor.u32_le(field)?,
            at,
        })
    }

    fn check(&self, found: usize) -> Result<(), ParseError> {
        if size(self.size) == found {
            return Ok(());
        }
        let problem = format!("{} bytes announced, {found} found", self.size);
        Err(self.at.error(self.field, problem))
    }
}

fn expect(cursor: &mut Cursor<'_>, field: &'static str, wanted: u32) -> Result<(), ParseError> {
    let at = cursor.clone();
    match cursor.u32_le(field)? {
        found if found == wanted => Ok(()),
        found => Err(at.error(field, format!("{found} is not supported, only {wanted} is"))),
    }
}

fn zeros(cursor: &mut Cursor<'_>, field: &'static str, len: usize) -> Result<(), ParseError> {
    let at = cursor.clone();
    if cursor.take(field, len)?.iter().all(|byte| *byte == 0) {
        return Ok(());
    }
    Err(at.error(field, "must be zero"))
}

fn size(announced: u32) -> usize {
    usize::try_from(announced).unwrap_or(usize::MAX)
}

/// The hardware report's place has the size of the largest report there is, SEV-SNP's.
const HARDWARE_PADDING: usize = 1184 - TdReport::LEN;
/// `AK_CERT_REQUEST`: also that of the report in the vTPM.
const AK_CERT: u32 = 2;
/// `TDX_VM_REPORT`.
const TDX: u32 = 4;
/// `SHA_256`.
const SHA256: u32 = 1;
