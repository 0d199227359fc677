//! `chassis-node enroll`.

use std::{path::PathBuf, process::ExitCode};

use chassis_attester::{CertificatePool, Enroller, Error, enrol};
use chassis_verifier::{challenge::AkName, tpm::HashAlg};
use clap::{Args, ValueEnum};
use serde_json::json;

use super::Output;

#[derive(Debug, Args)]
pub(crate) struct EnrollArgs {
    /// Where the host's TPM is.
    #[arg(long, env = "CHASSIS_TCTI", default_value = "device:/dev/tpmrm0")]
    tcti: String,
    /// The bank whose PCR 17 and 18 the key is sealed to: the policy's choice.
    #[arg(long, env = "CHASSIS_BANK", value_enum, default_value_t = Bank::Sha384)]
    bank: Bank,
    /// The registrar's URL.
    #[arg(long, env = "CHASSIS_REGISTRAR", value_name = "URL")]
    registrar: String,
    /// The endorsement key's certificate (DER), where the TPM has none at NV 0x01c0000a.
    #[arg(long, value_name = "FILE")]
    ek_certificate: Option<PathBuf>,
    /// Certificates between the endorsement key's and its maker's root, PEM or DER; may be given several times.
    #[arg(
        long,
        env = "CHASSIS_EK_INTERMEDIATES",
        value_name = "FILE|DIR",
        value_delimiter = ','
    )]
    ek_intermediates: Vec<PathBuf>,
    /// Where to keep the statement, for the agent.
    #[arg(
        long,
        env = "CHASSIS_ENROLMENT",
        default_value = "/var/lib/chassis-host/enrolment.json",
        value_name = "FILE"
    )]
    enrolment: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Bank {
    Sha256,
    Sha384,
}

impl EnrollArgs {
    pub(crate) async fn run(self, output: &Output) -> Result<ExitCode, Error> {
        let enroller = Enroller {
            tcti: self.tcti,
            bank: self.bank.into(),
            registrar: self.registrar,
            ek_certificate: self.ek_certificate,
            ek_intermediates: CertificatePool::read(&self.ek_intermediates)?,
        };
        let enrolment = enrol(&enroller).await?;
        enrolment.write(&self.enrolment)?;
        let key = alloy_primitives::hex::encode(AkName::of(&enrolment.ak_public).0);
        let not_after = enrolment.not_after()?;
        output.result(
            &format!("key {key} is enrolled until {not_after} (Unix time)"),
            &json!({"akName": key, "notAfter": not_after, "enrolment": self.enrolment}),
        );
        Ok(ExitCode::SUCCESS)
    }
}

impl From<Bank> for HashAlg {
    fn from(bank: Bank) -> Self {
        match bank {
            Bank::Sha256 => Self::Sha256,
            Bank::Sha384 => Self::Sha384,
        }
    }
}
