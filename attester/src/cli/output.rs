//! What is printed: results to standard output, everything else to standard error.

use std::{io::Write, process::ExitCode};

use alloy_primitives::{Address, hex};
use chassis_attester::{CheckReport, Error, Request, Standing, Status, advice};
use chassis_program::date;
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

    pub(crate) fn status(&self, relayer: &str, status: &Status) {
        if self.json {
            let mut json = json!(status);
            json["relayer"] = json!(relayer);
            print(&json);
            return;
        }
        let Status {
            state,
            transaction,
            reason,
            ..
        } = status;
        let transaction = transaction.map_or(String::new(), |hash| format!(", transaction {hash}"));
        let reason = if reason.is_empty() {
            ""
        } else {
            &format!(": {reason}")
        };
        self.say(&format!("{state:<10} {relayer}{transaction}{reason}"));
    }

    /// A bundle is final on chain, by the registry's word.
    pub(crate) fn landed(&self, operator: Address, standing: &Standing) {
        let text = if standing.is_attested {
            format!("{operator} is attested until {}", date(standing.expiry))
        } else {
            format!(
                "{operator} is on chain until {}: binding {}, custody {}, TCB {}, status {}. That is less than isAttested asks for by default (2, 1, 1, active)",
                date(standing.expiry),
                standing.binding,
                standing.custody,
                standing.tcb,
                standing.status
            )
        };
        self.result(&text, &json!({"operator": operator, "onChain": standing}));
    }

    pub(crate) fn error(&self, error: &Error) -> ExitCode {
        let code = exit::code(error);
        let checks = match error {
            Error::Rejected { checks, .. } => &checks[..],
            _ => &[],
        };
        if self.json {
            let advice: serde_json::Map<_, _> = (checks.iter().filter(|check| check.failed()))
                .filter_map(|check| Some((check.id.to_string(), json!(advice(check.id)?))))
                .collect();
            print(&json!({"error": error.to_string(), "exitCode": code, "checks": checks, "advice": advice}));
        } else {
            eprintln!("error: {error}");
            for check in checks.iter().filter(|check| check.failed()) {
                let CheckReport { id, name, detail, .. } = check;
                eprintln!("  check {id} {name}: {detail}");
                let advice =
                    advice(*id).unwrap_or("this version does not know that check: update chassis-node");
                eprintln!("    → {advice}");
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
