//! Paths in the file are relative to the file's folder, so that it means the same wherever the program is started.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::layers::{get, set};

const PATHS: [&[&str]; 6] = [
    &["policy"],
    &["data_dir"],
    &["key", "keystore"],
    &["key", "password_file"],
    &["endorsements", "record_dir"],
    &["endorsements", "replay_dir"],
];

/// Puts `folder` before every relative path.
pub(super) fn anchor(file: &mut Table, folder: &Path) {
    for path in PATHS {
        replace(file, path, |text| Some(below(folder, text)));
    }
    // These may be places that are no files.
    replace(file, &["archive", "url"], |text| {
        (!text.contains("://")).then(|| below(folder, text))
    });
    replace(file, &["store", "url"], |text| {
        let path = text.strip_prefix("sqlite:")?;
        let path = path.strip_prefix("//").unwrap_or(path);
        (!path.is_empty()).then(|| format!("sqlite:{}", below(folder, path)))
    });
}

/// What is of the wrong form, or not UTF-8 once joined, is left as it is.
fn replace(file: &mut Table, path: &[&str], change: impl FnOnce(&str) -> Option<String>) {
    let path: Vec<_> = path.iter().map(|key| (*key).to_owned()).collect();
    let changed = get(file, &path).and_then(Value::as_str).and_then(change);
    if let Some(changed) = changed {
        set(file, &path, Value::String(changed));
    }
}

fn below(folder: &Path, path: &str) -> String {
    let joined = folder.join(path);
    joined.to_str().map_or_else(|| path.to_owned(), str::to_owned)
}

/// Where a path below `folder` would be below `other`.
pub(super) fn below_another(path: &Path, folder: &Path, other: &Path) -> Option<PathBuf> {
    Some(other.join(path.strip_prefix(folder).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_paths_are_below_the_folder_and_all_else_stays() {
        let text = "policy = 'policy.toml'\ndata_dir = '/var/lib/chassis'\n[key]\nkeystore = 'keys/a.json'\n";
        for (store, archive, stores, archives) in [
            (
                "sqlite:a.db",
                "archive",
                "sqlite:/etc/chassis/a.db",
                "/etc/chassis/archive",
            ),
            ("sqlite:///b/a.db", "/a", "sqlite:/b/a.db", "/a"),
            (
                "postgres://db/chassis",
                "s3://bucket/a",
                "postgres://db/chassis",
                "s3://bucket/a",
            ),
            ("sqlite:", "", "sqlite:", "/etc/chassis/"),
        ] {
            let text = format!("{text}[store]\nurl = '{store}'\n[archive]\nurl = '{archive}'\n");
            let mut file: Table = toml::from_str(&text).unwrap();
            anchor(&mut file, Path::new("/etc/chassis"));
            let is = |path: &[&str]| {
                let path: Vec<_> = path.iter().map(|key| (*key).to_owned()).collect();
                get(&file, &path).and_then(Value::as_str).map(str::to_owned)
            };
            assert_eq!(is(&["policy"]).unwrap(), "/etc/chassis/policy.toml");
            assert_eq!(is(&["data_dir"]).unwrap(), "/var/lib/chassis");
            assert_eq!(is(&["key", "keystore"]).unwrap(), "/etc/chassis/keys/a.json");
            assert_eq!(is(&["key", "password_file"]), None);
            assert_eq!(is(&["store", "url"]).unwrap(), stores);
            assert_eq!(is(&["archive", "url"]).unwrap(), archives);
        }
    }
}
