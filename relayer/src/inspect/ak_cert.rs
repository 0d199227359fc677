//! `chassis inspect ak-cert`: the certificate of an attestation key, and whether it is one.

use std::path::Path;

use chassis_verifier::ak::{AkCertificate, CertificateView, InstanceIdentity};
use serde::Serialize;

use super::{certificate::Certificate, input};
use crate::render::{Cell, Document, Mark, Refusal, View};

/// A decoded certificate.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AkCertView {
    kind: &'static str,
    /// Certificates in the file; the first is shown.
    certificates: usize,
    #[serde(flatten)]
    certificate: CertificateView,
    #[serde(flatten)]
    outline: Outline,
    /// Whether it can stand for an attestation key in a bundle, its issuer aside.
    usable_as_ak: bool,
    /// Why not.
    problems: Vec<String>,
}

/// What `CertificateView` leaves out.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Outline {
    key_kind: String,
    fingerprint: String,
    signature_algorithm: String,
}

pub(super) fn answer(file: &Path) -> Result<AkCertView, Refusal> {
    let certificates = input::certificates(&input::read(file, input::LIMIT)?)?;
    let first = certificates.first().map_or(&[][..], Vec::as_slice);
    AkCertView::decode(first, certificates.len())
}

impl AkCertView {
    pub(super) fn decode(der: &[u8], certificates: usize) -> Result<Self, Refusal> {
        // First, because its errors name the offset.
        let outline = Certificate::parse(der)?;
        let certificate = AkCertificate::parse(der)?;
        let problems = problems(&certificate);
        Ok(Self {
            kind: "ak-cert",
            certificates,
            certificate: certificate.view(),
            outline: Outline {
                key_kind: outline.key().to_owned(),
                fingerprint: outline.fingerprint().to_owned(),
                signature_algorithm: outline.signature_algorithm().to_owned(),
            },
            usable_as_ak: problems.is_empty(),
            problems,
        })
    }

    /// Whose it is, and whether it can be an AK's, in words.
    pub(super) fn summary(&self) -> String {
        let name = match &self.certificate.instance {
            Some(instance) => format!("{} in {}", instance.instance_name, instance.zone),
            None => self.certificate.subject.clone(),
        };
        match self.problems.as_slice() {
            [] => format!("{name}, {}", self.outline.key_kind),
            problems => format!("{name}, NOT usable as AK: {}", problems.join("; ")),
        }
    }

    fn rows(&self) -> Vec<(&'static str, Cell)> {
        let usage = self.certificate.key_usage.as_deref().unwrap_or("none");
        let instance_id = format!("{} (its name on chain)", self.certificate.instance_id);
        let view = &self.certificate;
        let key = view
            .key
            .as_ref()
            .map_or_else(|| self.outline.key_kind.clone(), ToString::to_string);
        vec![
            ("subject", named(&view.subject)),
            ("issuer", named(&view.issuer)),
            ("serial number", hex::encode(&view.serial).into()),
            ("valid from", crate::render::date(view.not_before).into()),
            ("valid until", crate::render::date(view.not_after).into()),
            ("key", key.into()),
            ("signed with", (&self.outline.signature_algorithm).into()),
            ("SHA-256", (&self.outline.fingerprint).into()),
            ("key usage", usage.into()),
            ("instance id", instance_id.into()),
        ]
    }
}

impl View for AkCertView {
    fn document(&self) -> Document {
        let mut document = Document::new().heading("Certificate");
        if self.certificates > 1 {
            document = document.line(format_args!("the first of {} in the file", self.certificates));
        }
        document = document
            .fields(self.rows())
            .heading("Instance (Google's extension)");
        document = match (&self.certificate.instance, &self.certificate.instance_problem) {
            (Some(instance), _) => document.fields(instance_rows(instance)),
            (None, Some(problem)) => document.line(format_args!("not readable: {problem}")),
            (None, None) => document.line("none"),
        };
        let usable = match self.problems.as_slice() {
            [] => vec![("usable as AK", Cell::marked("yes, if its issuer is", Mark::Good))],
            problems => problems
                .iter()
                .map(|problem| ("NOT usable as AK", Cell::marked(problem, Mark::Bad)))
                .collect(),
        };
        document
            .heading("Attestation key?")
            .fields(usable)
            .line("Not verified: who issued it is asked only against a policy's roots (`chassis verify`).")
    }
}

/// Everything that keeps it from being a good attestation key's, its issuer aside.
fn problems(certificate: &AkCertificate<'_>) -> Vec<String> {
    let mut problems = Vec::new();
    if let Err(error) = certificate.check_key_usage() {
        problems.push(error.to_string());
    }
    if certificate.public_key().is_none() {
        problems.push("its key is neither RSA nor on P-256: no TPM quotes with it".into());
    }
    match certificate.instance() {
        Ok(instance) if !instance.is_production() => {
            problems.push("its instance extension does not say that this is a production machine".into());
        }
        Ok(_) => {}
        Err(error) => problems.push(error.to_string()),
    }
    problems
}

fn instance_rows(instance: &InstanceIdentity) -> Vec<(&'static str, Cell)> {
    let mut rows = vec![
        ("zone", (&instance.zone).into()),
        (
            "project",
            format!("{} ({})", instance.project_id, instance.project_number).into(),
        ),
        (
            "instance",
            format!("{} ({})", instance.instance_name, instance.instance_id).into(),
        ),
    ];
    let Some(security) = &instance.security else {
        rows.push(("security", "not said".into()));
        return rows;
    };
    let flag = |set: bool| if set { "yes" } else { "no" };
    rows.extend([
        ("security version", security.version.into()),
        ("production", flag(security.is_production).into()),
        (
            "TPM data always encrypted",
            flag(security.tpm_data_always_encrypted).into(),
        ),
        (
            "suspend/resume disabled",
            flag(security.suspend_resume_always_disabled).into(),
        ),
        ("VMTD disabled", flag(security.vmtd_always_disabled).into()),
        ("always in YARN", flag(security.always_in_yarn).into()),
    ]);
    rows
}

fn named(name: &str) -> Cell {
    if name.is_empty() {
        "(empty)".into()
    } else {
        name.into()
    }
}
