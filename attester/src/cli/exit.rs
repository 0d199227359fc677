//! Which exit code an error has; `Cli` documents them.

use chassis_attester::Error;

pub(crate) fn code(error: &Error) -> u8 {
    match error {
        Error::Rpc { .. } | Error::Relayer { .. } => 4,
        Error::Rejected { .. } => 5,
        Error::NotFinal { .. } => 6,
        Error::Key(_) => 7,
        Error::TpmOpen { .. }
        | Error::Tpm { .. }
        | Error::NoAttestationKey { .. }
        | Error::AttestationKeyDisagrees { .. }
        | Error::AttestationKeyChanged
        | Error::Unusable { .. }
        | Error::NoPcrBank { .. }
        | Error::PcrsMoved { .. }
        | Error::File { .. }
        | Error::Parse(_)
        | Error::NoTdQuote { .. }
        | Error::NotTdx { .. }
        | Error::Privileges(_)
        | Error::TdQuoteRaced { .. } => 3,
        _ => 1,
    }
}
