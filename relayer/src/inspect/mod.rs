//! `chassis inspect KIND FILE`: decodes a piece of evidence for a person, or as JSON.
//!
//! It decodes, it does not appraise: what it shows is a claim by whoever made the file, unless it says *verified*.

mod ak_cert;
mod ak_public;
mod bundle;
mod certificate;
mod input;
mod log;
mod quote;
mod tpm_quote;

use std::{
    path::PathBuf,
    process::ExitCode,
    time::{SystemTime, UNIX_EPOCH},
};

use clap::{Args, Subcommand};

use crate::render::{Format, finish};
use log::LogKind;
use quote::QuoteArgs;
use tpm_quote::TpmQuoteArgs;

pub(crate) use input::{read, read_text};

/// Decode a piece of evidence.
///
/// Exit code 0: decoded, and what was to be verified verifies; 1: it does not; 2: not readable, and one line says where.
#[derive(Clone, Debug, Args)]
pub struct Inspect {
    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    kind: Kind,
}

#[derive(Clone, Debug, Subcommand)]
enum Kind {
    /// A DCAP quote: of a TD, or of an SGX enclave. Binary, hex or base64.
    Quote(QuoteArgs),
    /// The TDX firmware's event log, as `/sys/firmware/acpi/tables/data/CCEL` gives it.
    Ccel(Common),
    /// The TPM's event log, as `/sys/kernel/security/tpm0/binary_bios_measurements` gives it.
    TpmLog(Common),
    /// What a TPM signed: `TPMS_ATTEST`, with or without its length before it.
    TpmQuote(TpmQuoteArgs),
    /// An attestation key's certificate, DER or PEM.
    AkCert(Common),
    /// A bundle.
    Bundle(Common),
}

/// What every kind takes.
#[derive(Clone, Debug, Args)]
struct Common {
    /// The file, at most 16 MiB; `-` for standard input.
    file: PathBuf,
}

impl Inspect {
    /// Decodes and prints.
    pub fn run(self) -> ExitCode {
        let format = Format::from_switch(self.json);
        match self.kind {
            Kind::Quote(args) => finish(args.answer(), format),
            Kind::Ccel(Common { file }) => finish(log::answer(LogKind::Ccel, &file), format),
            Kind::TpmLog(Common { file }) => finish(log::answer(LogKind::Tpm, &file), format),
            Kind::TpmQuote(args) => finish(args.answer(), format),
            Kind::AkCert(Common { file }) => finish(ak_cert::answer(&file), format),
            Kind::Bundle(Common { file }) => finish(bundle::answer(&file), format),
        }
    }
}

/// The present, Unix seconds.
pub(crate) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_secs())
}
