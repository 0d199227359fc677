//! What a part of a bundle turns out to be.

use serde::Serialize;

use super::super::{
    ak_cert::AkCertView, ak_public::AkPublic, alliance_token::AllianceTokenView, certificate::Certificate,
    hcl_report::HclReportView, log::Decoded, poe::PoeView, quote::QuoteView, registrar::RegistrarView,
    tpm_attest::TpmAttestView,
};
use crate::render::{Cell, Mark};

/// Its content, by what it is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Content {
    /// It cannot be read: why.
    Problem(String),
    Quote(Box<QuoteView>),
    HclReport(Box<HclReportView>),
    Log(Box<Decoded>),
    Ima(Ima),
    AkPublic(Box<AkPublic>),
    TpmQuote(Box<TpmAttestView>),
    TpmCertification(Box<TpmAttestView>),
    TpmSignature(TpmSignature),
    AkCertificate(Box<AkCertView>),
    Certificate(Box<Certificate>),
    RegistrarStatement(Box<RegistrarView>),
    Poe(Box<PoeView>),
    AllianceToken(Box<AllianceTokenView>),
}

/// IMA's list, of which only the length is shown.
#[derive(Debug, Serialize)]
pub(super) struct Ima {
    pub(super) records: usize,
}

/// A signature, of which only the scheme is shown.
#[derive(Debug, Serialize)]
pub(super) struct TpmSignature {
    pub(super) scheme: String,
}

impl Content {
    /// The most telling of it, for one field of a table.
    pub(super) fn gist(&self) -> Cell {
        match self {
            Self::Problem(problem) => Cell::marked(problem, Mark::Bad),
            Self::Quote(_) => "below".into(),
            Self::Log(log) => log.summary().into(),
            Self::HclReport(report) => report.summary().into(),
            Self::Ima(Ima { records }) => format!("{records} records").into(),
            Self::TpmSignature(TpmSignature { scheme }) => scheme.into(),
            Self::RegistrarStatement(statement) => statement.summary().into(),
            Self::Poe(poe) => poe.summary().into(),
            Self::AllianceToken(token) => token.summary().into(),
            Self::AkPublic(ak) => ak.summary().into(),
            Self::TpmQuote(attest) | Self::TpmCertification(attest) => attest.summary().into(),
            Self::AkCertificate(certificate) => certificate.summary().into(),
            Self::Certificate(certificate) => format!(
                "{}, {}, {}",
                certificate.subject(),
                certificate.key(),
                certificate.validity()
            )
            .into(),
        }
    }
}
