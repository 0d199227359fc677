//! Reads a policy and lists everything that is wrong with it.
//!
//! Deserialising stops at its first mistake. A person who edits a policy wants all of them, so where it stops, every key is
//! tried alone: put into a small good table of its section, where nothing but that key can fail.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;
use toml::{Table, Value, de::DeTable};

use super::{
    Alliance, HostStack, Mistake, Places, Platforms, PoeIssuer, Policy, Provider, TcbPolicy, Workload,
};

impl Policy {
    /// Reads a policy: TOML, as people write it, or JSON, as it is hashed, archived and served. What begins with `{` is JSON.
    ///
    /// # Errors
    /// Every mistake with its line, in the order of lines: keys that are unknown, missing or of the wrong type, and what
    /// cannot be meant. Text that is neither TOML nor JSON has only mistakes of grammar.
    pub fn read(text: &str) -> Result<Self, Vec<Mistake>> {
        let places = Places::of(text);
        let table = if is_json(text) {
            parse_json(text)?
        } else {
            parse(text, &places)?
        };
        let mut shape = Shape::default();
        shape.policy(table);
        let policy = match Self::deserialise(std::mem::take(&mut shape.repaired)) {
            Ok(policy) => policy,
            Err(problem) => {
                shape.mistakes.push(Mistake::new("", problem));
                return Err(located(shape.mistakes, &places));
            }
        };
        // What was put in for something unreadable is nobody's mistake.
        let mut meant = policy.mistakes();
        meant.retain(|mistake| !shape.guesses(&mistake.path));
        shape.mistakes.append(&mut meant);
        if shape.mistakes.is_empty() {
            return Ok(policy);
        }
        Err(located(shape.mistakes, &places))
    }
}

/// What is wrong with keys and types, and a table without these mistakes.
#[derive(Default)]
struct Shape {
    mistakes: Vec<Mistake>,
    /// Keys and sections that another value stands for, as `workload[2].rtmr1`.
    unreadable: BTreeSet<String>,
    repaired: Table,
}

impl Shape {
    fn policy(&mut self, mut table: Table) {
        self.one::<TcbPolicy>("tcb", "", &mut table);
        self.one::<Platforms>("platforms", "", &mut table);
        self.each::<Provider>("provider", PROVIDER, &mut table);
        self.each::<Workload>("workload", WORKLOAD, &mut table);
        self.each::<HostStack>("host", HOST, &mut table);
        self.each::<PoeIssuer>("poe_issuer", POE_ISSUER, &mut table);
        self.each::<Alliance>("alliance", ALLIANCE, &mut table);
        let top = self.keys::<Policy>("", POLICY, table);
        self.repaired.extend(top);
    }

    /// A section that is there once.
    fn one<T: DeserializeOwned>(&mut self, name: &str, good: &str, table: &mut Table) {
        match table.remove(name) {
            None => {}
            Some(Value::Table(section)) => {
                let section = self.keys::<T>(name, good, section);
                self.repaired.insert(name.to_owned(), Value::Table(section));
            }
            Some(other) => self.add(name, format!("a table is needed, this is {}", kind(&other))),
        }
    }

    /// A section that is there any number of times.
    fn each<T: DeserializeOwned>(&mut self, name: &str, good: &str, table: &mut Table) {
        let elements = match table.remove(name) {
            None => return,
            Some(Value::Array(elements)) => elements,
            Some(other) => {
                let problem = format!("`[[{name}]]` is needed, this is {}", kind(&other));
                return self.add(name, problem);
            }
        };
        let mut sections = Vec::with_capacity(elements.len());
        for (index, element) in elements.into_iter().enumerate() {
            let path = format!("{name}[{index}]");
            let section = if let Value::Table(section) = element {
                self.keys::<T>(&path, good, section)
            } else {
                self.add(&path, format!("a table is needed, this is {}", kind(&element)));
                parsed(good)
            };
            sections.push(Value::Table(section));
        }
        self.repaired.insert(name.to_owned(), Value::Array(sections));
    }

    /// The section's good keys, and `good`'s for those that are missing. `good` has the mandatory keys only.
    fn keys<T: DeserializeOwned>(&mut self, path: &str, good: &str, section: Table) -> Table {
        let good = parsed(good);
        for key in good.keys().filter(|key| !section.contains_key(*key)) {
            self.add(&join(path, key), "is missing");
        }
        let mut repaired = good.clone();
        let mut probe = good.clone();
        for (key, value) in section {
            probe.insert(key.clone(), value);
            let problem = T::deserialize(Value::Table(probe.clone())).err();
            let value = match good.get(&key) {
                Some(default) => probe.insert(key.clone(), default.clone()),
                None => probe.remove(&key),
            };
            let Some(value) = value else { continue };
            match problem {
                None => {
                    repaired.insert(key, value);
                }
                Some(problem) => {
                    let path = join(path, &key);
                    self.value::<T>(&path, &key, value, &probe, problem.message());
                }
            }
        }
        repaired
    }

