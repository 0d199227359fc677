//! The certificates between an attestation key and its provider's root.
//!
//! They are read from files the operator configured, never from an address inside a certificate: evidence does not
//! decide what a node connects to. [`fetch_issuers`](crate::fetch_issuers) writes such files.

use std::path::{Path, PathBuf};

use x509_parser::{certificate::X509Certificate, extensions::ParsedExtension, pem::Pem, prelude::FromDer};

use crate::Error;

/// Longer chains are loops or mistakes; providers use one or two intermediates.
pub(crate) const LONGEST_CHAIN: usize = 8;

/// CA certificates, in DER, from which chains are built.
#[derive(Clone, Debug, Default)]
pub struct CertificatePool(Vec<Vec<u8>>);

impl CertificatePool {
    /// Reads every certificate, PEM or DER, from `paths`: files, or folders of files.
    ///
    /// # Errors
    /// If a path cannot be read or holds something other than certificates.
    pub fn read(paths: &[PathBuf]) -> Result<Self, Error> {
        let mut pool = Self::default();
        for path in paths {
            if path.is_dir() {
                for file in files_of(path)? {
                    pool.read_file(&file)?;
                }
            } else {
                pool.read_file(path)?;
            }
        }
        Ok(pool)
    }

    /// `leaf`, then its issuers as far as the pool knows them, without the self-signed root.
    pub fn chain(&self, leaf: Vec<u8>) -> Vec<Vec<u8>> {
        let mut chain = vec![leaf];
        while chain.len() < LONGEST_CHAIN {
            let issuer = chain.last().and_then(|last| self.issuer_of(last));
            match issuer {
                Some(issuer) if !chain.contains(issuer) => chain.push(issuer.clone()),
                _ => break,
            }
        }
        chain
    }

    /// All of them, in DER.
    pub fn certificates(&self) -> &[Vec<u8>] {
        &self.0
    }

    fn issuer_of(&self, der: &[u8]) -> Option<&Vec<u8>> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        self.0.iter().find(|candidate| {
            X509Certificate::from_der(candidate)
                .is_ok_and(|(_, issuer)| !is_self_issued(&issuer) && issued(&issuer, &certificate))
        })
    }

    fn read_file(&mut self, path: &Path) -> Result<(), Error> {
        let bytes = std::fs::read(path).map_err(|source| Error::File {
            doing: "read",
            path: path.to_owned(),
            source,
            hint: "; --ak-intermediates takes certificate files, or folders of them",
        })?;
        let unusable = |problem: String| Error::unusable(path.display().to_string(), problem);
        let found = if bytes.starts_with(&[0x30]) {
            vec![bytes]
        } else {
            Pem::iter_from_buffer(&bytes)
                .map(|pem| pem.map(|pem| pem.contents))
                .collect::<Result<_, _>>()
                .map_err(|error| unusable(error.to_string()))?
        };
        if found.is_empty() {
            return Err(unusable("no certificate in it, neither PEM nor DER".to_owned()));
        }
        for der in found {
            match X509Certificate::from_der(&der) {
                Ok(([], _)) => self.0.push(der),
                Ok(_) => return Err(unusable("bytes after the certificate".to_owned())),
                Err(error) => return Err(unusable(error.to_string())),
            }
        }
        Ok(())
    }
}

/// Providers give many intermediates one name, so the key identifiers decide where both sides state them.
pub(crate) fn issued(issuer: &X509Certificate<'_>, certificate: &X509Certificate<'_>) -> bool {
    issuer.subject().as_raw() == certificate.issuer().as_raw()
        && match (subject_key_id(issuer), authority_key_id(certificate)) {
            (Some(subject), Some(authority)) => subject == authority,
            _ => true,
        }
}

pub(crate) fn is_self_issued(certificate: &X509Certificate<'_>) -> bool {
    certificate.subject().as_raw() == certificate.issuer().as_raw()
}

fn subject_key_id<'a>(certificate: &'a X509Certificate<'_>) -> Option<&'a [u8]> {
    certificate
        .iter_extensions()
        .find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0),
            _ => None,
        })
}

fn authority_key_id<'a>(certificate: &'a X509Certificate<'_>) -> Option<&'a [u8]> {
    certificate
        .iter_extensions()
        .find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::AuthorityKeyIdentifier(id) => id.key_identifier.as_ref().map(|id| id.0),
            _ => None,
        })
}

fn files_of(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let error = |source| Error::File {
        doing: "list",
        path: folder.to_owned(),
        source,
        hint: "",
    };
    let mut files = std::fs::read_dir(folder)
        .and_then(|entries| {
            entries
                .map(|entry| entry.map(|entry| entry.path()))
                .collect::<Result<Vec<_>, _>>()
        })
        .map_err(error)?;
    files.retain(|path| path.is_file());
    files.sort();
    Ok(files)
}
