//! What is printed: results to standard output, everything else to standard error.

use std::{io::Write, process::ExitCode};

use alloy_primitives::hex;
use chassis_attester::{CheckReport, Error, Request, Status};
use chassis_verifier::{
    bundle::{Bundle, Tee},
    challenge::AkName,
};
use serde_json::{Value, json};

use super::exit;

/// For people, or for programs.
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    pub(crate) fn collecting(&self, request: &Request) {
        let anchor = request.anchor;
        self.say(&format!(
            "operator   {}\nanchor     block {} of chain {}, {}",
            request.operator, anchor.block_number, anchor.chain_id, anchor.block_hash
        ));
    }

    pub(crate) fn collected(&self, bundle: &Bundle) {
        let Tee::Tdx { quote, .. } = &bundle.evidence.tee;
        self.say(&format!("TD quote   {} bytes", quote.len()));
        match &bundle.evidence.tpm {
            Some(tpm) => self.say(&format!(
                "TPM quote  {} PCRs, key {}, {} certificate(s)",
                tpm.pcrs.len(),
                hex::encode(AkName::of(&tpm.ak_public).0),
                tpm.ak_certificates.len()
            )),
            None => self.say("TPM quote  left out: binding is at most `Quote`"),
        }
        self.say(&format!("bundle     {}", bundle.digest));
    }

    /// The result of a subcommand.
    pub(crate) fn result(&self, text: &str, json: &Value) {
        if self.json {
            print(json);
        } else {
            println!("{text}");
        }
    }

    pub(crate) fn status(&self, status: &Status) {
        if self.json {
            print(&json!(status));
            return;
        }
        match &status.transaction {
            Some(transaction) => self.say(&format!("{:<10} transaction {transaction}", status.state)),
            None => self.say(&status.state.to_string()),
        }
    }

    pub(crate) fn attested(&self, bundle: &Bundle) {
        if !self.json {
            println!("{} is attested", bundle.evidence.operator);
        }
    }

    pub(crate) fn error(&self, error: &Error) -> ExitCode {
        let code = exit::code(error);
        let checks = match error {
            Error::Rejected { checks, .. } => &checks[..],
            _ => &[],
        };
        if self.json {
            print(&json!({"error": error.to_string(), "exitCode": code, "checks": checks}));
        } else {
            eprintln!("error: {error}");
            for check in checks.iter().filter(|check| check.failed()) {
                let CheckReport { id, name, detail, .. } = check;
                eprintln!("  check {id} {name}: {detail}");
            }
        }
        ExitCode::from(code)
    }

    /// Progress, for people only.
    pub(crate) fn say(&self, text: &str) {
        if !self.json {
            eprintln!("{text}");
        }
    }
}

/// A reader that went away is no error of ours.
fn print(value: &Value) {
    let _ = writeln!(std::io::stdout(), "{value}");
}
