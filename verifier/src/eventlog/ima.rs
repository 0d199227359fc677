//! The Linux kernel's own list: what it measured after boot, in PCR 10.

use ring::digest::digest;

use super::{Algorithm, Digest, MAX_EVENTS, Registers, TcgLog, describe::text};
use crate::{Cursor, ParseError};

const NAME: &str = "IMA measurement list";

/// IMA's own PCR, unless the kernel was built for another (`CONFIG_IMA_MEASURE_PCR_IDX`).
const PCR: u32 = 10;

/// Bytes of a record without template name and data.
const SMALLEST: usize = 32;

/// IMA's binary measurement list (`/sys/kernel/security/ima/binary_runtime_measurements`, Linux
/// `security/integrity/ima/ima_fs.c`, little-endian).
///
/// A kernel with IMA built in extends PCR 10 at every boot, with the `boot_aggregate` record if with nothing else.
///
/// From Linux 5.8 each bank is extended with *its* hash of the record's template data, and only that is replayed. Before, the
/// SHA-1 went into every bank, padded with zeros: a SHA-384 bank with the strength of SHA-1 is not worth quoting.
///
/// The kernel keeps appending, so a list read after the quote may have records the quote does not: whoever collects evidence
/// cuts the list where its replay gives the quoted PCR ([`ImaRecord::end`]).
#[derive(Clone, Debug)]
pub struct ImaLog<'a> {
    records: Vec<ImaRecord<'a>>,
}

/// One record of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImaRecord<'a> {
    /// The PCR it went into: 10, unless the kernel's policy says otherwise.
    pub pcr: u32,
    /// Bytes from the list's front to this record's end.
    pub end: usize,
    violation: bool,
    data: &'a [u8],
}

impl<'a> ImaLog<'a> {
    /// Reads a list with templates `ima-ng`, `ima-sig` and their successors.
    ///
    /// # Errors
    /// If a record is truncated, names PCR 24 or beyond, or uses the old template `ima`; above
    /// [`MAX_EVENTS`] records.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new(NAME, bytes);
        let mut records = Vec::with_capacity((bytes.len() / SMALLEST).min(MAX_EVENTS));
        while !cursor.is_empty() {
            if records.len() == MAX_EVENTS {
                return Err(cursor.error("records", format!("more than {MAX_EVENTS}")));
            }
            records.push(record(&mut cursor)?);
        }
        Ok(Self { records })
    }

    /// The records in order.
    pub fn records(&self) -> &[ImaRecord<'a>] {
        &self.records
    }

    /// Extends `registers`, PCRs after boot, with this list.
    pub fn continue_replay(&self, registers: &mut Registers) {
        let bank = registers.algorithm();
        for record in &self.records {
            if let (Ok(pcr), Some(digest)) = (usize::try_from(record.pcr), record.digest(bank)) {
                registers.extend(pcr, digest.as_slice());
            }
        }
    }

    /// Whether the list begins with the `boot_aggregate` that follows from `boot`: the hash of PCRs 0–9 after boot.
    ///
    /// It differs from machine to machine, so no policy can list it. Under a SHA-384 quote the bank it is usually computed
    /// from is not authenticated, so this proves the record's form rather than its hash; but a hash over PCRs has nothing to
    /// say that the quoted PCRs do not. A violation of that name is none, for what it extends is not that hash, and neither
    /// is a record in another PCR than 10.
    pub fn begins_with_aggregate_of(&self, boot: &TcgLog<'_>) -> bool {
        let Some(first) = self
            .records
            .first()
            .filter(|first| !first.violation && first.pcr == PCR)
        else {
            return false;
        };
        [Algorithm::Sha256, Algorithm::Sha384, Algorithm::Sha512]
            .into_iter()
            .filter_map(|algorithm| boot_aggregate(boot, algorithm))
            .any(|aggregate| {
                // A signature field, in templates that have one, is empty here.
                first
                    .data
                    .strip_prefix(&aggregate[..])
                    .is_some_and(|rest| matches!(rest, [] | [0, 0, 0, 0]))
            })
    }
}

impl ImaRecord<'_> {
    /// What went into the PCR in one bank: the hash of the template data, or all ones for a violation (a file that changed
    /// while it was measured). `None` for a bank this program cannot hash.
    pub fn digest(&self, bank: Algorithm) -> Option<Digest> {
        if self.violation {
            return Some(Digest::filled(bank, 0xff));
        }
        Some(Digest::copied(digest(bank.hash()?, self.data).as_ref()))
    }

    /// The measured file's name, in printable ASCII.
    pub fn describe(&self) -> String {
        let name = || -> Result<String, ParseError> {
            let mut cursor = Cursor::new("IMA template data", self.data);
            field(&mut cursor, "d-ng")?;
            Ok(text(field(&mut cursor, "n-ng")?))
        };
        let name = name().unwrap_or_else(|_| "unknown".to_owned());
        if self.violation {
            format!("violation: {name}")
        } else {
            format!("file {name}")
        }
    }
}

fn record<'a>(cursor: &mut Cursor<'a>) -> Result<ImaRecord<'a>, ParseError> {
    let at = cursor.clone();
    let pcr = cursor.u32_le("pcr")?;
    if pcr > 23 {
        return Err(at.error("pcr", format!("{pcr} does not exist, the last is 23")));
    }
    let sha1: [u8; 20] = cursor.array("template digest")?;
    let at = cursor.clone();
    if field(cursor, "template name")? == b"ima" {
        return Err(at.error(
            "template name",
            "`ima` is not supported: boot with ima_template=ima-ng",
        ));
    }
    Ok(ImaRecord {
        pcr,
        violation: sha1 == [0; 20],
        data: field(cursor, "template data")?,
        end: cursor.position(),
    })
}

fn field<'a>(cursor: &mut Cursor<'a>, name: &'static str) -> Result<&'a [u8], ParseError> {
    let len = cursor.u32_le(name)?;
    cursor.take(name, usize::try_from(len).unwrap_or(usize::MAX))
}

/// Template data of a `boot_aggregate` (Linux `ima_calc_boot_aggregate_tfm`; PCRs 8 and 9 from 5.8, never for SHA-1).
fn boot_aggregate(boot: &TcgLog<'_>, algorithm: Algorithm) -> Option<Vec<u8>> {
    let registers = boot.replay(algorithm)?;
    let values: Vec<u8> = registers
        .values()
        .iter()
        .take(10)
        .flat_map(|value| value.as_slice().to_vec())
        .collect();
    let aggregate = digest(algorithm.hash()?, &values);
    let hash = [algorithm.name().as_bytes(), b":\0", aggregate.as_ref()].concat();
    let name = b"boot_aggregate\0";
    let mut data = Vec::new();
    for field in [&hash[..], name] {
        data.extend(u32::try_from(field.len()).ok()?.to_le_bytes());
        data.extend(field);
    }
    Some(data)
}
