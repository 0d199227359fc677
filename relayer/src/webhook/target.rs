//! Where a message goes: the URL an operator gave, and the one address that was checked.

use std::net::{IpAddr, SocketAddr};

use reqwest::Url;

use super::{Settings, address::is_public};

/// Longest URL kept, bytes.
const URL_LIMIT: usize = 2048;

/// Reads the URL an operator gave.
///
/// # Errors
/// If it is no `https` URL, too long, or carries a password, which would go into logs.
pub fn read_url(text: &str, settings: &Settings) -> Result<Url, String> {
    if text.len() > URL_LIMIT {
        return Err(format!(
            "the URL has {} bytes, at most {URL_LIMIT} are kept",
            text.len()
        ));
    }
    let url: Url = text.parse().map_err(|error| format!("no URL: {error}"))?;
    let is_scheme = url.scheme() == "https" || (settings.danger_allow_loopback && url.scheme() == "http");
    if !is_scheme || !url.has_host() {
        return Err("an https URL is needed".into());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("the URL carries a user or password: use a secret path instead".into());
    }
    Ok(url)
}

/// The address to connect to, and no other: a name that answered well once may answer otherwise the next time.
///
/// # Errors
/// If there is none, or any is not public.
pub(super) async fn address_of(url: &Url, settings: &Settings) -> Result<SocketAddr, String> {
    let host = url.host_str().ok_or("the URL has no host")?;
    let port = url.port_or_known_default().ok_or("the URL has no port")?;
    let literal = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<IpAddr>();
    let addresses: Vec<_> = match literal {
        Ok(address) => vec![SocketAddr::new(address, port)],
        Err(_) => tokio::net::lookup_host((host, port))
            .await
            .map_err(|error| format!("{host}: {error}"))?
            .collect(),
    };
    let may =
        |address: IpAddr| is_public(address) || (settings.danger_allow_loopback && address.is_loopback());
    if let Some(refused) = addresses.iter().find(|address| !may(address.ip())) {
        return Err(format!("{} is no public address", refused.ip()));
    }
    addresses
        .first()
        .copied()
        .ok_or_else(|| format!("{host} has no address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lax() -> Settings {
        Settings {
            danger_allow_loopback: true,
            ..Settings::default()
        }
    }

    #[test]
    fn only_https_without_secrets_is_read() {
        read_url("https://hooks.example/a?b=c", &Settings::default()).unwrap();
        for wrong in [
            "http://hooks.example/",
            "ftp://hooks.example/",
            "file:///etc/passwd",
            "https://user:secret@hooks.example/",
            "data:text/plain,x",
            "hooks.example",
        ] {
            read_url(wrong, &Settings::default()).unwrap_err();
        }
        read_url(
            &format!("https://hooks.example/{}", "a".repeat(URL_LIMIT)),
            &lax(),
        )
        .unwrap_err();
        read_url("http://127.0.0.1:1/", &lax()).unwrap();
    }

    #[tokio::test]
    async fn no_spelling_of_an_inner_address_gets_through() {
        for inner in [
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f.0.0.1/",
            "https://0177.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[::ffff:a9fe:a9fe]/latest/meta-data",
            "https://169.254.169.254/",
            "https://localhost/",
            "https://[64:ff9b::127.0.0.1]/",
        ] {
            let url = read_url(inner, &Settings::default()).unwrap();
            let refusal = address_of(&url, &Settings::default()).await.unwrap_err();
            assert!(refusal.contains("no public address"), "{inner}: {refusal}");
        }
        let url = read_url("https://1.1.1.1:8443/", &Settings::default()).unwrap();
        assert_eq!(
            address_of(&url, &Settings::default()).await.unwrap(),
            "1.1.1.1:8443".parse().unwrap()
        );
        // The switch for tests opens loopback and nothing else.
        let url = read_url("https://10.0.0.1/", &lax()).unwrap();
        address_of(&url, &lax()).await.unwrap_err();
        let url = read_url("https://127.0.0.1/", &lax()).unwrap();
        address_of(&url, &lax()).await.unwrap();
    }
}
