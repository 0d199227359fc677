//! Which exit code an error has; `Cli` documents them.

use chassis_attester::Error;

pub(crate) fn code(error: &Error) -> u8 {
    match error {
        Error::Rpc { .. }
        | Error::Relayer { .. }
        | Error::Untrue { .. }
        | Error::Host { .. }
        | Error::Registrar { .. } => 4,
        Error::Rejected { .. } | Error::Down { .. } => 5,
        Error::NotFinal { .. } | Error::Pending { .. } | Error::Unchanged { .. } => 6,
        Error::Key(_) => 7,
        Error::NoRelayer | Error::Conflict(_) => 2,
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
        | Error::Hangs { .. }
        | Error::Privileges(_)
        | Error::MetadataService { .. }
        | Error::TdQuoteRaced { .. } => 3,
        _ => 1,
    }
}
