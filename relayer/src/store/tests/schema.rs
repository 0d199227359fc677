//! What the schema may hold, and what it must refuse.

use std::{fs, path::Path};

/// `Any` reads text and integers. A `BOOLEAN` or a `BLOB` works on one database and fails on the other.
#[test]
fn migrations_declare_only_types_that_both_databases_and_any_share() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        for (number, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
            let code = line.split("--").next().unwrap().to_uppercase();
            for word in code.split(|c: char| !c.is_alphanumeric() && c != '_') {
                let bad = [
                    "BOOLEAN",
                    "BOOL",
                    "BLOB",
                    "BYTEA",
                    "INTEGER",
                    "INT",
                    "NUMERIC",
                    "REAL",
                    "AUTOINCREMENT",
                    "SERIAL",
                ];
                assert!(
                    !bad.contains(&word),
                    "{}:{}: {word}; use TEXT or BIGINT, a truth value is BIGINT CHECK (x IN (0, 1))",
                    path.display(),
                    number + 1
                );
            }
        }
    }
}