    /// A value that is refused: where the key takes a list, by its elements, as far as one of them alone is refused.
    fn value<T: DeserializeOwned>(
        &mut self,
        path: &str,
        key: &str,
        value: Value,
        probe: &Table,
        problem: &str,
    ) {
        let refused = |elements: Vec<Value>| {
            let mut probe = probe.clone();
            probe.insert(key.to_owned(), Value::Array(elements));
            T::deserialize(Value::Table(probe)).err()
        };
        let known = self.mistakes.len();
        if let Value::Array(elements) = value
            && refused(Vec::new()).is_none()
        {
            for (index, element) in elements.into_iter().enumerate() {
                if let Some(problem) = refused(vec![element]) {
                    self.add(&format!("{path}[{index}]"), one_line(problem.message()));
                    self.unreadable.insert(path.to_owned());
                }
            }
        }
        if self.mistakes.len() == known {
            self.add(path, one_line(problem));
        }
    }

    fn add(&mut self, path: &str, problem: impl Into<String>) {
        self.mistakes.push(Mistake::new(path, problem));
        self.unreadable.insert(path.to_owned());
    }

    /// Whether a mistake at `path` may come from a value that was put in for an unreadable one.
    fn guesses(&self, path: &str) -> bool {
        let (section, key) = path.split_once('.').unwrap_or((path, ""));
        let decides = |(decider, decided): &(&str, &[&str])| {
            decided.contains(&key) && self.unreadable.contains(&join(section, decider))
        };
        let names_provider = section.starts_with("poe_issuer") && path.ends_with(".provider");
        let a_provider = |path: &String| path.starts_with("provider");
        self.unreadable.contains(path)
            || self.unreadable.contains(section)
            || DECIDING.iter().any(decides)
            || names_provider && self.unreadable.iter().any(a_provider)
    }
}

impl Policy {
    fn deserialise(table: Table) -> Result<Self, String> {
        serde::Deserialize::deserialize(Value::Table(table))
            .map_err(|error: toml::de::Error| one_line(error.message()))
    }
}

fn parse(text: &str, places: &Places<'_>) -> Result<Table, Vec<Mistake>> {
    let (_, errors) = DeTable::parse_recoverable(text);
    let mistake = |error: toml::de::Error| Mistake {
        line: error.span().map(|span| places.line(span.start)),
        ..Mistake::new("", one_line(error.message()))
    };
    if errors.is_empty() {
        return text.parse().map_err(|error| vec![mistake(error)]);
    }
    let mut mistakes: Vec<_> = errors.into_iter().map(mistake).collect();
    mistakes.sort_by_key(|mistake| mistake.line);
    Err(mistakes)
}

/// No TOML begins so.
pub(super) fn is_json(text: &str) -> bool {
    text.trim_start().starts_with('{')
}

/// The same table that TOML would have given. Refuses `null`, which TOML does not have, and keys that are there twice.
fn parse_json(text: &str) -> Result<Table, Vec<Mistake>> {
    match serde_json::from_str(text) {
        Ok(Value::Table(table)) => Ok(table),
        Ok(other) => Err(vec![Mistake::new(
            "",
            format!("a table is needed, this is {}", kind(&other)),
        )]),
        Err(error) => Err(vec![Mistake {
            line: Some(error.line()),
            ..Mistake::new("", one_line(&error.to_string()))
        }]),
    }
}

/// With their lines, in the order of these; what is nowhere in the file comes first.
fn located(mut mistakes: Vec<Mistake>, places: &Places<'_>) -> Vec<Mistake> {
    for mistake in &mut mistakes {
        mistake.line = places.place(&mistake.path).line();
    }
    mistakes.sort_by_key(|mistake| mistake.line);
    mistakes
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

/// One of the tables at the end of this file, which a test reads.
fn parsed(good: &str) -> Table {
    good.parse().unwrap_or_default()
}

fn kind(value: &Value) -> &'static str {
    value.type_str()
}

fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Keys that decide what is meant by others of their section, and by which.
const DECIDING: [(&str, &[&str]); 4] = [
    ("profile", &["roots", "registrars", "require_pzid", "revoked_aks"]),
    ("host_registry", &["ak_certificate_custody", "require_pzid"]),
    (
        "registrars",
        &[
            "roots",
            "ak_certificate_custody",
            "revoked_statements",
            "revoked_eks",
        ],
    ),
    ("bank", &["pcr17", "pcr18"]),
];

// The mandatory keys of each section, with values that no good policy has: what is put in for a missing name is nobody's
// twin.
const POLICY: &str = r#"version = 1
name = """#;
const PROVIDER: &str = r#"id = 0
name = "\u0000"
profile = "google-vtpm""#;
const WORKLOAD: &str = r#"name = "\u0000"
mrtd = []
rtmr0 = []
rtmr1 = []
rtmr2 = []
mrseam = []
xfam = []
td_attributes = []"#;
const HOST: &str = r#"name = "\u0000"
bank = "sha256"
pcr17 = []
pcr18 = []"#;
const POE_ISSUER: &str = r#"name = "\u0000"
provider = 0
roots = []
owners = []"#;
const ALLIANCE: &str = r#"name = "\u0000"
key = "0000000000000000000000000000000000000000000000000000000000000000""#;

#[cfg(test)]
mod tests;
