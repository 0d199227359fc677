//! Where values come from: the environment over the file over the defaults.
//!
//! `CHASSIS_LIMITS__CONNECTIONS=64` is `connections` in `[limits]`; `CHASSIS_LISTEN` is `listen`.

use std::{collections::BTreeMap, path::Path};

use serde::Deserialize;
use toml::{Table, Value};

use super::{ConfigFile, TEMPLATE, paths::anchor};

const PREFIX: &str = "CHASSIS_";
const BETWEEN_KEYS: &str = "__";

/// A key's place, as `["limits", "connections"]`.
pub(super) type KeyPath = Vec<String>;

/// What file and environment say together.
#[derive(Debug)]
pub(super) struct Layers {
    /// Both, merged.
    pub(super) merged: Table,
    /// Which variable gave a value, by its key's place.
    pub(super) variables: BTreeMap<KeyPath, String>,
    /// What the file alone says.
    pub(super) file: Table,
}

impl Layers {
    /// Lays `variables` over `text`, which stands in a file in `folder`.
    ///
    /// # Errors
    /// If the text is no TOML.
    pub(super) fn read(
        text: &str,
        folder: &Path,
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, String> {
        let mut file: Table = toml::from_str(text).map_err(|error| error.to_string())?;
        anchor(&mut file, folder);
        let mut layers = Self {
            merged: file.clone(),
            variables: BTreeMap::new(),
            file,
        };
        let known = reference();
        for (name, value) in variables {
            let Some(path) = path_of(&name, &known) else {
                continue;
            };
            set(&mut layers.merged, &path, parse(&value, &path));
            layers.variables.insert(path, name);
        }
        Ok(layers)
    }

    /// Every value of the wrong form, every key that nobody knows, and every one that is missing; or the file.
    ///
    /// # Errors
    /// With all of them, each with its key's place.
    pub(super) fn decode(&self) -> Result<ConfigFile, Vec<String>> {
        let whole = match ConfigFile::deserialize(Value::Table(self.merged.clone())) {
            Ok(file) => return Ok(file),
            Err(error) => one_line(&error.to_string()),
        };
        // Each key alone is put into a configuration that is right, so that none hides another.
        let reference = reference();
        let mut mistakes = Vec::new();
        for (path, value) in leaves(&self.merged) {
            let mut probe = reference.clone();
            set(&mut probe, &path, value.clone());
            if let Err(error) = ConfigFile::deserialize(Value::Table(probe)) {
                let from = self.variables.get(&path);
                let from = from.map_or_else(String::new, |name| format!(" (from {name})"));
                mistakes.push(format!(
                    "{}{from}: {}",
                    path.join("."),
                    one_line(&error.to_string())
                ));
            }
        }
        for (path, _) in leaves(&reference) {
            let mut probe = reference.clone();
            remove(&mut probe, &path);
            let needed = ConfigFile::deserialize(Value::Table(probe)).is_err();
            if needed && get(&self.merged, &path).is_none() {
                mistakes.push(format!(
                    "{}: missing; `chassis config init` prints an example",
                    path.join(".")
                ));
            }
        }
        // Of what is no key, as an unknown section without any.
        if mistakes.is_empty() {
            mistakes.push(whole);
        }
        Err(mistakes)
    }
}

/// A configuration that is right: the template.
fn reference() -> Table {
    // Ours, and a test reads it.
    toml::from_str(TEMPLATE).unwrap_or_default()
}

/// The place that a variable names. Variables of other programs' have the prefix too, so one without `__` counts only
/// if the template has its key.
fn path_of(variable: &str, known: &Table) -> Option<KeyPath> {
    let path: KeyPath = variable
        .strip_prefix(PREFIX)?
        .split(BETWEEN_KEYS)
        .map(str::to_lowercase)
        .collect();
    let is_ours = match path.as_slice() {
        [key] => known.get(key).is_some_and(|value| !value.is_table()),
        _ => true,
    };
    is_ours.then_some(path)
}

/// TOML where it is TOML (`64`, `true`, `["a"]`), else text. What the template has as text is text.
fn parse(text: &str, path: &KeyPath) -> Value {
    if get(&reference(), path).is_some_and(Value::is_str) {
        return Value::String(text.to_owned());
    }
    let document: Result<Table, _> = toml::from_str(&format!("value = {text}"));
    document
        .ok()
        .and_then(|mut table| table.remove("value"))
        .unwrap_or_else(|| Value::String(text.to_owned()))
}

/// All values that are no tables, with their places.
pub(super) fn leaves(table: &Table) -> Vec<(KeyPath, &Value)> {
    let mut found = Vec::new();
    for (key, value) in table {
        match value {
            Value::Table(inner) => found.extend(leaves(inner).into_iter().map(|(mut path, value)| {
                path.insert(0, key.clone());
                (path, value)
            })),
            _ => found.push((vec![key.clone()], value)),
        }
    }
    found
}

pub(super) fn get<'a>(table: &'a Table, path: &[String]) -> Option<&'a Value> {
    let (key, rest) = path.split_first()?;
    let value = table.get(key)?;
    if rest.is_empty() {
        return Some(value);
    }
    get(value.as_table()?, rest)
}

pub(super) fn set(table: &mut Table, path: &[String], value: Value) {
    let Some((key, rest)) = path.split_first() else {
        return;
    };
    if rest.is_empty() {
        table.insert(key.clone(), value);
        return;
    }
    let inner = table
        .entry(key.clone())
        .or_insert_with(|| Value::Table(Table::new()));
    if !inner.is_table() {
        *inner = Value::Table(Table::new());
    }
    if let Value::Table(inner) = inner {
        set(inner, rest, value);
    }
}

fn remove(table: &mut Table, path: &[String]) {
    match path {
        [] => {}
        [key] => {
            table.remove(key);
        }
        [key, rest @ ..] => {
            if let Some(Value::Table(inner)) = table.get_mut(key) {
                remove(inner, rest);
            }
        }
    }
}

fn one_line(text: &str) -> String {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("in `"))
        .collect::<Vec<_>>()
        .join(" ")
}
