//! Certificates that are missing between an attestation key and its provider's root, fetched by hand and once.
//!
//! Where they are stands in the certificate below, and evidence does not decide what a node connects to. So the operator names
//! the one host that may be asked, the provider's. What comes from there proves nothing by itself: relayers verify it up to a
//! root of their policy.

use reqwest::Url;
use x509_parser::{
    certificate::X509Certificate,
    extensions::{GeneralName, ParsedExtension},
    oid_registry::{OID_PKIX_ACCESS_DESCRIPTOR_CA_ISSUERS, Oid},
    prelude::FromDer,
};

use crate::{
    Error,
    certificates::{LONGEST_CHAIN, is_self_issued, issued},
    http,
};

/// The issuers of `leaf` (DER) from the lowest up, without the root, as `host` hands them out: `HOST` or `HOST:PORT`.
///
/// # Errors
/// If a certificate names another host, or what is there is not its issuer; if the leaf does not say where its issuer is, or no
/// root is above the longest chain that is read.
pub async fn fetch_issuers(leaf: Vec<u8>, host: &str) -> Result<Vec<Vec<u8>>, Error> {
    let client = http::client().map_err(|problem| Error::unusable("HTTP", problem))?;
    let mut chain = vec![leaf];
    while let Some(last) = chain.last()
        && let Some(address) = address_of_issuer(last)?
    {
        let url = allowed(&address, host)?;
        let name = http::origin(&url);
        let fetched = async {
            let answer = client.get(url).send().await.map_err(http::problem)?;
            let status = answer.status();
            let body = http::body(answer).await?;
            status
                .is_success()
                .then_some(body)
                .ok_or_else(|| format!("it answers HTTP {status}"))
        };
        let issuer = fetched.await.map_err(|problem| Error::unusable(&name, problem))?;
        if is_root_above(&issuer, last).map_err(|problem| Error::unusable(&name, problem))? {
            return Ok(chain.split_off(1));
        }
        if chain.len() == LONGEST_CHAIN {
            let problem = format!("it hands out one issuer after the other, {LONGEST_CHAIN} and no root");
            return Err(Error::unusable(name, problem));
        }
        chain.push(issuer);
    }
    if chain.len() == 1 {
        let problem = "it does not say where its issuer is; ask the provider for the certificates above it";
        return Err(Error::unusable("the attestation key's certificate", problem));
    }
    Ok(chain.split_off(1))
}

/// Where the issuer's certificate is, by the certificate's own word. `None`: it does not say.
fn address_of_issuer(der: &[u8]) -> Result<Option<String>, Error> {
    let (_, certificate) = X509Certificate::from_der(der)
        .map_err(|error| Error::unusable("the attestation key's certificate", error))?;
    if is_self_issued(&certificate) {
        return Ok(None);
    }
    let ca_issuers: Oid<'_> = OID_PKIX_ACCESS_DESCRIPTOR_CA_ISSUERS;
    let address = certificate.iter_extensions().find_map(|extension| {
        let ParsedExtension::AuthorityInfoAccess(access) = extension.parsed_extension() else {
            return None;
        };
        access
            .iter()
            .find_map(|description| match description.access_location {
                GeneralName::URI(uri) if description.access_method == ca_issuers => Some(uri.to_owned()),
                _ => None,
            })
    });
    Ok(address)
}

/// The address, if it is at `host` and nobody else's.
fn allowed(address: &str, host: &str) -> Result<Url, Error> {
    let what = || format!("the issuer's address `{}`", http::printable(address));
    let url = http::parse_url(address).map_err(|problem| Error::unusable(what(), problem))?;
    let named = match (url.host_str(), url.port()) {
        (Some(name), Some(port)) => format!("{name}:{port}"),
        (Some(name), None) => name.to_owned(),
        (None, _) => String::new(),
    };
    let is_plain = url.username().is_empty() && url.password().is_none();
    if named == host && is_plain {
        Ok(url)
    } else {
        Err(Error::unusable(
            what(),
            format!("only {host} may be asked; if that is the provider's host, name it with --host {named}"),
        ))
    }
}

/// Whether what was fetched is the root, which stays out of the chain. Else it is an intermediate above `below`.
fn is_root_above(fetched: &[u8], below: &[u8]) -> Result<bool, String> {
    let issuer = match X509Certificate::from_der(fetched) {
        Ok(([], issuer)) => issuer,
        Ok(_) => return Err("there are bytes after its certificate".into()),
        Err(error) => return Err(format!("it hands out no certificate in DER: {error}")),
    };
    let (_, below) = X509Certificate::from_der(below).map_err(|error| error.to_string())?;
    if issued(&issuer, &below) {
        Ok(is_self_issued(&issuer))
    } else {
        Err(format!(
            "it hands out a certificate of `{}`, which is not the issuer of `{}`",
            http::printable(&issuer.subject().to_string()),
            http::printable(&below.subject().to_string())
        ))
    }
}
