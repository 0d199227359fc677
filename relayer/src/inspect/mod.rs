//! `chassis inspect KIND FILE`: decodes a piece of evidence for a person, or as JSON.
//!
//! It decodes, it does not appraise: what it shows is a claim by whoever made the file, unless it says *verified*.

mod ak_cert;
mod ak_public;
mod alliance_token;
mod bundle;
mod certificate;
mod hcl_report;
mod input;
mod log;
mod poe;
mod quote;
mod registrar;
mod tpm_attest;

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Subcommand};

use crate::render::{Format, finish};
use hcl_report::HclReportArgs;
use log::LogKind;
use quote::QuoteArgs;
use tpm_attest::{Subject, TpmAttestArgs};

pub(crate) use input::{certificates, read, read_text, spelled};

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
    /// The log of a dynamic launch, as `/sys/kernel/security/slaunch/eventlog` gives it.
    DrtmLog(Common),
    /// What a TPM signed about its PCRs: `TPMS_ATTEST`, with or without its length before it.
    TpmQuote(TpmAttestArgs),
    /// What a TPM signed about another of its keys: `TPMS_ATTEST`, of `TPM2_Certify` or `TPM2_CertifyCreation`.
    TpmCertify(TpmAttestArgs),
    /// An attestation key's certificate, DER or PEM.
    AkCert(Common),
    /// Azure's HCL report, as the vTPM's NV index `0x01400001` gives it.
    HclReport(HclReportArgs),
    /// Intel's platform ownership endorsement: a `CoRIM` in COSE.
    Poe(Common),
    /// A registrar's statement about a bare-metal host's attestation key: COSE.
    RegistrarStatement(Common),
    /// The Proof of Cloud alliance's token: a JWT.
    AllianceToken(Common),
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
            Kind::DrtmLog(Common { file }) => finish(log::answer(LogKind::Drtm, &file), format),
            Kind::TpmQuote(args) => finish(args.answer(Subject::Pcrs), format),
            Kind::TpmCertify(args) => finish(args.answer(Subject::Key), format),
            Kind::AkCert(Common { file }) => finish(ak_cert::answer(&file), format),
            Kind::HclReport(args) => finish(args.answer(), format),
            Kind::Poe(Common { file }) => finish(poe::answer(&file), format),
            Kind::RegistrarStatement(Common { file }) => finish(registrar::answer(&file), format),
            Kind::AllianceToken(Common { file }) => finish(alliance_token::answer(&file), format),
            Kind::Bundle(Common { file }) => finish(bundle::answer(&file), format),
        }
    }
}
