//! What is in force, and who said so. No secret is in the configuration; credentials in URLs are masked all the same.

use std::path::Path;

use reqwest::Url;
use serde::Serialize;
use serde_json::Value;

use super::{layers, layers::KeyPath, layers::Layers, layers::get};
use crate::{
    Error,
    store::{StoreUrl, URL_VARIABLE},
};

/// Everything in force.
#[derive(Clone, Debug, Serialize)]
pub struct InForce {
    /// By key, in the file's order of sections.
    pub settings: Vec<Setting>,
}

/// One value in force.
#[derive(Clone, Debug, Serialize)]
pub struct Setting {
    /// Its key, as `limits.connections`.
    pub key: String,
    /// The value; `null`: not set.
    pub value: Value,
    /// Who said so.
    pub origin: Origin,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Origin {
    /// Nobody said anything.
    Default,
    /// The file.
    File,
    /// This environment variable.
    Environment(String),
}

impl InForce {
    /// Reads file and environment. Values need to be well formed, not right: who looks for a mistake wants to see them.
    ///
    /// # Errors
    /// With every value that is not.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let fail = |mistakes| Error::Config {
            path: path.to_owned(),
            mistakes,
        };
        let layers = layers(path).map_err(|error| fail(vec![error]))?;
        let mut shown = Self::of(&layers).map_err(fail)?;
        if let Ok(url) = std::env::var(URL_VARIABLE) {
            shown.store_is_at(&url);
        }
        Ok(shown)
    }

    /// The database's whole URL is in a variable of its own, because it may hold a password.
    fn store_is_at(&mut self, url: &str) {
        let without_password = StoreUrl::parse(url).map_or_else(
            |_| "*** (neither sqlite:PATH nor postgres://USER@HOST/DATABASE)".to_owned(),
            |url| url.to_string(),
        );
        for setting in &mut self.settings {
            if setting.key == "store.url" {
                setting.value = Value::String(without_password.clone());
                setting.origin = Origin::Environment(URL_VARIABLE.to_owned());
            }
        }
    }

    pub(super) fn of(layers: &Layers) -> Result<Self, Vec<String>> {
        let file = layers.decode()?;
        let value = serde_json::to_value(file).map_err(|error| vec![error.to_string()])?;
        let mut settings = Vec::new();
        collect(&value, &mut Vec::new(), layers, &mut settings);
        // A key without a section cannot come after one: show it as it would be written.
        settings.sort_by_key(|setting| setting.key.contains('.'));
        Ok(Self { settings })
    }
}

fn collect(value: &Value, path: &mut KeyPath, layers: &Layers, settings: &mut Vec<Setting>) {
    if let Value::Object(fields) = value {
        for (key, value) in fields {
            path.push(key.clone());
            collect(value, path, layers, settings);
            path.pop();
        }
        return;
    }
    let origin = match layers.variables.get(path) {
        Some(name) => Origin::Environment(name.clone()),
        None if get(&layers.file, path).is_some() => Origin::File,
        None => Origin::Default,
    };
    settings.push(Setting {
        key: path.join("."),
        value: masked(value),
        origin,
    });
}

fn masked(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(mask(text)),
        Value::Array(values) => values.iter().map(masked).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| (key.clone(), masked(value)))
            .collect(),
        other => other.clone(),
    }
}

/// A URL without what may be a credential: user, password, query, and long parts of the path, where providers of RPC
/// endpoints put their keys.
fn mask(text: &str) -> String {
    const LONGEST_SHOWN: usize = 19;
    let is_url = Url::parse(text).is_ok_and(|url| url.has_host());
    if !is_url {
        return text.to_owned();
    }
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    let (rest, query) = rest
        .split_once('?')
        .map_or((rest, ""), |(rest, _)| (rest, "?***"));
    let (authority, path) = rest.split_once('/').map_or((rest, None), |(a, p)| (a, Some(p)));
    let host = authority
        .rsplit_once('@')
        .map_or(authority.to_owned(), |(_, host)| format!("***@{host}"));
    let hide = |part: &str| {
        let is_long = part.len() > LONGEST_SHOWN && !part.contains('{');
        if is_long {
            "***".to_owned()
        } else {
            part.to_owned()
        }
    };
    let path = path.map_or_else(String::new, |path| {
        let parts: Vec<_> = path.split('/').map(hide).collect();
        format!("/{}", parts.join("/"))
    });
    format!("{scheme}://{host}{path}{query}")
}

#[cfg(test)]
mod tests {
    use super::{super::TEMPLATE, *};

    #[test]
    fn the_databases_url_of_the_environment_is_shown_without_its_password() {
        let layers = Layers::read(TEMPLATE, Path::new(""), std::iter::empty()).unwrap();
        for (url, shown) in [
            (
                "postgres://chassis:horse@db/chassis",
                "postgres://chassis@db/chassis",
            ),
            ("mysql://chassis:horse@db", "*** (neither"),
        ] {
            let mut all = InForce::of(&layers).unwrap();
            all.store_is_at(url);
            let setting = all
                .settings
                .iter()
                .find(|setting| setting.key == "store.url")
                .unwrap();
            assert!(
                setting.value.as_str().unwrap().starts_with(shown),
                "{}",
                setting.value
            );
            assert_eq!(setting.origin, Origin::Environment("CHASSIS_STORE_URL".into()));
            assert!(!serde_json::to_string(&all).unwrap().contains("horse"));
        }
    }

    #[test]
    fn credentials_in_urls_are_masked_and_the_rest_is_not() {
        for (url, shown) in [
            (
                "https://rpc.example/v3/0123456789abcdef0123",
                "https://rpc.example/v3/***",
            ),
            ("https://user:horse@rpc.example/", "https://***@rpc.example/"),
            ("postgres://chassis:horse@db/chassis", "postgres://***@db/chassis"),
            ("https://rpc.example/?key=horse", "https://rpc.example/?***"),
            (
                "https://pccs.example/collateral/{fmspc}",
                "https://pccs.example/collateral/{fmspc}",
            ),
            ("http://127.0.0.1:8545", "http://127.0.0.1:8545"),
            ("policy.toml", "policy.toml"),
        ] {
            assert_eq!(mask(url), shown);
        }
    }
}
